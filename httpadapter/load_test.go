package httpadapter_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/parley-go/parley/conversation"
	"github.com/parley-go/parley/httpadapter"
)

func itoa(n int) string { return strconv.Itoa(n) }

// watch opens a stream on a bare connection, which costs less than a client.
func (s *site) watch(t testing.TB, path string) (net.Conn, *bufio.Reader) {
	t.Helper()
	var d net.Dialer
	conn, err := d.DialContext(t.Context(), "tcp", s.server.Listener.Addr().String())
	require.NoError(t, err)
	t.Cleanup(func() { _ = conn.Close() })
	_, err = fmt.Fprintf(conn, "GET %s HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer acme.alice\r\nConnection: close\r\n\r\n", path)
	require.NoError(t, err)
	return conn, bufio.NewReaderSize(conn, 512)
}

// A thousand streams, some of whose readers read nothing: the others get all of
// the text, and memory stays in bounds.
func TestThousandStreams(t *testing.T) {
	const streams, silent = 1000, 100
	s := setup(t, func(o *httpadapter.Options, _ *conversation.Config) {
		o.MaxStreamsPerUser = streams
		o.AccessLog = nil
	})
	alice := s.as("acme.alice")
	id := alice.create(nil)
	run := alice.start(id, object{"content": "hold"})
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	readers := make([]*bufio.Reader, streams)
	for i := range readers {
		_, readers[i] = s.watch(t, "/runs/"+run+"/events")
	}
	for i, r := range readers {
		for { // until the text that is there has come
			line, err := r.ReadString('\n')
			require.NoError(t, err, "stream %d", i)
			if strings.HasPrefix(line, "data: ") && strings.Contains(line, "held ") {
				break
			}
		}
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	each := (after.HeapInuse + after.StackInuse - before.HeapInuse - before.StackInuse) / streams
	t.Logf("%d KiB a stream, both ends", each>>10)
	require.Less(t, each, uint64(128<<10), "memory of a stream")

	s.script.Gate(id) <- struct{}{}
	var wg sync.WaitGroup
	for _, r := range readers[silent:] {
		wg.Go(func() {
			rest, err := io.ReadAll(r)
			if err != nil || !strings.Contains(string(rest), "event: run.completed") {
				t.Errorf("a reader missed the end: %v", err)
			}
		})
	}
	wg.Wait()
}

// A reader that does not read loses its connection when a write has taken too
// long; it neither slows the run nor another reader.
func TestS3_SlowReaderIsLeftBehind(t *testing.T) {
	t.Parallel()
	const n = 60_000 // words, in some 12 MB of events: beyond what sockets hold
	s := setup(t, func(o *httpadapter.Options, c *conversation.Config) {
		o.WriteTimeout = 2 * time.Second
		c.MaxMessageBytes = 64 << 20
	})
	alice := s.as("acme.alice")
	id := alice.create(nil)
	slow, slowReader := s.watch(t, "/conversations/"+id+"/stream")
	line, err := slowReader.ReadString('\n')
	require.NoError(t, err)
	require.Contains(t, line, "200 OK")

	run := alice.start(id, object{"content": "count " + itoa(n)})
	_, fast := s.watch(t, "/runs/"+run+"/events")
	text, ended := 0, false
	for {
		line, err := fast.ReadString('\n')
		if err != nil {
			require.ErrorIs(t, err, io.EOF)
			break
		}
		if _, delta, ok := strings.Cut(line, `"delta":"`); ok {
			text += len(delta) - len("\"}\n")
		}
		ended = ended || line == "event: run.completed\n"
	}
	require.True(t, ended)
	require.Equal(t, len(words(n)), text)

	require.Eventually(t, func() bool {
		return strings.Contains(s.log.String(), "route=/conversations/{conversation_id}/stream status=200")
	}, 20*time.Second, 10*time.Millisecond, "its stream is given up")
	require.NoError(t, slow.SetReadDeadline(time.Now().Add(20*time.Second)))
	res, err := http.ReadResponse(bufio.NewReader(io.MultiReader(strings.NewReader(line), slowReader)), nil)
	require.NoError(t, err)
	defer res.Body.Close()
	rest, err := io.ReadAll(res.Body)
	require.Error(t, err, "it is broken off, not ended")
	require.NotErrorIs(t, err, os.ErrDeadlineExceeded, "the connection is closed")
	require.NotContains(t, string(rest[max(0, len(rest)-4096):]), "run.completed")
}
