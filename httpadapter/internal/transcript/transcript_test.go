package transcript

import (
	"context"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"
)

// A transcript that says something else than the server must fail, wherever the
// difference is.
func TestPlayFindsDifferences(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/text" {
			_, _ = w.Write([]byte("one\ntwo\nthree\n"))
			return
		}
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Location", "/things/7")
		w.WriteHeader(http.StatusCreated)
		_, _ = w.Write([]byte(`{"id": "7", "n": 1, "list": [true, null], "who": "` + r.Header.Get("Authorization") + `"}`))
	}))
	t.Cleanup(server.Close)
	play := func(t *testing.T, response string, path string) error {
		t.Helper()
		p := Player{Base: server.URL, Client: server.Client()}
		return p.Play(context.Background(), "A comment.\n-- request --\nGET "+path+"\nas: me\n-- response --\n"+response)
	}
	for _, right := range []string{
		"201\n", "201\nLocation: /things/${id}\n\n" + `{"id": "${id}", "...": ""}`,
		"201\n\n" + `{"id": "7", "n": "${_}", "list": [true, null], "who": "Bearer me"}`,
	} {
		require.NoError(t, play(t, right, "/"), right)
	}
	for _, wrong := range []string{
		"200\n", "201\nLocation: /things/8\n", "201\nETag: ${_}x\n", "201\n\n" + `{"id": "7"}`,
		"201\n\n" + `{"id": "8", "...": ""}`, "201\n\n" + `{"n": 2, "...": ""}`, "201\n\n" + `{"list": [true], "...": ""}`,
		"201\n\n" + `{"list": [true, false], "...": ""}`, "201\n\n" + `{"more": 1, "...": ""}`, "201\n\n" + `[]`,
		"201\nLocation: ${id}\n\n" + `{"id": "${id}", "...": ""}`, "201\n\n" + `{"n": "one", "...": ""}`,
	} {
		require.Error(t, play(t, wrong, "/"), wrong)
	}
	for _, right := range []string{"200\n\none\ntwo\nthree\n", "200\n\n...\nthree\n", "200\n\none\n...\n", "200\n\none\nt${_}\n..."} {
		require.NoError(t, play(t, right, "/text"), right)
	}
	for _, wrong := range []string{"200\n\none\ntwo\n", "200\n\n...\nfour\n", "200\n\ntwo\n...\n", "200\n\none\ntwo\nthree\nfour\n"} {
		require.Error(t, play(t, wrong, "/text"), wrong)
	}
	p := Player{Base: server.URL, Client: server.Client()}
	require.Error(t, p.Play(context.Background(), "-- request --\nGET /${id}\n-- response --\n201\n"), "a name without a value")
	require.Error(t, p.Play(context.Background(), "-- request --\nGET /\n"), "no response")
	require.Error(t, p.Play(context.Background(), "-- reqest --\nGET /\n"), "a name with a slip")
}
