package conversation_test

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/parley-go/parley/conversation"
	"github.com/parley-go/parley/memstore"
)

// lease is that of the engines in these tests.
const lease = 3 * time.Second

// crew is two engines on one store. What the first one writes and reads passes
// through s.
type crew struct {
	*fixture          // the first engine
	s        *tamper  // its store
	p        *puppet  // its responder
	other    *fixture // the second engine
	q        *puppet  // its responder
}

func setupCrew(t *testing.T, cfg conversation.Config) *crew {
	t.Helper()
	cfg.Lease = lease
	s := tampered(memstore.New(nil))
	c := &crew{s: s, p: newPuppet(), q: newPuppet()}
	c.fixture = setupOn(t, s, c.p, &cfg)
	c.other = setupOn(t, s.Store, c.q, &cfg)
	synctest.Wait()
	return c
}

// cut lets the first engine keep no lease, and get no other, from now on.
func (c *crew) cut() {
	c.s.on("Renew", hook{before: hang})
	c.s.on("Claim", hook{before: hang})
}

func TestR8_AnEngineThatCannotRenewGivesUpInTime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := setupCrew(t, conversation.Config{})
		id := c.create()
		run := c.say(id, "hi")
		a := c.p.next(t)
		here, there := follow(t, c.fixture, run.ID), follow(t, c.other, run.ID)
		require.NoError(t, a.Text("stored "))
		time.Sleep(time.Second)
		c.cut()
		c.s.on("AppendEvents", hook{before: hang})
		require.NoError(t, a.Text("not stored"))
		began := time.Now()
		<-a.ctx.Done()
		require.ErrorIs(t, context.Cause(a.ctx), conversation.ErrLeaseLost)
		require.Less(t, time.Since(began), lease, "before anybody else may have it")
		require.ErrorIs(t, a.Text("late"), conversation.ErrTurnOver)
		require.Equal(t, conversation.RunRunning, c.look(run.ID).Status)

		b := c.q.next(t)
		require.LessOrEqual(t, time.Since(began), lease+2*time.Second)
		require.Equal(t, 2, b.Attempt())
		require.NoError(t, b.Text("the answer"))
		b.finish(nil)
		require.Equal(t, "the answer", *c.other.wait(run.ID).FinalText)
		require.NoError(t, here.err())
		require.NoError(t, there.err())

		require.Equal(t, "the answer", textOf(there.events()))
		wellFormed(t, there.events())
		require.Equal(t, []conversation.EventType{
			conversation.EventRunStarted, conversation.EventTextDelta, conversation.EventRunRestarted, conversation.EventTextDelta,
			conversation.EventMessageAppended, conversation.EventMessageAppended, conversation.EventRunCompleted,
		}, types(there.events()))

		// The reader in the engine that lost it saw more, and is taken back to the restart.
		require.Equal(t, "the answer", textOf(here.events()))
		wellFormed(t, here.events())
		require.Equal(t, []int64{1, 2, 3, 3, 4, 5, 6, 7}, numbers(here.events()))
		require.Equal(t, conversation.EventRunRestarted, here.events()[3].Type)
		require.Equal(t, []string{"user: hi", "assistant: the answer"}, c.lines(id))
	})
}

func numbers(events []*conversation.Event) []int64 {
	out := make([]int64, len(events))
	for i, e := range events {
		out[i] = e.Seq
	}
	return out
}

// crash is the end of the first engine's process, as far as anybody else can see.
func (c *crew) crash() { c.s.die() }

func TestR8_AfterACrashAnotherEngineGoesOn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := setupCrew(t, conversation.Config{})
		id := c.create()
		run := c.say(id, "hi")
		a := c.p.next(t)
		there := follow(t, c.other, run.ID)
		require.NoError(t, a.Text("half a text"))
		time.Sleep(10 * lease) // held for long: the lease was renewed
		require.Equal(t, 1, c.look(run.ID).Attempt)
		c.crash()
		began := time.Now()
		b := c.q.next(t)
		require.LessOrEqual(t, time.Since(began), lease+2*time.Second)
		require.Equal(t, 2, b.Attempt())
		require.Equal(t, "hi", b.InputText())
		require.NoError(t, b.Text("a whole text"))
		b.finish(nil)
		require.NoError(t, there.err())
		wellFormed(t, there.events())
		require.Equal(t, "a whole text", textOf(there.events()))
		require.Equal(t, []string{"user: hi", "assistant: a whole text"}, c.other.lines(id))
	})
}

func TestR8_AttemptsAreBounded(t *testing.T) {
	t.Parallel()
	for _, attempts := range []int{1, 2} {
		t.Run(fmt.Sprint(attempts), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				c := setupCrew(t, conversation.Config{MaxAttempts: attempts})
				id := c.create()
				run := c.say(id, "hi")
				a := c.p.next(t)
				require.NoError(t, a.Text("half"))
				there := follow(t, c.other, run.ID)
				time.Sleep(time.Second)
				c.crash()
				began := time.Now()
				if attempts == 2 {
					b := c.q.next(t)
					require.NoError(t, b.Text("the other half"))
					b.finish(nil)
					require.NoError(t, there.err())
					require.Equal(t, conversation.RunCompleted, c.other.look(run.ID).Status)
					return
				}
				require.NoError(t, there.err())
				require.LessOrEqual(t, time.Since(began), lease+2*time.Second)
				ended := c.other.look(run.ID)
				require.Equal(t, conversation.RunFailed, ended.Status)
				require.Equal(t, conversation.CodeInterrupted, ended.Error.Code)
				require.Empty(t, c.other.log(id))
				wellFormed(t, there.events())
				require.Equal(t, "half", textOf(there.events()))
				require.Empty(t, c.q.acts, "the responder was not asked again")

				// A cursor beyond what was stored meets the end.
				rest := c.other.replay(run.ID, conversation.Cursor{RunID: run.ID, Seq: 500, Attempt: 1})
				require.Equal(t, []conversation.EventType{conversation.EventRunFailed}, types(rest))
			})
		})
	}
}

// A write that was under way when the run went to somebody else changes nothing.
func TestV8_ALateFinishIsRefused(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := setupCrew(t, conversation.Config{})
		id := c.create()
		run := c.say(id, "hi")
		a := c.p.next(t)
		require.NoError(t, a.Text("late"))
		late := make(chan struct{})
		c.cut()
		c.s.on("FinishRun", hook{before: func(context.Context) error { <-late; return nil }})
		a.finish(nil)
		b := c.q.next(t)
		require.NoError(t, b.Text("in time"))
		close(late)
		synctest.Wait()
		require.Empty(t, c.log(id), "the log is fenced")
		b.finish(nil)
		require.Equal(t, "in time", *c.wait(run.ID).FinalText)
		require.Equal(t, []string{"user: hi", "assistant: in time"}, c.lines(id))
		require.Equal(t, "in time", textOf(c.replay(run.ID, conversation.Cursor{})))
	})
}

// So are late events, and they do not come back to readers either.
func TestV8_LateEventsAreRefused(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := setupCrew(t, conversation.Config{})
		run := c.say(c.create(), "hi")
		a := c.p.next(t)
		time.Sleep(time.Second)
		late := make(chan struct{})
		c.cut()
		c.s.on("AppendEvents", hook{before: func(context.Context) error { <-late; return nil }})
		here := follow(t, c.fixture, run.ID)
		require.NoError(t, a.Text("late"))
		b := c.q.next(t)
		require.NoError(t, b.Text("in time"))
		close(late)
		time.Sleep(time.Second)
		require.Equal(t, "in time", textOf(here.events()))
		b.finish(nil)
		require.NoError(t, here.err())
		wellFormed(t, here.events())
		require.Equal(t, "in time", textOf(c.replay(run.ID, conversation.Cursor{})))
	})
}

// Events whose write is answered after the lease was lost were stored after
// all: nobody sees them twice.
func TestS1_EventsStoredWhileTheLeaseWasLost(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := setupCrew(t, conversation.Config{})
		run := c.say(c.create(), "hi")
		a := c.p.next(t)
		time.Sleep(time.Second)
		here := follow(t, c.fixture, run.ID)
		c.cut()
		c.s.on("AppendEvents", hook{after: hang}) // written at once, answered never
		require.NoError(t, a.Text("written"))
		<-a.ctx.Done()
		b := c.q.next(t)
		require.NoError(t, b.Text("again"))
		b.finish(nil)
		require.NoError(t, here.err())
		wellFormed(t, here.events())
		require.Equal(t, []int64{1, 2, 3, 4, 5, 6, 7}, numbers(here.events()))
	})
}

func TestS1_CursorsAcrossARestart(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := setupCrew(t, conversation.Config{})
		id := c.create()
		run := c.say(id, "hi")
		a := c.p.next(t)
		require.NoError(t, a.Text("1"))
		time.Sleep(time.Second) // events 1 and 2 are stored
		c.s.on("AppendEvents", hook{before: hang})
		for range 8 {
			require.NoError(t, a.Text("1")) // events 3 to 10 are not
		}
		local := c.events(run.ID, conversation.Cursor{})
		var seen []*conversation.Event
		for len(seen) < 10 {
			read(t, local, &seen)
		}
		c.crash()
		b := c.q.next(t) // its restart is event 3
		for range 4 {
			require.NoError(t, b.Text("2")) // 4 to 7, in memory only
		}
		check := func(when string) {
			for _, after := range []conversation.Cursor{
				{Seq: 3, Attempt: 1}, {Seq: 5, Attempt: 1}, {Seq: 10, Attempt: 1}, {Seq: 10}, {Seq: 5}, {RunID: run.ID, Seq: 10, Attempt: 1},
			} {
				for _, s := range []*conversation.Stream{c.other.events(run.ID, after), followAt(c.other, id, run.ID, after)} {
					var got []*conversation.Event
					for len(got) < 5 {
						read(t, s, &got)
					}
					s.Close()
					require.Equal(t, conversation.EventRunRestarted, got[0].Type, "%s, %+v", when, after)
					require.EqualValues(t, 3, got[0].Seq)
					require.EqualValues(t, 2, got[0].From)
					require.Equal(t, "2222", textOf(got[:5]))
				}
			}
			for _, after := range []conversation.Cursor{{Seq: 5, Attempt: 2}, {Seq: 2, Attempt: 1}, {Seq: 1}} {
				s := c.other.events(run.ID, after)
				var got []*conversation.Event
				read(t, s, &got)
				s.Close()
				require.Equal(t, after.Seq+1, got[0].FirstSeq, "%s, %+v", when, after)
			}
		}
		check("in memory")
		time.Sleep(time.Second)
		check("stored")
		b.finish(nil)
		c.other.wait(run.ID)
		check("over")
	})
}

// followAt follows the conversation from a place in a run.
func followAt(f *fixture, id, run uuid.UUID, at conversation.Cursor) *conversation.Stream {
	f.t.Helper()
	at.RunID = run
	return f.stream(id, at)
}

// The deadline counts from the first start, whoever holds the run when it passes.
func TestR8_TheDeadlineOutlivesTheProcess(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := setupCrew(t, conversation.Config{RunTimeout: time.Minute})
		id := c.create()
		run := c.say(id, "hi")
		c.p.next(t)
		began := time.Now()
		time.Sleep(10 * time.Second)
		c.crash()
		b := c.q.next(t)
		<-b.ctx.Done()
		require.ErrorIs(t, context.Cause(b.ctx), conversation.ErrDeadline)
		require.InDelta(t, time.Minute, time.Since(began), float64(time.Second))
		require.Equal(t, conversation.RunTimedOut, c.other.wait(run.ID).Status)
		require.Empty(t, c.other.log(id))
	})
}

func TestR8_TheDeadlinePassesWhileNobodyHoldsTheRun(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := newPuppet()
		f := setup(t, p, &conversation.Config{RunTimeout: time.Minute})
		id := f.create()
		run := f.say(id, "hi")
		p.next(t)
		require.NoError(t, f.engine.Shutdown(ended()))
		time.Sleep(2 * time.Minute)
		q := newPuppet()
		g := f.join(q, nil)
		require.Equal(t, conversation.RunTimedOut, g.wait(run.ID).Status)
		require.Empty(t, q.acts, "there was no time left to ask the responder")
		require.Empty(t, g.log(id))
	})
}

// An engine that lost a lease may be the one that claims the run next.
func TestR8_TheSameEngineTakesItBack(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := tampered(memstore.New(nil))
		p := newPuppet()
		f := setupOn(t, s, p, &conversation.Config{Lease: lease})
		g := setupOn(t, s.Store, p, &conversation.Config{Lease: lease, MaxRuns: 1})
		g.say(g.create(), "keeps the other engine busy")
		busy := p.next(t)
		id := f.create()
		run := f.say(id, "hi")
		a := p.next(t)
		here := follow(t, f, run.ID)
		require.NoError(t, a.Text("one"))
		time.Sleep(time.Second)
		s.on("Renew", hook{before: hang})
		b := p.next(t)
		s.off("Renew") // the call that hangs goes on hanging
		require.Equal(t, 2, b.Attempt())
		require.ErrorIs(t, a.Text("late"), conversation.ErrTurnOver)
		there := follow(t, g, run.ID)
		require.NoError(t, b.Text("two"))
		time.Sleep(10 * lease) // renewed again, and its events are stored
		require.Equal(t, "two", textOf(there.events()))
		b.finish(nil)
		require.NoError(t, here.err())
		require.NoError(t, there.err())
		require.Equal(t, "two", textOf(here.events()))
		wellFormed(t, here.events())
		require.Equal(t, []string{"user: hi", "assistant: two"}, f.lines(id))
		busy.finish(nil)
	})
}
