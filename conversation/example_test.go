package conversation_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/google/uuid"

	"github.com/parley-go/parley/conversation"
	"github.com/parley-go/parley/memstore"
)

// ada is the caller of the examples. A host makes one from its authentication.
var ada = conversation.Caller{Tenant: "acme", User: "ada", Name: "Ada", Permissions: conversation.PermReadWrite}

// begin starts an engine over a memory store; end shuts it down.
func begin(r conversation.Responder, cfg *conversation.Config) (engine *conversation.Engine, end func()) {
	engine, err := conversation.New(memstore.New(nil), r, cfg)
	if err == nil {
		err = engine.Start(context.Background())
	}
	if err != nil {
		panic(err)
	}
	return engine, func() {
		if err := engine.Shutdown(context.Background()); err != nil {
			panic(err)
		}
	}
}

// must is for examples only.
func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// greets is a Responder without a model.
var greets = conversation.ResponderFunc(func(_ context.Context, turn *conversation.Turn) error {
	return turn.Textf("Hello, %s.", turn.InputText())
})

func Example() {
	ctx := context.Background()
	engine, end := begin(greets, nil)
	defer end()

	c := must(engine.Create(ctx, ada, conversation.CreateParams{Title: "Greetings"}))
	answer := must(engine.Ask(ctx, ada, c.ID, "world"))
	c = must(engine.Get(ctx, ada, c.ID, conversation.ViewParticipant))
	fmt.Println(answer)
	fmt.Println(c.Title, "is at version", c.Version)
	// Output:
	// Hello, world.
	// Greetings is at version 2
}

// Of two turns written for the same version, one starts. The other is told both
// numbers, and nothing of it is written.
func ExampleEngine_StartRun_expectedVersion() {
	ctx := context.Background()
	engine, end := begin(greets, nil)
	defer end()

	c := must(engine.Create(ctx, ada, conversation.CreateParams{}))
	req := conversation.TurnRequest{Text: "world", ExpectedVersion: conversation.At(0)}
	run := must(engine.RunTurn(ctx, ada, c.ID, req))
	fmt.Println(run.Status, run.Version)

	_, err := engine.StartRun(ctx, ada, c.ID, req)
	var conflict *conversation.VersionConflictError
	if errors.As(err, &conflict) {
		fmt.Println("expected", conflict.Expected, "but it is", conflict.Current)
	}
	// Output:
	// completed 2
	// expected 0 but it is 2
}

// Events are read while the run goes on, and can be read again afterwards.
func ExampleEngine_Events() {
	ctx := context.Background()
	engine, end := begin(greets, nil)
	defer end()

	c := must(engine.Create(ctx, ada, conversation.CreateParams{}))
	run := must(engine.StartRun(ctx, ada, c.ID, conversation.TurnRequest{Text: "stream"}))
	stream := must(engine.Events(ctx, ada, run.ID, conversation.Cursor{}, conversation.ViewParticipant))
	for event, err := range stream.All(ctx) {
		if err != nil {
			panic(err)
		}
		fmt.Printf("%d %s %q\n", event.Seq, event.Type, event.Delta)
	}
	// Output:
	// 1 run.started ""
	// 2 text.delta "Hello, stream."
	// 3 message.appended ""
	// 4 message.appended ""
	// 5 run.completed ""
}

// What an override sets replaces the default for one run; the conversation's
// defaults stay.
func ExampleResolve() {
	defaults := conversation.Defaults{SystemPrompt: "Be kind.", Settings: conversation.Settings{
		Model: "small", MaxTokens: 100, Tools: []conversation.Tool{{Name: "search"}, {Name: "ask"}},
	}}
	override := conversation.Override{Model: "large", Tools: []conversation.Tool{}}
	settings := conversation.Resolve(defaults, override)
	origins := conversation.Origins(defaults, override)
	fmt.Println("model:", settings.Model, "from", origins["model"])
	fmt.Println("max_tokens:", settings.MaxTokens, "from", origins["max_tokens"])
	fmt.Println("tools:", len(settings.Tools), "from", origins["tools"])
	// Output:
	// model: large from override
	// max_tokens: 100 from default
	// tools: 0 from override
}

// All that is wrong is named at once, each with its place.
func ExampleFieldErrors() {
	engine, end := begin(greets, nil)
	defer end()

	temperature := 7.0
	_, err := engine.Create(context.Background(), ada, conversation.CreateParams{Mode: "slow", Defaults: conversation.Defaults{Settings: conversation.Settings{
		Temperature: &temperature, Tools: []conversation.Tool{{Name: "look-up"}},
	}}})
	var faults conversation.FieldErrors
	if errors.As(err, &faults) {
		for _, fault := range faults {
			fmt.Println(fault)
		}
	}
	// Output:
	// defaults.temperature: must be between 0 and 2
	// defaults.tools[0].name: must not contain a dash, which marks the tools of MCP servers
	// mode: must be standard or fast
}

// Secrets reach the Responder and nobody else.
func ExampleSecret() {
	ctx := context.Background()
	engine, end := begin(conversation.ResponderFunc(func(_ context.Context, turn *conversation.Turn) error {
		secret := turn.Settings().MCPServers[0].Headers["Authorization"]
		fmt.Println("the responder has", secret.Reveal())
		fmt.Println("and prints", secret)
		return nil
	}), nil)
	defer end()

	c := must(engine.Create(ctx, ada, conversation.CreateParams{Defaults: conversation.Defaults{Settings: conversation.Settings{
		MCPServers: []conversation.MCPServer{{Alias: "wiki", Headers: map[string]conversation.Secret{"Authorization": "Bearer 123"}}},
	}}}))
	must(engine.RunTurn(ctx, ada, c.ID, conversation.TurnRequest{Text: "hi"}))
	shown := must(json.Marshal(c.Defaults.MCPServers[0].Headers))
	fmt.Println("a read shows", string(shown))
	// Output:
	// the responder has Bearer 123
	// and prints [redacted]
	// a read shows {"Authorization":"[redacted]"}
}

// A call of one of the client's own tools pauses; a turn that brings the output
// goes on.
func ExampleTurnRequest_outputs() {
	ctx := context.Background()
	engine, end := begin(conversation.ResponderFunc(func(_ context.Context, turn *conversation.Turn) error {
		if turn.InputText() != "" {
			_, err := turn.ToolCall(conversation.ToolCall{ID: "c1", Name: "clock"})
			return err
		}
		parts, err := turn.Input()[0].Content.Parts()
		if err != nil {
			return err
		}
		return turn.Textf("It is %s.", parts[0].Parts[0].Text)
	}), nil)
	defer end()

	c := must(engine.Create(ctx, ada, conversation.CreateParams{Defaults: conversation.Defaults{Settings: conversation.Settings{
		Tools: []conversation.Tool{{Name: "clock"}},
	}}}))
	run := must(engine.RunTurn(ctx, ada, c.ID, conversation.TurnRequest{Text: "What time is it?"}))
	fmt.Println(run.Status, run.PendingToolCalls[0].Name)
	run = must(engine.RunTurn(ctx, ada, c.ID, conversation.TurnRequest{Outputs: []conversation.ToolOutput{
		{ToolCallID: "c1", Parts: []conversation.Part{conversation.Text("noon")}},
	}}))
	fmt.Println(run.Status, *run.FinalText)
	// Output:
	// requires_action clock
	// completed It is noon.
}

// With an output schema the answer is JSON that fits it.
func ExampleTurn_Structured() {
	ctx := context.Background()
	engine, end := begin(conversation.ResponderFunc(func(_ context.Context, turn *conversation.Turn) error {
		if err := turn.Structured(json.RawMessage(`{"city": 7}`)); err != nil {
			fmt.Println("refused")
		}
		return turn.Structured(json.RawMessage(`{"city": "Rome"}`))
	}), nil)
	defer end()

	c := must(engine.Create(ctx, ada, conversation.CreateParams{}))
	run := must(engine.RunTurn(ctx, ada, c.ID, conversation.TurnRequest{Text: "Where to?", Override: &conversation.Override{
		OutputSchema: json.RawMessage(`{"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}`),
	}}))
	fmt.Println(string(run.FinalStructured))
	// Output:
	// refused
	// {"city":"Rome"}
}

// A host that keeps its own loop appends to the log; the same ids again are the
// same append.
func ExampleEngine_Append() {
	ctx := context.Background()
	engine, end := begin(greets, nil)
	defer end()

	c := must(engine.Create(ctx, ada, conversation.CreateParams{}))
	messages := []conversation.Message{
		{ID: uuid.New(), Role: conversation.RoleUser, Content: must(conversation.NewContent(conversation.Text("Ping")))},
		{ID: uuid.New(), Role: conversation.RoleAssistant, Content: must(conversation.NewContent(conversation.Text("Pong")))},
	}
	first := must(engine.Append(ctx, ada, c.ID, conversation.AppendParams{Messages: messages, ExpectedVersion: conversation.At(0)}))
	again := must(engine.Append(ctx, ada, c.ID, conversation.AppendParams{Messages: messages, ExpectedVersion: conversation.At(0)}))
	fmt.Println(first.Version, first.Replayed)
	fmt.Println(again.Version, again.Replayed)
	// Output:
	// 2 false
	// 2 true
}

// A fork takes the log along up to a version, and goes its own way.
func ExampleEngine_Fork() {
	ctx := context.Background()
	engine, end := begin(greets, nil)
	defer end()

	c := must(engine.Create(ctx, ada, conversation.CreateParams{}))
	must(engine.Ask(ctx, ada, c.ID, "one"))
	must(engine.Ask(ctx, ada, c.ID, "two"))
	fork := must(engine.Fork(ctx, ada, c.ID, conversation.ForkParams{AtVersion: conversation.At(2)}))
	must(engine.Ask(ctx, ada, fork.ID, "three"))
	page := must(engine.Messages(ctx, ada, fork.ID, conversation.MessageQuery{}))
	for _, m := range page.Messages {
		fmt.Println(m.Seq, m.Role, m.Content.Text())
	}
	// Output:
	// 1 user one
	// 2 assistant Hello, one.
	// 3 user three
	// 4 assistant Hello, three.
}

// A list is read by cursor, or by page with a total.
func ExampleEngine_List() {
	ctx := context.Background()
	engine, end := begin(greets, nil)
	defer end()

	for _, title := range []string{"Zurich", "", "Amsterdam", "100% Rome"} {
		must(engine.Create(ctx, ada, conversation.CreateParams{Title: title}))
	}
	q := conversation.Query{Sort: conversation.SortTitle, Limit: 3}
	page := must(engine.List(ctx, ada, q))
	for _, c := range page.Conversations {
		fmt.Println(c.Title)
	}
	q.Cursor = page.Next
	rest := must(engine.List(ctx, ada, q))
	fmt.Printf("%q is last\n", rest.Conversations[0].Title)
	found := must(engine.List(ctx, ada, conversation.Query{Text: "0% ROME", Page: 1}))
	fmt.Println(found.Total, "found:", found.Conversations[0].Title)
	// Output:
	// 100% Rome
	// Amsterdam
	// Zurich
	// "" is last
	// 1 found: 100% Rome
}

// Who does not take part is answered as if there were nothing, and so is an
// administrator who does not ask for that view.
func ExampleView() {
	ctx := context.Background()
	engine, end := begin(greets, nil)
	defer end()

	c := must(engine.Create(ctx, ada, conversation.CreateParams{}))
	eve := conversation.Caller{Tenant: "acme", User: "eve", Permissions: conversation.PermReadWrite}
	root := conversation.Caller{Tenant: "acme", User: "root", Admin: true, Permissions: conversation.PermReadWrite}
	_, err := engine.Get(ctx, eve, c.ID, conversation.ViewAdmin)
	fmt.Println("eve:", err)
	_, err = engine.Get(ctx, root, c.ID, conversation.ViewParticipant)
	fmt.Println("root:", err)
	seen := must(engine.Get(ctx, root, c.ID, conversation.ViewAdmin))
	fmt.Println("root, viewing as", seen.ViewingAs)
	_, err = engine.SetTitle(ctx, root, c.ID, "Mine now")
	fmt.Println("root, writing:", err)
	// Output:
	// eve: not found
	// root: not found
	// root, viewing as admin
	// root, writing: not found
}

// A deleted conversation can be read and restored; a purged one is gone.
func ExampleEngine_Purge() {
	ctx := context.Background()
	engine, end := begin(greets, nil)
	defer end()

	c := must(engine.Create(ctx, ada, conversation.CreateParams{}))
	must(engine.Ask(ctx, ada, c.ID, "world"))
	c = must(engine.Delete(ctx, ada, c.ID))
	_, err := engine.Ask(ctx, ada, c.ID, "anybody there")
	fmt.Println(c.Deleted(), err)
	must(engine.Restore(ctx, ada, c.ID))
	fmt.Println(must(engine.Ask(ctx, ada, c.ID, "again")))
	counts := must(engine.Purge(ctx, ada, c.ID))
	fmt.Println(counts.Conversations, counts.Messages, counts.Runs)
	_, err = engine.Get(ctx, ada, c.ID, conversation.ViewParticipant)
	fmt.Println(err)
	// Output:
	// true conversation is deleted
	// Hello, again.
	// 1 4 2
	// not found
}

// Others are let in; the directory has everyone the conversation refers to.
func ExampleEngine_AddParticipant() {
	ctx := context.Background()
	engine, end := begin(greets, nil)
	defer end()

	c := must(engine.Create(ctx, ada, conversation.CreateParams{}))
	c = must(engine.AddParticipant(ctx, ada, c.ID, conversation.Participant{UserID: "bea", Name: "Bea"}))
	fmt.Println(c.Participants["ada"].Name, c.Participants["bea"].Name)
	bea := conversation.Caller{Tenant: "acme", User: "bea", Permissions: conversation.PermReadWrite}
	fmt.Println(must(engine.Ask(ctx, bea, c.ID, "<@U7|Grace>")))
	c = must(engine.Get(ctx, bea, c.ID, conversation.ViewParticipant))
	fmt.Println(c.Participants["U7"].Name)
	// Output:
	// Ada Bea
	// Hello, <@U7|Grace>.
	// Grace
}
