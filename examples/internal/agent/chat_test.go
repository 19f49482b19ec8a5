package agent_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/parley-go/parley/conversation"
	"github.com/parley-go/parley/examples/internal/agent"
	"github.com/parley-go/parley/examples/internal/eliza"
)

func TestChat_RemembersWhatTheLogHolds(t *testing.T) {
	t.Parallel()
	tb := setup(t, &agent.Options{Seed: 7}, conversation.Defaults{})
	listener := eliza.New(7)
	for _, line := range []string{"My name is Ann.", "My sister never calls me.", "stones are hard", "the sky is green", "the sky is green", "bye"} {
		require.Equal(t, listener.Reply(line), tb.says(line))
		require.NotEmpty(t, tb.says("/history"), "lines for features are not what Eliza was told")
	}
}

func TestChat_StreamsWordByWord(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		tb := setup(t, &agent.Options{Seed: 7, Pace: 30 * time.Millisecond}, conversation.Defaults{})
		heard, end := tb.words(tb.start(conversation.TurnRequest{Text: "My sister never calls me."}))

		require.Equal(t, conversation.EventRunCompleted, end.Type)
		require.Equal(t, eliza.New(7).Reply("My sister never calls me."), text(heard))
		require.Len(t, heard, len(strings.Fields(text(heard))))
		for i, w := range heard {
			require.Equal(t, time.Duration(i)*30*time.Millisecond, w.at, "word %d", i)
		}
	})
}

func TestChat_AnswersNudges(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		tb := setup(t, &agent.Options{Seed: 7, Pace: 30 * time.Millisecond}, conversation.Defaults{})
		run := tb.start(conversation.TurnRequest{Text: "My sister never calls me."})
		time.Sleep(50 * time.Millisecond)
		_, err := tb.engine.NudgeRun(t.Context(), ada, run.ID, "I am sad about it.")
		require.NoError(t, err)
		heard, _ := tb.words(run)

		listener := eliza.New(7)
		require.Equal(t, listener.Reply("My sister never calls me.")+" "+listener.Reply("I am sad about it."), text(heard))
		require.Equal(t, listener.Reply("bye"), tb.says("bye"), "a nudge is part of what was said")
	})
}

func TestChat_StopsAtOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		tb := setup(t, &agent.Options{Seed: 7, Pace: time.Hour}, conversation.Defaults{})
		run := tb.start(conversation.TurnRequest{Text: "My sister never calls me."})
		synctest.Wait()
		_, err := tb.engine.StopRun(t.Context(), ada, run.ID)
		require.NoError(t, err)
		synctest.Wait()

		require.Zero(t, tb.engine.Stats().InFlight, "the agent has returned")
	})
}

func TestChat_ConversationsDiffer(t *testing.T) {
	t.Parallel()
	tb := setup(t, nil, conversation.Defaults{})
	seen := make(map[string]bool)
	for range 64 {
		c, err := tb.engine.Create(t.Context(), ada, conversation.CreateParams{})
		require.NoError(t, err)
		answer, err := tb.engine.Ask(t.Context(), ada, c.ID, "I feel stuck")
		require.NoError(t, err)
		seen[answer] = true
	}
	require.Greater(t, len(seen), 1)
}

func TestChat_AMessageWithoutText(t *testing.T) {
	t.Parallel()
	tb := setup(t, nil, conversation.Defaults{})
	run := tb.run(conversation.TurnRequest{Parts: []conversation.Part{conversation.File("f1", "text/csv", "sales.csv")}})

	require.NotNil(t, run.FinalText)
	require.Contains(t, *run.FinalText, "the file sales.csv")
}

func TestUsage_CountsWords(t *testing.T) {
	t.Parallel()
	tb := setup(t, nil, conversation.Defaults{SystemPrompt: "be very nice"})
	run := tb.run(conversation.TurnRequest{Text: "/prompt now"})

	require.Equal(t, conversation.Usage{PromptTokens: 5, CompletionTokens: 3, TotalTokens: 8}, run.Usage)
	require.Equal(t, 1, run.Iterations)
}

func TestTitle(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ text, want string }{
		{"hello", "hello"},
		{" I  want\nto go ", "I want to go"},
		{"one two three four five six seven", "one two three four five six…"},
	} {
		title, err := agent.Title(t.Context(), &conversation.TitleRequest{Run: &conversation.Run{
			Input: conversation.Input{Parts: []conversation.Part{conversation.DataFrame("x"), conversation.Text(tt.text)}},
		}})
		require.NoError(t, err)
		require.Equal(t, tt.want, title)
	}
}
