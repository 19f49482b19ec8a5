package httpadapter_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/parley-go/parley/conversation"
	"github.com/parley-go/parley/httpadapter"
	"github.com/parley-go/parley/httpadapter/internal/transcript"
	"github.com/parley-go/parley/memstore"
	"github.com/parley-go/parley/store"
)

// faulty is a store that fails, or loses its answers, when it is told to.
type faulty struct {
	store.Store
	fails atomic.Pointer[error]
	loses atomic.Bool
}

func (f *faulty) GetConversation(ctx context.Context, s store.Scope, id uuid.UUID) (*store.Conversation, error) {
	if err := f.fails.Load(); err != nil {
		return nil, *err
	}
	return f.Store.GetConversation(ctx, s, id)
}

func (f *faulty) StartRun(ctx context.Context, r *store.StartRun) (*store.StartResult, error) {
	res, err := f.Store.StartRun(ctx, r)
	if f.loses.Load() && err == nil {
		return nil, store.ErrOutcomeUnknown
	}
	return res, err
}

func setupFaulty(t *testing.T) (*faulty, *client) {
	t.Helper()
	f := &faulty{Store: memstore.New(nil)}
	s := setupOn(t, f)
	return f, s.as("acme.alice")
}

func TestV7_LostAnswerIsToldAndRepeated(t *testing.T) {
	t.Parallel()
	f, alice := setupFaulty(t)
	id := alice.create(nil)
	f.loses.Store(true)
	turn := object{"content": "say once", "client_op_id": "k"}
	r := alice.do("POST", "/conversations/"+id+"/runs", turn)
	r.problem(503, "outcome_unknown")
	require.Equal(t, "0", r.header.Get("Retry-After"))
	f.loses.Store(false)
	again := alice.do("POST", "/conversations/"+id+"/runs", turn)
	run := again.ok(200)
	require.Equal(t, "true", again.header.Get("Idempotent-Replay"))
	require.Equal(t, "k", run["client_op_id"])
	require.Len(t, alice.do("GET", "/conversations/"+id+"/runs", nil).ok(200)["data"], 1)
}

func TestUnknownErrorShowsNothingButItsLogID(t *testing.T) {
	t.Parallel()
	f, alice := setupFaulty(t)
	id := alice.create(nil)
	err := errors.New("dial tcp 10.0.0.7:5432: password of admin is hunter2")
	f.fails.Store(&err)
	r := alice.do("GET", "/conversations/"+id, nil)
	p := r.problem(500, "internal")
	require.Equal(t, object{"type": "urn:parley:problem:internal", "title": "Internal error", "status": 500.0, "code": "internal",
		"log_id": r.header.Get("Log-Id")}, p)
	require.Contains(t, alice.log.String(), "log_id="+r.header.Get("Log-Id"))
	require.Contains(t, alice.log.String(), "hunter2", "the log is where it belongs")

	err = fmt.Errorf("%w: connection refused", store.ErrUnavailable)
	f.fails.Store(&err)
	r = alice.do("GET", "/conversations/"+id, nil)
	require.NotContains(t, r.problem(503, "unavailable")["detail"], "refused")
	require.Equal(t, "1", r.header.Get("Retry-After"))
}

func TestPanicIsAnInternalError(t *testing.T) {
	t.Parallel()
	s := setup(t, func(o *httpadapter.Options, _ *conversation.Config) {
		o.Authenticate = func(r *http.Request) (conversation.Caller, error) {
			if r.Header.Get("Authorization") == "" {
				panic("no header, says CANARY")
			}
			return transcript.Authenticate(r)
		}
	})
	r := s.as("").do("GET", "/conversations", nil)
	r.problem(500, "internal")
	require.NotContains(t, string(r.body), "CANARY")
	require.Contains(t, s.log.String(), "CANARY")
	s.as("acme.alice").do("GET", "/conversations", nil).ok(200)
}

// A time-out of the host's during a wait is an unknown outcome: the run goes on,
// and the key finds it.
func TestR7_DeadlineOfAWait(t *testing.T) {
	t.Parallel()
	s := setup(t)
	alice := s.as("acme.alice")
	id := alice.create(nil)
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	r := httptest.NewRequestWithContext(ctx, "POST", "/conversations/"+id+"/messages", strings.NewReader(`{"content": "hold", "client_op_id": "k"}`))
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Authorization", "Bearer acme.alice")
	w := httptest.NewRecorder()
	s.handler.ServeHTTP(w, r)
	(&reply{t, w.Code, w.Header(), w.Body.Bytes()}).problem(503, "outcome_unknown")
	s.script.Gate(id) <- struct{}{}
	again := alice.do("POST", "/conversations/"+id+"/messages", object{"content": "hold", "client_op_id": "k"}).ok(200)
	require.Equal(t, "held gone", again["run"].(object)["final_text"])
}

func TestBodyBounds(t *testing.T) {
	t.Parallel()
	alice := setup(t, func(o *httpadapter.Options, _ *conversation.Config) { o.MaxBodyBytes = 1000 }).as("acme.alice")
	fits := `{"name": "x"` + strings.Repeat(" ", 1000-13) + `}`
	require.Len(t, fits, 1000)
	alice.do("POST", "/conversations", fits).ok(201)
	alice.do("POST", "/conversations", fits+" ").problem(413, "too_large")
	chunked := func(r *http.Request) { r.ContentLength = -1; r.Body = io.NopCloser(strings.NewReader(fits + " ")) }
	alice.do("POST", "/conversations", fits, chunked).problem(413, "too_large")
	many := `{` + strings.TrimSuffix(strings.Repeat(`"a`+`":1,`, 1), ",") + `}`
	alice.do("POST", "/conversations", many).problem(400, "invalid_request")
}

// A client that sends its body a byte at a time is given up, and so is one that
// never finishes its header, by the server as the documentation sets it up.
func TestSlowLoris(t *testing.T) {
	t.Parallel()
	s := setup(t, func(o *httpadapter.Options, _ *conversation.Config) { o.BodyTimeout = 100 * time.Millisecond })
	server := httptest.NewUnstartedServer(s.handler)
	server.Config.ReadHeaderTimeout = 100 * time.Millisecond
	server.Start()
	t.Cleanup(server.Close)
	dial := func(head string) net.Conn {
		var d net.Dialer
		conn, err := d.DialContext(t.Context(), "tcp", server.Listener.Addr().String())
		require.NoError(t, err)
		t.Cleanup(func() { _ = conn.Close() })
		_, err = io.WriteString(conn, head)
		require.NoError(t, err)
		require.NoError(t, conn.SetReadDeadline(time.Now().Add(10*time.Second)))
		return conn
	}
	body := dial("POST /conversations HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer acme.alice\r\n" +
		"Content-Type: application/json\r\nContent-Length: 100\r\n\r\n{")
	res, err := http.ReadResponse(bufio.NewReader(body), nil)
	require.NoError(t, err)
	defer res.Body.Close()
	require.Equal(t, 408, res.StatusCode)
	_, err = io.Copy(io.Discard, body)
	require.NoError(t, err, "the connection is closed")

	unread := dial("POST /conversations HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{")
	answer, err := io.ReadAll(unread)
	require.NoError(t, err, "the connection is closed")
	require.Contains(t, string(answer), "HTTP/1.1 401")

	head := dial("POST /conversations HTTP/1.1\r\nHost: x\r\nX-Slow: ")
	_, err = io.ReadAll(head)
	require.NoError(t, err, "the connection is closed")
}

// A body that breaks off is the client's fault, and nothing is done.
func TestBodyThatBreaksOff(t *testing.T) {
	t.Parallel()
	s := setup(t)
	var d net.Dialer
	conn, err := d.DialContext(t.Context(), "tcp", s.server.Listener.Addr().String())
	require.NoError(t, err)
	t.Cleanup(func() { _ = conn.Close() })
	_, err = io.WriteString(conn, "POST /conversations HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer acme.alice\r\n"+
		"Content-Type: application/json\r\nContent-Length: 100\r\n\r\n{}")
	require.NoError(t, err)
	tcp, ok := conn.(*net.TCPConn)
	require.True(t, ok)
	require.NoError(t, tcp.CloseWrite())
	_, err = io.ReadAll(conn)
	require.NoError(t, err)
	require.Empty(t, s.as("acme.alice").do("GET", "/conversations", nil).ok(200)["data"])
}
