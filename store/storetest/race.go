package storetest

import (
	"fmt"
	"runtime/debug"
	"slices"
	"sync"
	"time"

	"github.com/google/uuid"
	"github.com/parley-go/parley/store"
	"github.com/stretchr/testify/require"
)

var racing = topic{"Race", []rule{
	{"V5_WritersFromOneVersion", raceAppends},
	{"V1_WritersAtTheHead", raceAppendsAnywhere},
	{"V7_TheSameAppend", raceSameAppend},
	{"R3_StartsWithOneKey", raceOneKey},
	{"R4_RejectingStarts", raceRejects},
	{"R4_QueueBound", raceQueue},
	{"V4_FinishesFromOneVersion", raceFinishes},
	{"V7_TheSameFinish", raceSameFinish},
	{"R4_LastFinishPromotesOnce", racePromotions},
	{"R6_StopAndFinish", raceStopFinish},
	{"R6_StopAndClaim", raceStopClaim},
	{"R8_ClaimAndClaim", raceClaims},
	{"R8_FinishAndClaimAfterTheLease", raceFinishClaim},
	{"R8_RenewAndClaimAfterTheLease", raceRenewClaim},
	{"L6_DeleteAndFinish", raceDeleteFinish},
	{"L6_DeleteAndStart", raceDeleteStart},
	{"L6_PurgeAndAppend", racePurgeAppend},
	{"V2_AppendAndStart", raceAppendStart},
	{"CreatesOfOneID", raceCreates},
	{"UpdatedAtNeverTheSame", raceUpdates},
	{"NudgesAndFinish", raceNudges},
	{"NudgesAreTakenOnce", raceTakes},
	{"S1_EventsOfOneRun", raceEvents},
	{"R4_Sweeps", raceSweeps},
}}

const (
	racers = 16
	rounds = 6
)

// race does n things at once, spread over the handles, and gives their errors.
func (e *env) race(n int, do func(i int, s store.Store) error) []error {
	errs := make([]error, n)
	var ready, done sync.WaitGroup
	begin := make(chan struct{})
	for i := range n {
		ready.Add(1)
		done.Add(1)
		go func() {
			defer done.Done()
			defer func() {
				if p := recover(); p != nil {
					errs[i] = fmt.Errorf("panic: %v\n%s", p, debug.Stack())
				}
			}()
			ready.Done()
			<-begin
			errs[i] = do(i, e.handle(i))
		}()
	}
	ready.Wait()
	close(begin)
	done.Wait()
	return errs
}

// winners are the indexes of those without an error.
func winners(errs []error) []int {
	var out []int
	for i, err := range errs {
		if err == nil {
			out = append(out, i)
		}
	}
	return out
}

func raceAppends(e *env) {
	c := e.create()
	for round := range int64(rounds) {
		head := round * 3
		appends := make([]*store.Append, racers)
		for i := range appends {
			appends[i] = e.newAppend(c.ID, 3, expected(head))
		}
		errs := e.race(racers, func(i int, s store.Store) error {
			_, err := s.Append(e.ctx, appends[i])
			return err
		})
		won := winners(errs)
		require.Len(e, won, 1, "exactly one lands")
		for i, err := range errs {
			if i != won[0] {
				e.requireConflict(err, head, head+3)
			}
		}
		page := e.read(c, store.MessageQuery{After: head, Limit: everything})
		require.Equal(e, head+3, page.Version)
		require.Equal(e, ids(appends[won[0]].Messages), ids(page.Messages))
	}
}

func raceAppendsAnywhere(e *env) {
	c := e.create()
	appends := make([]*store.Append, 3*racers)
	for i := range appends {
		appends[i] = e.newAppend(c.ID, 2)
	}
	results := make([]*store.AppendResult, len(appends))
	for _, err := range e.race(len(appends), func(i int, s store.Store) (err error) {
		results[i], err = s.Append(e.ctx, appends[i])
		return err
	}) {
		require.NoError(e, err)
	}
	log := e.log(c.ID)
	require.Equal(e, sequence(1, int64(2*len(appends))), seqs(log))
	for i, result := range results {
		require.Equal(e, log[result.Version-2:result.Version], result.Messages)
		require.Equal(e, ids(appends[i].Messages), ids(result.Messages))
	}
	last := log[0].CreatedAt
	for _, m := range log {
		require.False(e, m.CreatedAt.Before(last), "times do not run back along the log")
		last = m.CreatedAt
	}
}

func raceSameAppend(e *env) {
	for round := range rounds {
		c := e.create()
		a := e.newAppend(c.ID, 2)
		if round%2 == 0 {
			a.Expected = ptr(int64(0))
		}
		results := make([]*store.AppendResult, racers)
		for _, err := range e.race(racers, func(i int, s store.Store) (err error) {
			results[i], err = s.Append(e.ctx, a)
			return err
		}) {
			require.NoError(e, err)
		}
		first := 0
		for _, r := range results {
			require.Equal(e, int64(2), r.Version)
			require.Equal(e, results[0].Messages, r.Messages)
			if !r.Replayed {
				first++
			}
		}
		require.Equal(e, 1, first)
		require.Equal(e, int64(2), e.get(c.ID).Version)
	}
}

func raceOneKey(e *env) {
	for _, policy := range []store.Busy{store.BusyReject, store.BusyRace, store.BusyEnqueue, store.BusyInterrupt} {
		c := e.create()
		starts := make([]*store.StartRun, racers)
		for i := range starts {
			starts[i] = e.newStart(c.ID, keyed("k"), busy(policy), from(0))
		}
		results := make([]*store.StartResult, racers)
		for _, err := range e.race(racers, func(i int, s store.Store) (err error) {
			results[i], err = s.StartRun(e.ctx, starts[i])
			return err
		}) {
			require.NoError(e, err, policy)
		}
		first := 0
		for _, r := range results {
			require.Equal(e, results[0].Run.ID, r.Run.ID)
			if !r.Replayed {
				first++
			}
		}
		require.Equal(e, 1, first, "exactly one is not replayed")
		require.Len(e, e.runs(c.ID, store.RunQuery{}), 1)
	}
}

func raceRejects(e *env) {
	for range rounds {
		c := e.create()
		starts := make([]*store.StartRun, racers)
		for i := range starts {
			starts[i] = e.newStart(c.ID)
			if i%3 == 0 {
				starts[i].Lease = nil
			}
		}
		errs := e.race(racers, func(i int, s store.Store) error {
			_, err := s.StartRun(e.ctx, starts[i])
			return err
		})
		won := winners(errs)
		require.Len(e, won, 1)
		for i, err := range errs {
			if i != won[0] {
				e.requireActive(err, starts[won[0]].ID)
			}
		}
		require.Equal(e, 1, e.get(c.ID).Active)
		require.Len(e, e.runs(c.ID, store.RunQuery{}), 1)
	}
}

func raceQueue(e *env) {
	for range rounds {
		c := e.create()
		results := make([]*store.StartResult, racers)
		errs := e.race(racers, func(i int, s store.Store) (err error) {
			results[i], err = s.StartRun(e.ctx, e.newStart(c.ID, busy(store.BusyEnqueue), func(s *store.StartRun) { s.MaxQueued = 5 }))
			return err
		})
		require.Len(e, winners(errs), 6, "one starts, five wait")
		for _, err := range errs {
			if err != nil {
				require.ErrorIs(e, err, store.ErrQueueFull)
			}
		}
		row := e.get(c.ID)
		require.Equal(e, []int{1, 5}, []int{row.Active, row.Queued})
	}
}

// racers that all hold the conversation.
func (e *env) raced(c *store.Conversation, n int) []*store.Run {
	e.Helper()
	runs := make([]*store.Run, n)
	for i := range runs {
		runs[i] = e.start(c.ID, busy(store.BusyRace))
	}
	return runs
}

func raceFinishes(e *env) {
	c := e.create()
	e.say(c.ID, 1)
	runs := e.raced(c, racers)
	errs := e.race(racers, func(i int, s store.Store) error {
		_, err := s.FinishRun(e.ctx, newFinish(runs[i], 2))
		return err
	})
	won := winners(errs)
	require.Len(e, won, 1)
	for i, err := range errs {
		if i != won[0] {
			e.requireConflict(err, 1, 3)
			e.requireHeld(runs[i])
		}
	}
	require.Equal(e, int64(3), e.get(c.ID).Version)
	require.Equal(e, racers-1, e.get(c.ID).Active)
}

func raceSameFinish(e *env) {
	for n := range 3 {
		c := e.create()
		f := newFinish(e.start(c.ID), n)
		queued := e.enqueue(c.ID)
		results := make([]*store.FinishResult, racers)
		for _, err := range e.race(racers, func(i int, s store.Store) (err error) {
			results[i], err = s.FinishRun(e.ctx, f)
			return err
		}) {
			require.NoError(e, err)
		}
		first := 0
		for _, r := range results {
			require.Equal(e, results[0].Run, r.Run)
			require.Equal(e, ids(results[0].Messages), ids(r.Messages))
			if !r.Replayed {
				first++
			}
		}
		require.Equal(e, 1, first)
		row := e.get(c.ID)
		require.Equal(e, int64(n), row.Version)
		require.Equal(e, []int{1, 0}, []int{row.Active, row.Queued})
		require.Equal(e, queued.ID, row.LastRunID)
	}
}

func racePromotions(e *env) {
	for range rounds {
		c := e.create()
		runs := e.raced(c, 8)
		first := e.enqueue(c.ID)
		for range 3 {
			e.enqueue(c.ID)
		}
		var mu sync.Mutex
		var promoted []uuid.UUID
		for _, err := range e.race(len(runs), func(i int, s store.Store) error {
			result, err := s.FinishRun(e.ctx, newFinish(runs[i], 0))
			if err == nil && result.Promoted != nil {
				mu.Lock()
				promoted = append(promoted, result.Promoted.RunID)
				mu.Unlock()
			}
			return err
		}) {
			require.NoError(e, err)
		}
		require.Equal(e, []uuid.UUID{first.ID}, promoted)
		row := e.get(c.ID)
		require.Equal(e, []int{1, 3}, []int{row.Active, row.Queued})
	}
}

func raceStopFinish(e *env) {
	for range rounds {
		c := e.create()
		r := e.start(c.ID)
		stops := make([]*store.StopResult, 4)
		errs := e.race(5, func(i int, s store.Store) (err error) {
			if i == 4 {
				_, err = s.FinishRun(e.ctx, newFinish(r, 1))
				return err
			}
			stops[i], err = s.RequestStop(e.ctx, &store.StopRun{Scope: e.scope, RunID: r.ID, Result: []byte(`"stop"`)})
			return err
		})
		for _, err := range errs {
			require.NoError(e, err)
		}
		for _, stop := range stops {
			require.Equal(e, !stop.Run.Status.Terminal(), stop.Stopped)
		}
		got := e.getRun(r.ID)
		require.Equal(e, store.RunCompleted, got.Status, "a running run is ended by its owner")
		require.Equal(e, int64(1), e.get(c.ID).Version)
	}
}

func raceStopClaim(e *env) {
	for range 3 * rounds {
		c := e.create()
		r := e.start(c.ID, unclaimed)
		var claimed []store.Claimed
		var stop *store.StopResult
		for _, err := range e.race(2, func(i int, s store.Store) (err error) {
			if i == 0 {
				claimed, err = s.Claim(e.ctx, &store.Claim{Lease: store.Lease{Owner: "x", Duration: long}, Limit: 5})
				return err
			}
			stop, err = s.RequestStop(e.ctx, &store.StopRun{Scope: e.scope, RunID: r.ID})
			return err
		}) {
			require.NoError(e, err)
		}
		require.True(e, stop.Stopped)
		got := e.getRun(r.ID)
		if len(claimed) == 0 {
			require.Equal(e, store.RunStopped, got.Status)
			require.Zero(e, e.get(c.ID).Active)
			continue
		}
		require.Equal(e, store.RunRunning, got.Status)
		require.True(e, got.StopRequested, "the stop came later and is not lost")
		e.finish(&claimed[0].Run, 0, func(f *store.FinishRun) { f.Status = store.RunStopped })
	}
}

func raceClaims(e *env) {
	want := map[uuid.UUID]int{}
	for i := range 30 {
		r := e.start(e.create().ID, []func(*store.StartRun){unclaimed, leased(brief)}[i%2])
		want[r.ID] = r.Attempt + 1
	}
	e.passed(e.clock().Add(time.Millisecond))
	var mu sync.Mutex
	got := map[uuid.UUID][]store.Run{}
	for _, err := range e.race(8, func(i int, s store.Store) error {
		for range 12 {
			claimed, err := s.Claim(e.ctx, &store.Claim{Lease: store.Lease{Owner: fmt.Sprint("engine", i), Duration: long}, Limit: 3})
			if err != nil {
				return err
			}
			mu.Lock()
			for _, c := range claimed {
				got[c.Run.ID] = append(got[c.Run.ID], c.Run)
			}
			mu.Unlock()
		}
		return nil
	}) {
		require.NoError(e, err)
	}
	for _, c := range e.claimAll(long) {
		got[c.Run.ID] = append(got[c.Run.ID], c.Run)
	}
	require.Len(e, got, len(want))
	for id, runs := range got {
		require.Len(e, runs, 1, "each run goes to one")
		require.Equal(e, want[id], runs[0].Attempt)
		require.Equal(e, runs[0], *e.getRun(id))
	}
}

func raceFinishClaim(e *env) {
	for range 3 * rounds {
		c := e.create()
		r := e.start(c.ID, leased(brief))
		e.passed(r.LeaseUntil)
		var claimed []store.Claimed
		errs := e.race(2, func(i int, s store.Store) (err error) {
			if i == 0 {
				claimed, err = s.Claim(e.ctx, &store.Claim{Lease: store.Lease{Owner: "x", Duration: long}, Limit: 5})
				return err
			}
			_, err = s.FinishRun(e.ctx, newFinish(r, 2))
			return err
		})
		require.NoError(e, errs[0])
		if errs[1] == nil {
			require.Empty(e, claimed, "what was finished is not claimed")
			require.Equal(e, store.RunCompleted, e.getRun(r.ID).Status)
			require.Equal(e, int64(2), e.get(c.ID).Version)
			continue
		}
		require.ErrorIs(e, errs[1], store.ErrFenced)
		require.Len(e, claimed, 1)
		require.Zero(e, e.get(c.ID).Version)
		e.finish(&claimed[0].Run, 1)
	}
}

func raceRenewClaim(e *env) {
	for range 3 * rounds {
		c := e.create()
		r := e.start(c.ID, leased(brief))
		e.passed(r.LeaseUntil)
		var claimed []store.Claimed
		var renewed []store.Renewal
		for _, err := range e.race(2, func(i int, s store.Store) (err error) {
			if i == 0 {
				claimed, err = s.Claim(e.ctx, &store.Claim{Lease: store.Lease{Owner: "x", Duration: long}, Limit: 5})
				return err
			}
			renewed, err = s.Renew(e.ctx, store.Lease{Owner: "engine", Duration: long}, []store.RunKey{r.RunKey()})
			return err
		}) {
			require.NoError(e, err)
		}
		require.NotEqual(e, renewed[0].Held, len(claimed) == 1, "either the old owner holds it or the new one")
		if renewed[0].Held {
			e.finish(r, 1)
		} else {
			e.finish(&claimed[0].Run, 1)
		}
	}
}

func raceDeleteFinish(e *env) {
	for range 3 * rounds {
		c := e.create()
		r := e.start(c.ID)
		e.enqueue(c.ID)
		errs := e.race(2, func(i int, s store.Store) (err error) {
			if i == 0 {
				_, _, err = s.DeleteConversation(e.ctx, e.scope, c.ID, []byte(`"deleted"`))
				return err
			}
			_, err = s.FinishRun(e.ctx, newFinish(r, 2))
			return err
		})
		require.NoError(e, errs[0])
		p := e.picture(c.ID)
		require.True(e, p.allEnded())
		require.Equal(e, []int{0, 0}, []int{p.Conversation.Active, p.Conversation.Queued})
		if errs[1] == nil {
			require.Equal(e, int64(2), p.Version)
			require.Equal(e, store.RunCompleted, e.getRun(r.ID).Status)
			continue
		}
		require.ErrorIs(e, errs[1], store.ErrFenced)
		require.Zero(e, p.Version)
		require.Equal(e, `"deleted"`, string(e.getRun(r.ID).Result))
	}
}

func raceDeleteStart(e *env) {
	for range 3 * rounds {
		c := e.create()
		errs := e.race(6, func(i int, s store.Store) (err error) {
			if i == 0 {
				_, _, err = s.DeleteConversation(e.ctx, e.scope, c.ID, nil)
				return err
			}
			_, err = s.StartRun(e.ctx, e.newStart(c.ID, busy(store.BusyEnqueue)))
			return err
		})
		require.NoError(e, errs[0])
		for _, err := range errs[1:] {
			if err != nil {
				require.ErrorIs(e, err, store.ErrDeleted)
			}
		}
		p := e.picture(c.ID)
		require.Len(e, p.Runs, len(winners(errs[1:])))
		require.True(e, p.allEnded(), "no run of a deleted conversation lives")
		require.Equal(e, []int{0, 0}, []int{p.Conversation.Active, p.Conversation.Queued})
	}
}

func racePurgeAppend(e *env) {
	for range 3 * rounds {
		c := e.create()
		r := e.start(c.ID)
		errs := e.race(6, func(i int, s store.Store) (err error) {
			switch {
			case i == 0:
				_, err = s.Purge(e.ctx, store.PurgeTarget{Tenant: "acme", ConversationID: c.ID})
			case i%2 == 0:
				_, err = s.Append(e.ctx, e.newAppend(c.ID, 2, func(a *store.Append) { a.Race = true }))
			default:
				_, err = s.FinishRun(e.ctx, newFinish(r, 0))
			}
			return err
		})
		require.NoError(e, errs[0])
		for i, err := range errs[1:] {
			if err != nil {
				require.ErrorIs(e, err, []error{store.ErrFenced, store.ErrNotFound}[i%2])
			}
		}
		require.True(e, e.picture(c.ID).Missing)
		require.Zero(e, e.purge(store.PurgeTarget{Tenant: "acme"}), "nothing was left behind")
	}
}

func raceAppendStart(e *env) {
	for range 3 * rounds {
		c := e.create()
		errs := e.race(2, func(i int, s store.Store) (err error) {
			if i == 0 {
				_, err = s.Append(e.ctx, e.newAppend(c.ID, 2, expected(0)))
				return err
			}
			_, err = s.StartRun(e.ctx, e.newStart(c.ID, from(0)))
			return err
		})
		require.Len(e, winners(errs), 1, "the append moved the head, or the run was active")
		if errs[0] == nil {
			e.requireConflict(errs[1], 0, 2)
			require.Empty(e, e.runs(c.ID, store.RunQuery{}))
			continue
		}
		e.requireActive(errs[0], e.runs(c.ID, store.RunQuery{})[0].ID)
		require.Zero(e, e.get(c.ID).Version)
	}
}

func raceCreates(e *env) {
	for range rounds {
		id := newID()
		rows := make([]*store.Conversation, racers)
		errs := e.race(racers, func(i int, s store.Store) (err error) {
			rows[i], err = s.CreateConversation(e.ctx, e.newConversation(func(n *store.NewConversation) {
				n.ID, n.Owner = id, []string{"ann", "bob"}[i%2]
			}))
			return err
		})
		row := e.get(id)
		for i, err := range errs {
			if []string{"ann", "bob"}[i%2] == row.Owner {
				require.NoError(e, err)
				require.Equal(e, row, rows[i])
			} else {
				require.ErrorIs(e, err, store.ErrExists)
			}
		}
	}
}

func raceUpdates(e *env) {
	c := e.create()
	rows := make([]*store.Conversation, 3*racers)
	for _, err := range e.race(len(rows), func(i int, s store.Store) (err error) {
		rows[i], err = s.UpdateConversation(e.ctx, e.scope, c.ID, title(fmt.Sprint("t", i)))
		return err
	}) {
		require.NoError(e, err)
	}
	slices.SortFunc(rows, func(a, b *store.Conversation) int { return a.UpdatedAt.Compare(b.UpdatedAt) })
	for i := 1; i < len(rows); i++ {
		require.True(e, rows[i].UpdatedAt.After(rows[i-1].UpdatedAt))
	}
	require.Equal(e, rows[len(rows)-1], e.get(c.ID), "the last change is the one that stays")
}

func raceNudges(e *env) {
	for n := range 3 {
		c := e.create()
		r := e.start(c.ID)
		added := make([]*store.Nudge, racers)
		var taken []store.Nudge
		for _, err := range e.race(racers, func(i int, s store.Store) (err error) {
			switch i {
			case 0:
				_, err = s.FinishRun(e.ctx, newFinish(r, n))
				return err
			case 1:
				if taken, err = s.TakeNudges(e.ctx, r.RunKey()); err != nil && !isFenced(err) {
					return err
				}
				return nil
			}
			added[i], err = s.AddNudge(e.ctx, e.scope, &store.Nudge{ID: newID(), RunID: r.ID, UserID: "ann", Text: "n"})
			return err
		}) {
			require.NoError(e, err)
		}
		stored, err := e.store.Nudges(e.ctx, e.scope, r.ID)
		require.NoError(e, err)
		states := map[uuid.UUID]store.NudgeState{}
		for _, n := range stored {
			states[n.ID] = n.State
		}
		waiting := 0
		for _, n := range added[2:] {
			if n.State == store.NudgeWaiting {
				waiting++
			}
		}
		require.Len(e, stored, waiting, "stored are those that came in time")
		want := store.NudgeReturned
		if n > 0 {
			want = store.NudgeApplied
		}
		for _, n := range taken {
			require.Equal(e, want, states[n.ID])
			delete(states, n.ID)
		}
		for id, state := range states {
			require.Equal(e, store.NudgeReturned, state, id)
		}
	}
}

func raceTakes(e *env) {
	r := e.start(e.create().ID)
	for range 20 {
		e.nudge(r, "n")
	}
	var mu sync.Mutex
	seen := map[uuid.UUID]int{}
	for _, err := range e.race(8, func(i int, s store.Store) error {
		taken, err := s.TakeNudges(e.ctx, r.RunKey())
		mu.Lock()
		defer mu.Unlock()
		for _, n := range taken {
			seen[n.ID]++
		}
		return err
	}) {
		require.NoError(e, err)
	}
	require.Len(e, seen, 20)
	for id, n := range seen {
		require.Equal(e, 1, n, id)
	}
}

func raceEvents(e *env) {
	r := e.start(e.create().ID)
	const last = 40
	for _, err := range e.race(4, func(i int, s store.Store) error {
		for n := int64(1); n <= last; {
			errs, err := s.AppendEvents(e.ctx, []store.EventAppend{pack(r, n, n)})
			if err != nil {
				return err
			}
			if errs[0] == nil {
				n++ // stored by this writer or by another
			} else {
				return errs[0]
			}
		}
		return nil
	}) {
		require.NoError(e, err)
	}
	page, err := e.store.ReadEvents(e.ctx, e.scope, r.ID, 0, everything)
	require.NoError(e, err)
	require.Len(e, page.Packs, last)
	for i, p := range page.Packs {
		require.Equal(e, []int64{int64(i + 1), int64(i + 1)}, []int64{p.First, p.Last})
	}
}

func raceSweeps(e *env) {
	var last *store.Run
	for range 3 {
		c := e.create()
		e.start(c.ID)
		for range 4 {
			last = e.enqueue(c.ID, queueTimeout(brief))
		}
	}
	e.passed(last.QueueUntil)
	var mu sync.Mutex
	seen := map[store.RunRef]int{}
	for _, err := range e.race(8, func(i int, s store.Store) error {
		swept, err := s.Sweep(e.ctx, &store.Sweep{Limit: 100})
		if err != nil {
			return err
		}
		mu.Lock()
		defer mu.Unlock()
		for _, ref := range swept.Expired {
			seen[ref]++
		}
		return nil
	}) {
		require.NoError(e, err)
	}
	for _, ref := range e.sweep(store.Sweep{}).Expired {
		seen[ref]++
	}
	require.Len(e, seen, 12)
	for ref, n := range seen {
		require.Equal(e, 1, n, ref)
	}
}
