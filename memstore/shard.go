package memstore

import (
	"encoding/binary"
	"sync"

	"github.com/google/uuid"

	"github.com/parley-go/parley/store"
)

// shard holds a part of the conversations under one lock. Everything that
// belongs to a conversation is guarded by the lock of its shard.
//
// Locks are taken in this order: Store.erasing, shards by index, run shards.
type shard struct {
	mu            sync.RWMutex
	conversations map[uuid.UUID]*conversation
	users         map[userKey]*roster // conversations by member
	tenants       map[string]*roster  // conversations by tenant

	queued runList // queued runs
	live   runList // pending and running ones: those a claim may find
	ended  runList // ended ones that still have events, by their end
	_      [24]byte
}

type userKey struct {
	tenant string
	user   string
}

func (sh *shard) init() {
	sh.conversations = make(map[uuid.UUID]*conversation)
	sh.users = make(map[userKey]*roster)
	sh.tenants = make(map[string]*roster)
}

// find returns the conversation if the scope shows it. The caller holds the lock.
func (sh *shard) find(scope store.Scope, id uuid.UUID) (*conversation, error) {
	c := sh.conversations[id]
	if c == nil || !c.shows(scope) {
		return nil, store.ErrNotFound
	}
	return c, nil
}

// spread turns an id into a shard index. Both halves take part: a UUIDv7 has its
// time in the first and its chance in the second, made-up ids may differ in either.
func spread(id uuid.UUID, n int) int {
	h := binary.LittleEndian.Uint64(id[:8]) ^ binary.LittleEndian.Uint64(id[8:])
	h *= 0x9e3779b97f4a7c15 // 2^64 / golden ratio: spreads neighbours
	return int(h>>32) & (n - 1)
}

func (s *Store) shardIndex(id uuid.UUID) int { return spread(id, len(s.shards)) }

func (s *Store) shard(conversation uuid.UUID) *shard { return &s.shards[s.shardIndex(conversation)] }

// lockEach locks the shards of n conversations, each once and in order, and
// returns what unlocks them.
func (s *Store) lockEach(n int, id func(i int) uuid.UUID) (unlock func()) {
	if n == 1 {
		mu := &s.shard(id(0)).mu
		mu.Lock()
		return mu.Unlock
	}
	wanted := make([]bool, len(s.shards))
	for i := range n {
		wanted[s.shardIndex(id(i))] = true
	}
	for i, w := range wanted {
		if w {
			s.shards[i].mu.Lock()
		}
	}
	return func() {
		for i, w := range wanted {
			if w {
				s.shards[i].mu.Unlock()
			}
		}
	}
}

// roster is a set of conversations that is quick to walk.
type roster struct {
	list []*conversation
}

func (r *roster) add(c *conversation) { r.list = append(r.list, c) }

// remove looks from the end, where an erasure of the whole roster finds at once.
func (r *roster) remove(c *conversation) {
	for i := len(r.list) - 1; i >= 0; i-- {
		if r.list[i] == c {
			last := len(r.list) - 1
			r.list[i] = r.list[last]
			r.list[last] = nil
			r.list = r.list[:last]
			return
		}
	}
}

func rosterOf[K comparable](m map[K]*roster, key K) *roster {
	r := m[key]
	if r == nil {
		r = &roster{}
		m[key] = r
	}
	return r
}

func leave[K comparable](m map[K]*roster, key K, c *conversation) {
	r := m[key]
	if r == nil {
		return
	}
	r.remove(c)
	if len(r.list) == 0 {
		delete(m, key)
	}
}
