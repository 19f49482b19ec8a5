//go:build unix

package crashtest_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/parley-go/parley/conversation"
)

// Script says how a turn is answered. It is the text of the turn.
type Script struct {
	Words int           `json:"words"`
	Pause time.Duration `json:"pause"` // behind each word
	Hold  int           `json:"hold"`  // attempts up to this one never come to an end by themselves
	Gate  bool          `json:"gate"`  // the first attempt waits in the middle until the test opens the gate
}

func (s Script) text() string {
	b, err := json.Marshal(s)
	if err != nil {
		panic(err) // a struct of numbers
	}
	return string(b)
}

func readScript(text string) (s Script, err error) {
	err = json.Unmarshal([]byte(text), &s)
	return s, err
}

// word is one word of an answer. It says whose it is.
func word(run uuid.UUID, attempt, n int) string {
	return fmt.Sprintf("%s.%d.%d ", run.String()[24:], attempt, n)
}

// answer is the whole answer of an attempt.
func (s Script) answer(run uuid.UUID, attempt int) string {
	var b strings.Builder
	for n := range s.Words {
		b.WriteString(word(run, attempt, n))
	}
	return b.String()
}

// respond records the attempt, and that it has the conversation for itself, and
// plays the script.
func (w *Worker) respond(ctx context.Context, turn *conversation.Turn) (err error) {
	script, err := readScript(turn.InputText())
	if err != nil {
		return err
	}
	l := ledger{schema: w.setup.Schema, pool: w.proof}
	if err := l.began(ctx, turn, w.setup.Name); err != nil {
		return err
	}
	defer func() { l.ended(turn, w.setup.Name, err) }()
	for n := range script.Words {
		if script.Gate && turn.Attempt() == 1 && n == script.Words/2 && !l.gate(ctx, turn.RunID()) {
			return context.Cause(ctx)
		}
		if err := turn.Text(word(turn.RunID(), turn.Attempt(), n)); err != nil {
			return err
		}
		if script.Pause > 0 && !pause(ctx, script.Pause) {
			return context.Cause(ctx)
		}
	}
	if turn.Attempt() <= script.Hold {
		<-ctx.Done()
		// Whatever is said from here on must come to nothing.
		err := turn.Text("too late")
		return fmt.Errorf("%w: %w", context.Cause(ctx), err)
	}
	return nil
}
