package agent

import (
	"context"
	"strconv"
	"time"
)

const (
	slowPace = 50 * time.Millisecond // between two words of /slow
	slowMost = 100_000               // words: well over an hour
)

// slow says w1 w2 ... wN, and answers nudges on the way.
func (t *talk) slow(ctx context.Context, args string) error {
	n, err := strconv.Atoi(args)
	if err != nil || n < 1 || n > slowMost {
		return t.say("/slow N: N must be a number from 1 to " + strconv.Itoa(slowMost) + ".")
	}
	for i := 1; i <= n; i++ {
		if i > 1 {
			if err := pause(ctx, slowPace); err != nil {
				return err
			}
			if err := t.turn.Text(" "); err != nil {
				return err
			}
		}
		if err := t.say("w" + strconv.Itoa(i)); err != nil {
			return err
		}
		if err := t.nudged(ctx, func(text string) error { return t.say(" You said: " + text + ".") }); err != nil {
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
