package memstore

import (
	"hash/maphash"

	"github.com/google/uuid"

	"github.com/parley-go/parley/store"
)

// messageIDs finds the number of a message by its id. It is a trie of small
// hash tables: a table that is full is split into sixteen, so that neither the
// work nor the memory of one append grows with the log. A slot holds a hash and
// a number; the id itself is compared in the log.
//
// A map would do, but lies in five pieces of memory instead of one, and they
// are cold in a conversation that was not written to for a while.
type messageIDs struct {
	slots []idSlot // a power of two of them; nil above kids
	used  int
	kids  *[1 << kidBits]messageIDs
}

// idSlot is empty when the number is 0.
type idSlot struct {
	hash uint32
	seq  uint32 // 4 billion messages of one conversation do not fit into memory
}

const (
	firstSlots = 16
	lastSlots  = 1 << 10 // 8 KB; a table that outgrows it is split
	kidBits    = 4
	hashBits   = 32
	indexBits  = 10 // of lastSlots; those left over choose the kid
)

// idSeed makes the hash of ids, which a client may choose, unforeseeable.
var idSeed = maphash.MakeSeed()

func hashID(id uuid.UUID) uint32 { return uint32(maphash.Bytes(idSeed, id[:])) }

// find returns the number of a message in the log, or 0.
func (m *messageIDs) find(log *series[store.Message], id uuid.UUID) int64 {
	hash := hashID(id)
	t, _ := m.table(hash, 0)
	if t.used == 0 {
		return 0
	}
	mask := uint32(len(t.slots) - 1)
	for i := hash & mask; t.slots[i].seq != 0; i = (i + 1) & mask {
		if t.slots[i].hash != hash {
			continue
		}
		rows, first := log.chunk(int(t.slots[i].seq) - 1)
		if row := &rows[int(t.slots[i].seq)-1-first]; row.ID == id {
			return row.Seq
		}
	}
	return 0
}

// table returns the table that a hash belongs to, and its depth in the trie; m
// itself is depth levels down.
func (m *messageIDs) table(hash uint32, depth int) (*messageIDs, int) {
	for m.kids != nil {
		m = &m.kids[kidOf(hash, depth)]
		depth++
	}
	return m, depth
}

// kidOf takes the bits from the top of the hash; tables use those at its bottom.
func kidOf(hash uint32, depth int) uint32 {
	return hash >> (hashBits - kidBits*(depth+1)) & (1<<kidBits - 1)
}

// add enters rows from to to-1 of the log.
func (m *messageIDs) add(log *series[store.Message], from, to int) {
	for from < to {
		rows, first := log.chunk(from)
		for ; from < to && from < first+len(rows); from++ {
			m.put(idSlot{hash: hashID(rows[from-first].ID), seq: uint32(from + 1)})
		}
	}
}

func (m *messageIDs) put(s idSlot) {
	t, depth := m.table(s.hash, 0)
	if t.full() {
		t.grow(depth)
		t, _ = t.table(s.hash, depth)
	}
	t.enter(s)
}

// full says that a table is filled to three quarters. Up to there a search
// meets few slots that are not its own.
func (m *messageIDs) full() bool { return 4*(m.used+1) > 3*len(m.slots) }

// grow doubles a table, or splits it when it has the last size and the hash has
// bits left to split by.
func (m *messageIDs) grow(depth int) {
	old := m.slots
	if len(old) < lastSlots || kidBits*(depth+1) > hashBits-indexBits {
		*m = messageIDs{slots: make([]idSlot, max(firstSlots, 2*len(old)))}
		for _, s := range old {
			if s.seq != 0 {
				m.enter(s)
			}
		}
		return
	}
	*m = messageIDs{kids: new([1 << kidBits]messageIDs)}
	for _, s := range old {
		if s.seq == 0 {
			continue
		}
		kid := &m.kids[kidOf(s.hash, depth)]
		if kid.full() {
			kid.grow(depth + 1)
		}
		kid.enter(s)
	}
}

// enter puts a slot into a table that has room.
func (m *messageIDs) enter(s idSlot) {
	mask := uint32(len(m.slots) - 1)
	i := s.hash & mask
	for m.slots[i].seq != 0 {
		i = (i + 1) & mask
	}
	m.slots[i] = s
	m.used++
}
