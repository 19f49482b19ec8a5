package httpadapter_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/parley-go/parley/conversation"
	"github.com/parley-go/parley/httpadapter"
	"github.com/parley-go/parley/httpadapter/internal/transcript"
	"github.com/parley-go/parley/memstore"
	"github.com/parley-go/parley/store"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// site is an engine behind a handler behind a real socket.
type site struct {
	t       testing.TB
	engine  *conversation.Engine
	handler *httpadapter.Handler
	server  *httptest.Server
	script  *transcript.Script
	log     *logBuffer
}

// setup starts a site. What is given changes its options.
func setup(t testing.TB, change ...func(*httpadapter.Options, *conversation.Config)) *site {
	t.Helper()
	return setupOn(t, memstore.New(nil), change...)
}

// setupOn starts a site on a store.
func setupOn(t testing.TB, on store.Store, change ...func(*httpadapter.Options, *conversation.Config)) *site {
	t.Helper()
	s := &site{t: t, script: transcript.NewScript(), log: &logBuffer{}}
	logger := slog.New(slog.NewTextHandler(s.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	opts := &httpadapter.Options{Authenticate: transcript.Authenticate, Logger: logger, AccessLog: logger}
	cfg := &conversation.Config{Logger: logger}
	for _, c := range change {
		c(opts, cfg)
	}
	var err error
	s.engine, err = conversation.New(on, s.script, cfg)
	require.NoError(t, err)
	require.NoError(t, s.engine.Start(context.Background()))
	s.handler, err = httpadapter.New(s.engine, opts)
	require.NoError(t, err)
	s.server = httptest.NewServer(s.handler)
	t.Cleanup(func() {
		ctx, cancel := context.WithCancel(context.Background())
		cancel() // nothing that a test left running is waited for
		require.NoError(t, s.engine.Shutdown(ctx))
		s.server.Close()
	})
	return s
}

// logBuffer gathers log lines.
type logBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *logBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *logBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

type object = map[string]any

// client asks a site as somebody.
type client struct {
	*site
	token string
}

func (s *site) as(token string) *client { return &client{s, token} }

// reply is an answer, read to its end.
type reply struct {
	t      testing.TB
	status int
	header http.Header
	body   []byte
}

// do asks and reads the answer. Options change the request.
func (c *client) do(method, path string, body any, change ...func(*http.Request)) *reply {
	c.t.Helper()
	res := c.send(method, path, body, change...)
	defer res.Body.Close()
	raw, err := io.ReadAll(res.Body)
	require.NoError(c.t, err)
	return &reply{c.t, res.StatusCode, res.Header, raw}
}

// send asks and leaves the answer open.
func (c *client) send(method, path string, body any, change ...func(*http.Request)) *http.Response {
	c.t.Helper()
	var reader io.Reader
	switch b := body.(type) {
	case nil:
	case string:
		reader = strings.NewReader(b)
	default:
		raw, err := json.Marshal(b)
		require.NoError(c.t, err)
		reader = bytes.NewReader(raw)
	}
	r, err := http.NewRequestWithContext(c.t.Context(), method, c.server.URL+path, reader)
	require.NoError(c.t, err)
	if c.token != "" {
		r.Header.Set("Authorization", "Bearer "+c.token)
	}
	if body != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	for _, f := range change {
		f(r)
	}
	res, err := c.server.Client().Do(r)
	require.NoError(c.t, err)
	return res
}

func header(name, value string) func(*http.Request) {
	return func(r *http.Request) { r.Header.Set(name, value) }
}

// ok expects a status and returns the body as an object.
func (r *reply) ok(status int) object {
	r.t.Helper()
	require.Equal(r.t, status, r.status, "%s", r.body)
	var o object
	require.NoError(r.t, json.Unmarshal(r.body, &o), "%s", r.body)
	return o
}

// problem expects a problem and returns it.
func (r *reply) problem(status int, code string) object {
	r.t.Helper()
	o := r.ok(status)
	require.Equal(r.t, "application/problem+json", r.header.Get("Content-Type"))
	require.Equal(r.t, code, o["code"], "%s", r.body)
	require.InDelta(r.t, status, o["status"], 0)
	return o
}

// create makes a conversation and returns its id.
func (c *client) create(body object) string {
	c.t.Helper()
	if body == nil {
		body = object{}
	}
	id, ok := c.do("POST", "/conversations", body).ok(201)["id"].(string)
	require.True(c.t, ok)
	return id
}

// start starts a turn and returns the id of its run.
func (c *client) start(id string, body object) string {
	c.t.Helper()
	run, ok := c.do("POST", "/conversations/"+id+"/runs", body).ok(202)["id"].(string)
	require.True(c.t, ok)
	return run
}

// await polls a run until it has a status.
func (c *client) await(run, status string) object {
	c.t.Helper()
	var o object
	require.Eventually(c.t, func() bool {
		o = c.do("GET", "/runs/"+run, nil).ok(200)
		return o["status"] == status
	}, 10*time.Second, 5*time.Millisecond, "run stays %v", o["status"])
	return o
}
