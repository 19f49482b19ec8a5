package conversation_test

import (
	"context"
	"io"
	"sync"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/parley-go/parley/conversation"
)

// TestL6_PurgeErasesForGood, deleted or not, and says how much it was.
func TestL6_PurgeErasesForGood(t *testing.T) {
	t.Parallel()
	for _, deleted := range []bool{false, true} {
		f := setup(t, says("a", "b", "c"), nil)
		id, other := f.create(), f.create()
		var runs []uuid.UUID
		events := int64(0)
		for range 3 {
			run := f.run(id, conversation.TurnRequest{Text: "hi"})
			runs = append(runs, run.ID)
			all := f.replay(run.ID, conversation.Cursor{})
			events += all[len(all)-1].Seq - 1 // the terminal one has no row
		}
		f.run(other, conversation.TurnRequest{Text: "hi"})
		before := f.get(other)
		if deleted {
			_, err := f.engine.Delete(f.ctx, alice, id)
			require.NoError(t, err)
		}
		counts, err := f.engine.Purge(f.ctx, alice, id)
		require.NoError(t, err)
		require.Equal(t, conversation.PurgeCounts{Conversations: 1, Messages: 6, Runs: 3, Events: events}, counts)

		at := target{id, runs[0]}
		for _, op := range operations {
			if !op.open {
				require.ErrorIs(t, op.call(f, at, conversation.ViewAdmin), conversation.ErrNotFound, op.name)
				if op.views {
					require.ErrorIs(t, op.call(f.as(admin), at, conversation.ViewAdmin), conversation.ErrNotFound, op.name)
				}
			}
		}
		require.Equal(t, before, f.get(other))
		require.Len(t, f.log(other), 2)
	}
}

// TestL6_PurgeMeetsWhatGoesOn: a run that is under way writes nothing more, and
// its readers learn that there is nothing to read.
func TestL6_PurgeMeetsWhatGoesOn(t *testing.T) {
	t.Parallel()
	p := newPuppet()
	f := setup(t, p, nil)
	id := f.create()
	run := f.say(id, "hello")
	turn := p.next(t)
	require.NoError(t, turn.Text("I was say"))
	reader := f.events(run.ID, conversation.Cursor{})
	follower, err := f.engine.Follow(f.ctx, alice, id, conversation.Cursor{}, conversation.ViewParticipant)
	require.NoError(t, err)
	defer follower.Close()
	waited := make(chan error, 1)
	go func() {
		_, err := f.engine.Wait(context.WithoutCancel(f.ctx), alice, run.ID)
		waited <- err
	}()
	counts, err := f.engine.Purge(f.ctx, alice, id)
	require.NoError(t, err)
	require.EqualValues(t, 1, counts.Conversations)
	require.EqualValues(t, 1, counts.Runs)
	<-turn.ctx.Done()
	require.ErrorIs(t, context.Cause(turn.ctx), conversation.ErrLeaseLost)
	require.ErrorIs(t, turn.Text("ing"), conversation.ErrTurnOver)
	require.ErrorIs(t, <-waited, conversation.ErrNotFound)
	for _, s := range []*conversation.Stream{reader, follower} {
		ctx, cancel := context.WithTimeout(f.ctx, patience)
		for {
			if _, err = s.Next(ctx); err != nil {
				break
			}
		}
		cancel()
		require.ErrorIs(t, err, conversation.ErrNotFound)
		require.NotErrorIs(t, err, io.EOF, "it did not end well")
	}
	_, err = f.engine.Get(f.ctx, alice, id, conversation.ViewParticipant)
	require.ErrorIs(t, err, conversation.ErrNotFound)
}

// TestL6_OneOfManyPurgesCounts: sixteen ask, one erases, fifteen find nothing.
func TestL6_OneOfManyPurgesCounts(t *testing.T) {
	t.Parallel()
	f := setup(t, says("ok"), nil)
	id := f.create()
	f.run(id, conversation.TurnRequest{Text: "hi"})
	var done sync.WaitGroup
	var mu sync.Mutex
	erased, missing := int64(0), 0
	for range 16 {
		done.Go(func() {
			counts, err := f.engine.Purge(f.ctx, alice, id)
			mu.Lock()
			defer mu.Unlock()
			erased += counts.Conversations
			if err != nil {
				if err != conversation.ErrNotFound { //nolint:errorlint // the very value
					t.Error(err)
				}
				missing++
			}
		})
	}
	done.Wait()
	require.EqualValues(t, 1, erased)
	require.Equal(t, 15, missing)
}

// TestL6_PurgeUser erases what the user owns, and the user from what others own.
func TestL6_PurgeUser(t *testing.T) {
	t.Parallel()
	for name, asker := range map[string]conversation.Caller{"the user": bob, "an administrator": admin} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := setup(t, says("ok"), nil)
			g := f.as(bob)
			owned := []uuid.UUID{g.create(), g.create(), g.createWith(conversation.CreateParams{Channel: conversation.ChannelEmail})}
			for _, id := range owned {
				g.run(id, conversation.TurnRequest{Text: "hi"})
			}
			_, err := f.engine.Delete(f.ctx, bob, owned[1])
			require.NoError(t, err)
			g.add(owned[0], conversation.Participant{UserID: "alice"})

			shared := f.create()
			f.add(shared, conversation.Participant{UserID: "bob", Name: "Bob"})
			f.add(shared, conversation.Participant{UserID: "carol"})
			require.Contains(t, f.get(shared).Participants, "bob")
			elsewhere := bob
			elsewhere.Tenant = "evil"
			other := f.as(elsewhere).create()

			counts, err := f.engine.PurgeUser(f.ctx, asker, "bob")
			require.NoError(t, err)
			require.EqualValues(t, 3, counts.Conversations)
			require.EqualValues(t, 6, counts.Messages)
			require.EqualValues(t, 3, counts.Runs)
			require.Positive(t, counts.Events)
			for _, id := range owned {
				_, err = f.engine.Get(f.ctx, admin, id, conversation.ViewAdmin)
				require.ErrorIs(t, err, conversation.ErrNotFound)
				_, err = f.engine.Get(f.ctx, alice, id, conversation.ViewParticipant)
				require.ErrorIs(t, err, conversation.ErrNotFound, "whoever took part in it")
			}
			require.Equal(t, profiles{"alice": {Name: "Alice"}, "carol": {}}, f.get(shared).Participants)
			_, err = f.engine.Get(f.ctx, bob, shared, conversation.ViewParticipant)
			require.ErrorIs(t, err, conversation.ErrNotFound)
			_, err = f.engine.StartRun(f.ctx, bob, shared, conversation.TurnRequest{Text: "still here?"})
			require.ErrorIs(t, err, conversation.ErrNotFound)
			f.as(elsewhere).get(other)

			counts, err = f.engine.PurgeUser(f.ctx, asker, "bob")
			require.NoError(t, err)
			require.Equal(t, conversation.PurgeCounts{}, counts, "nothing to erase is no error")
		})
	}
}

// TestL6_PurgeTenant erases one tenant, and no other.
func TestL6_PurgeTenant(t *testing.T) {
	t.Parallel()
	p := newPuppet()
	f := setup(t, p, nil)
	for _, c := range []conversation.Caller{alice, bob} {
		f.as(c).create()
	}
	id := f.create()
	run := f.say(id, "hello")
	turn := p.next(t)
	other := f.as(mallory).create()
	counts, err := f.engine.PurgeTenant(f.ctx, admin)
	require.NoError(t, err)
	require.EqualValues(t, 3, counts.Conversations)
	require.EqualValues(t, 1, counts.Runs)
	<-turn.ctx.Done()
	_, err = f.engine.Run(f.ctx, alice, run.ID, conversation.ViewParticipant)
	require.ErrorIs(t, err, conversation.ErrNotFound)
	page, err := f.engine.List(f.ctx, admin, conversation.Query{Page: 1, View: conversation.ViewAdmin})
	require.NoError(t, err)
	require.Zero(t, page.Total)
	f.as(mallory).get(other)
	f.create() // the tenant may begin again
}

// TestL6_APurgedIDMayBeUsedAgain, and what had it before is not remembered.
func TestL6_APurgedIDMayBeUsedAgain(t *testing.T) {
	t.Parallel()
	f := setup(t, says("ok"), nil)
	id := uuid.New()
	for _, purge := range []func() error{
		func() error { return second(f.engine.Purge(f.ctx, alice, id)) },
		func() error { return second(f.engine.PurgeUser(f.ctx, alice, "alice")) },
		func() error { return second(f.engine.PurgeTenant(f.ctx, admin)) },
	} {
		for _, prompt := range []string{"Be old.", "Be new."} {
			f.createWith(conversation.CreateParams{ID: id, Defaults: conversation.Defaults{SystemPrompt: prompt}})
			for range 2 {
				require.Equal(t, prompt, f.run(id, conversation.TurnRequest{Text: "hi"}).SystemPrompt)
			}
			require.NoError(t, purge())
		}
	}
}
