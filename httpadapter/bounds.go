package httpadapter

import (
	"sync"

	"github.com/parley-go/parley/conversation"
)

// streamBounds counts the open streams of a handler and of each user.
type streamBounds struct {
	total   int
	perUser int

	mu   sync.Mutex
	open int
	of   map[streamUser]int
}

type streamUser struct{ tenant, user string }

// enter takes a place for a stream, or reports that there is none.
func (b *streamBounds) enter(caller conversation.Caller) (leave func(), ok bool) {
	who := streamUser{caller.Tenant, caller.User}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.open >= b.total || b.of[who] >= b.perUser {
		return nil, false
	}
	if b.of == nil {
		b.of = make(map[streamUser]int)
	}
	b.open++
	b.of[who]++
	return func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		b.open--
		if b.of[who]--; b.of[who] == 0 {
			delete(b.of, who)
		}
	}, true
}
