package conversation

import (
	"sync"

	"github.com/google/uuid"
)

// windowEvents is how many events of a run stay in memory once they are stored.
// A reader further behind than that reads from the store (rule S3).
const windowEvents = 4096

// runLog holds the newest events of one run for the readers in this process. A
// local one is written by the attempt that runs here; any other is fed by the
// watcher from the store. Readers keep a place of their own in it and are woken
// together; none of them has a buffer that could fill, so none slows the run.
type runLog struct {
	conversationID uuid.UUID
	runID          uuid.UUID

	// flush is held while events are being stored, so that the end of the run
	// stores exactly those that no flush has.
	flush sync.Mutex

	mu       sync.Mutex
	events   []*Event // consecutive
	first    int64    // number of events[0], or of the next event when there is none
	stored   int64    // number of the last event known to be in the store
	changed  chan struct{}
	local    bool // an attempt of this process writes it, or is expected to
	opened   bool // an attempt of this process has written it
	terminal bool // the terminal event is in it
	gone     bool // the run was purged: no event will follow
	rewinds  int  // how often events were taken back
	rewound  int64
	readers  int
}

func newRunLog(conversationID, runID uuid.UUID, stored int64, local bool) *runLog {
	return &runLog{
		conversationID: conversationID, runID: runID, first: stored + 1, stored: stored, local: local,
		changed: make(chan struct{}),
	}
}

// last is the number of the newest event. Callers hold mu.
func (l *runLog) last() int64 { return l.first + int64(len(l.events)) - 1 }

// wake wakes every reader. Callers hold mu.
func (l *runLog) wake() {
	close(l.changed)
	l.changed = make(chan struct{})
}

// publish numbers an event and shows it.
func (l *runLog) publish(attempt int, t EventType, data EventData) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.events = append(l.events, l.next(attempt, t, data, 0))
	l.wake()
}

// next makes the event that is ahead places behind the next one.
func (l *runLog) next(attempt int, t EventType, data EventData, ahead int64) *Event {
	seq := l.last() + 1 + ahead
	return &Event{
		ConversationID: l.conversationID, RunID: l.runID, Seq: seq, FirstSeq: seq, Attempt: attempt, Type: t, EventData: data,
	}
}

// add shows events that already have their numbers: what the end of a run
// adds, or what the watcher read. Those known already are passed over.
func (l *runLog) add(events []*Event, stored int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, e := range events {
		if e.FirstSeq <= l.last() || l.terminal {
			continue
		}
		if e.Type.Terminal() {
			l.terminal = true
		}
		if len(l.events) == 0 {
			l.first = e.FirstSeq
		}
		l.events = append(l.events, e)
	}
	l.stored = max(l.stored, stored)
	l.trim()
	l.wake()
}

// unstored returns the events that are not in the store yet, without a terminal
// one, which has no row.
func (l *runLog) unstored() []*Event {
	l.mu.Lock()
	defer l.mu.Unlock()
	from := max(l.stored+1-l.first, 0)
	if from >= int64(len(l.events)) {
		return nil
	}
	events := l.events[from:]
	if events[len(events)-1].Type.Terminal() {
		events = events[:len(events)-1]
	}
	return events[:len(events):len(events)]
}

// markStored notes how far the store has come, and lets go of what no reader
// of this process is likely to want.
func (l *runLog) markStored(seq int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.stored = max(l.stored, seq)
	l.trim()
}

// trim drops the older half of the window once it is full, and only what is
// stored. Callers hold mu.
func (l *runLog) trim() {
	if len(l.events) <= windowEvents {
		return
	}
	drop := min(int64(len(l.events)-windowEvents/2), l.stored+1-l.first)
	if drop <= 0 {
		return
	}
	l.events = append([]*Event(nil), l.events[drop:]...)
	l.first += drop
}

// detach hands the log over to the watcher when the attempt here lost its run.
// What was shown and never stored is taken back: the next attempt goes on from
// the last stored event, and readers beyond it start there again.
func (l *runLog) detach() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.local {
		return
	}
	l.local = false
	if l.last() > l.stored && !l.terminal {
		keep := max(l.stored+1-l.first, 0)
		l.events = l.events[:keep:keep]
		l.rewinds++
		l.rewound = l.stored
	}
	l.wake()
}

// vanish ends the log of a run that was purged.
func (l *runLog) vanish() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.gone = true
	l.wake()
}

// place is where a reader stands in a log.
type place struct {
	seq     int64
	rewinds int
}

// take returns the events behind p that are in memory and moves p. With none,
// behind tells that older ones must be read from the store first, otherwise
// changed is closed when it is worth asking again.
func (l *runLog) take(p *place) (events []*Event, behind bool, changed <-chan struct{}, gone bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if p.rewinds != l.rewinds {
		p.rewinds = l.rewinds
		p.seq = min(p.seq, l.rewound)
	}
	switch {
	case p.seq+1 < l.first:
		return nil, true, nil, l.gone
	case p.seq < l.last():
		events = l.events[p.seq+1-l.first:]
		p.seq = l.last()
		return events[:len(events):len(events)], false, nil, false
	}
	return nil, false, l.changed, l.gone
}

// ended returns the terminal event once it is there, or what is closed at the
// next change.
func (l *runLog) ended() (changed <-chan struct{}, end *Event, gone bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.terminal {
		return nil, l.events[len(l.events)-1], false
	}
	return l.changed, nil, l.gone
}
