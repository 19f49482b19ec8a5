package storetest

import (
	"context"
	"reflect"
	"strings"
	"time"

	"github.com/parley-go/parley/store"
	"github.com/stretchr/testify/require"
)

var contexts = topic{"Context", []rule{
	{"EveryMethodHasAnEntry", contextComplete},
	{"EndedBeforeTheCallWritesNothing", contextEnded},
	{"EndedBeforeTheCallOfARead", contextEndedRead},
	{"V7_EndedDuringAWriteIsAllOrNothing", contextRandom},
}}

// reads are the methods that write nothing.
var reads = []string{
	"GetConversation", "ListConversations", "Messages", "GetRun", "ListRuns", "Nudges", "ReadEvents", "Marks", "Check", "Listen", "Notify",
}

// write is one call that changes something, ready to be made.
type write struct {
	name string

	// prepare makes what the call needs and gives the conversation it is about
	// and the call, which tells whether the store said it was a replay.
	prepare func(e *env) (target, func(ctx context.Context) (replayed bool, err error))

	// repeatable: the call made again gives the one true answer.
	repeatable bool

	// done reports whether the whole effect is there.
	done func(p picture) bool
}

func writes() []write {
	once := func(err error) (bool, error) { return false, err }
	return []write{
		{"CreateConversation", func(e *env) (target, func(context.Context) (bool, error)) {
			n := e.newConversation(func(n *store.NewConversation) {
				n.Participants = []store.Participant{{UserID: "bob", Member: true}}
			})
			return target{conversation: n.ID}, func(ctx context.Context) (bool, error) {
				_, err := e.store.CreateConversation(ctx, n)
				return once(err)
			}
		}, true, func(p picture) bool { return len(p.Conversation.Participants) == 2 }},

		{"CreateConversation as a fork", func(e *env) (target, func(context.Context) (bool, error)) {
			c := e.create()
			e.say(c.ID, 4)
			n := e.fork(c, 3)
			return target{conversation: n.ID}, func(ctx context.Context) (bool, error) {
				_, err := e.store.CreateConversation(ctx, n)
				return once(err)
			}
		}, true, func(p picture) bool { return p.Version == 3 && len(p.Messages) == 3 && p.Conversation.Version == 3 }},

		{"UpdateConversation", func(e *env) (target, func(context.Context) (bool, error)) {
			c := e.create()
			u := title("t")
			u.Participants = []store.Participant{{UserID: "bob", Name: "Bob"}}
			return target{conversation: c.ID}, func(ctx context.Context) (bool, error) {
				_, err := e.store.UpdateConversation(ctx, e.scope, c.ID, u)
				return once(err)
			}
		}, true, func(p picture) bool { return p.Conversation.Title == "t" && len(p.Conversation.Participants) == 2 }},

		{"DeleteConversation", func(e *env) (target, func(context.Context) (bool, error)) {
			c := e.crowd().c
			return target{conversation: c.ID}, func(ctx context.Context) (bool, error) {
				_, _, err := e.store.DeleteConversation(ctx, e.scope, c.ID, []byte(`"gone"`))
				return once(err)
			}
		}, true, func(p picture) bool {
			return !p.Conversation.DeletedAt.IsZero() && p.Conversation.Active+p.Conversation.Queued == 0 && p.allEnded()
		}},

		{"RestoreConversation", func(e *env) (target, func(context.Context) (bool, error)) {
			c := e.create()
			_, _, err := e.store.DeleteConversation(e.ctx, e.scope, c.ID, nil)
			require.NoError(e, err)
			return target{conversation: c.ID}, func(ctx context.Context) (bool, error) {
				_, err := e.store.RestoreConversation(ctx, e.scope, c.ID)
				return once(err)
			}
		}, true, func(p picture) bool { return p.Conversation.DeletedAt.IsZero() }},

		{"Purge", func(e *env) (target, func(context.Context) (bool, error)) {
			c := e.crowd().c
			return target{conversation: c.ID}, func(ctx context.Context) (bool, error) {
				_, err := e.store.Purge(ctx, store.PurgeTarget{Tenant: "acme", ConversationID: c.ID})
				return once(err)
			}
		}, true, func(p picture) bool { return p.Missing }},

		{"Append", func(e *env) (target, func(context.Context) (bool, error)) {
			c := e.create()
			e.say(c.ID, 1)
			a := e.newAppend(c.ID, 5, expected(1), func(a *store.Append) {
				a.Preview, a.Participants = "new", []store.Participant{{UserID: "bob"}}
			})
			return target{conversation: c.ID}, func(ctx context.Context) (bool, error) {
				result, err := e.store.Append(ctx, a)
				return err == nil && result.Replayed, err
			}
		}, true, func(p picture) bool {
			return p.Version == 6 && len(p.Messages) == 6 && p.Conversation.Preview == "new" && len(p.Conversation.Participants) == 2
		}},

		{"StartRun", func(e *env) (target, func(context.Context) (bool, error)) {
			c := e.create()
			s := e.newStart(c.ID, keyed("k"))
			return target{conversation: c.ID}, func(ctx context.Context) (bool, error) {
				result, err := e.store.StartRun(ctx, s)
				return err == nil && result.Replayed, err
			}
		}, true, func(p picture) bool { return len(p.Runs) == 1 && p.Conversation.Active == 1 }},

		{"StartRun that interrupts", func(e *env) (target, func(context.Context) (bool, error)) {
			c := e.create()
			e.start(c.ID)
			s := e.newStart(c.ID, busy(store.BusyInterrupt))
			return target{conversation: c.ID}, func(ctx context.Context) (bool, error) {
				result, err := e.store.StartRun(ctx, s)
				return err == nil && result.Replayed, err
			}
		}, true, func(p picture) bool { return p.Conversation.Queued == 1 && p.Runs[1].StopRequested }},

		{"FinishRun", func(e *env) (target, func(context.Context) (bool, error)) {
			c := e.create()
			r := e.start(c.ID)
			e.enqueue(c.ID)
			e.nudge(r, "n")
			f := newFinish(r, 4, func(f *store.FinishRun) { f.Events = &store.EventPack{First: 1, Last: 2, Body: []byte("e")} })
			return target{conversation: c.ID}, func(ctx context.Context) (bool, error) {
				result, err := e.store.FinishRun(ctx, f)
				return err == nil && result.Replayed, err
			}
		}, true, func(p picture) bool {
			r := p.Runs[1]
			return p.Version == 4 && r.Status == store.RunCompleted && r.EventSeq == 3 && len(p.Packs[r.ID]) == 1 &&
				p.Nudges[r.ID][0].State == store.NudgeReturned && !p.Runs[0].Queued && p.Conversation.Active == 1
		}},

		{"RequestStop", func(e *env) (target, func(context.Context) (bool, error)) {
			c := e.create()
			r := e.start(c.ID, unclaimed)
			e.enqueue(c.ID)
			return target{conversation: c.ID}, func(ctx context.Context) (bool, error) {
				_, err := e.store.RequestStop(ctx, &store.StopRun{Scope: e.scope, RunID: r.ID})
				return once(err)
			}
		}, true, func(p picture) bool { return p.Runs[1].Status == store.RunStopped && !p.Runs[0].Queued }},

		{"Claim", func(e *env) (target, func(context.Context) (bool, error)) {
			c := e.create()
			e.start(c.ID, unclaimed)
			return target{conversation: c.ID}, func(ctx context.Context) (bool, error) {
				_, err := e.store.Claim(ctx, &store.Claim{Lease: store.Lease{Owner: "x", Duration: long}, Limit: 1000})
				return once(err)
			}
		}, false, func(p picture) bool { return p.Runs[0].Status == store.RunRunning && p.Runs[0].Attempt == 1 }},

		{"Renew", func(e *env) (target, func(context.Context) (bool, error)) {
			c := e.create()
			r := e.start(c.ID)
			return target{conversation: c.ID}, func(ctx context.Context) (bool, error) {
				_, err := e.store.Renew(ctx, store.Lease{Owner: "engine", Duration: 2 * long}, []store.RunKey{r.RunKey()})
				return once(err)
			}
		}, true, func(p picture) bool { return p.Runs[0].LeaseUntil.Sub(p.Runs[0].StartedAt) >= 2*long-time.Minute }},

		{"Release", func(e *env) (target, func(context.Context) (bool, error)) {
			c := e.create()
			r := e.start(c.ID)
			return target{conversation: c.ID}, func(ctx context.Context) (bool, error) {
				return once(e.store.Release(ctx, []store.RunKey{r.RunKey()}))
			}
		}, true, func(p picture) bool { return p.Runs[0].Status == store.RunPending && p.Runs[0].Owner == "" }},

		{"AddNudge", func(e *env) (target, func(context.Context) (bool, error)) {
			c := e.create()
			n := &store.Nudge{ID: newID(), RunID: e.start(c.ID).ID, UserID: "ann", Text: "n"}
			return target{conversation: c.ID}, func(ctx context.Context) (bool, error) {
				_, err := e.store.AddNudge(ctx, e.scope, n)
				return once(err)
			}
		}, true, func(p picture) bool { return len(p.Nudges[p.Runs[0].ID]) == 1 }},

		{"TakeNudges", func(e *env) (target, func(context.Context) (bool, error)) {
			c := e.create()
			r := e.start(c.ID)
			e.nudge(r, "a")
			e.nudge(r, "b")
			return target{conversation: c.ID}, func(ctx context.Context) (bool, error) {
				_, err := e.store.TakeNudges(ctx, r.RunKey())
				return once(err)
			}
		}, false, func(p picture) bool {
			n := p.Nudges[p.Runs[0].ID]
			return n[0].State == store.NudgeTaken && n[1].State == store.NudgeTaken
		}},

		{"AppendEvents", func(e *env) (target, func(context.Context) (bool, error)) {
			c := e.create()
			r := e.start(c.ID)
			return target{conversation: c.ID}, func(ctx context.Context) (bool, error) {
				errs, err := e.store.AppendEvents(ctx, []store.EventAppend{pack(r, 1, 3)})
				if err == nil {
					err = errs[0]
				}
				return once(err)
			}
		}, true, func(p picture) bool { return p.Runs[0].EventSeq == 3 && len(p.Packs[p.Runs[0].ID]) == 1 }},

		{"Sweep", func(e *env) (target, func(context.Context) (bool, error)) {
			c := e.create()
			e.start(c.ID)
			e.passed(e.enqueue(c.ID, queueTimeout(brief)).QueueUntil)
			return target{conversation: c.ID}, func(ctx context.Context) (bool, error) {
				_, err := e.store.Sweep(ctx, &store.Sweep{Limit: 1000})
				return once(err)
			}
		}, true, func(p picture) bool { return p.Runs[0].Status == store.RunTimedOut && p.Conversation.Queued == 0 }},
	}
}

func (p picture) allEnded() bool {
	for _, r := range p.Runs {
		if !r.Status.Terminal() {
			return false
		}
	}
	return true
}

func contextComplete(e *env) {
	entries := append([]string(nil), reads...)
	for _, w := range writes() {
		entries = append(entries, w.name)
	}
	methods := reflect.TypeFor[store.Store]()
	for i := range methods.NumMethod() {
		held := false
		for _, entry := range entries {
			held = held || entry == methods.Method(i).Name || strings.HasPrefix(entry, methods.Method(i).Name+" ")
		}
		require.True(e, held, "method %s is in neither table", methods.Method(i).Name)
	}
}

// ended are contexts that ended before the call, each with its error.
func ended() map[error]context.Context {
	cancelled, cancel := context.WithCancel(context.Background())
	cancel()
	late, cancel := context.WithDeadline(context.Background(), time.Unix(1, 0))
	cancel()
	return map[error]context.Context{context.Canceled: cancelled, context.DeadlineExceeded: late}
}

func contextEnded(e *env) {
	for _, w := range writes() {
		for want, ctx := range ended() {
			t, call := w.prepare(e)
			e.unchanged(t.conversation, func() {
				_, err := call(ctx)
				require.ErrorIs(e, err, want, w.name)
				require.NotErrorIs(e, err, store.ErrOutcomeUnknown, "%s: nothing was sent", w.name)
			})
			replayed, err := call(e.ctx)
			require.NoError(e, err, w.name)
			require.False(e, replayed, w.name)
			require.True(e, w.done(e.picture(t.conversation)), "%s: and then the call does its work", w.name)
		}
	}
}

func contextEndedRead(e *env) {
	t := e.secret()
	for want, ctx := range ended() {
		for name, call := range scoped {
			if !isRead(name) {
				continue
			}
			if err := call(ctx, e.store, e.scope, t); err != nil {
				require.ErrorIs(e, err, want, "%s: not another error, least of all not found", name)
			}
		}
		if _, err := e.store.Marks(ctx, []store.WatchRef{{Tenant: "acme", ConversationID: t.conversation}}); err != nil {
			require.ErrorIs(e, err, want)
		}
	}
}

func isRead(name string) bool {
	for _, r := range reads {
		if name == r {
			return true
		}
	}
	return false
}
