package agent

import (
	"context"
	"encoding/json"
	"strconv"

	"github.com/parley-go/parley/conversation"
)

// fail ends the run failed, and lets the client know why.
func (t *talk) fail(_ context.Context, args string) error {
	if args == "" {
		args = "failed as you asked"
	}
	return &conversation.RunError{Code: conversation.CodeResponder, Message: args}
}

// breakDown shows that a Responder that breaks down takes nothing with it.
func (t *talk) breakDown(context.Context, string) error {
	panic("a line asked for it")
}

func (t *talk) prompt(context.Context, string) error {
	prompt := t.turn.SystemPrompt()
	if prompt == "" {
		prompt = "There is no system prompt."
	}
	return t.say(prompt)
}

// config says the settings as the run has them: secrets stay what they are.
func (t *talk) config(context.Context, string) error {
	settings, err := json.MarshalIndent(t.turn.Settings(), "", "  ")
	if err != nil {
		return err
	}
	return t.say(string(settings))
}

// history counts what it can read, rather than trust the version.
func (t *talk) history(ctx context.Context, _ string) error {
	n := 0
	for m, err := range t.turn.History(ctx, conversation.HistoryOptions{}) {
		if err != nil {
			return err
		}
		t.read(m.Content.Text())
		n++
	}
	return t.say(strconv.Itoa(n))
}

// structured gives a structured answer. One that the output schema refuses fails the
// run.
func (t *talk) structured(_ context.Context, args string) error {
	if args == "" {
		return t.say("/json VALUE: the value is missing.")
	}
	t.usage.CompletionTokens += words(args)
	return t.turn.Structured(json.RawMessage(args))
}
