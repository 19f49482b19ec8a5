package storetest

import (
	"context"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/google/uuid"
	"github.com/parley-go/parley/store"
	"github.com/stretchr/testify/require"
)

var scoping = topic{"Scope", []rule{
	{"A2_EveryMethodHasAnEntry", scopeComplete},
	{"A2_ForeignIsNotFoundEverywhere", scopeForeign},
	{"A2_ForeignIsNotFoundWhateverItsState", scopeForeignDeleted},
	{"A2_ForeignAndAbsentAnswerAlike", scopeAlike},
}}

// target is what a call under test reaches for.
type target struct {
	conversation, run uuid.UUID
	started           *store.StartRun // the start of the run, to be repeated
	said              *store.Append   // an append in the log, to be repeated
	nudge             uuid.UUID       // a nudge of the run
}

// scopedCall makes a call on behalf of the scope.
type scopedCall func(ctx context.Context, s store.Store, scope store.Scope, t target) error

// unscoped are the methods that take no scope, and what they are held by.
var unscoped = map[string]string{
	"Purge":        "names its tenant; see Purge",
	"FinishRun":    "held by the attempt's key; see Finish",
	"Renew":        "held by the attempt's key; see Lease",
	"Release":      "held by the attempt's key; see Lease",
	"TakeNudges":   "held by the attempt's key; see Nudge",
	"AppendEvents": "held by the attempt's key; see Events",
	"Claim":        "the engine's own work, in any tenant",
	"Sweep":        "the engine's own work, in any tenant",
	"Marks":        "whoever asks has looked the things up before",
	"Notify":       "carries no truth",
	"Listen":       "carries no truth",
	"Check":        "looks at no data",
}

// scoped are all the others. Each entry is the method's name, and perhaps which
// way of calling it.
var scoped = map[string]scopedCall{
	"CreateConversation as a fork": func(ctx context.Context, s store.Store, scope store.Scope, t target) error {
		_, err := s.CreateConversation(ctx, &store.NewConversation{Copy: &scope, Conversation: store.Conversation{
			Tenant: "acme", ID: newID(), Owner: "eve", Mode: "standard", Channel: "web", Surface: "web", ParentID: t.conversation,
		}})
		return err
	},
	"GetConversation": func(ctx context.Context, s store.Store, scope store.Scope, t target) error {
		_, err := s.GetConversation(ctx, scope, t.conversation)
		return err
	},
	"ListConversations": func(ctx context.Context, s store.Store, scope store.Scope, t target) error {
		page, err := s.ListConversations(ctx, scope, &store.ListQuery{Sort: store.SortRecent, Limit: 100, Count: true})
		if err == nil && page.Total == 0 && len(page.Conversations) == 0 && page.Next == nil {
			return store.ErrNotFound // a list shows nothing instead
		}
		return err
	},
	"UpdateConversation": func(ctx context.Context, s store.Store, scope store.Scope, t target) error {
		_, err := s.UpdateConversation(ctx, scope, t.conversation, title("mine"))
		return err
	},
	"UpdateConversation with nothing": func(ctx context.Context, s store.Store, scope store.Scope, t target) error {
		_, err := s.UpdateConversation(ctx, scope, t.conversation, &store.ConversationUpdate{})
		return err
	},
	"DeleteConversation": func(ctx context.Context, s store.Store, scope store.Scope, t target) error {
		_, _, err := s.DeleteConversation(ctx, scope, t.conversation, nil)
		return err
	},
	"RestoreConversation": func(ctx context.Context, s store.Store, scope store.Scope, t target) error {
		_, err := s.RestoreConversation(ctx, scope, t.conversation)
		return err
	},
	"Messages": func(ctx context.Context, s store.Store, scope store.Scope, t target) error {
		_, err := s.Messages(ctx, scope, t.conversation, &store.MessageQuery{Limit: 1})
		return err
	},
	"Append": func(ctx context.Context, s store.Store, scope store.Scope, t target) error {
		_, err := s.Append(ctx, &store.Append{Scope: scope, ConversationID: t.conversation, Race: true, Tail: store.Tail{Messages: messages(1)}})
		return err
	},
	"Append repeated": func(ctx context.Context, s store.Store, scope store.Scope, t target) error {
		a := *t.said
		a.Scope, a.ConversationID = scope, t.conversation
		_, err := s.Append(ctx, &a)
		return err
	},
	"StartRun": func(ctx context.Context, s store.Store, scope store.Scope, t target) error {
		r := *t.started
		r.Scope, r.ConversationID, r.ID, r.Key, r.Busy = scope, t.conversation, newID(), "", store.BusyRace
		_, err := s.StartRun(ctx, &r)
		return err
	},
	"StartRun repeated": func(ctx context.Context, s store.Store, scope store.Scope, t target) error {
		r := *t.started
		r.Scope, r.ConversationID = scope, t.conversation
		_, err := s.StartRun(ctx, &r)
		return err
	},
	"StartRun with another payload": func(ctx context.Context, s store.Store, scope store.Scope, t target) error {
		r := *t.started
		r.Scope, r.ConversationID, r.ID, r.Fingerprint = scope, t.conversation, newID(), "another"
		_, err := s.StartRun(ctx, &r)
		return err
	},
	"StartRun stale": func(ctx context.Context, s store.Store, scope store.Scope, t target) error {
		r := *t.started
		r.Scope, r.ConversationID, r.ID, r.Key, r.Expected = scope, t.conversation, newID(), "", ptr(int64(77))
		_, err := s.StartRun(ctx, &r)
		return err
	},
	"GetRun": func(ctx context.Context, s store.Store, scope store.Scope, t target) error {
		_, err := s.GetRun(ctx, scope, t.run)
		return err
	},
	"ListRuns": func(ctx context.Context, s store.Store, scope store.Scope, t target) error {
		_, err := s.ListRuns(ctx, scope, t.conversation, &store.RunQuery{Limit: 1})
		return err
	},
	"RequestStop": func(ctx context.Context, s store.Store, scope store.Scope, t target) error {
		_, err := s.RequestStop(ctx, &store.StopRun{Scope: scope, RunID: t.run})
		return err
	},
	"AddNudge": func(ctx context.Context, s store.Store, scope store.Scope, t target) error {
		_, err := s.AddNudge(ctx, scope, &store.Nudge{ID: newID(), RunID: t.run, UserID: scope.User, Text: "x"})
		return err
	},
	"AddNudge repeated": func(ctx context.Context, s store.Store, scope store.Scope, t target) error {
		_, err := s.AddNudge(ctx, scope, &store.Nudge{ID: t.nudge, RunID: t.run, UserID: scope.User, Text: "x"})
		return err
	},
	"Nudges": func(ctx context.Context, s store.Store, scope store.Scope, t target) error {
		_, err := s.Nudges(ctx, scope, t.run)
		return err
	},
	"ReadEvents": func(ctx context.Context, s store.Store, scope store.Scope, t target) error {
		_, err := s.ReadEvents(ctx, scope, t.run, 0, 1)
		return err
	},
}

// strangers are scopes that do not show ann's conversation.
var strangers = map[string]store.Scope{
	"another user":                  {Tenant: "acme", User: "eve"},
	"an author who is no member":    {Tenant: "acme", User: "cat"},
	"no user":                       {Tenant: "acme"},
	"another spelling":              {Tenant: "acme", User: "Ann"},
	"a wildcard":                    {Tenant: "acme", User: "%"},
	"the same user elsewhere":       {Tenant: "globex", User: "ann"},
	"an administrator of elsewhere": {Tenant: "globex", User: "ann", Wide: true},
	"another spelling of a tenant":  {Tenant: "Acme", User: "ann", Wide: true},
	"no tenant":                     {User: "ann", Wide: true},
}

func scopeComplete(e *env) {
	methods := reflect.TypeFor[store.Store]()
	for i := range methods.NumMethod() {
		name := methods.Method(i).Name
		held := unscoped[name] != ""
		for entry := range scoped {
			if entry == name || strings.HasPrefix(entry, name+" ") {
				held = true
			}
		}
		require.True(e, held, "method %s has no entry among the scoped or the unscoped", name)
	}
}

// secret is a conversation of ann with everything in it.
func (e *env) secret() target {
	e.Helper()
	c := e.create(func(n *store.NewConversation) {
		n.Participants = []store.Participant{{UserID: "cat", Author: true}}
	})
	said := e.newAppend(c.ID, 2)
	_, err := e.store.Append(e.ctx, said)
	require.NoError(e, err)
	started := e.newStart(c.ID, keyed("k"))
	r, err := e.store.StartRun(e.ctx, started)
	require.NoError(e, err)
	n := e.nudge(&r.Run, "n")
	e.someEvents(&r.Run)
	return target{conversation: c.ID, run: r.Run.ID, started: started, said: said, nudge: n.ID}
}

func scopeForeign(e *env) {
	t := e.secret()
	e.requireHidden(t)
	for _, name := range scopedNames() {
		switch {
		case strings.HasPrefix(name, "DeleteConversation"), strings.HasPrefix(name, "StartRun "):
		default:
			require.NoError(e, scoped[name](e.ctx, e.store, e.scope, t), "%s by ann herself", name)
		}
	}
}

func scopeForeignDeleted(e *env) {
	t := e.secret()
	_, _, err := e.store.DeleteConversation(e.ctx, e.scope, t.conversation, nil)
	require.NoError(e, err)
	e.requireHidden(t)
}

func scopedNames() []string {
	var names []string
	for name := range scoped {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

func (e *env) requireHidden(t target) {
	e.Helper()
	e.unchanged(t.conversation, func() {
		for _, name := range scopedNames() {
			for who, scope := range strangers {
				err := scoped[name](e.ctx, e.store, scope, t)
				require.ErrorIs(e, err, store.ErrNotFound, "%s by %s", name, who)
			}
		}
	})
}

// One and the same answer: no word in it tells foreign from absent.
func scopeAlike(e *env) {
	t := e.secret()
	absent := t
	absent.conversation, absent.run = newID(), newID()
	text := func(err error, t target) string {
		s := fmt.Sprintf("%T %v", err, err)
		return strings.NewReplacer(t.conversation.String(), "ID", t.run.String(), "ID").Replace(s)
	}
	for _, name := range scopedNames() {
		for who, scope := range strangers {
			foreign := scoped[name](e.ctx, e.store, scope, t)
			nothing := scoped[name](e.ctx, e.store, scope, absent)
			require.ErrorIs(e, nothing, store.ErrNotFound, "%s of what is absent", name)
			require.Equal(e, text(nothing, absent), text(foreign, t), "%s by %s", name, who)
		}
	}
}
