// Package agent is Eliza as a conversation.Responder: the assistant of the
// examples, which needs no model, no key and no network. It talks, streaming
// word by word, and it understands lines that show a feature each (/help lists
// them), so that everything an engine does can be tried by hand.
//
// A Responder for a real model has the same shape: read the settings and the
// history from the Turn, begin a Step before each call of the model, pass on
// what the model streams, and return.
package agent

import (
	"context"
	"encoding/binary"
	"errors"
	"strings"
	"time"

	"github.com/parley-go/parley/conversation"
)

// Options steer an Agent. The zero value of a field is its default.
type Options struct {
	// Pace is the time between two words of what Eliza says. Default: none.
	Pace time.Duration

	// Seed chooses among sentences that fit equally. By default each conversation
	// has a seed of its own, so that no two talks are the same.
	Seed uint64
}

// Agent answers turns. It keeps nothing between them, so that any process may
// run any turn. It is safe for concurrent use.
type Agent struct {
	pace time.Duration
	seed uint64
}

var _ conversation.Responder = (*Agent)(nil)

// New returns an Agent. A nil opts is the default of every field.
func New(opts *Options) *Agent {
	if opts == nil {
		opts = &Options{}
	}
	return &Agent{pace: opts.Pace, seed: opts.Seed}
}

// Respond answers one turn.
func (a *Agent) Respond(ctx context.Context, turn *conversation.Turn) error {
	t := &talk{agent: a, turn: turn}
	if err := t.begin(ctx); err != nil {
		return err
	}
	if err := t.answer(ctx); err != nil {
		return err
	}
	return t.report()
}

// talk is the work on one turn.
type talk struct {
	agent *Agent
	turn  *conversation.Turn
	step  *conversation.Step
	usage conversation.Usage // of the present step; words stand for tokens
}

// begin begins a step: what a model would be called for once more.
func (t *talk) begin(ctx context.Context) error {
	if err := t.report(); err != nil {
		return err
	}
	step, err := t.turn.Step(ctx)
	if err != nil {
		return err
	}
	t.step = step
	t.read(t.turn.SystemPrompt())
	t.read(t.turn.InputText())
	for _, n := range step.Nudges {
		t.read(n.Text)
	}
	return nil
}

// answer finds out what the turn brings, and answers that.
func (t *talk) answer(ctx context.Context) error {
	input := t.turn.Input()
	last := input[len(input)-1]
	if last.Role == conversation.RoleTool {
		return t.outputs(last)
	}
	line := strings.TrimSpace(t.turn.InputText())
	if isFeature(line) {
		return t.show(ctx, line)
	}
	if name, ok := t.mustCall(); ok {
		return t.call(ctx, []conversation.ToolCall{{Name: name}})
	}
	if line == "" {
		return t.received(last)
	}
	return t.chat(ctx, line)
}

// nudged answers what was said since the step began, in steps of its own. Where
// the settings allow no more steps, what waits goes back to who said it.
func (t *talk) nudged(ctx context.Context, answer func(text string) error) error {
	for {
		for _, n := range t.step.Nudges {
			if err := answer(n.Text); err != nil {
				return err
			}
		}
		t.step.Nudges = nil
		if !t.turn.Nudged() {
			return nil
		}
		err := t.begin(ctx)
		if errors.Is(err, conversation.ErrIterationLimit) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// say writes a text at once.
func (t *talk) say(text string) error {
	t.usage.CompletionTokens += words(text)
	return t.turn.Text(text)
}

// read counts what a model would be given.
func (t *talk) read(text string) { t.usage.PromptTokens += words(text) }

// report tells what the step has used, and begins to count anew.
func (t *talk) report() error {
	used := t.usage
	t.usage = conversation.Usage{}
	if used == (conversation.Usage{}) {
		return nil
	}
	return t.turn.Usage(used)
}

func words(text string) int64 { return int64(len(strings.Fields(text))) }

// seedOf is the seed of a conversation: the random half of its id.
func (t *talk) seedOf() uint64 {
	if t.agent.seed != 0 {
		return t.agent.seed
	}
	id := t.turn.Conversation().ID
	return binary.BigEndian.Uint64(id[8:])
}

// pause waits, or returns why ctx has ended.
func pause(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return nil
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
