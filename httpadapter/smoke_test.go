package httpadapter_test

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestFirstConversation(t *testing.T) {
	t.Parallel()
	alice := setup(t).as("acme.alice")
	id := alice.create(object{"name": "First", "defaults": object{"system_prompt": "be brief"}})
	c := alice.do("GET", "/conversations/"+id, nil).ok(200)
	require.Equal(t, "First", c["title"])
	require.InDelta(t, 0, c["version"], 0)

	run := alice.start(id, object{"content": "say Hello there", "expected_version": 0})
	events := alice.open("GET", "/runs/"+run+"/events", nil)
	last, text := events.until("run.completed")
	require.Equal(t, "Hello there", text)
	require.Equal(t, run, last.object(t)["run_id"])
	require.Nil(t, events.next(), "the terminal event is the last")
	require.InDelta(t, 2, alice.do("GET", "/conversations/"+id, nil).ok(200)["version"], 0)

	said := alice.open("POST", "/conversations/"+id+"/stream", object{"content": "prompt"})
	_, text = said.until("run.completed")
	require.Equal(t, "be brief", text)

	res := alice.do("POST", "/conversations/"+id+"/messages", object{"content": "say again"}).ok(200)
	require.Len(t, res["messages"], 2)
	require.Equal(t, "again", res["run"].(object)["final_text"])
	alice.do("POST", "/conversations/"+id+"/runs", object{"content": "x", "expected_version": 3}).problem(409, "version_conflict")
}
