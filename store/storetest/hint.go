package storetest

import (
	"context"
	"sync/atomic"

	"github.com/parley-go/parley/store"
	"github.com/stretchr/testify/require"
)

var hinting = topic{"Hints", []rule{
	{"ListenReturnsNilWhenItsContextEnds", listenEnds},
	{"ReachEveryListener", hintsReach},
	{"OneCallAtATime", hintsOneByOne},
	{"NotifyNeverWaits", hintsNeverWait},
	{"NotifyWithoutListeners", hintsUnheard},
}}

var checking = topic{"Check", []rule{{"UsableIsNil", func(e *env) { require.NoError(e, e.store.Check(e.ctx)) }}}}

// listen starts a listener on the handle. ended gives what Listen returned;
// means is false if the store has no means to listen.
func (e *env) listen(s store.Store, fn func(store.Hint)) (end context.CancelFunc, ended <-chan error, means bool) {
	ctx, cancel := context.WithCancel(e.ctx)
	done := e.in(func() error { return s.Listen(ctx, fn) })
	// A store without means returns at once; one with means, not before the end.
	probe := e.in(func() error { pause(ctx, short); return nil })
	select {
	case err := <-done:
		require.NoError(e, err)
		e.Logf("the store has no means to listen")
		return cancel, nil, false
	case <-probe:
		return cancel, done, true
	}
}

func listenEnds(e *env) {
	end, ended, means := e.listen(e.store, func(store.Hint) {})
	end()
	if means {
		require.NoError(e, <-ended)
	}
	ctx, cancel := context.WithCancel(e.ctx)
	cancel()
	require.NoError(e, e.store.Listen(ctx, func(store.Hint) {}), "a context that has ended already")
}

func hintsReach(e *env) {
	want := store.Hint{Kind: store.HintRun, Tenant: "acme", ConversationID: newID(), RunID: newID()}
	var heard [3]atomic.Bool
	for i := range heard {
		end, _, means := e.listen(e.handle(i), func(h store.Hint) {
			if h == want {
				heard[i].Store(true)
			}
		})
		defer end()
		if !means {
			return
		}
	}
	e.eventually("a repeated hint reaches every listener", func() bool {
		require.NoError(e, e.other.Notify(e.ctx, []store.Hint{{Kind: store.HintWork, Tenant: "t"}, want, {Kind: store.HintConversation}}))
		return heard[0].Load() && heard[1].Load() && heard[2].Load()
	})
}

func hintsOneByOne(e *env) {
	var inside, calls, doubled atomic.Int64
	end, ended, means := e.listen(e.store, func(store.Hint) {
		if inside.Add(1) > 1 {
			doubled.Add(1)
		}
		pause(e.ctx, tick)
		inside.Add(-1)
		calls.Add(1)
	})
	if !means {
		return
	}
	e.eventually("twenty hints arrive", func() bool {
		for i := range 4 {
			require.NoError(e, e.handle(i).Notify(e.ctx, []store.Hint{
				{Kind: store.HintControl, Tenant: "acme", RunID: newID()}, {Kind: store.HintRun, Tenant: "acme", RunID: newID()},
			}))
		}
		return calls.Load() >= 20
	})
	end()
	require.NoError(e, <-ended)
	require.Zero(e, doubled.Load(), "one call at a time")
	after := calls.Load()
	require.NoError(e, e.store.Notify(e.ctx, []store.Hint{{Kind: store.HintRun, Tenant: "acme"}}))
	pause(e.ctx, tick)
	require.Equal(e, after, calls.Load(), "no call after Listen returned")
}

func hintsNeverWait(e *env) {
	var stuck atomic.Bool
	release := make(chan struct{})
	end, ended, means := e.listen(e.store, func(store.Hint) {
		stuck.Store(true)
		<-release
	})
	if !means {
		return
	}
	notify := func() error {
		for range 200 {
			if err := e.store.Notify(e.ctx, []store.Hint{{Kind: store.HintRun, Tenant: "acme", RunID: newID()}}); err != nil {
				return err
			}
		}
		return nil
	}
	var err error
	reached := e.reaches(func() error {
		for !stuck.Load() && e.ctx.Err() == nil {
			if err := notify(); err != nil {
				return err
			}
			pause(e.ctx, tick)
		}
		return notify()
	}, &err)
	close(release)
	end()
	require.True(e, reached, "Notify waits for a listener")
	require.NoError(e, err)
	require.NoError(e, <-ended)
}

// reaches reports whether the function comes to its end in time.
func (e *env) reaches(do func() error, err *error) bool {
	done := e.in(do)
	late, cancel := context.WithTimeout(e.ctx, e.soon)
	defer cancel()
	select {
	case *err = <-done:
		return true
	case <-late.Done():
		return false
	}
}

func hintsUnheard(e *env) {
	require.NoError(e, e.store.Notify(e.ctx, nil))
	require.NoError(e, e.store.Notify(e.ctx, []store.Hint{{Kind: store.HintConversation, Tenant: "acme", ConversationID: newID()}}))
}
