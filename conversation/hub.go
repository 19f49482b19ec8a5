package conversation

import (
	"sync"

	"github.com/google/uuid"
	"github.com/parley-go/parley/store"
)

// hub is where the readers of this process meet what happens: the logs of runs
// that run here or are read here, and the conversations that are followed.
type hub struct {
	mu     sync.Mutex
	logs   map[uuid.UUID]*hubLog
	topics map[uuid.UUID]*topic
}

// hubLog is a runLog and what the watcher needs to feed it.
type hubLog struct {
	*runLog
	ref store.WatchRef
}

// topic wakes those who follow a conversation.
type topic struct {
	ref     store.WatchRef
	mu      sync.Mutex
	changed chan struct{}
	mark    store.Mark // as last seen by the watcher
	readers int
}

func newHub() *hub {
	return &hub{logs: make(map[uuid.UUID]*hubLog), topics: make(map[uuid.UUID]*topic)}
}

// open gives the attempt that runs here the log of its run. Readers that
// followed the run while it was elsewhere stay on it.
func (h *hub) open(key store.RunKey, stored int64) *runLog {
	h.mu.Lock()
	defer h.mu.Unlock()
	if l, ok := h.logs[key.RunID]; ok {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.local, l.opened, l.writer, l.unsure = true, true, key.Fence, false
		switch {
		case l.last() < stored: // what the watcher has not fetched yet is in the store
			l.events, l.first = nil, stored+1
		case l.last() > stored: // the storage lost some in a crash
			l.takeBack(stored)
		}
		l.stored = stored
		return l.runLog
	}
	l := newRunLog(key.ConversationID, key.RunID, stored, true)
	l.opened, l.writer = true, key.Fence
	h.logs[key.RunID] = &hubLog{runLog: l, ref: store.WatchRef{Tenant: key.Tenant, ConversationID: key.ConversationID, RunID: key.RunID}}
	return l
}

// attach gives a reader the log of a run. When the run is neither here nor read
// by others here, the log begins behind what the store has, and the watcher
// feeds it.
func (h *hub) attach(run *store.Run) *runLog {
	h.mu.Lock()
	defer h.mu.Unlock()
	l, ok := h.logs[run.ID]
	if !ok {
		l = &hubLog{
			runLog: newRunLog(run.ConversationID, run.ID, run.EventSeq, false),
			ref:    store.WatchRef{Tenant: run.Tenant, ConversationID: run.ConversationID, RunID: run.ID},
		}
		h.logs[run.ID] = l
	}
	l.mu.Lock()
	l.readers++
	l.mu.Unlock()
	return l.runLog
}

// expect is attach for a run that is only about to be started, so that its end
// cannot be missed however soon it comes. The watcher keeps away from the log
// until elsewhere, or the attempt that ends, says that the run is not here.
func (h *hub) expect(ref store.WatchRef) *runLog {
	h.mu.Lock()
	defer h.mu.Unlock()
	l := &hubLog{runLog: newRunLog(ref.ConversationID, ref.RunID, 0, true), ref: ref}
	l.readers = 1
	h.logs[ref.RunID] = l
	return l.runLog
}

// elsewhere gives an expected log to the watcher, unless an attempt here has
// opened it.
func (h *hub) elsewhere(l *runLog) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.opened {
		l.local = false
	}
}

// close is the attempt going away that wrote the log, unless a later one does now.
func (h *hub) close(l *runLog, writer int64) {
	h.mu.Lock()
	defer h.mu.Unlock()
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.writer == writer {
		l.local = false
	}
	h.forget(l)
}

// leave is a reader going away. The last one takes the log along.
func (h *hub) leave(l *runLog) {
	h.mu.Lock()
	defer h.mu.Unlock()
	l.mu.Lock()
	defer l.mu.Unlock()
	l.readers--
	h.forget(l)
}

// forget drops a log that nobody needs. Callers hold both locks.
func (h *hub) forget(l *runLog) {
	if l.readers == 0 && !l.local {
		if held, ok := h.logs[l.runID]; ok && held.runLog == l {
			delete(h.logs, l.runID)
		}
	}
}

// follow subscribes to a conversation.
func (h *hub) follow(tenant string, id uuid.UUID) *topic {
	h.mu.Lock()
	defer h.mu.Unlock()
	t, ok := h.topics[id]
	if !ok {
		t = &topic{ref: store.WatchRef{Tenant: tenant, ConversationID: id}, changed: make(chan struct{})}
		h.topics[id] = t
	}
	t.readers++
	return t
}

func (h *hub) unfollow(t *topic) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if t.readers--; t.readers == 0 {
		delete(h.topics, t.ref.ConversationID)
	}
}

// touch wakes those who follow the conversation.
func (h *hub) touch(id uuid.UUID) {
	h.mu.Lock()
	t, ok := h.topics[id]
	h.mu.Unlock()
	if ok {
		t.wake()
	}
}

func (t *topic) wake() {
	t.mu.Lock()
	defer t.mu.Unlock()
	close(t.changed)
	t.changed = make(chan struct{})
}

// wait returns a channel that is closed at the next change.
func (t *topic) wait() <-chan struct{} {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.changed
}

// remote lists what the watcher has to look at: logs that no attempt here
// writes and that have not ended, and followed conversations.
func (h *hub) remote() (logs []*hubLog, topics []*topic) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, l := range h.logs {
		if l.elsewhere() {
			logs = append(logs, l)
		}
	}
	for _, t := range h.topics {
		topics = append(topics, t)
	}
	return logs, topics
}

// locals lists the logs that attempts of this process write.
func (h *hub) locals() []*hubLog {
	h.mu.Lock()
	defer h.mu.Unlock()
	var logs []*hubLog
	for _, l := range h.logs {
		l.mu.Lock()
		if l.local {
			logs = append(logs, l)
		}
		l.mu.Unlock()
	}
	return logs
}
