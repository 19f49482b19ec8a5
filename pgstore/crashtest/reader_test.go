//go:build unix

package crashtest_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/parley-go/parley/conversation"
)

// reader follows the stream of a run in a worker.
type reader struct {
	mu      sync.Mutex
	events  []Event
	ended   bool
	failure Failure
	changed chan struct{}
}

// Event is an event on its way to the test.
type Event struct {
	Seq, FirstSeq int64
	Attempt       int
	Type          conversation.EventType
	Delta         string
	From          int64
}

// Open begins to follow a run from its start, and returns the reader's number.
func (w *Worker) Open(run uuid.UUID, id *int) error {
	ctx, cancel := context.WithTimeout(context.Background(), 2*patience)
	stream, err := w.engine.Events(ctx, alice, run, conversation.Cursor{}, conversation.ViewParticipant)
	for try := 0; err != nil && conversation.SafeToRepeat(err) && try < 1000; try++ {
		pause(ctx, poll)
		stream, err = w.engine.Events(ctx, alice, run, conversation.Cursor{}, conversation.ViewParticipant)
	}
	if err != nil {
		cancel()
		return err
	}
	r := &reader{changed: make(chan struct{})}
	w.mu.Lock()
	*id = len(w.readers) + 1
	w.readers[*id] = r
	w.mu.Unlock()
	w.reading.Go(func() {
		defer cancel()
		r.follow(ctx, stream)
	})
	return nil
}

// follow reads to the end of the stream. What a client repeats, it repeats.
func (r *reader) follow(ctx context.Context, stream *conversation.Stream) {
	defer stream.Close()
	for {
		events, err := stream.Next(ctx)
		if conversation.SafeToRepeat(err) && pause(ctx, poll) {
			continue
		}
		r.mu.Lock()
		for _, e := range events {
			r.events = append(r.events, Event{Seq: e.Seq, FirstSeq: e.FirstSeq, Attempt: e.Attempt, Type: e.Type, Delta: e.Delta, From: e.From})
		}
		r.ended = err != nil
		if !errors.Is(err, io.EOF) {
			r.failure = classify(err)
		}
		close(r.changed)
		r.changed = make(chan struct{})
		r.mu.Unlock()
		if err != nil {
			return
		}
	}
}

// Collect names a reader and how many events to wait for.
type Collect struct {
	Reader int
	Events int
}

// Stream is what a reader has seen.
type Stream struct {
	Events  []Event
	Ended   bool
	Failure Failure
}

// Collect waits until the reader has seen so many events, or the last one.
func (w *Worker) Collect(c Collect, s *Stream) error {
	ctx, cancel := ask()
	defer cancel()
	w.mu.Lock()
	r := w.readers[c.Reader]
	w.mu.Unlock()
	for {
		r.mu.Lock()
		*s = Stream{Events: r.events[:len(r.events):len(r.events)], Ended: r.ended, Failure: r.failure}
		changed := r.changed
		r.mu.Unlock()
		if s.Ended || len(s.Events) >= c.Events {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return fmt.Errorf("a reader has seen %d events only, the last of them %+v", len(s.Events), s.last())
		}
	}
}

func (s *Stream) last() (last Event) {
	if n := len(s.Events); n > 0 {
		last = s.Events[n-1]
	}
	return last
}

// text puts together the text since the last restart (rule S2).
func (s *Stream) text() string {
	var b strings.Builder
	for _, e := range s.Events {
		switch e.Type {
		case conversation.EventRunRestarted:
			b.Reset()
		case conversation.EventTextDelta:
			b.WriteString(e.Delta)
		default:
		}
	}
	return b.String()
}

// wellFormed checks rule S1 on a stream that was read from the start to the end:
// numbers without a gap, which only a restart may take back, and one terminal
// event, the last.
func (s *Stream) wellFormed(t require.TestingT) {
	require.True(t, s.Failure.none(), "the stream ended with %s", s.Failure.Text)
	require.NotEmpty(t, s.Events)
	require.EqualValues(t, 1, s.Events[0].FirstSeq)
	for i, e := range s.Events {
		require.Equal(t, i == len(s.Events)-1, e.Type.Terminal(), "S1: event %d of %d is %s", i+1, len(s.Events), e.Type)
		require.LessOrEqual(t, e.FirstSeq, e.Seq)
		switch {
		case i == 0:
		case e.Type == conversation.EventRunRestarted:
			require.LessOrEqual(t, e.FirstSeq, s.Events[i-1].Seq+1, "S1: no gap before a restart")
			require.Less(t, e.From, e.FirstSeq)
		default:
			require.Equal(t, s.Events[i-1].Seq+1, e.FirstSeq, "S1: no gap before event %d, %s", i+1, e.Type)
		}
	}
}

// restarts returns the attempts that were announced.
func (s *Stream) restarts() (attempts []int) {
	for _, e := range s.Events {
		if e.Type == conversation.EventRunRestarted {
			attempts = append(attempts, e.Attempt)
		}
	}
	return attempts
}

// TestCrash_WellFormedTellsABadStream sees that the check of streams can fail.
func TestCrash_WellFormedTellsABadStream(t *testing.T) {
	t.Parallel()
	event := func(seq int64, typ conversation.EventType) Event { return Event{Seq: seq, FirstSeq: seq, Type: typ} }
	restart := func(seq int64) Event {
		return Event{Seq: seq, FirstSeq: seq, Type: conversation.EventRunRestarted, From: seq - 1}
	}
	const started, delta, end = conversation.EventRunStarted, conversation.EventTextDelta, conversation.EventRunCompleted
	for name, tc := range map[string]struct {
		events []Event
		good   bool
	}{
		"whole":                   {[]Event{event(1, started), event(2, delta), event(3, end)}, true},
		"restarted":               {[]Event{event(1, started), event(2, delta), event(3, delta), restart(3), event(4, delta), event(5, end)}, true},
		"none":                    {nil, false},
		"late start":              {[]Event{event(2, delta), event(3, end)}, false},
		"gap":                     {[]Event{event(1, started), event(3, delta), event(4, end)}, false},
		"doubled":                 {[]Event{event(1, started), event(2, delta), event(2, delta), event(3, end)}, false},
		"gap before a restart":    {[]Event{event(1, started), restart(3), event(4, end)}, false},
		"no end":                  {[]Event{event(1, started), event(2, delta)}, false},
		"something after the end": {[]Event{event(1, started), event(2, end), event(3, delta)}, false},
		"two ends":                {[]Event{event(1, started), event(2, end), event(3, end)}, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var judge judge
			judge.run(func() { (&Stream{Events: tc.events}).wellFormed(&judge) })
			require.Equal(t, tc.good, !judge.failed)
		})
	}
}

// judge notes whether a check failed.
type judge struct{ failed bool }

func (j *judge) Errorf(string, ...any) { j.failed = true }
func (j *judge) FailNow()              { panic(j) }

func (j *judge) run(check func()) {
	defer func() {
		if p := recover(); p != nil && p != any(j) {
			panic(p)
		}
	}()
	check()
}
