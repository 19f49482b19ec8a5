package agent

import (
	"context"
	"strings"
)

// feature is a line that shows one thing the engine does.
type feature struct {
	name, args string
	does       string
	answer     func(ctx context.Context, args string) error
}

// features are listed by /help in this order.
func (t *talk) features() []feature {
	return []feature{
		{"/tool", "NAME JSON", "call that tool; one of yours pauses the run until you send its output", t.tool},
		{"/slow", "N", "N words, one each 50 ms; stop it, nudge it, or resume its stream", t.slow},
		{"/hang", "", "nothing, until the run is stopped or out of time", t.hang},
		{"/fail", "TEXT", "fail with that text", t.fail},
		{"/panic", "", "break down", t.breakDown},
		{"/prompt", "", "the system prompt as rendered for this run", t.prompt},
		{"/config", "", "the effective settings of this run, as JSON", t.config},
		{"/history", "", "how many messages came before this turn", t.history},
		{"/json", "VALUE", "that value as a structured answer", t.structured},
		{"/help", "", "this list", t.help},
	}
}

// show answers a line that asks for a feature.
func (t *talk) show(ctx context.Context, line string) error {
	name, args := cutWord(line)
	for _, f := range t.features() {
		if f.name == name {
			return f.answer(ctx, args)
		}
	}
	return t.say("I do not know " + name + ". /help lists what I understand.")
}

// isFeature reports whether a line is not meant for Eliza.
func isFeature(line string) bool { return strings.HasPrefix(strings.TrimSpace(line), "/") }

// cutWord cuts the first word off, and the space behind it.
func cutWord(s string) (word, rest string) {
	s = strings.TrimSpace(s)
	end := strings.IndexAny(s, " \t\r\n")
	if end < 0 {
		return s, ""
	}
	return s[:end], strings.TrimSpace(s[end:])
}

func (t *talk) help(context.Context, string) error {
	var b strings.Builder
	b.WriteString("Talk to me, or try one of these lines:\n")
	for _, f := range t.features() {
		b.WriteString("\n" + strings.TrimSpace(f.name+" "+f.args) + "\n    " + f.does)
	}
	return t.say(b.String())
}
