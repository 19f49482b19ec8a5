package httpadapter_test

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/parley-go/parley/conversation"
	"github.com/parley-go/parley/httpadapter"
)

// A word that stands in every string a tenant has stored never shows in what
// another tenant gets, nor in a log line; and a word in a secret shows nowhere.
func TestC4_CanaryStaysAtHome(t *testing.T) {
	t.Parallel()
	const canary, secret = "CANARY", "SONGBIRD"
	s := setup(t, func(o *httpadapter.Options, c *conversation.Config) {
		c.Titler = conversation.TitlerFunc(func(context.Context, *conversation.TitleRequest) (string, error) { return canary, nil })
	})
	alice := s.as("acme.alice")
	tools := []object{{"name": canary, "description": canary, "input_schema": object{"description": canary}}}
	id := alice.create(object{
		"agent_id": canary, "agent": object{"id": canary, "slug": canary, "display_name": canary, "avatar_url": canary},
		"channel": "web", "metadata": object{canary: canary},
		"defaults": object{
			"system_prompt": canary, "model": canary, "tools": tools, "extra": object{canary: canary},
			"mcp_servers":   []object{{"alias": "web", "url": "https://" + canary + ".example", "description": canary, "headers": object{"X-" + canary: secret}}},
			"output_schema": object{},
		},
	})
	alice.do("POST", "/conversations/"+id+"/participants", object{"user_id": canary, "name": canary, "avatar_url": canary}).ok(200)
	var own []string // all that alice gets
	turn := func(body object) string {
		body["override"] = object{"extra": object{canary: canary}}
		r := alice.do("POST", "/conversations/"+id+"/messages", body)
		run := r.ok(200)["run"].(object)
		own = append(own, string(r.body))
		return run["id"].(string)
	}
	turn(object{"content": "tool " + canary + ` {"` + canary + `": "` + canary + `"}`, "client_op_id": canary})
	turn(object{"tool_outputs": []object{{"tool_call_id": "call_1", "content": canary}}})
	turn(object{"content": "say " + canary})
	turn(object{"content": "fail " + canary})
	held := alice.start(id, object{"content": "hold " + canary})
	alice.do("POST", "/runs/"+held+"/nudge", object{"text": canary}).ok(200)
	require.Eventually(t, func() bool {
		return alice.do("GET", "/conversations/"+id, nil).ok(200)["title"] == canary
	}, 5*time.Second, 10*time.Millisecond)

	routes := s.handler.Routes()
	ask := func(token, agent string) (said []string) {
		for _, rt := range routes {
			e := swept[rt.Operation]
			path := strings.NewReplacer("{conversation_id}", id, "{run_id}", held, "{agent_id}", agent).Replace(rt.Path)
			query := e.query
			if e.of == "thread" {
				query = "?threadId=" + id
			}
			if e.writes && strings.HasPrefix(token, "acme.") || rt.Operation == httpadapter.OpFollow || rt.Operation == httpadapter.OpRunEvents {
				continue // streams that go on are read below
			}
			var body any
			if e.body != "" {
				body = e.body
			}
			r := s.as(token).do(rt.Method, path+query, body)
			said = append(said, string(r.body))
			for name, values := range r.header {
				said = append(said, name+": "+strings.Join(values, " "))
			}
		}
		return said
	}
	foreign := ask("other.eve.admin", "a1")
	own = append(own, ask("acme.alice", canary)...)
	s.script.Gate(id) <- struct{}{}
	events := alice.open("GET", "/runs/"+held+"/events", nil)
	for e := events.next(); e != nil; e = events.next() {
		own = append(own, e.data)
	}
	require.Equal(t, http.StatusNotFound, s.as("other.eve.admin").do("GET", "/runs/"+held+"/events?view=admin", nil).status)

	home, abroad, log := strings.Join(own, "\n"), strings.Join(foreign, "\n"), s.log.String()
	shows := strings.Contains // not require.Contains, which would print all of it
	require.True(t, shows(home, canary), "the test must see it at home")
	require.False(t, shows(abroad, canary), "it shows abroad")
	require.False(t, shows(log, canary), "it shows in the log")
	require.False(t, shows(home+abroad+log, secret), "the secret shows")
	require.True(t, shows(log, "route=/runs/{run_id}"), "access lines must be on for this to mean anything")
}
