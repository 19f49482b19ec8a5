package main

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestFeatures(t *testing.T) {
	t.Parallel()
	s := start(t, "-run-timeout", "2s")
	ada := s.as("dev.acme.ada")
	weather := object{"name": "weather", "input_schema": object{"type": "object"}}
	conversation := func() string {
		return ada.create(object{"defaults": object{
			"system_prompt": "Be nice.", "model": "small", "temperature": 0.5, "tools": []any{weather},
		}})
	}
	says := func(t *testing.T, path, line string) string {
		t.Helper()
		run := ada.run(path, object{"content": line})
		require.Equal(t, "completed", run["status"], "%v", run)
		return run["final_text"].(string)
	}
	failed := func(t *testing.T, line string) object {
		t.Helper()
		path := conversation()
		run := ada.run(path, object{"content": line})
		require.Nil(t, run["final_text"])
		require.Empty(t, ada.call(http.StatusOK, "GET", path+"/messages", nil)["data"])
		return run
	}

	t.Run("talk", func(t *testing.T) {
		t.Parallel()
		path := conversation()
		stream := ada.events("POST", path+"/stream", object{"content": "I feel stuck"})
		e, text := next(t, stream, "run.completed")
		require.Equal(t, text, e.data["run"].(object)["final_text"])
		require.Contains(t, text, "stuck")
		c := ada.call(http.StatusOK, "GET", path, nil)
		require.EqualValues(t, 2, c["version"])
		require.Eventually(t, func() bool {
			return ada.call(http.StatusOK, "GET", path, nil)["title"] == "I feel stuck"
		}, patience, tick)
	})
	t.Run("tool", func(t *testing.T) {
		t.Parallel()
		path := conversation()
		run := ada.run(path, object{"content": `/tool weather {"city": "Rome"}`})
		require.Equal(t, "requires_action", run["status"])
		call := run["pending_tool_calls"].([]any)[0].(object)
		require.Equal(t, "weather", call["name"])
		require.Equal(t, object{"city": "Rome"}, call["arguments"])
		run = ada.run(path, object{"tool_outputs": []any{object{"tool_call_id": call["tool_call_id"], "content": "21 degrees"}}})
		require.Equal(t, "weather answered: 21 degrees", run["final_text"])
		require.Equal(t, "undeclared_tool", failed(t, "/tool clock")["error"].(object)["code"])
	})
	t.Run("slow", func(t *testing.T) {
		t.Parallel()
		_, text := next(t, ada.events("POST", conversation()+"/stream", object{"content": "/slow 12"}), "run.completed")
		require.Equal(t, counted(12), text)
	})
	t.Run("slow and stopped", func(t *testing.T) {
		t.Parallel()
		path := conversation()
		stream := ada.events("POST", path+"/stream", object{"content": "/slow 30"})
		e, before := next(t, stream, "text.delta")
		stop := ada.call(http.StatusOK, "POST", "/runs/"+e.data["run_id"].(string)+"/stop", nil)
		require.Equal(t, true, stop["stopped"])
		_, after := next(t, stream, "run.stopped")
		log := ada.call(http.StatusOK, "GET", path+"/messages", nil)["data"].([]any)
		last := log[len(log)-1].(object)
		require.Equal(t, true, last["incomplete"])
		require.Equal(t, before+after, last["parts"].([]any)[0].(object)["text"])
	})
	t.Run("slow and nudged", func(t *testing.T) {
		t.Parallel()
		stream := ada.events("POST", conversation()+"/stream", object{"content": "/slow 30"})
		e, _ := next(t, stream, "text.delta")
		nudge := ada.call(http.StatusOK, "POST", "/runs/"+e.data["run_id"].(string)+"/nudge", object{"text": "faster"})
		require.Equal(t, "waiting", nudge["state"])
		_, text := next(t, stream, "run.completed")
		require.Contains(t, text, " You said: faster. w")
	})
	t.Run("hang", func(t *testing.T) {
		t.Parallel()
		require.Equal(t, "timed_out", failed(t, "/hang")["status"])
	})
	t.Run("fail", func(t *testing.T) {
		t.Parallel()
		run := failed(t, "/fail the disk is full")
		require.Equal(t, "failed", run["status"])
		require.Equal(t, object{"code": "responder_error", "message": "the disk is full"}, run["error"])
	})
	t.Run("panic", func(t *testing.T) {
		t.Parallel()
		require.Equal(t, "responder_panic", failed(t, "/panic")["error"].(object)["code"])
		require.Equal(t, "0", says(t, conversation(), "/history"))
	})
	t.Run("prompt", func(t *testing.T) {
		t.Parallel()
		require.Equal(t, "Be nice.", says(t, conversation(), "/prompt"))
	})
	t.Run("config", func(t *testing.T) {
		t.Parallel()
		run := ada.run(conversation(), object{"content": "/config", "override": object{"model": "large", "tools": []any{}}})
		require.JSONEq(t, `{"model": "large", "temperature": 0.5, "tools": []}`, run["final_text"].(string))
	})
	t.Run("history", func(t *testing.T) {
		t.Parallel()
		path := conversation()
		require.Equal(t, "0", says(t, path, "/history"))
		require.Equal(t, "2", says(t, path, "/history"))
	})
	t.Run("json", func(t *testing.T) {
		t.Parallel()
		run := ada.run(conversation(), object{"content": `/json {"n": [1, 2]}`})
		require.Equal(t, "completed", run["status"])
		require.Equal(t, object{"n": []any{1.0, 2.0}}, run["final_structured_output"])
		run = failed(t, "/json {")
		require.Equal(t, "schema_mismatch", run["error"].(object)["code"])
	})
	t.Run("help", func(t *testing.T) {
		t.Parallel()
		require.Contains(t, says(t, conversation(), "/help"), "/tool NAME JSON")
	})
}
