package httpadapter

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/parley-go/parley/conversation"
)

// pump writes a stream out until it ends or its reader is gone. Whatever the
// engine has at hand goes out with one flush; between that, comments tell the
// reader, and the proxies in between, that the line stands.
func (x *exchange) pump(s *conversation.Stream) {
	ctx, cancel := context.WithCancel(x.r.Context())
	defer cancel()
	o := &eventWriter{w: &x.w, control: http.NewResponseController(&x.w), timeout: x.h.opts.WriteTimeout, lost: cancel}
	x.patient()
	if o.comment() != nil {
		return
	}
	defer o.beat(x.h.opts.Heartbeat)()
	for {
		events, err := s.Next(ctx)
		if len(events) > 0 && o.events(events) != nil {
			// The reader is gone, or too slow. Nothing more can be written, so that
			// the answer breaks off and does not look as if it had ended.
			return
		}
		switch {
		case err == nil:
		case errors.Is(err, io.EOF):
			return
		default:
			o.closed(x.farewell(ctx, err))
			return
		}
	}
}

// patient lifts the server's time-outs from the connection: this answer takes
// as long as the run does, and each write has a deadline of its own.
func (x *exchange) patient() {
	control := http.NewResponseController(&x.w)
	_ = control.SetReadDeadline(time.Time{}) // writers without deadlines need none lifted
	_ = control.SetWriteDeadline(time.Time{})
}

// farewell says why a stream ends before its end.
func (x *exchange) farewell(ctx context.Context, err error) string {
	switch {
	case ctx.Err() != nil:
		return "cancelled" // by the reader, who will not read it, or by the host
	case errors.Is(err, conversation.ErrNotRunning):
		return "shutting_down"
	case errors.Is(err, conversation.ErrNotFound):
		return "not_found"
	}
	x.h.opts.Logger.Error("stream failed", "log_id", x.logID, "route", x.pattern(), "error", err)
	if a, known := lookUp(err); known {
		return a.code
	}
	return internal.code
}

// eventWriter writes server-sent events. The heartbeat writes too, at any time.
type eventWriter struct {
	control *http.ResponseController
	timeout time.Duration
	lost    func() // the reader is gone

	mu sync.Mutex
	w  io.Writer
}

// buffers are shared: an answer or a stream needs one only while it writes.
var buffers = sync.Pool{New: func() any { return new([]byte) }}

const (
	// writeBytes is how much is gathered before a write with a deadline of its own.
	writeBytes = 32 << 10
	// keepBytes is the largest buffer that is kept for the next.
	keepBytes = 64 << 10
)

// events writes all events, and then sends them.
func (o *eventWriter) events(events []*conversation.Event) error {
	buf, _ := buffers.Get().(*[]byte)
	b := (*buf)[:0]
	defer func() {
		if cap(b) <= keepBytes {
			*buf = b
			buffers.Put(buf)
		}
	}()
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, e := range events {
		var err error
		if b, err = appendEvent(b, e); err != nil {
			return err
		}
		if len(b) >= writeBytes {
			if err := o.write(b); err != nil {
				return err
			}
			b = b[:0]
		}
	}
	if err := o.write(b); err != nil {
		return err
	}
	return o.flush()
}

// appendEvent encodes an event. Its JSON is one line, made once for all readers.
func appendEvent(b []byte, e *conversation.Event) ([]byte, error) {
	data, err := e.MarshalJSON()
	if err != nil {
		return b, err
	}
	b = append(b, "event: "...)
	b = append(b, e.Type...)
	if e.RunID != uuid.Nil {
		b = append(b, "\nid: "...)
		b = appendEventID(b, e)
	}
	b = append(b, "\ndata: "...)
	b = append(b, data...)
	return append(b, "\n\n"...), nil
}

// write writes with a deadline. It is lifted again by flush once all is sent,
// since HTTP/2 ends a stream whose deadline passes while nothing is written.
func (o *eventWriter) write(b []byte) error {
	_ = o.control.SetWriteDeadline(time.Now().Add(o.timeout))
	_, err := o.w.Write(b)
	return err
}

func (o *eventWriter) flush() error {
	if err := o.control.Flush(); err != nil {
		return err
	}
	_ = o.control.SetWriteDeadline(time.Time{})
	return nil
}

// comment writes a line that no reader shows.
func (o *eventWriter) comment() error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if err := o.write([]byte(":\n\n")); err != nil {
		return err
	}
	return o.flush()
}

// beat writes comments until it is stopped. It holds no goroutine meanwhile.
func (o *eventWriter) beat(every time.Duration) (stop func()) {
	var running sync.WaitGroup
	var mu sync.Mutex
	stopped := false
	var timer *time.Timer
	mu.Lock()
	defer mu.Unlock()
	timer = time.AfterFunc(every, func() {
		mu.Lock()
		if stopped {
			mu.Unlock()
			return
		}
		running.Add(1)
		mu.Unlock()
		defer running.Done()
		if o.comment() != nil {
			o.lost()
			return
		}
		mu.Lock()
		defer mu.Unlock()
		if !stopped {
			timer.Reset(every)
		}
	})
	return func() {
		mu.Lock()
		stopped = true
		timer.Stop()
		mu.Unlock()
		running.Wait() // nothing may be written once the handler has returned
	}
}

// Readers come back between retryMin and retryMin+retrySpread after a farewell,
// not all at once.
const (
	retryMin    = 500 * time.Millisecond
	retrySpread = 1500 * time.Millisecond
)

// closed tells the reader that the stream ends before its end, that it is not
// its fault, and when to come back. The event has no id, so that the reader
// resumes behind the last one that has.
func (o *eventWriter) closed(reason string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	retry := (retryMin + rand.N(retrySpread)).Milliseconds()
	text := fmt.Sprintf(": this stream ends here, what it follows does not; reconnect with the last id\nretry: %d\n"+
		"event: stream.closed\ndata: {\"type\":\"stream.closed\",\"seq\":0,\"reason\":%q,\"retry_ms\":%d}\n\n", retry, reason, retry)
	if o.write([]byte(text)) == nil {
		_ = o.flush() // a reader that is gone needs no farewell
	}
}
