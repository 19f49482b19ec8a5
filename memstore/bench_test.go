package memstore_test

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/parley-go/parley/memstore"
	"github.com/parley-go/parley/store"
)

// The benchmarks carry their own floor: a map over 64 locks with a slice of
// messages and a version to compare, and nothing else. Both get the same bodies
// and ids. "x-floor" is the ratio of the times in this run; the bar is 3.

type floor struct {
	shards [64]struct {
		sync.Mutex
		logs map[uuid.UUID]*floorLog
	}
}

type floorLog struct {
	version  int64
	messages []store.Message
}

func newFloor(ids []uuid.UUID) *floor {
	f := &floor{}
	for i := range f.shards {
		f.shards[i].logs = make(map[uuid.UUID]*floorLog)
	}
	for _, id := range ids {
		f.shards[id[15]&63].logs[id] = &floorLog{}
	}
	return f
}

func (f *floor) append(id uuid.UUID, expected int64, messages []store.Message) bool {
	sh := &f.shards[id[15]&63]
	sh.Lock()
	defer sh.Unlock()
	log := sh.logs[id]
	if log == nil || log.version != expected {
		return false
	}
	now := time.Now()
	for _, m := range messages {
		log.version++
		m.Seq, m.CreatedAt = log.version, now
		log.messages = append(log.messages, m)
	}
	return true
}

func (f *floor) newest(id uuid.UUID, n int) []store.Message {
	sh := &f.shards[id[15]&63]
	sh.Lock()
	defer sh.Unlock()
	log := sh.logs[id].messages
	out := make([]store.Message, 0, n)
	for i := len(log) - 1; i >= 0 && len(out) < n; i-- {
		out = append(out, log[i])
	}
	return out
}

// turns makes pairs of messages with fresh ids and shared bodies of 500 bytes.
type turns struct {
	pair    [2]store.Message
	chance  *rand.Rand
	version []int64 // of each conversation
}

func newTurns(conversations int) *turns {
	t := &turns{chance: rand.New(rand.NewPCG(1, 2)), version: make([]int64, conversations)}
	body := make([]byte, 500)
	for i := range body {
		body[i] = 'a' + byte(i%26)
	}
	t.pair[0] = store.Message{Role: "user", Author: body[:60], Parts: body}
	t.pair[1] = store.Message{Role: "assistant", Parts: body}
	return t
}

func (t *turns) next() []store.Message {
	for i := range t.pair {
		binary.BigEndian.PutUint64(t.pair[i].ID[:8], t.chance.Uint64())
		binary.BigEndian.PutUint64(t.pair[i].ID[8:], t.chance.Uint64())
	}
	return t.pair[:]
}

// population makes a store and a floor with the same empty conversations.
func population(b *testing.B, n int) (*memstore.Store, *floor, []uuid.UUID) {
	b.Helper()
	s := memstore.New(nil)
	ids := make([]uuid.UUID, n)
	for i := range ids {
		ids[i] = create(b, s, alice, fmt.Sprintf("conversation %d", i))
	}
	return s, newFloor(ids), ids
}

func BenchmarkAppend(b *testing.B) {
	b.Run("conversations=10000", func(b *testing.B) { benchmarkAppend(b, 10_000, 0) })
	b.Run("history=10", func(b *testing.B) { benchmarkAppend(b, 1_000, 10) })
	b.Run("history=100000", func(b *testing.B) { benchmarkAppend(b, 1, 100_000) })
}

// benchmarkAppend appends two messages to a random one of n conversations that
// have some history; each must be the next of its version. A short history is
// begun anew, outside the measured time, before it has grown by half on average.
func benchmarkAppend(b *testing.B, n, history int) {
	b.Helper()
	renew := 0
	if 0 < history && history < 1_000 {
		renew = n * history / 4
	}
	run := func(b *testing.B, open func() (*turns, func(at int))) float64 {
		b.Helper()
		var t *turns
		var appendTo func(at int)
		begin := func() {
			t, appendTo = open()
			for at := range n {
				for range history / 2 {
					appendTo(at)
				}
			}
		}
		begin()
		measure(b)
		for i := range b.N {
			if renew > 0 && i > 0 && i%renew == 0 {
				b.StopTimer()
				begin()
				b.StartTimer()
			}
			appendTo(t.chance.IntN(n))
		}
		return perOp(b)
	}
	var floorTime float64
	b.Run("floor", func(b *testing.B) {
		floorTime = run(b, func() (*turns, func(int)) { return floorAppends(b, n) })
	})
	b.Run("memstore", func(b *testing.B) {
		time := run(b, func() (*turns, func(int)) { return storeAppends(b, n) })
		b.ReportMetric(time/floorTime, "x-floor")
	})
}

func floorAppends(b *testing.B, n int) (*turns, func(at int)) {
	b.Helper()
	_, f, ids := population(b, n)
	t := newTurns(n)
	return t, func(at int) {
		if !f.append(ids[at], t.version[at], t.next()) {
			b.Fatal("the floor refused an append")
		}
		t.version[at] += 2
	}
}

func storeAppends(b *testing.B, n int) (*turns, func(at int)) {
	b.Helper()
	s, _, ids := population(b, n)
	t := newTurns(n)
	ctx := b.Context()
	return t, func(at int) {
		_, err := s.Append(ctx, &store.Append{
			Scope: alice, ConversationID: ids[at], Expected: &t.version[at],
			Tail: store.Tail{Messages: t.next(), Preview: "preview"},
		})
		if err != nil {
			b.Fatal(err)
		}
		t.version[at] += 2
	}
}

// BenchmarkTurn is a run from its start to its end with two messages.
func BenchmarkTurn(b *testing.B) {
	for _, history := range []int{10, 100_000} {
		b.Run(fmt.Sprintf("history=%d", history), func(b *testing.B) {
			s, _, ids := population(b, 1)
			fill(b, s, ids[0], history)
			t := newTurns(1)
			ctx := b.Context()
			lease := &store.Lease{Owner: "engine", Duration: time.Minute}
			var id uuid.UUID
			measure(b)
			for i := range b.N {
				binary.BigEndian.PutUint64(id[8:], uint64(i)+1)
				res, err := s.StartRun(ctx, &store.StartRun{
					Scope: alice, ConversationID: ids[0], ID: id, Timeout: time.Minute,
					Busy: store.BusyReject, Lease: lease,
				})
				if err != nil {
					b.Fatal(err)
				}
				_, err = s.FinishRun(ctx, &store.FinishRun{
					Key: res.Run.RunKey(), Status: store.RunCompleted, Tail: store.Tail{Messages: t.next()},
				})
				if err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkNewest50Of10000(b *testing.B) {
	s, f, ids := population(b, 1)
	t := newTurns(1)
	for range 5_000 {
		pair := t.next()
		f.append(ids[0], t.version[0], pair)
		if _, err := s.Append(b.Context(), &store.Append{
			Scope: alice, ConversationID: ids[0], Expected: &t.version[0], Tail: store.Tail{Messages: pair},
		}); err != nil {
			b.Fatal(err)
		}
		t.version[0] += 2
	}
	var floorTime float64
	b.Run("floor", func(b *testing.B) {
		measure(b)
		for range b.N {
			if len(f.newest(ids[0], 50)) != 50 {
				b.Fatal("short page")
			}
		}
		floorTime = perOp(b)
	})
	b.Run("memstore", func(b *testing.B) {
		q := &store.MessageQuery{Limit: 50, Desc: true}
		measure(b)
		for range b.N {
			page, err := s.Messages(b.Context(), alice, ids[0], q)
			if err != nil || len(page.Messages) != 50 {
				b.Fatal(err)
			}
		}
		b.ReportMetric(perOp(b)/floorTime, "x-floor")
	})
}

func BenchmarkFirstPageOf100000(b *testing.B) {
	s, _, ids := population(b, 100_000)
	t := newTurns(len(ids))
	for _, at := range t.chance.Perm(len(ids)) {
		_, err := s.Append(b.Context(), &store.Append{
			Scope: alice, ConversationID: ids[at],
			Tail: store.Tail{
				Messages: t.next(),
				Preview:  fmt.Sprintf("The newest text of number %d, as long as a preview is on most days, or so", at),
			},
		})
		if err != nil {
			b.Fatal(err)
		}
	}
	for _, list := range []struct {
		name string
		q    store.ListQuery
	}{
		{"unfiltered", store.ListQuery{Limit: 25}},
		{"counted", store.ListQuery{Limit: 25, Count: true}},
		{"by-title", store.ListQuery{Limit: 25, Sort: store.SortTitle}},
		{"substring", store.ListQuery{Limit: 25, Text: "number 777"}},
		{"page-2000", store.ListQuery{Limit: 25, Offset: 50_000}},
	} {
		b.Run(list.name, func(b *testing.B) {
			q := &list.q
			measure(b)
			for range b.N {
				page, err := s.ListConversations(b.Context(), alice, q)
				if err != nil || len(page.Conversations) != 25 {
					b.Fatal(err, len(page.Conversations))
				}
			}
		})
	}
}

// measure begins the measured part of a benchmark.
func measure(b *testing.B) {
	b.Helper()
	b.ReportAllocs()
	b.ResetTimer()
}

// perOp is the time of one operation so far, in nanoseconds.
func perOp(b *testing.B) float64 {
	b.Helper()
	return float64(b.Elapsed().Nanoseconds()) / float64(b.N)
}
