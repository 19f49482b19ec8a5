package httpadapter_test

import (
	"bufio"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/parley-go/parley/httpadapter/internal/transcript"
)

// fanOut is the floor of watching a run: frames made beforehand, one slice for
// all readers, and each writes with one flush whatever is new to it.
type fanOut struct {
	mu      sync.Mutex
	frames  [][]byte
	ended   bool
	changed chan struct{}
}

func (f *fanOut) add(frame []byte, last bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.frames = append(f.frames, frame)
	f.ended = last
	close(f.changed)
	f.changed = make(chan struct{})
}

func (f *fanOut) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/event-stream")
	flusher := http.NewResponseController(w)
	_, _ = io.WriteString(w, ":\n\n")
	_ = flusher.Flush()
	at := 0
	var buf []byte
	for {
		f.mu.Lock()
		fresh, ended, changed := f.frames[at:], f.ended, f.changed
		f.mu.Unlock()
		if len(fresh) > 0 {
			buf = buf[:0]
			for _, frame := range fresh {
				buf = append(buf, frame...)
			}
			at += len(fresh)
			if _, err := w.Write(buf); err != nil {
				return
			}
			_ = flusher.Flush()
			continue
		}
		if ended {
			return
		}
		select {
		case <-changed:
		case <-r.Context().Done():
			return
		}
	}
}

// readers opens n streams, and waits for the first comment of each. What it
// returns waits until all of them have ended.
func (s *site) readers(b *testing.B, n int, path string) (wait func() (bytes int64)) {
	b.Helper()
	var wg sync.WaitGroup
	var total atomic.Int64
	for range n {
		conn, r := s.watch(b, path)
		for {
			line, err := r.ReadString('\n')
			require.NoError(b, err)
			if strings.HasPrefix(line, ":") {
				break
			}
		}
		wg.Go(func() {
			big := bufio.NewReaderSize(r, 32<<10)
			n, err := io.Copy(io.Discard, big)
			if err != nil {
				b.Error(err)
			}
			total.Add(n)
			_ = conn.Close()
		})
	}
	return func() int64 {
		wg.Wait()
		return total.Load()
	}
}

// BenchmarkThousandReaders has 1,000 readers watch one run, in turn through the
// adapter and through a bare fan-out of the same bytes, and compares the time
// until all have all of it.
func BenchmarkThousandReaders(b *testing.B) {
	const readers, events = 1000, 500
	s := quiet(b)
	alice := s.as("acme.alice")
	frame := func(i int) []byte {
		return fmt.Appendf(nil, "event: text.delta\nid: %s:%d\ndata: {\"type\":\"text.delta\",\"seq\":%d,\"run_id\":\"%s\",\"conversation_id\":\"%s\",\"attempt\":1,\"delta\":\"w%d \"}\n\n",
			uuid.Nil, i, i, uuid.Nil, uuid.Nil, i)
	}
	var adapter, bare []time.Duration
	var adapterBytes, bareBytes int64
	for b.Loop() {
		id := alice.create(nil)
		run := alice.start(id, object{"content": "paced " + itoa(events)})
		wait := s.readers(b, readers, "/runs/"+run+"/events")
		began := time.Now()
		s.script.Gate(id) <- struct{}{}
		adapterBytes = wait()
		adapter = append(adapter, time.Since(began))

		floor := &fanOut{changed: make(chan struct{})}
		other := *s
		other.server = httptest.NewServer(floor)
		wait = other.readers(b, readers, "/")
		began = time.Now()
		tick := time.NewTicker(transcript.Pace)
		for i := range events {
			<-tick.C
			floor.add(frame(i+1), i == events-1)
		}
		tick.Stop()
		bareBytes = wait()
		bare = append(bare, time.Since(began))
		other.server.Close()
	}
	a, f := median(adapter), median(bare)
	b.ReportMetric(float64(readers*events)/a.Seconds(), "adapter-events/s")
	b.ReportMetric(float64(readers*events)/f.Seconds(), "bare-events/s")
	b.ReportMetric(float64(f)/float64(a), "adapter/bare")
	b.ReportMetric(float64(adapterBytes)/float64(bareBytes), "bytes-adapter/bare")
}
