package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

var discardLog = slog.New(slog.DiscardHandler)

// program is the built server.
var program string

func TestMain(m *testing.M) {
	os.Exit(func() int {
		dir, err := os.MkdirTemp("", "chat")
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		defer func() { _ = os.RemoveAll(dir) }()
		program = filepath.Join(dir, "chat")
		if out, err := exec.CommandContext(context.Background(), "go", "build", "-o", program, ".").CombinedOutput(); err != nil {
			fmt.Fprintf(os.Stderr, "go build: %v\n%s", err, out)
			return 1
		}
		return m.Run()
	}())
}

// server is a running program.
type server struct {
	t      *testing.T
	cmd    *exec.Cmd
	base   string // http://127.0.0.1:port
	said   string // what it said at the start, up to the curl lines
	log    *buffer
	ended  bool // by stop
	exited chan error
}

// buffer is what a process writes, to be read while it does.
type buffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

// start starts the program on a free port and waits until it listens. At the
// end of the test it is stopped, and must leave cleanly.
func start(t *testing.T, args ...string) *server {
	t.Helper()
	s := &server{t: t, log: &buffer{}, exited: make(chan error, 1)}
	s.cmd = exec.CommandContext(context.WithoutCancel(t.Context()), program, append([]string{"-addr", "127.0.0.1:0"}, args...)...)
	s.cmd.Stderr = s.log
	out, err := s.cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, s.cmd.Start())
	t.Cleanup(func() {
		if !s.ended {
			require.NoError(t, s.stop(syscall.SIGTERM), "%s", s.log)
		}
	})
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		s.said += lines.Text() + "\n"
		if strings.Contains(s.said, "/conversations\n") { // the last line
			break
		}
	}
	go func() {
		_, _ = io.Copy(io.Discard, out)
		s.exited <- s.cmd.Wait()
	}()
	_, rest, ok := strings.Cut(s.said, "Parley listens on ")
	require.True(t, ok, "said %q, logged %s", s.said, s.log)
	s.base, _, _ = strings.Cut(rest, " ")
	return s
}

// stop sends a signal and returns how the process ended.
func (s *server) stop(sig syscall.Signal) error {
	s.t.Helper()
	s.ended = true
	require.NoError(s.t, s.cmd.Process.Signal(sig))
	select {
	case err := <-s.exited:
		return err
	case <-time.After(time.Minute):
		_ = s.cmd.Process.Kill()
		return fmt.Errorf("it did not end: %w", <-s.exited)
	}
}

// client talks to a server as somebody.
type client struct {
	*server
	token string
}

func (s *server) as(token string) *client { return &client{s, token} }

func (c *client) do(method, path string, body any) *http.Response {
	c.t.Helper()
	var reader io.Reader
	if body != nil {
		encoded, err := json.Marshal(body)
		require.NoError(c.t, err)
		reader = bytes.NewReader(encoded)
	}
	r, err := http.NewRequestWithContext(c.t.Context(), method, c.base+path, reader)
	require.NoError(c.t, err)
	if c.token != "" {
		r.Header.Set("Authorization", "Bearer "+c.token)
	}
	if body != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	res, err := http.DefaultClient.Do(r)
	require.NoError(c.t, err)
	c.t.Cleanup(func() { _ = res.Body.Close() })
	return res
}

type object = map[string]any

// call sends a request and decodes the answer.
func (c *client) call(want int, method, path string, body any) object {
	c.t.Helper()
	res := c.do(method, path, body)
	raw, err := io.ReadAll(res.Body)
	require.NoError(c.t, err)
	require.Equal(c.t, want, res.StatusCode, "%s %s: %s", method, path, raw)
	var answer object
	require.NoError(c.t, json.Unmarshal(raw, &answer), "%s", raw)
	return answer
}

// create makes a conversation and returns its path.
func (c *client) create(body object) string {
	c.t.Helper()
	return "/conversations/" + c.call(http.StatusCreated, "POST", "/conversations", body)["id"].(string)
}

// run runs a turn to its end.
func (c *client) run(conversation string, turn object) object {
	c.t.Helper()
	return c.call(http.StatusOK, "POST", conversation+"/messages", turn)["run"].(object)
}

// event is a server-sent event.
type event struct {
	name, id string
	data     object
}

// events reads an event stream. The channel is closed at its end.
func (c *client) events(method, path string, body any) <-chan event {
	c.t.Helper()
	res := c.do(method, path, body)
	require.Equal(c.t, http.StatusOK, res.StatusCode)
	require.Equal(c.t, "text/event-stream", strings.Split(res.Header.Get("Content-Type"), ";")[0])
	out := make(chan event, 1024)
	go func() {
		defer close(out)
		lines := bufio.NewScanner(res.Body)
		lines.Buffer(nil, 4<<20)
		var e event
		for lines.Scan() {
			field, value, _ := strings.Cut(lines.Text(), ": ")
			switch field {
			case "event":
				e.name = value
			case "id":
				e.id = value
			case "data":
				if json.Unmarshal([]byte(value), &e.data) != nil {
					e.name = "garbled"
				}
			case "":
				if e.name != "" {
					out <- e
				}
				e = event{}
			}
		}
	}()
	return out
}

// next waits for an event with the name, and gathers the text on the way.
func next(t *testing.T, events <-chan event, name string) (e event, text string) {
	t.Helper()
	limit := time.After(time.Minute)
	for {
		select {
		case e, ok := <-events:
			require.True(t, ok, "the stream ended before %s, after %q", name, text)
			switch e.name {
			case "text.delta":
				text += e.data["delta"].(string)
			case "run.restarted":
				text = ""
			}
			if e.name == name {
				return e, text
			}
		case <-limit:
			require.Fail(t, "no event in a minute", "waiting for %s after %q", name, text)
		}
	}
}

// counted is what /slow says.
func counted(n int) string {
	words := make([]string, n)
	for i := range words {
		words[i] = fmt.Sprintf("w%d", i+1)
	}
	return strings.Join(words, " ")
}
