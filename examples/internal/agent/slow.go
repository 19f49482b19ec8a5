package agent

import (
	"context"
	"errors"
	"strconv"
	"time"

	"github.com/parley-go/parley/conversation"
)

const (
	slowPace  = 50 * time.Millisecond // between two words of /slow
	slowSteps = 5                     // words of a step, at least: a nudge waits no longer
	slowMost  = 100_000               // words: well over an hour
)

// slow says w1 w2 ... wN. Every few words it begins a step, as an agent would
// between two calls of its model, and answers the nudges that came meanwhile.
func (t *talk) slow(ctx context.Context, args string) error {
	n, err := strconv.Atoi(args)
	if err != nil || n < 1 || n > slowMost {
		return t.say("/slow N: N must be a number from 1 to " + strconv.Itoa(slowMost) + ".")
	}
	every := t.stepLength(n)
	for i := 1; i <= n; i++ {
		if i > 1 {
			if err := pause(ctx, slowPace); err != nil {
				return err
			}
			if (i-1)%every == 0 {
				if err := t.nudged(ctx); err != nil {
					return err
				}
			}
			if err := t.turn.Text(" "); err != nil {
				return err
			}
		}
		if err := t.say("w" + strconv.Itoa(i)); err != nil {
			return err
		}
	}
	return nil
}

// stepLength spreads the steps that the settings allow over n words.
func (t *talk) stepLength(n int) int {
	limit := t.turn.Settings().MaxIterations
	if limit == 0 {
		limit = conversation.DefaultMaxIterations
	}
	return max(slowSteps, (n+limit-1)/limit)
}

// nudged begins a step and answers what was said meanwhile. An engine that
// allows no more steps has no more nudges either: the words go on.
func (t *talk) nudged(ctx context.Context) error {
	err := t.begin(ctx)
	if errors.Is(err, conversation.ErrIterationLimit) {
		return nil
	}
	if err != nil {
		return err
	}
	for _, n := range t.step.Nudges {
		if err := t.say(" You said: " + n.Text + "."); err != nil {
			return err
		}
	}
	return nil
}

// hang says nothing and waits to be ended from outside.
func (t *talk) hang(ctx context.Context, _ string) error {
	if err := t.turn.Status("hanging"); err != nil {
		return err
	}
	<-ctx.Done()
	return context.Cause(ctx)
}
