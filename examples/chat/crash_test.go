package main

import (
	"net/http"
	"net/url"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/parley-go/parley/internal/pgtest"
)

// database makes a database of the test's own and returns its URL.
func database(t *testing.T) string {
	t.Helper()
	server := pgtest.Start(t)
	pool := server.Pool(t, 1)
	name := "chat_" + strings.ReplaceAll(uuid.New().String(), "-", "")
	_, err := pool.Exec(t.Context(), "create database "+name)
	require.NoError(t, err)
	at, err := url.Parse(server.URL())
	require.NoError(t, err)
	at.Path = "/" + name
	return at.String()
}

func TestPostgres_KeepsWhatWasSaid(t *testing.T) {
	t.Parallel()
	db := database(t)
	first := start(t, "-store", db)
	path := first.as("dev.acme.ada").create(object{"name": "Kept"})
	first.as("dev.acme.ada").run(path, object{"content": "hello"})
	require.NoError(t, first.stop(syscall.SIGTERM))

	second := start(t, "-store", db)
	require.EqualValues(t, 2, second.as("dev.acme.ada").call(http.StatusOK, "GET", path, nil)["version"])
	require.Equal(t, "2", second.as("dev.acme.ada").run(path, object{"content": "/history"})["final_text"])
}

func TestR8_AnotherProcessTakesOverWhatWasKilled(t *testing.T) {
	t.Parallel()
	db := database(t)
	const lease = time.Second
	first, second := start(t, "-store", db, "-lease", lease.String()), start(t, "-store", db, "-lease", lease.String())
	path := first.as("dev.acme.ada").create(object{})
	stream := first.as("dev.acme.ada").events("POST", path+"/stream", object{"content": "/slow 40"})
	var seen event
	for range 15 {
		seen, _ = next(t, stream, "text.delta")
	}
	require.Error(t, first.stop(syscall.SIGKILL))
	killed := time.Now()

	ada := second.as("dev.acme.ada")
	stream = ada.events("GET", "/runs/"+seen.data["run_id"].(string)+"/events?after="+url.QueryEscape(seen.id), nil)
	restarted, _ := next(t, stream, "run.restarted")
	t.Logf("taken over %v after the kill, with a lease of %v", time.Since(killed), lease)
	require.EqualValues(t, 2, restarted.data["attempt"])
	end, text := next(t, stream, "run.completed")
	require.Equal(t, counted(40), text)
	require.Equal(t, counted(40), end.data["run"].(object)["final_text"])
	log := ada.call(http.StatusOK, "GET", path+"/messages", nil)
	require.Len(t, log["data"], 2)
}

func TestR9_TermHandsRunsOver(t *testing.T) {
	t.Parallel()
	db := database(t)
	first, second := start(t, "-store", db), start(t, "-store", db)
	path := first.as("dev.acme.ada").create(object{})
	stream := first.as("dev.acme.ada").events("POST", path+"/stream", object{"content": "/hang"})
	seen, _ := next(t, stream, "status")
	require.NoError(t, first.stop(syscall.SIGTERM), "%s", first.log)

	ada := second.as("dev.acme.ada")
	run := "/runs/" + seen.data["run_id"].(string)
	stream = ada.events("GET", run+"/events?after="+url.QueryEscape(seen.id), nil)
	restarted, _ := next(t, stream, "run.restarted")
	require.EqualValues(t, 2, restarted.data["attempt"])
	ada.call(http.StatusOK, "POST", run+"/stop", nil)
	next(t, stream, "run.stopped")
}
