package httpadapter_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"

	"github.com/parley-go/parley/conversation"
	"github.com/parley-go/parley/httpadapter"
	"github.com/parley-go/parley/httpadapter/bearer"
	"github.com/parley-go/parley/memstore"
)

// A server that answers everything with an echo, mounted below /api.
func ExampleNew() {
	ctx := context.Background()
	engine, err := conversation.New(memstore.New(nil), conversation.ResponderFunc(
		func(_ context.Context, turn *conversation.Turn) error {
			return turn.Text("You said: " + turn.InputText())
		},
	), nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	if err := engine.Start(ctx); err != nil {
		fmt.Println(err)
		return
	}
	auth, err := bearer.Static(map[string]conversation.Caller{
		"a-long-and-secret-token": {Tenant: "acme", User: "alice", Permissions: conversation.PermReadWrite},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	handler, err := httpadapter.New(engine, &httpadapter.Options{Authenticate: auth})
	if err != nil {
		fmt.Println(err)
		return
	}
	mux := http.NewServeMux()
	mux.Handle("/api/", http.StripPrefix("/api", handler))
	server := httptest.NewServer(mux) // or http.Server

	post := func(path, body string) (*http.Response, string) {
		r, err := http.NewRequestWithContext(ctx, http.MethodPost, server.URL+path, strings.NewReader(body))
		if err != nil {
			return nil, err.Error()
		}
		r.Header.Set("Authorization", "Bearer a-long-and-secret-token")
		r.Header.Set("Content-Type", "application/json")
		res, err := server.Client().Do(r)
		if err != nil {
			return nil, err.Error()
		}
		defer func() { _ = res.Body.Close() }() // it is read to its end
		text, err := io.ReadAll(res.Body)
		if err != nil {
			return nil, err.Error()
		}
		return res, string(text)
	}
	res, _ := post("/api/conversations", `{"name": "First"}`)
	fmt.Println(res.Status)
	res, events := post(res.Header.Get("Location")+"/stream", `{"content": "Hello"}`)
	fmt.Println(res.Status)
	for line := range strings.Lines(events) {
		if strings.HasPrefix(line, "event: ") {
			fmt.Print(line)
		}
	}
	if err := engine.Shutdown(ctx); err != nil {
		fmt.Println(err)
	}
	server.Close()
	// Output:
	// 201 Created
	// 200 OK
	// event: run.started
	// event: text.delta
	// event: message.appended
	// event: message.appended
	// event: run.completed
}
