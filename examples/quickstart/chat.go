package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/parley-go/parley/conversation"
)

// chat makes a turn of each line of standard input, until it ends.
func chat(ctx context.Context, engine *conversation.Engine) error {
	c, err := engine.Create(ctx, ada, conversation.CreateParams{})
	if err != nil {
		return err
	}
	prompt := ""
	if info, err := os.Stdin.Stat(); err == nil && info.Mode()&os.ModeCharDevice != 0 {
		prompt = "you: " // somebody sits there
	}
	lines, ended := readLines(ctx, os.Stdin)
	for {
		fmt.Print(prompt)
		select {
		case <-ctx.Done(): // interrupted
			fmt.Println()
			return nil
		case line, more := <-lines:
			if !more {
				return <-ended
			}
			if err := reply(ctx, engine, c, line); err != nil && ctx.Err() == nil {
				return err
			}
		}
	}
}

// reply makes one turn. What is wrong with a line, or with a run, is said and
// ends nothing.
func reply(ctx context.Context, engine *conversation.Engine, c *conversation.Conversation, line string) error {
	if strings.TrimSpace(line) == "" {
		return nil
	}
	run, err := engine.StartRun(ctx, ada, c.ID, conversation.TurnRequest{Text: line})
	if err == nil {
		_, err = follow(ctx, engine, run.ID)
	}
	var failed *conversation.RunError
	if errors.Is(err, conversation.ErrInvalid) || errors.As(err, &failed) {
		fmt.Println("   error:", err)
		return nil
	}
	return err
}

// readLines reads lines until the input ends, and then sends why it did: nil
// at its end. Reading cannot be interrupted, so it has a goroutine of its own.
func readLines(ctx context.Context, in io.Reader) (<-chan string, <-chan error) {
	lines, ended := make(chan string), make(chan error, 1)
	go func() {
		defer close(lines)
		scanner := bufio.NewScanner(in)
		scanner.Buffer(nil, 2*conversation.DefaultMaxMessageBytes)
		for scanner.Scan() {
			select {
			case lines <- scanner.Text():
			case <-ctx.Done():
			}
		}
		ended <- scanner.Err()
	}()
	return lines, ended
}
