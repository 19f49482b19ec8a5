package agent_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/parley-go/parley/conversation"
	"github.com/parley-go/parley/examples/internal/agent"
	"github.com/parley-go/parley/memstore"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var ada = conversation.Caller{Tenant: "acme", User: "ada", Permissions: conversation.PermReadWrite}

// table is an engine with one conversation in it.
type table struct {
	t      *testing.T
	engine *conversation.Engine
	conv   *conversation.Conversation
}

func setup(t *testing.T, o *agent.Options, d conversation.Defaults) *table {
	t.Helper()
	engine, err := conversation.New(memstore.New(nil), agent.New(o), nil)
	require.NoError(t, err)
	require.NoError(t, engine.Start(t.Context()))
	t.Cleanup(func() { require.NoError(t, engine.Shutdown(context.WithoutCancel(t.Context()))) })
	c, err := engine.Create(t.Context(), ada, conversation.CreateParams{Defaults: d})
	require.NoError(t, err)
	return &table{t, engine, c}
}

func (tb *table) start(req conversation.TurnRequest) *conversation.Run {
	tb.t.Helper()
	run, err := tb.engine.StartRun(tb.t.Context(), ada, tb.conv.ID, req)
	require.NoError(tb.t, err)
	return run
}

func (tb *table) run(req conversation.TurnRequest) *conversation.Run {
	tb.t.Helper()
	run, err := tb.engine.RunTurn(tb.t.Context(), ada, tb.conv.ID, req)
	require.NoError(tb.t, err)
	return run
}

// says runs a line that is to be answered with text.
func (tb *table) says(line string) string {
	tb.t.Helper()
	run := tb.run(conversation.TurnRequest{Text: line})
	require.Nil(tb.t, run.Error)
	require.Equal(tb.t, conversation.RunCompleted, run.Status)
	require.NotNil(tb.t, run.FinalText)
	return *run.FinalText
}

func (tb *table) messages() []conversation.Message {
	tb.t.Helper()
	page, err := tb.engine.Messages(tb.t.Context(), ada, tb.conv.ID, conversation.MessageQuery{})
	require.NoError(tb.t, err)
	return page.Messages
}

// word is a piece of text and when it came.
type word struct {
	text string
	at   time.Duration // since the stream was opened
}

// words reads the text of a run as it streams, and the event that ends it.
func (tb *table) words(run *conversation.Run) (heard []word, end *conversation.Event) {
	tb.t.Helper()
	begin := time.Now()
	stream, err := tb.engine.Events(tb.t.Context(), ada, run.ID, conversation.Cursor{}, conversation.ViewParticipant)
	require.NoError(tb.t, err)
	for event, err := range stream.All(tb.t.Context()) {
		require.NoError(tb.t, err)
		if event.Type == conversation.EventTextDelta {
			heard = append(heard, word{event.Delta, time.Since(begin)})
		}
		end = event
	}
	return heard, end
}

func text(words []word) string {
	var all string
	for _, w := range words {
		all += w.text
	}
	return all
}

func ptr[T any](v T) *T { return &v }
