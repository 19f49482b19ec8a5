// Command hello is the program of the README: an engine, a conversation, a turn.
package main

import (
	"context"
	"errors"
	"fmt"
	"log"

	"github.com/parley-go/parley/conversation"
	"github.com/parley-go/parley/memstore"
)

// echo is where the call of a model would be.
func echo(_ context.Context, turn *conversation.Turn) error {
	return turn.Text("You said: " + turn.InputText())
}

func main() {
	ctx := context.Background()
	engine, err := conversation.New(memstore.New(nil), conversation.ResponderFunc(echo), nil)
	if err != nil {
		log.Fatal(err)
	}
	if err := engine.Start(ctx); err != nil {
		log.Fatal(err)
	}
	if err := errors.Join(talk(ctx, engine), engine.Shutdown(ctx)); err != nil {
		log.Fatal(err)
	}
}

func talk(ctx context.Context, engine *conversation.Engine) error {
	// The caller comes from your authentication, never from a request's body.
	caller := conversation.Caller{Tenant: "acme", User: "ada", Permissions: conversation.PermReadWrite}
	chat, err := engine.Create(ctx, caller, conversation.CreateParams{
		Defaults: conversation.Defaults{SystemPrompt: "You repeat what you hear."},
	})
	if err != nil {
		return err
	}
	answer, err := engine.Ask(ctx, caller, chat.ID, "Hello")
	if err != nil {
		return err
	}
	fmt.Println(answer) // You said: Hello
	return nil
}
