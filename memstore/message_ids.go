package memstore

import (
	"github.com/google/uuid"

	"github.com/parley-go/parley/store"
)

// scannedUpTo is the length of a log up to which an id is looked for in the
// messages themselves: they lie side by side, and most conversations are short.
const scannedUpTo = 16

// messageIDs finds the number of a message by its id. A longer log has a hash
// map, which grows by bounded pieces; nothing ever walks the log.
type messageIDs struct {
	at map[uuid.UUID]int64
}

// find returns the number of a message, or 0.
func (m *messageIDs) find(log *series[store.Message], id uuid.UUID) int64 {
	if m.at != nil {
		return m.at[id]
	}
	for i := range log.tail { // a log without a map is its tail
		if log.tail[i].ID == id {
			return log.tail[i].Seq
		}
	}
	return 0
}

// added notes that the newest n messages of the log are new.
func (m *messageIDs) added(log *series[store.Message], n int) {
	if m.at == nil {
		if log.n > scannedUpTo {
			m.build(log)
		}
		return
	}
	for i := log.n - n; i < log.n; i++ {
		rows, first := log.chunk(i)
		m.at[rows[i-first].ID] = int64(i) + 1
	}
}

// build indexes a whole log.
func (m *messageIDs) build(log *series[store.Message]) {
	if log.n <= scannedUpTo {
		return
	}
	m.at = make(map[uuid.UUID]int64, log.n)
	for i := 0; i < log.n; {
		rows, first := log.chunk(i)
		for j := i - first; j < len(rows); j++ {
			m.at[rows[j].ID] = int64(first+j) + 1
		}
		i = first + len(rows)
	}
}
