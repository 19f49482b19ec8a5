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
	flush turnstile

	mu       sync.Mutex
	events   []*Event // consecutive
	first    int64    // number of events[0], or of the next event when there is none
	stored   int64    // number of the last event known to be in the store
	changed  chan struct{}
	local    bool    // an attempt of this process writes it, or is expected to
	opened   bool    // an attempt of this process has written it
	writer   int64   // fencing number of the last attempt here that did
	unsure   bool    // a write of events was not answered: stored may be too low
	terminal bool    // the terminal event is in it
	gone     bool    // the run was purged: no event will follow
	rewinds  []int64 // the number that readers went back to, each time events were taken back
	readers  int
}

// turnstile is a lock that is held while the store is at work; who waits for it
// waits as for a channel.
type turnstile chan struct{}

func newTurnstile() turnstile { return make(turnstile, 1) }

func (t turnstile) Lock() { t <- struct{}{} }

func (t turnstile) Unlock() { <-t }

func (t turnstile) TryLock() bool {
	select {
	case t <- struct{}{}:
		return true
	default:
		return false
	}
}

func newRunLog(conversationID, runID uuid.UUID, stored int64, local bool) *runLog {
	return &runLog{
		conversationID: conversationID, runID: runID, first: stored + 1, stored: stored, local: local, flush: newTurnstile(),
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
	if l.terminal {
		return // the run was ended from outside, and the attempt does not know yet
	}
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
// adds, or what the watcher read. Those known already are passed over; those
// that an attempt here showed and another attempt wrote over are taken back.
func (l *runLog) add(events []*Event, stored int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, e := range events {
		if e.Seq <= l.stored || l.terminal {
			continue
		}
		if e.Seq <= l.last() {
			if i := e.Seq - l.first; i < 0 || l.events[i].Attempt == e.Attempt && !e.Type.Terminal() {
				continue
			}
			l.takeBack(e.Seq - 1)
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

// doubt notes that a write of events was not answered.
func (l *runLog) doubt() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.unsure = true
}

// doubtful reports whether the store may have more than is known here.
func (l *runLog) doubtful() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.unsure
}

// align takes the store's word for how many events it has, and reports whether
// the others are still in memory. A store that lost some in a crash gets them again.
func (l *runLog) align(stored int64) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.unsure = false
	if stored < l.first-1 || stored > l.last() {
		l.stored = l.last()
		return false
	}
	l.stored = stored
	return true
}

// detach hands the log over to the watcher when the attempt here with this
// fencing number lost its run. What was shown and not stored yet stays until it
// is known what became of it: a write may be under way, and the next attempt goes
// on from the last event that was stored.
func (l *runLog) detach(writer int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.local && l.writer == writer {
		l.local, l.unsure = false, false
	}
	l.wake()
}

// elsewhere reports whether the run goes on, and not here.
func (l *runLog) elsewhere() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return !l.local && !l.terminal && !l.gone
}

// takeBack drops the events behind a number, and sends readers beyond it back.
// Callers hold mu.
func (l *runLog) takeBack(to int64) {
	if keep := to + 1 - l.first; keep > 0 {
		l.events = l.events[:keep:keep]
	} else {
		l.events, l.first = nil, to+1
	}
	l.rewinds = append(l.rewinds, to)
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
	rewinds int // of the log, so many it has followed
}

// place puts a reader that comes with a cursor into the log. Numbers beyond the
// newest event were given by a process that died, and those behind a restart that
// the cursor's attempt does not know by another attempt.
func (l *runLog) place(p *place, attempt int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	p.rewinds = len(l.rewinds)
	if to, ok := unseenRestart(l.events, p.seq, attempt); ok && p.seq > 0 {
		p.seq = to
	}
	p.seq = min(p.seq, max(l.last(), l.first-1))
}

// take returns the events behind p that are in memory and moves p. With none,
// behind tells that older ones must be read from the store first, otherwise
// changed is closed when it is worth asking again.
func (l *runLog) take(p *place) (events []*Event, behind bool, changed <-chan struct{}, gone bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, to := range l.rewinds[p.rewinds:] {
		p.seq = min(p.seq, to)
	}
	p.rewinds = len(l.rewinds)
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
