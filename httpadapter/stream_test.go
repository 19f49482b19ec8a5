package httpadapter_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/parley-go/parley/conversation"
	"github.com/parley-go/parley/httpadapter"
	"github.com/parley-go/parley/memstore"
)

// words is what "count n" and "slowly n" say.
func words(n int) string {
	var b strings.Builder
	for i := range n {
		b.WriteString("w" + itoa(i+1) + " ")
	}
	return b.String()
}

// A reader that loses its connection again and again, and comes back with the
// last id it has, here or at another engine on the same store, puts exactly the
// text of the run together.
func TestS1_ResumeGivesTheExactText(t *testing.T) {
	t.Parallel()
	const n = 60
	shared := memstore.New(nil)
	here, there := setupOn(t, shared), setupOn(t, shared)
	alice := here.as("acme.alice")
	id := alice.create(nil)
	run := alice.start(id, object{"content": "slowly " + itoa(n)})
	done := make(chan struct{})
	go func() {
		defer close(done)
		for range n {
			select {
			case here.script.Gate(id) <- struct{}{}:
			case <-t.Context().Done():
				return
			}
		}
	}()
	text, last, ended := "", "", false
	for turn := 0; !ended; turn++ {
		client, how := alice, header("Last-Event-ID", last)
		if turn%2 == 1 {
			client = there.as("acme.alice")
		}
		path := "/runs/" + run + "/events"
		if turn%3 == 2 { // the query wins
			path, how = path+"?after="+last, header("Last-Event-ID", run+":1")
		}
		events := client.open("GET", path, nil, how)
		for range 7 {
			e := events.next()
			if e == nil {
				ended = true
				break
			}
			last = e.id
			switch e.name {
			case "run.restarted":
				text = ""
			case "text.delta":
				text += e.object(t)["delta"].(string)
			}
			ended = e.name == "run.completed"
		}
		require.NoError(t, events.res.Body.Close())
	}
	<-done
	require.Equal(t, words(n), text)
	require.Equal(t, text, alice.do("GET", "/runs/"+run, nil).ok(200)["final_text"])
}

// A host that ends a request, by a time-out of its own, has its reader told.
func TestHostEndsAStream(t *testing.T) {
	t.Parallel()
	s := setup(t)
	id := s.as("acme.alice").create(nil)
	other := s.behind(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), 200*time.Millisecond)
		defer cancel()
		s.handler.ServeHTTP(w, r.WithContext(ctx))
	}))
	events := other.as("acme.alice").open("GET", "/conversations/"+id+"/stream", nil)
	e, _ := events.until("stream.closed")
	require.Equal(t, "cancelled", e.object(t)["reason"])
	require.Nil(t, events.next())
}

// A client that leaves stops nothing.
func TestR7_LeavingStopsNothing(t *testing.T) {
	t.Parallel()
	s := setup(t)
	alice := s.as("acme.alice")
	id := alice.create(nil)
	ctx, leave := context.WithCancel(t.Context())
	events := alice.open("POST", "/conversations/"+id+"/stream", object{"content": "hold"}, func(r *http.Request) { *r = *r.WithContext(ctx) })
	e := events.next()
	require.Equal(t, "run.started", e.name)
	run, _, _ := strings.Cut(e.id, ":")
	leave()
	s.script.Gate(id) <- struct{}{}
	require.Equal(t, "held gone", alice.await(run, "completed")["final_text"])
}

func TestS4_FollowGoesOnOverRuns(t *testing.T) {
	t.Parallel()
	alice := setup(t).as("acme.alice")
	id := alice.create(nil)
	alice.do("POST", "/conversations/"+id+"/messages", object{"content": "say Before"}).ok(200)
	events := alice.open("GET", "/conversations/"+id+"/stream", nil)
	alice.start(id, object{"content": "say One"})
	first, text := events.until("run.completed")
	require.Equal(t, "One", text, "what was before is not shown")
	alice.do("PUT", "/conversations/"+id+"/title", object{"title": "New"}).ok(200)
	e := events.next()
	require.Equal(t, "title.updated", e.name)
	require.Empty(t, e.id, "it belongs to no run")
	require.Equal(t, "New", e.object(t)["title"])
	alice.start(id, object{"content": "say Two"})
	_, text = events.until("run.completed")
	require.Equal(t, "Two", text)

	resumed := alice.open("GET", "/conversations/"+id+"/stream?after="+first.id, nil)
	_, text = resumed.until("run.completed")
	require.Equal(t, "Two", text)

	alice.do("DELETE", "/conversations/"+id+"?purge=true", nil).ok(200)
	bye, _ := resumed.until("stream.closed")
	require.Equal(t, "not_found", bye.object(t)["reason"])
	require.Nil(t, resumed.next())
}

// Shutdown ends every open stream with an event that tells its reader to come
// back, and its id is still the last one it had.
func TestR9_ShutdownTellsReaders(t *testing.T) {
	t.Parallel()
	s := setup(t)
	alice := s.as("acme.alice")
	id := alice.create(nil)
	run := alice.start(id, object{"content": "hold"})
	readers := []*reader{
		alice.open("GET", "/runs/"+run+"/events", nil), alice.open("GET", "/conversations/"+id+"/stream?after="+run+":0", nil),
		alice.open("GET", "/runs/"+run+"/events?after=1", nil),
	}
	for _, r := range readers {
		_, text := r.until("text.delta")
		require.Equal(t, "held ", text)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	require.NoError(t, s.engine.Shutdown(ctx))
	for _, r := range readers {
		e, _ := r.until("stream.closed")
		require.Empty(t, e.id)
		require.Equal(t, "shutting_down", e.object(t)["reason"])
		require.Equal(t, run+":2", r.lastID)
		require.NotEmpty(t, r.retry)
		require.Nil(t, r.next())
	}
	alice.do("GET", "/runs/"+run+"/events", nil).ok2xx()
}

func (r *reply) ok2xx() {
	r.t.Helper()
	require.Equal(r.t, 2, r.status/100, "%s", r.body)
}

func TestHeartbeatFromTheStart(t *testing.T) {
	t.Parallel()
	s := setup(t, func(o *httpadapter.Options, _ *conversation.Config) { o.Heartbeat = 10 * time.Millisecond })
	alice := s.as("acme.alice")
	id := alice.create(nil)
	events := alice.open("GET", "/conversations/"+id+"/stream", nil)
	for range 5 { // one at once, the others by the clock
		line, err := events.lines.ReadString('\n')
		require.NoError(t, err)
		require.Equal(t, ":\n", line)
		line, err = events.lines.ReadString('\n')
		require.NoError(t, err)
		require.Equal(t, "\n", line)
	}
	alice.start(id, object{"content": "count 100"})
	_, text := events.until("run.completed")
	require.Equal(t, words(100), text, "comments and events do not mix")
}

func TestStreamBounds(t *testing.T) {
	t.Parallel()
	s := setup(t, func(o *httpadapter.Options, _ *conversation.Config) { o.MaxStreamsPerUser, o.MaxStreams = 2, 3 })
	alice, bob := s.as("acme.alice"), s.as("acme.bob")
	a, b := alice.create(nil), bob.create(nil)
	first := alice.open("GET", "/conversations/"+a+"/stream", nil)
	alice.open("GET", "/conversations/"+a+"/stream", nil)
	r := alice.do("POST", "/conversations/"+a+"/stream", object{"content": "say x"})
	r.problem(429, "overloaded")
	require.Equal(t, "5", r.header.Get("Retry-After"))
	require.Empty(t, alice.do("GET", "/conversations/"+a+"/runs", nil).ok(200)["data"], "nothing was started")
	bob.open("GET", "/conversations/"+b+"/stream", nil)
	bob.do("GET", "/conversations/"+b+"/stream", nil).problem(429, "overloaded")
	require.NoError(t, first.res.Body.Close())
	require.Eventually(t, func() bool {
		res := bob.send("GET", "/conversations/"+b+"/stream", nil)
		defer res.Body.Close()
		return res.StatusCode == 200
	}, 5*time.Second, 5*time.Millisecond, "a place is given back")
}

// wrapped is the writer of a middleware.
type wrapped struct{ http.ResponseWriter }

func (w wrapped) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// hidden is the writer of a middleware that should not be before a stream.
type hidden struct{ http.ResponseWriter }

func TestStreamsBehindMiddleware(t *testing.T) {
	t.Parallel()
	s := setup(t)
	alice := s.as("acme.alice")
	id := alice.create(nil)
	behind := func(wrap func(http.ResponseWriter) http.ResponseWriter) *client {
		h := http.StripPrefix("/some/where", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			s.handler.ServeHTTP(wrap(w), r)
		}))
		server := httptest.NewServer(h)
		t.Cleanup(server.Close)
		other := *s
		other.server = server
		return other.as("acme.alice")
	}
	c := behind(func(w http.ResponseWriter) http.ResponseWriter { return wrapped{wrapped{w}} })
	events := c.open("POST", "/some/where/conversations/"+id+"/stream", object{"content": "say Hello"})
	require.True(t, strings.HasPrefix(events.res.Header.Get("Location"), "/some/where/runs/"))
	_, text := events.until("run.completed")
	require.Equal(t, "Hello", text)

	c = behind(func(w http.ResponseWriter) http.ResponseWriter { return hidden{w} })
	c.do("POST", "/some/where/conversations/"+id+"/stream", object{"content": "say Hello"}).problem(500, "internal")
	require.Contains(t, s.log.String(), "cannot flush")
	require.Len(t, alice.do("GET", "/conversations/"+id+"/runs", nil).ok(200)["data"], 1, "nothing was started")

	r := httptest.NewRequestWithContext(t.Context(), "GET", "/conversations/"+id+"/stream", nil)
	r.Proto, r.ProtoMajor, r.ProtoMinor = "HTTP/1.0", 1, 0
	r.Header.Set("Authorization", "Bearer acme.alice")
	w := httptest.NewRecorder()
	s.handler.ServeHTTP(w, r)
	(&reply{t, w.Code, w.Header(), w.Body.Bytes()}).problem(400, "invalid_request")
}

// Time-outs of the server, and a write deadline shorter than the silence of a
// run, end no stream and no wait, with HTTP/2 as with HTTP/1.1.
func TestStreamsOutliveTimeouts(t *testing.T) {
	t.Parallel()
	for _, version := range []int{1, 2} {
		t.Run("HTTP/"+itoa(version), func(t *testing.T) {
			t.Parallel()
			s := setup(t, func(o *httpadapter.Options, _ *conversation.Config) { o.WriteTimeout = 500 * time.Millisecond })
			server := httptest.NewUnstartedServer(s.handler)
			server.Config.ReadTimeout = 500 * time.Millisecond
			server.Config.WriteTimeout = 500 * time.Millisecond
			server.EnableHTTP2 = version == 2
			server.StartTLS()
			t.Cleanup(server.Close)
			other := *s
			other.server = server
			alice := other.as("acme.alice")
			id := alice.create(nil)
			events := alice.open("POST", "/conversations/"+id+"/stream", object{"content": "hold"})
			require.Equal(t, version, events.res.ProtoMajor)
			_, text := events.until("text.delta")
			require.Equal(t, "held ", text)
			waited := make(chan *reply, 1)
			go func() {
				waited <- alice.do("POST", "/conversations/"+id+"/messages", object{"content": "say Late", "on_busy": "enqueue"})
			}()
			<-time.After(1200 * time.Millisecond)
			s.script.Gate(id) <- struct{}{}
			_, text = events.until("run.completed")
			require.Equal(t, "gone", text)
			require.Equal(t, "Late", (<-waited).ok(200)["run"].(object)["final_text"])
		})
	}
}
