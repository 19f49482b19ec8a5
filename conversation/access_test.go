package conversation_test

import (
	"reflect"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"go.uber.org/mock/gomock"

	"github.com/parley-go/parley/conversation"
	"github.com/parley-go/parley/memstore"
	"github.com/parley-go/parley/store/storemock"
)

// said is a user's message for Append.
func said(text string) conversation.Message {
	content, err := conversation.NewContent(conversation.Text(text))
	if err != nil {
		panic(err)
	}
	return conversation.Message{Role: conversation.RoleUser, Content: content}
}

func TestA2_EveryMethodIsInTheTable(t *testing.T) {
	t.Parallel()
	var inTable []string
	for _, op := range operations {
		inTable = append(inTable, op.name)
	}
	engine := reflect.TypeFor[*conversation.Engine]()
	var withCaller, without []string
	for i := range engine.NumMethod() {
		m := engine.Method(i)
		takes := func(want reflect.Type) bool {
			for j := range m.Type.NumIn() {
				if m.Type.In(j) == want {
					return true
				}
			}
			return false
		}
		if takes(reflect.TypeFor[conversation.Caller]()) {
			withCaller = append(withCaller, m.Name)
		} else {
			without = append(without, m.Name)
		}
	}
	require.ElementsMatch(t, withCaller, inTable)
	require.ElementsMatch(t, []string{"Check", "Shutdown", "Start", "Stats"}, without,
		"a method that takes no Caller can be reached without any permission")
}

// TestA3_TheVerbIsDecidedFirst uses a store that fails the test when it is
// asked anything.
func TestA3_TheVerbIsDecidedFirst(t *testing.T) {
	t.Parallel()
	for _, op := range operations {
		t.Run(op.name, func(t *testing.T) {
			t.Parallel()
			engine, err := conversation.New(storemock.NewMockStore(gomock.NewController(t)), says("never"), nil)
			require.NoError(t, err)
			callers := map[string]conversation.Caller{
				"nothing":        {},
				"no verb":        {Tenant: "acme", User: "alice"},
				"admin":          {Tenant: "acme", User: "root", Admin: true},
				"no tenant":      {User: "alice", Permissions: conversation.PermReadWrite},
				"no user":        {Tenant: "acme", Permissions: conversation.PermReadWrite},
				"other bits":     {Tenant: "acme", User: "alice", Permissions: ^conversation.PermReadWrite},
				"admin, no user": {Tenant: "acme", Admin: true, Permissions: conversation.PermReadWrite},
			}
			for name, verb := range map[string]conversation.Permission{"read only": conversation.PermRead, "write only": conversation.PermWrite} {
				if op.verb&^verb != 0 {
					callers[name] = conversation.Caller{Tenant: "acme", User: "alice", Admin: true, Permissions: verb}
				}
			}
			require.GreaterOrEqual(t, len(callers), 8)
			for name, caller := range callers {
				f := &fixture{t: t, ctx: t.Context(), engine: engine, caller: caller}
				at := target{uuid.New(), uuid.New()}
				for _, view := range []conversation.View{"", conversation.ViewParticipant, conversation.ViewAdmin} {
					require.Same(t, conversation.ErrForbidden, op.call(f, at, view), name)
					if op.bad != nil {
						require.Same(t, conversation.ErrForbidden, op.bad(f, at, view), name)
					}
				}
			}
		})
	}
}

// TestA3_TheVerbIsEnough gives each method no more than its own verb.
func TestA3_TheVerbIsEnough(t *testing.T) {
	t.Parallel()
	for _, op := range operations {
		t.Run(op.name, func(t *testing.T) {
			t.Parallel()
			f := setup(t, says("ok"), nil)
			id := f.create()
			at := target{id, f.run(id, conversation.TurnRequest{Text: "hello"}).ID}
			caller := alice
			caller.Permissions = op.verb
			caller.Admin = op.name == "PurgeTenant"
			require.NoError(t, op.call(f.as(caller), at, conversation.ViewParticipant))
		})
	}
}

// TestA3_ErasingForOthersIsForAdministrators: the owner of nothing erases no one else.
func TestA3_ErasingForOthersIsForAdministrators(t *testing.T) {
	t.Parallel()
	engine, err := conversation.New(storemock.NewMockStore(gomock.NewController(t)), says("never"), nil)
	require.NoError(t, err)
	for _, user := range []string{"alice", ""} {
		_, err = engine.PurgeUser(t.Context(), bob, user)
		require.Same(t, conversation.ErrForbidden, err)
	}
	_, err = engine.PurgeUser(t.Context(), admin, "")
	require.Same(t, conversation.ErrForbidden, err, "no user is not every user")
	_, err = engine.PurgeTenant(t.Context(), bob)
	require.Same(t, conversation.ErrForbidden, err)
}

// TestA2_ForeignIsAbsent tries every method on what belongs to others and on
// what does not exist. The answers must be the same value, reached by the same
// questions to the store, and leave no trace.
func TestA2_ForeignIsAbsent(t *testing.T) {
	t.Parallel()
	spy := &spy{Store: memstore.New(nil)}
	p := newPuppet()
	f := setupOn(t, spy, p, nil)
	id := f.create("ask")
	run := f.say(id, "hello")
	p.next(t)
	at := target{id, run.ID}
	before, asBefore := f.get(id), f.look(run.ID)

	adminElsewhere := conversation.Caller{Tenant: "evil", User: "root", Admin: true, Permissions: conversation.PermReadWrite}
	strangers := map[string]conversation.Caller{
		"another user": bob, "another tenant": mallory, "admin of another tenant": adminElsewhere, "admin": admin,
	}
	for _, op := range operations {
		if op.open {
			continue
		}
		for name, caller := range strangers {
			for _, view := range []conversation.View{"", conversation.ViewParticipant, conversation.ViewAdmin} {
				if op.views && view == conversation.ViewAdmin && name == "admin" {
					continue // TestA4 has it
				}
				for kind, call := range map[string]func(*fixture, target, conversation.View) error{"good": op.call, "bad": op.bad} {
					if call == nil {
						continue
					}
					where := []any{"%s by %s with view %q and %s arguments", op.name, name, view, kind}
					g := f.as(caller)
					foreign, askedForeign := spy.watch(func() error { return call(g, at, view) })
					absent, askedAbsent := spy.watch(func() error { return call(g, target{uuid.New(), uuid.New()}, view) })
					none, _ := spy.watch(func() error { return call(g, target{}, view) })
					require.Same(t, conversation.ErrNotFound, foreign, where...)
					require.Same(t, foreign, absent, where...)
					require.Same(t, foreign, none, where...)
					require.Equal(t, askedAbsent, askedForeign, where...)
					require.Len(t, askedForeign, 1, where...)
				}
			}
		}
	}
	require.Equal(t, before, f.get(id), "strangers left a trace")
	require.Equal(t, asBefore, f.look(run.ID), "strangers left a trace")
}

// TestA2_AForeignCursorIsAnAbsentOne: a place in somebody else's run tells
// nothing about that run.
func TestA2_AForeignCursorIsAnAbsentOne(t *testing.T) {
	t.Parallel()
	spy := &spy{Store: memstore.New(nil)}
	f := setupOn(t, spy, says("ok"), nil)
	theirs := f.run(f.create(), conversation.TurnRequest{Text: "hello"})
	g := f.as(bob)
	mine := g.create()
	foreign, askedForeign := spy.watch(func() error {
		return closed(g.engine.Follow(g.ctx, bob, mine, conversation.Cursor{RunID: theirs.ID, Seq: 1}, conversation.ViewParticipant))
	})
	absent, askedAbsent := spy.watch(func() error {
		return closed(g.engine.Follow(g.ctx, bob, mine, conversation.Cursor{RunID: uuid.New(), Seq: 1}, conversation.ViewParticipant))
	})
	require.Same(t, conversation.ErrBadCursor, foreign)
	require.Same(t, foreign, absent)
	require.Equal(t, askedAbsent, askedForeign)
}

func TestA2_ParticipantsMaySeeAndUse(t *testing.T) {
	t.Parallel()
	for _, op := range operations {
		if op.open {
			continue
		}
		t.Run(op.name, func(t *testing.T) {
			t.Parallel()
			f := setup(t, says("ok"), nil)
			id := f.create()
			at := target{id, f.run(id, conversation.TurnRequest{Text: "hello"}).ID}
			_, err := f.engine.AddParticipant(f.ctx, alice, id, conversation.Participant{UserID: "bob"})
			require.NoError(t, err)
			require.NoError(t, op.call(f.as(bob), at, conversation.ViewParticipant))
		})
	}
}

// TestA2_TheSameUserElsewhereIsNoParticipant: users are of their tenant.
func TestA2_TheSameUserElsewhereIsNoParticipant(t *testing.T) {
	t.Parallel()
	f := setup(t, says("ok"), nil)
	id := f.create()
	_, err := f.engine.AddParticipant(f.ctx, alice, id, conversation.Participant{UserID: "bob"})
	require.NoError(t, err)
	elsewhere := bob
	elsewhere.Tenant = "evil"
	_, err = f.engine.Get(f.ctx, elsewhere, id, conversation.ViewParticipant)
	require.Same(t, conversation.ErrNotFound, err)
	page, err := f.engine.List(f.ctx, elsewhere, conversation.Query{})
	require.NoError(t, err)
	require.Empty(t, page.Conversations)
}

func TestA1_ScopeComesFromTheCallerAndStays(t *testing.T) {
	t.Parallel()
	f := setup(t, says("ok"), nil)
	id := f.create()
	_, err := f.engine.AddParticipant(f.ctx, alice, id, conversation.Participant{UserID: "bob"})
	require.NoError(t, err)
	g := f.as(bob)
	g.run(id, conversation.TurnRequest{Text: "hello"})
	for _, change := range []func() error{
		func() error { _, err := g.engine.SetTitle(g.ctx, bob, id, "mine"); return err },
		func() error { _, err := g.engine.Promote(g.ctx, bob, id); return err },
		func() error { _, err := g.engine.Delete(g.ctx, bob, id); return err },
		func() error { _, err := g.engine.Restore(g.ctx, bob, id); return err },
	} {
		require.NoError(t, change())
		c := g.get(id)
		require.Equal(t, "acme", c.Tenant)
		require.Equal(t, "alice", c.User)
	}
	fork, err := g.engine.Fork(g.ctx, bob, id, conversation.ForkParams{})
	require.NoError(t, err)
	require.Equal(t, "bob", fork.User)
	_, err = f.engine.Get(f.ctx, alice, fork.ID, conversation.ViewParticipant)
	require.Same(t, conversation.ErrNotFound, err, "a fork is of the one who made it")
}

// TestA1_TheIDOfACreationIsNoWayIn: naming an id that is taken neither returns
// nor changes what others have.
func TestA1_TheIDOfACreationIsNoWayIn(t *testing.T) {
	t.Parallel()
	f := setup(t, says("ok"), nil)
	id := uuid.New()
	mine, err := f.engine.Create(f.ctx, alice, conversation.CreateParams{ID: id, Title: "mine"})
	require.NoError(t, err)
	again, err := f.engine.Create(f.ctx, alice, conversation.CreateParams{ID: id, Title: "other"})
	require.NoError(t, err)
	require.Equal(t, mine, again, "the same id is the same creation")
	for _, caller := range []conversation.Caller{bob, mallory, admin} {
		c, err := f.engine.Create(f.ctx, caller, conversation.CreateParams{ID: id, Title: "theirs"})
		require.Nil(t, c)
		require.ErrorIs(t, err, conversation.ErrInvalid)
		var field *conversation.FieldError
		require.ErrorAs(t, err, &field)
		require.Equal(t, "id", field.Path)
	}
	require.Equal(t, mine, f.get(id))
}

func TestA4_ReadsWidenForAdministratorsOnly(t *testing.T) {
	t.Parallel()
	f := setup(t, says("ok"), nil)
	id := f.create()
	at := target{id, f.run(id, conversation.TurnRequest{Text: "hello"}).ID}
	for _, op := range operations {
		if !op.views {
			continue
		}
		require.NoError(t, op.call(f.as(admin), at, conversation.ViewAdmin), op.name)
		if op.open {
			continue
		}
		require.Same(t, conversation.ErrNotFound, op.call(f.as(admin), at, conversation.ViewParticipant), op.name)
		require.Same(t, conversation.ErrNotFound, op.call(f.as(admin), at, "everything"), op.name)
		require.Same(t, conversation.ErrNotFound, op.call(f.as(bob), at, conversation.ViewAdmin), op.name)
		require.NoError(t, op.call(f, at, conversation.ViewAdmin), "for the owner it does nothing: %s", op.name)
	}
	// The admin view of another tenant has nothing of this one.
	page, err := f.engine.List(f.ctx, conversation.Caller{Tenant: "evil", User: "root", Admin: true, Permissions: conversation.PermRead},
		conversation.Query{View: conversation.ViewAdmin})
	require.NoError(t, err)
	require.Empty(t, page.Conversations)
	require.Equal(t, conversation.ViewAdmin, page.ViewingAs)
}

func TestA4_ResultsSayWhichViewApplied(t *testing.T) {
	t.Parallel()
	f := setup(t, says("ok"), nil)
	id := f.create()
	for _, c := range []struct {
		caller conversation.Caller
		asked  conversation.View
		want   conversation.View
	}{
		{alice, "", conversation.ViewParticipant},
		{alice, conversation.ViewParticipant, conversation.ViewParticipant},
		{alice, conversation.ViewAdmin, conversation.ViewParticipant},
		{admin, conversation.ViewAdmin, conversation.ViewAdmin},
		{admin, "", conversation.ViewParticipant},
	} {
		page, err := f.engine.List(f.ctx, c.caller, conversation.Query{View: c.asked})
		require.NoError(t, err)
		require.Equal(t, c.want, page.ViewingAs)
		sees := c.caller.User == "alice" || c.want == conversation.ViewAdmin
		require.Equal(t, sees, len(page.Conversations) == 1)
		if !sees {
			continue
		}
		require.Equal(t, c.want, page.Conversations[0].ViewingAs)
		one, err := f.engine.Get(f.ctx, c.caller, id, c.asked)
		require.NoError(t, err)
		require.Equal(t, c.want, one.ViewingAs)
	}
}

// TestA4_TheAdminViewNeverWrites: after an administrator has read everything,
// every write is still that of a stranger, and nothing has changed.
func TestA4_TheAdminViewNeverWrites(t *testing.T) {
	t.Parallel()
	f := setup(t, says("ok"), nil)
	id := f.create()
	at := target{id, f.run(id, conversation.TurnRequest{Text: "hello"}).ID}
	before, lines := f.get(id), f.lines(id)
	g := f.as(admin)
	_, err := g.engine.Get(g.ctx, admin, id, conversation.ViewAdmin)
	require.NoError(t, err)
	writes := 0
	for _, op := range operations {
		if op.open || op.verb&conversation.PermWrite == 0 {
			continue
		}
		writes++
		require.Same(t, conversation.ErrNotFound, op.call(g, at, conversation.ViewAdmin), op.name)
	}
	require.Equal(t, 14, writes)
	require.Equal(t, before, f.get(id))
	require.Equal(t, lines, f.lines(id))
	page, err := g.engine.Runs(g.ctx, admin, id, conversation.RunQuery{View: conversation.ViewAdmin})
	require.NoError(t, err)
	require.Len(t, page.Runs, 1)
}
