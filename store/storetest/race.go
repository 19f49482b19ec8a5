package storetest

import (
	"fmt"
	"runtime/debug"
	"sync"

	"github.com/parley-go/parley/store"
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
	{"V3_MessagesAndStatusAreSeenTogether", raceFinishRead},
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
