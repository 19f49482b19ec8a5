package agent_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/parley-go/parley/conversation"
)

// counted is what /slow says.
func counted(from, to int) string {
	var words []string
	for i := from; i <= to; i++ {
		words = append(words, fmt.Sprintf("w%d", i))
	}
	return strings.Join(words, " ")
}

func TestSlow_OneWordEach50Milliseconds(t *testing.T) {
	t.Parallel()
	for _, n := range []int{1, 2, 12, 200} {
		synctest.Test(t, func(t *testing.T) {
			tb := setup(t, nil, conversation.Defaults{})
			heard, end := tb.words(tb.start(conversation.TurnRequest{Text: fmt.Sprintf("/slow %d", n)}))

			require.Equal(t, counted(1, n), text(heard))
			require.Equal(t, text(heard), *end.Run.FinalText)
			require.Equal(t, time.Duration(n-1)*50*time.Millisecond, heard[len(heard)-1].at)
			require.Equal(t, int64(n), end.Run.Usage.CompletionTokens)
		})
	}
}

func TestSlow_RefusesWhatIsNoNumberOfWords(t *testing.T) {
	t.Parallel()
	tb := setup(t, nil, conversation.Defaults{})
	for _, args := range []string{"", "0", "-3", "ten", "1.5", "100001", "5 6"} {
		require.Equal(t, "/slow N: N must be a number from 1 to 100000.", tb.says("/slow "+args))
	}
}

func TestR6_SlowKeepsWhatWasStreamedWhenStopped(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		tb := setup(t, nil, conversation.Defaults{})
		run := tb.start(conversation.TurnRequest{Text: "/slow 100"})
		time.Sleep(1010 * time.Millisecond)
		stopped, err := tb.engine.StopRun(t.Context(), ada, run.ID)
		require.NoError(t, err)
		heard, _ := tb.words(run)

		require.True(t, stopped.Stopped)
		require.Equal(t, counted(1, 21), text(heard))
		log := tb.messages()
		require.Len(t, log, 2)
		require.True(t, log[1].Incomplete)
		require.Equal(t, counted(1, 21), log[1].Content.Text())
		synctest.Wait()
		require.Zero(t, tb.engine.Stats().InFlight, "the agent has returned")
	})
}

func TestSlow_AnswersANudgeAtTheNextWord(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		tb := setup(t, nil, conversation.Defaults{})
		run := tb.start(conversation.TurnRequest{Text: "/slow 20"})
		time.Sleep(320 * time.Millisecond)
		nudge, err := tb.engine.NudgeRun(t.Context(), ada, run.ID, "faster, please")
		require.NoError(t, err)
		require.Equal(t, conversation.NudgeWaiting, nudge.State)
		heard, end := tb.words(run)

		require.Equal(t, conversation.EventRunCompleted, end.Type)
		require.Equal(t, counted(1, 8)+" You said: faster, please. "+counted(9, 20), text(heard))
		nudges, err := tb.engine.Nudges(t.Context(), ada, run.ID, conversation.ViewParticipant)
		require.NoError(t, err)
		require.Equal(t, conversation.NudgeApplied, nudges[0].State)
		log := tb.messages()
		require.Len(t, log, 4, "question, words, nudge, words")
		require.Equal(t, conversation.RoleUser, log[2].Role)
		require.Equal(t, "faster, please", log[2].Content.Text())
		require.Equal(t, 2, end.Run.Iterations)
	})
}

func TestSlow_NudgesBeyondTheIterationsGoBack(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		tb := setup(t, nil, conversation.Defaults{Settings: conversation.Settings{MaxIterations: 2}})
		run := tb.start(conversation.TurnRequest{Text: "/slow 20"})
		for range 3 {
			time.Sleep(120 * time.Millisecond)
			_, err := tb.engine.NudgeRun(t.Context(), ada, run.ID, "hey")
			require.NoError(t, err)
		}
		heard, end := tb.words(run)

		require.Equal(t, conversation.EventRunCompleted, end.Type)
		require.Equal(t, counted(1, 4)+" You said: hey. "+counted(5, 20), text(heard))
		nudges, err := tb.engine.Nudges(t.Context(), ada, run.ID, conversation.ViewParticipant)
		require.NoError(t, err)
		var states []conversation.NudgeState
		for _, n := range nudges {
			states = append(states, n.State)
		}
		require.Equal(t, []conversation.NudgeState{conversation.NudgeApplied, conversation.NudgeReturned, conversation.NudgeReturned}, states)
	})
}

func TestHang_EndsFromOutsideOnly(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		tb := setup(t, nil, conversation.Defaults{})
		heard, end := tb.words(tb.start(conversation.TurnRequest{Text: "/hang", Timeout: time.Minute}))
		require.Empty(t, heard)
		require.Equal(t, conversation.EventRunTimedOut, end.Type)

		run := tb.start(conversation.TurnRequest{Text: "/hang"})
		synctest.Wait()
		stopped, err := tb.engine.StopRun(t.Context(), ada, run.ID)
		require.NoError(t, err)
		require.Equal(t, conversation.RunStopped, stopped.Run.Status)
		synctest.Wait()
		require.Zero(t, tb.engine.Stats().InFlight, "the agent has returned")
		require.Empty(t, tb.messages())
	})
}
