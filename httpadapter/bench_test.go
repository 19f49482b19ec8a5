package httpadapter_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/parley-go/parley/conversation"
	"github.com/parley-go/parley/httpadapter"
)

var benchCaller = conversation.Caller{Tenant: "acme", User: "alice", Permissions: conversation.PermReadWrite}

// quiet is a site without a log, as bare as the handlers it is compared with.
func quiet(b *testing.B) *site {
	b.Helper()
	return setup(b, func(o *httpadapter.Options, c *conversation.Config) {
		o.Logger, o.AccessLog, c.Logger = nil, nil, nil
		o.MaxStreamsPerUser = 100_000
	})
}

// fetch asks over a kept connection, reads the answer, and says how long it took.
func fetch(b *testing.B, c *http.Client, method, url string, body []byte) (time.Duration, []byte) {
	b.Helper()
	began := time.Now()
	r, err := http.NewRequestWithContext(b.Context(), method, url, bytes.NewReader(body))
	require.NoError(b, err)
	r.Header.Set("Authorization", "Bearer acme.alice")
	r.Header.Set("Content-Type", "application/json")
	res, err := c.Do(r)
	require.NoError(b, err)
	raw, err := io.ReadAll(res.Body)
	require.NoError(b, err)
	require.NoError(b, res.Body.Close())
	took := time.Since(began)
	require.Less(b, res.StatusCode, 300, "%s", raw)
	return took, raw
}

func median(d []time.Duration) time.Duration {
	slices.Sort(d)
	return d[len(d)/2]
}

// BenchmarkOverhead compares a request with the sum of its two floors, measured
// in turn: the engine call, and bare net/http that takes and sends the same
// bytes. What is above them is the adapter: routing, authentication, decoding
// and encoding. All are medians.
func BenchmarkOverhead(b *testing.B) {
	s := quiet(b)
	alice := s.as("acme.alice")
	id := alice.create(object{"name": "Bench", "defaults": object{"system_prompt": strings.Repeat("prompt ", 50), "model": "m"}})
	conv := uuid.MustParse(id)
	for range 25 {
		alice.do("POST", "/conversations/"+id+"/messages", object{"content": "say " + strings.Repeat("text ", 40)}).ok(200)
	}
	for range 24 {
		alice.create(object{"name": "Other"})
	}
	ctx := b.Context()
	for _, tt := range []struct {
		name, method, path string
		body               string
		call               func() error
	}{
		{"get", "GET", "/conversations/" + id, "", func() error {
			_, err := s.engine.Get(ctx, benchCaller, conv, "")
			return err
		}},
		{"messages", "GET", "/conversations/" + id + "/messages?limit=50", "", func() error {
			_, err := s.engine.Messages(ctx, benchCaller, conv, conversation.MessageQuery{Limit: 50})
			return err
		}},
		{"list", "GET", "/conversations?limit=25", "", func() error {
			_, err := s.engine.List(ctx, benchCaller, conversation.Query{Limit: 25})
			return err
		}},
		{"create", "POST", "/conversations", `{"name": "Bench", "defaults": {"model": "m", "temperature": 0.5}, "metadata": {"a": 1}}`, func() error {
			t := 0.5
			_, err := s.engine.Create(ctx, benchCaller, conversation.CreateParams{Title: "Bench", Metadata: json.RawMessage(`{"a": 1}`),
				Defaults: conversation.Defaults{Settings: conversation.Settings{Model: "m", Temperature: &t}}})
			return err
		}},
	} {
		b.Run(tt.name, func(b *testing.B) {
			_, answer := fetch(b, s.server.Client(), tt.method, s.server.URL+tt.path, []byte(tt.body))
			floor := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				_, _ = io.Copy(io.Discard, r.Body)
				w.Header().Set("Content-Type", "application/json")
				_, _ = w.Write(answer)
			}))
			defer floor.Close()
			var adapter, bare, engine []time.Duration
			for b.Loop() {
				took, _ := fetch(b, s.server.Client(), tt.method, s.server.URL+tt.path, []byte(tt.body))
				adapter = append(adapter, took)
				took, _ = fetch(b, floor.Client(), tt.method, floor.URL+tt.path, []byte(tt.body))
				bare = append(bare, took)
				began := time.Now()
				require.NoError(b, tt.call())
				engine = append(engine, time.Since(began))
			}
			us := func(d time.Duration) float64 { return float64(d) / 1e3 }
			a, f, e := median(adapter), median(bare), median(engine)
			b.ReportMetric(us(a), "adapter-us")
			b.ReportMetric(us(f), "bare-us")
			b.ReportMetric(us(e), "engine-us")
			b.ReportMetric(us(a-f-e), "overhead-us")
		})
	}
}

// BenchmarkMessagePage encodes a page of 50 messages beside its floor, which is
// copying as many bytes, and beside encoding/json, which scans every part.
func BenchmarkMessagePage(b *testing.B) {
	content, err := conversation.NewContent(conversation.Text(strings.Repeat("Some text of an answer. ", 40)))
	require.NoError(b, err)
	page := &conversation.MessagePage{Version: 50}
	for i := range 50 {
		page.Messages = append(page.Messages, conversation.Message{ID: uuid.New(), ConversationID: uuid.New(), Seq: int64(i + 1),
			Role: conversation.RoleAssistant, Content: content, RunID: uuid.New(), CreatedAt: time.Now()})
	}
	encoded, err := httpadapter.EncodeMessagePage(page)
	require.NoError(b, err)
	b.Run("adapter", func(b *testing.B) {
		b.SetBytes(int64(len(encoded)))
		b.ReportAllocs()
		for b.Loop() {
			_, _ = httpadapter.EncodeMessagePage(page)
		}
	})
	b.Run("copy", func(b *testing.B) {
		b.SetBytes(int64(len(encoded)))
		b.ReportAllocs()
		for b.Loop() {
			_ = bytes.Clone(encoded)
		}
	})
	b.Run("encoding_json", func(b *testing.B) {
		b.SetBytes(int64(len(encoded)))
		b.ReportAllocs()
		for b.Loop() {
			_, _ = json.Marshal(page.Messages)
		}
	})
}

// BenchmarkForeignAndMissing compares, in turn, the medians of asking for what
// is another user's, another tenant's, and nobody's (rule A2).
func BenchmarkForeignAndMissing(b *testing.B) {
	s := quiet(b)
	owner := s.as("acme.bob")
	for range 500 {
		owner.create(object{"name": "Theirs"})
	}
	foreign := owner.create(nil)
	other := s.as("other.bob").create(nil)
	took := make(map[string][]time.Duration)
	for b.Loop() {
		for kind, id := range map[string]string{"user": foreign, "tenant": other, "missing": uuid.NewString()} {
			began := time.Now()
			r := httptest.NewRequestWithContext(b.Context(), "GET", "/conversations/"+id, nil)
			r.Header.Set("Authorization", "Bearer acme.alice")
			w := httptest.NewRecorder()
			s.handler.ServeHTTP(w, r)
			took[kind] = append(took[kind], time.Since(began))
			require.Equal(b, 404, w.Code)
		}
	}
	missing := float64(median(took["missing"]))
	b.ReportMetric(missing/1e3, "missing-us")
	b.ReportMetric(float64(median(took["user"]))/missing, "user/missing")
	b.ReportMetric(float64(median(took["tenant"]))/missing, "tenant/missing")
}
