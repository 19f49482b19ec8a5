package transcript

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/parley-go/parley/conversation"
)

// Script is a Responder that does what it is told:
//
//	say TEXT       says the text, a word each delta
//	count N        says w1 w2 ... wN, a word each delta
//	tool NAME JSON calls a tool
//	fail TEXT      fails
//	json VALUE     answers with a structured value
//	hold           says "held ", and waits to be let go, or for its end
//	step           takes steps until a nudge comes
//	slowly N       says N words, each when let go
//	paced N        when let go, says N words, one each Pace
//	prompt         says its system prompt
//
// Tool outputs are answered with "thanks".
type Script struct {
	mu    sync.Mutex
	gates map[string]chan struct{} // by conversation
}

// Pace is the time between two words of "paced".
const Pace = 500 * time.Microsecond

// NewScript makes a Script.
func NewScript() *Script { return &Script{gates: make(map[string]chan struct{})} }

// Gate is where runs of a conversation wait. Each receive lets one go on.
func (s *Script) Gate(conversation string) chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	g, ok := s.gates[conversation]
	if !ok {
		g = make(chan struct{})
		s.gates[conversation] = g
	}
	return g
}

// Respond does what the input says.
func (s *Script) Respond(ctx context.Context, turn *conversation.Turn) error {
	word, rest, _ := strings.Cut(turn.InputText(), " ")
	switch word {
	case "":
		return turn.Text("thanks")
	case "paced":
		n, err := strconv.Atoi(rest)
		if err == nil {
			err = s.wait(ctx, turn)
		}
		if err != nil {
			return err
		}
		tick := time.NewTicker(Pace)
		defer tick.Stop()
		for i := range n {
			<-tick.C
			if err := turn.Textf("w%d ", i+1); err != nil {
				return err
			}
		}
		return nil
	case "count", "slowly":
		n, err := strconv.Atoi(rest)
		if err != nil {
			return err
		}
		for i := range n {
			if word == "slowly" {
				if err := s.wait(ctx, turn); err != nil {
					return err
				}
			}
			if err := turn.Textf("w%d ", i+1); err != nil {
				return err
			}
		}
		return nil
	case "tool":
		name, args, _ := strings.Cut(rest, " ")
		_, err := turn.ToolCall(conversation.ToolCall{ID: "call_1", Name: name, Arguments: json.RawMessage(args)})
		return err
	case "fail":
		return &conversation.RunError{Code: "told_to", Message: rest}
	case "json":
		return turn.Structured(json.RawMessage(rest))
	case "prompt":
		return turn.Text(turn.SystemPrompt())
	case "hold":
		if err := turn.Text("held "); err != nil {
			return err
		}
		if err := s.wait(ctx, turn); err != nil {
			return err
		}
		return turn.Text("gone")
	case "step":
		for {
			if err := s.wait(ctx, turn); err != nil {
				return err
			}
			step, err := turn.Step(ctx)
			if err != nil {
				return err
			}
			for _, n := range step.Nudges {
				return turn.Text("nudged: " + n.Text)
			}
		}
	}
	for _, w := range strings.SplitAfter(rest, " ") {
		if err := turn.Text(w); err != nil {
			return err
		}
	}
	return nil
}

func (s *Script) wait(ctx context.Context, turn *conversation.Turn) error {
	select {
	case <-s.Gate(turn.Conversation().ID.String()):
		return nil
	case <-ctx.Done():
		return fmt.Errorf("while waiting: %w", context.Cause(ctx))
	}
}
