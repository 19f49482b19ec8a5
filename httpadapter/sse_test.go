package httpadapter_test

import (
	"bufio"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// event is a server-sent event as it came.
type event struct {
	name string
	id   string
	data string
}

func (e *event) object(t testing.TB) object {
	t.Helper()
	var o object
	require.NoError(t, json.Unmarshal([]byte(e.data), &o), e.data)
	return o
}

// reader reads a stream of events by the rules of the standard.
type reader struct {
	t        testing.TB
	res      *http.Response
	lines    *bufio.Reader
	comments int
	retry    string
	lastID   string
}

// open opens a stream.
func (c *client) open(method, path string, body any, change ...func(*http.Request)) *reader {
	c.t.Helper()
	res := c.send(method, path, body, change...)
	if res.StatusCode != http.StatusOK {
		raw, _ := io.ReadAll(res.Body)
		res.Body.Close()
		require.Equal(c.t, 200, res.StatusCode, "%s", raw)
	}
	require.Equal(c.t, "text/event-stream", res.Header.Get("Content-Type"))
	c.t.Cleanup(func() { res.Body.Close() })
	return &reader{t: c.t, res: res, lines: bufio.NewReader(res.Body)}
}

// next returns the next event, nil at the end of the stream.
func (r *reader) next() *event {
	r.t.Helper()
	e := &event{}
	for {
		line, err := r.lines.ReadString('\n')
		if err == io.EOF {
			require.Empty(r.t, line, "the stream ends within a line")
			return nil
		}
		require.NoError(r.t, err)
		line = strings.TrimSuffix(line, "\n")
		name, value, _ := strings.Cut(line, ": ")
		switch {
		case line == "" && e.name == "" && e.data == "":
		case line == "":
			if e.id != "" {
				r.lastID = e.id
			}
			return e
		case strings.HasPrefix(line, ":"):
			r.comments++
		case name == "event":
			e.name = value
		case name == "id":
			e.id = value
		case name == "retry":
			r.retry = value
		case name == "data":
			require.Empty(r.t, e.data, "data is one line")
			e.data = value
		default:
			require.Fail(r.t, "not a line of an event", line)
		}
	}
}

// until reads until an event of the name, which it returns, and gathers the
// deltas of text on the way.
func (r *reader) until(name string) (last *event, text string) {
	r.t.Helper()
	for {
		e := r.next()
		require.NotNil(r.t, e, "the stream ended without %s", name)
		if e.name == "run.restarted" {
			text = ""
		}
		if e.name == "text.delta" {
			text += e.object(r.t)["delta"].(string)
		}
		if e.name == name {
			return e, text
		}
	}
}
