// Package memstore keeps conversations in the memory of the process. It is a
// complete store.Store: the default of an embedded engine, the store of a
// server that may forget at a restart, and the one that tests use.
//
// # What it keeps and shares
//
// Rows never change once a reader may hold them, and the bytes in them are
// those the writer handed over: a read shares them. The log of a conversation
// is cut into chunks of a fixed size, so that an append costs the same however
// long the log is, and a page touches only the chunks it lies in. A fork shares
// the chunks of its parent.
//
// # Decisions where the contract leaves a choice
//
// Ids of conversations and runs are unique in the whole store, not only in a
// tenant. Ids of messages are unique within a conversation: a FinishRun that
// brings a known one, and an Append that brings one twice, are store.ErrExists.
// An Append without messages is an error.
//
// The times that one transition writes are its UpdatedAt, so that the runs and
// messages of a conversation have a strict order even under a clock that stands
// still. Leases and the time in the queue count from the clock itself.
//
// A queued run becomes the conversation's activity when it is promoted, not
// when it joins the queue. A released run gets a new fencing number that nobody
// knows, and the conversation stays busy.
//
// A list sees each conversation at one moment, but not all of them at the same
// one; a purge it sees whole or not at all.
//
// A Store is safe for concurrent use, starts no goroutine and needs no closing.
package memstore

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/parley-go/parley/store"
)

// Options configures a Store. The zero value is ready to use.
type Options struct {
	// Now is the store's clock; leases and deadlines are measured by it. It must
	// be safe for concurrent use. Default: time.Now.
	Now func() time.Time

	// Shards is the number of locks that conversations are spread over, rounded
	// up to a power of two. Default: 64.
	Shards int
}

// Store is a store.Store in memory.
type Store struct {
	clock     func() time.Time
	shards    []shard
	runs      []runShard
	listeners listeners
	erasing   sync.RWMutex // held for writing while a purge takes many conversations, for reading by lists
}

var _ store.Store = (*Store)(nil)

// defaultShards keeps collisions rare for some hundred goroutines while a walk
// over all shards stays below a few microseconds.
const defaultShards = 64

// New returns an empty Store. A nil opts stands for the defaults.
func New(opts *Options) *Store {
	var o Options
	if opts != nil {
		o = *opts
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Shards <= 0 {
		o.Shards = defaultShards
	}
	n := 1
	for n < o.Shards {
		n *= 2
	}
	s := &Store{clock: o.Now, shards: make([]shard, n), runs: make([]runShard, n)}
	for i := range s.shards {
		s.shards[i].init()
		s.runs[i].init()
	}
	return s
}

// Check always reports that the store can be used.
func (s *Store) Check(context.Context) error { return nil }

// now is the present moment as the store writes it.
func (s *Store) now() time.Time { return s.clock().UTC().Truncate(time.Microsecond) }

// alive returns an error when ctx has ended: such a call does nothing.
func alive(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("memstore: %w", err)
	}
	return nil
}
