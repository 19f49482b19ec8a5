package agent

import (
	"context"
	"strings"

	"github.com/parley-go/parley/conversation"
	"github.com/parley-go/parley/examples/internal/eliza"
)

// window is how many messages Eliza remembers. It bounds what a turn costs,
// however long the conversation is.
const window = 200

// chat lets Eliza answer a line. It need not be kept in memory between turns:
// what it remembers is a function of what it was told, and that is in the log.
func (t *talk) chat(ctx context.Context, line string) error {
	log, err := t.turn.Window(ctx, window)
	if err != nil {
		return err
	}
	var lines []string
	for _, m := range log {
		text := m.Content.Text()
		t.read(text)
		if m.Role == conversation.RoleUser && !isFeature(text) {
			lines = append(lines, text)
		}
	}
	partner := eliza.New(t.seedOf())
	partner.Recall(lines)
	if err := t.stream(ctx, partner.Reply(line)); err != nil {
		return err
	}
	return t.nudged(ctx, func(text string) error { return t.stream(ctx, " "+partner.Reply(text)) })
}

// stream says a text word by word.
func (t *talk) stream(ctx context.Context, text string) error {
	for i, word := range strings.SplitAfter(text, " ") {
		if i > 0 {
			if err := pause(ctx, t.agent.pace); err != nil {
				return err
			}
		}
		if err := t.say(word); err != nil {
			return err
		}
	}
	return nil
}

// received answers a message without text: Eliza only listens.
func (t *talk) received(m conversation.Message) error {
	parts, err := m.Content.Parts()
	if err != nil {
		return err
	}
	return t.say("Thank you for " + describe(parts) + ". I can only listen; tell me about it.")
}

// Title is a conversation.Titler: the first words of the first message.
func Title(_ context.Context, req *conversation.TitleRequest) (string, error) {
	var text strings.Builder
	for _, p := range req.Run.Input.Parts {
		if p.Type == conversation.PartText {
			text.WriteString(p.Text + " ")
		}
	}
	first := strings.Fields(text.String())
	if len(first) > titleWords {
		return strings.Join(first[:titleWords], " ") + "…", nil
	}
	return strings.Join(first, " "), nil
}

// titleWords is as much as a list shows on one line.
const titleWords = 6
