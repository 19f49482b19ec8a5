package storetest_test

import (
	"testing"

	"github.com/parley-go/parley/store"
	"github.com/parley-go/parley/store/storetest"
	"github.com/parley-go/parley/store/storetest/internal/reference"
	"github.com/stretchr/testify/require"
)

func TestReference_Model(t *testing.T) {
	t.Parallel()
	storetest.RunModel(t, func(t *testing.T) store.Store { return reference.New("") })
}

// Random operations find a twin that differs in one rule.
func TestTwins_RejectMutants(t *testing.T) {
	t.Parallel()
	for _, m := range []reference.Mutation{
		reference.NoVersionCheck, reference.NoAppendReplay, reference.TwoActiveRuns, reference.FinishUnfenced,
		reference.FinishIgnoresVersion, reference.ClaimIgnoresStatus, reference.ClaimIgnoresLease, reference.PromotionIsLIFO,
		reference.NoPromotionAfterFinish, reference.ReleaseFreesConversation, reference.DeleteLeavesQueued,
		reference.NoStartReplay, reference.EventsUnfenced, reference.NudgesStayOpen, reference.LastRunFollowsQueue,
		reference.UpdateAlwaysTouches,
	} {
		t.Run(string(m), func(t *testing.T) {
			t.Parallel()
			for range tries {
				if storetest.TwinsFail(reference.New(""), reference.New(m)) != "" {
					return
				}
			}
			require.Fail(t, "the mutant is accepted")
		})
	}
}
