package memstore_test

import (
	"context"
	"fmt"

	"github.com/google/uuid"

	"github.com/parley-go/parley/memstore"
	"github.com/parley-go/parley/store"
)

// Of two writers that saw the same version one lands and the other is told.
func ExampleNew() {
	ctx := context.Background()
	s := memstore.New(nil)
	c, err := s.CreateConversation(ctx, &store.NewConversation{Conversation: store.Conversation{
		Tenant: "acme", ID: uuid.New(), Owner: "alice",
		Mode: "standard", Channel: "web", Surface: "web",
	}})
	if err != nil {
		fmt.Println(err)
		return
	}
	for range 2 {
		res, err := s.Append(ctx, &store.Append{
			Scope:          store.Scope{Tenant: "acme", User: "alice"},
			ConversationID: c.ID,
			Expected:       &c.Version,
			Tail: store.Tail{Messages: []store.Message{
				{ID: uuid.New(), Role: "user", Parts: []byte(`[{"text":"Hello"}]`)},
			}},
		})
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println("version", res.Version)
	}
	// Output:
	// version 1
	// version conflict: expected 0, current 1
}
