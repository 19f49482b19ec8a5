// Command quickstart tells in eight steps what an embedded conversation engine
// does. It needs nothing but this program: the store is memory, and the model is
// Eliza, in examples/internal/agent.
//
//	go run ./examples/quickstart
//	go run ./examples/quickstart -chat    talks with you, line by line
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"maps"
	"os"
	"os/signal"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/parley-go/parley/conversation"
	"github.com/parley-go/parley/examples/internal/agent"
	"github.com/parley-go/parley/memstore"
)

func main() {
	talk := flag.Bool("chat", false, "talk with Eliza: one line of standard input is one turn")
	flag.Parse()
	use, options := story, agent.Options{Seed: 1966} // the same words every time
	if *talk {
		use, options.Pace = chat, 40*time.Millisecond
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := withEngine(ctx, agent.New(&options), use)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "quickstart:", err)
		os.Exit(1)
	}
}

// withEngine makes an engine of a store and a Responder, and ends it after use.
func withEngine(ctx context.Context, r conversation.Responder, use func(context.Context, *conversation.Engine) error) error {
	engine, err := conversation.New(memstore.New(nil), r, nil)
	if err != nil {
		return err
	}
	if err := engine.Start(ctx); err != nil {
		return err
	}
	used := use(ctx, engine)
	// Shutdown lets runs end, hands over those that do not, and leaves no goroutine.
	ending, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	return errors.Join(used, engine.Shutdown(ending))
}

// ada is who asks. A host makes its callers from its own authentication.
var ada = conversation.Caller{Tenant: "acme", User: "ada", Permissions: conversation.PermReadWrite}

func story(ctx context.Context, engine *conversation.Engine) error {
	fmt.Println("1. A conversation has defaults: a prompt, settings and tools, fixed for its life.")
	warm := 0.7
	c, err := engine.Create(ctx, ada, conversation.CreateParams{
		Title: "Trip to Rome",
		Defaults: conversation.Defaults{
			SystemPrompt: "You are Eliza. Listen, and ask on.",
			Settings: conversation.Settings{Model: "small", Temperature: &warm, Tools: []conversation.Tool{{
				Name:        "weather",
				Description: "The weather in a city now.",
				InputSchema: json.RawMessage(`{"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}`),
			}}},
		},
	})
	if err != nil {
		return err
	}
	fmt.Printf("   %q begins at version %d.\n", c.Title, c.Version)

	fmt.Println("2. A turn is a run. Its events are read while it goes on, here and in any other process.")
	first, err := turn(ctx, engine, c.ID, conversation.TurnRequest{Text: "I want to go to Rome.", ExpectedVersion: conversation.At(0)})
	if err != nil {
		return err
	}
	fmt.Printf("   The run is %s: question and answer are messages 1 and %d.\n", first.Status, first.Version)

	fmt.Println("3. Two tabs have both read version 2. The one that is late is told so, and nothing is written.")
	saw := conversation.At(first.Version)
	won, err := turn(ctx, engine, c.ID, conversation.TurnRequest{Text: "Because I need a holiday.", ExpectedVersion: saw})
	if err != nil {
		return err
	}
	_, err = engine.StartRun(ctx, ada, c.ID, conversation.TurnRequest{Text: "Forget it.", ExpectedVersion: saw})
	var conflict *conversation.VersionConflictError
	if !errors.As(err, &conflict) {
		return fmt.Errorf("the late turn should have lost, and got: %w", err)
	}
	fmt.Printf("   VersionConflictError: expected %d, current %d.\n", conflict.Expected, conflict.Current)

	fmt.Println("4. One run may have other settings. The conversation keeps its own.")
	cool := 0.1
	tuned, err := turn(ctx, engine, c.ID, conversation.TurnRequest{
		Text:     "It is cold where I live.",
		Override: &conversation.Override{Model: "large", Temperature: &cool},
	})
	if err != nil {
		return err
	}
	fmt.Printf("   The run used model %s, temperature %v, tool %s.\n",
		tuned.Effective.Model, *tuned.Effective.Temperature, tuned.Effective.Tools[0].Name)
	for _, field := range slices.Sorted(maps.Keys(tuned.Origins)) {
		fmt.Printf("   %-11s is from the %s\n", field, tuned.Origins[field])
	}

	fmt.Println("5. A call of one of our tools pauses the run: the answer is ours to give.")
	paused, err := turn(ctx, engine, c.ID, conversation.TurnRequest{Text: `/tool weather {"city": "Rome"}`})
	if err != nil {
		return err
	}
	call := paused.PendingToolCalls[0]
	fmt.Printf("   The run is %s: %s(%s) waits for its output.\n", paused.Status, call.Name, call.Arguments)

	fmt.Println("6. A turn that brings the output goes on from there.")
	answered, err := turn(ctx, engine, c.ID, conversation.TurnRequest{Outputs: []conversation.ToolOutput{{
		ToolCallID: call.ID, Parts: []conversation.Part{conversation.Text("21 degrees and sunny")},
	}}})
	if err != nil {
		return err
	}
	fmt.Printf("   The run is %s at version %d, and used %d tokens.\n", answered.Status, answered.Version, answered.Usage.TotalTokens)

	fmt.Println("7. A fork begins with the log up to a version. Its parent stays as it is.")
	fork, err := engine.Fork(ctx, ada, c.ID, conversation.ForkParams{AtVersion: conversation.At(won.Version), Title: "Trip to Oslo"})
	if err != nil {
		return err
	}
	if _, err := turn(ctx, engine, fork.ID, conversation.TurnRequest{Text: "Or to Oslo?"}); err != nil {
		return err
	}

	fmt.Println("8. Lists are searched by title, agent and latest message. Others see nothing of it.")
	for _, q := range []string{"trip", "oslo"} {
		page, err := engine.List(ctx, ada, conversation.Query{Text: q, Sort: conversation.SortTitle})
		if err != nil {
			return err
		}
		for _, found := range page.Conversations {
			fmt.Printf("   %s: %s, version %d\n", q, found.Title, found.Version)
		}
	}
	bob := conversation.Caller{Tenant: "acme", User: "bob", Permissions: conversation.PermReadWrite}
	if _, err := engine.Get(ctx, bob, c.ID, conversation.ViewParticipant); !errors.Is(err, conversation.ErrNotFound) {
		return fmt.Errorf("bob should not see it, and got: %w", err)
	}
	return nil
}

// turn starts a turn, prints its run as it streams, and returns it as it ended.
func turn(ctx context.Context, engine *conversation.Engine, id uuid.UUID, req conversation.TurnRequest) (*conversation.Run, error) {
	if req.Text != "" {
		fmt.Println("   ada:  ", req.Text)
	}
	run, err := engine.StartRun(ctx, ada, id, req)
	if err != nil {
		return nil, err
	}
	return follow(ctx, engine, run.ID)
}

// follow prints the text of a run as it comes. Leaving the loop early would stop
// reading, not the run.
func follow(ctx context.Context, engine *conversation.Engine, run uuid.UUID) (*conversation.Run, error) {
	stream, err := engine.Events(ctx, ada, run, conversation.Cursor{}, conversation.ViewParticipant)
	if err != nil {
		return nil, err
	}
	var ended *conversation.Run
	said := false
	for event, err := range stream.All(ctx) {
		if err != nil {
			return nil, err
		}
		if event.Type == conversation.EventTextDelta {
			if !said {
				fmt.Print("   eliza: ")
			}
			said = true
			fmt.Print(event.Delta)
		}
		if event.Type.Terminal() {
			ended = event.Run
		}
	}
	if said {
		fmt.Println()
	}
	if ended.Error != nil {
		return nil, ended.Error
	}
	return ended, nil
}
