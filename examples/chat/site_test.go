package main

import (
	"io"
	"net/http"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

const (
	patience = 20 * time.Second
	tick     = 20 * time.Millisecond
)

func TestSite_IsTheSameBelowEveryMount(t *testing.T) {
	t.Parallel()
	s := start(t)
	ada := s.as("dev.acme.ada")
	path := ada.create(object{"name": "First"})
	want := ada.call(http.StatusOK, "GET", path, nil)
	for _, mount := range []string{"/agents", "/tenants/acme/api/v2", "/api", "/v1/api"} {
		require.Equal(t, want, ada.call(http.StatusOK, "GET", mount+path, nil), mount)
		res := ada.do("POST", mount+"/conversations", object{"name": "Second"})
		require.Equal(t, http.StatusCreated, res.StatusCode, mount)
		location := res.Header.Get("Location")
		require.True(t, strings.HasPrefix(location, mount+"/conversations/"), location)
		require.Equal(t, "Second", ada.call(http.StatusOK, "GET", location, nil)["title"])
		require.Equal(t, http.StatusOK, s.as("").do("GET", mount+"/healthz", nil).StatusCode, "it needs no token")
	}
	for _, mount := range []string{"", "/agents", "/tenants/acme/api/v2", "/api", "/v1/api"} {
		res := ada.do("POST", mount+"/agents/eliza/conversations", object{})
		require.Equal(t, http.StatusCreated, res.StatusCode, mount)
		bound := ada.call(http.StatusOK, "GET", res.Header.Get("Location"), nil)
		require.Equal(t, "eliza", bound["agent_id"], mount)
		ada.call(http.StatusNotFound, "GET", strings.Replace(res.Header.Get("Location"), "/eliza/", "/other/", 1), nil)
	}
}

// answer is all that a client can see, but for the date and the id of the log line.
func answer(t *testing.T, res *http.Response) string {
	t.Helper()
	body, err := io.ReadAll(res.Body)
	require.NoError(t, err)
	header := res.Header.Clone()
	header.Del("Date")
	header.Del("Log-Id")
	var b strings.Builder
	b.WriteString(res.Status + "\n")
	require.NoError(t, header.Write(&b))
	return b.String() + string(body)
}

func TestA2_ThePathOfAnotherTenantLooksEmpty(t *testing.T) {
	t.Parallel()
	s := start(t)
	ada, bob := s.as("dev.acme.ada"), s.as("dev.globex.bob")
	path := ada.create(object{})
	missing := answer(t, bob.do("GET", "/conversations/01890000-0000-7000-8000-000000000000", nil))

	require.Contains(t, missing, `"code":"not_found"`)
	require.Equal(t, missing, answer(t, bob.do("GET", "/tenants/acme/api/v2"+path, nil)))
	require.Equal(t, missing, answer(t, bob.do("POST", "/tenants/acme/api/v2/conversations", object{})))
	require.Equal(t, missing, answer(t, bob.do("GET", "/tenants/globex/api/v2"+path, nil)))
	require.Equal(t, http.StatusUnauthorized, s.as("").do("GET", "/tenants/acme/api/v2"+path, nil).StatusCode)
}

func TestTokens(t *testing.T) {
	t.Parallel()
	s := start(t)
	path := s.as("dev.acme.ada").create(object{})
	require.Equal(t, http.StatusUnauthorized, s.as("").do("GET", path, nil).StatusCode)
	require.Equal(t, http.StatusUnauthorized, s.as("dev.acme").do("GET", path, nil).StatusCode)
	require.Equal(t, http.StatusOK, s.as("dev.acme.ada.readonly").do("GET", path, nil).StatusCode)
	require.Equal(t, http.StatusForbidden, s.as("dev.acme.ada.readonly").do("DELETE", path, nil).StatusCode)
	require.Equal(t, http.StatusNotFound, s.as("dev.acme.bob").do("GET", path+"?view=admin", nil).StatusCode)
	require.Equal(t, http.StatusOK, s.as("dev.acme.bob.admin").do("GET", path+"?view=admin", nil).StatusCode)
}

func TestPage_SaysWhatThisIs(t *testing.T) {
	t.Parallel()
	s := start(t)
	nobody := s.as("")
	res := nobody.do("GET", "/", nil)
	body, err := io.ReadAll(res.Body)
	require.NoError(t, err)

	require.Equal(t, "text/html; charset=utf-8", res.Header.Get("Content-Type"))
	for _, part := range []string{"curl -sSN", strings.TrimPrefix(s.base, "http://"), "Development tokens", "/openapi.json"} {
		require.Contains(t, string(body), part)
	}
	for _, path := range []string{"/nothing", "/index.html"} {
		require.Equal(t, "not_found", nobody.call(http.StatusNotFound, "GET", path, nil)["code"], path)
	}
	require.Equal(t, "not_found", nobody.call(http.StatusNotFound, "POST", "/", object{})["code"])
}

func TestCurlLines_Work(t *testing.T) {
	t.Parallel()
	s := start(t)
	_, lines, ok := strings.Cut(s.said, "in a browser:\n\n")
	require.True(t, ok, s.said)
	if _, err := exec.LookPath("curl"); err != nil {
		t.Log("there is no curl here; other tests send the same requests")
		return
	}
	cmd := exec.CommandContext(t.Context(), "sh", "-eu")
	cmd.Stdin = strings.NewReader(lines)
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, "%s", out)
	for _, part := range []string{"run.completed", counted(20), "/tool NAME JSON", `"current_version":6`, `"title":"First talk"`} {
		require.Contains(t, string(out), part)
	}
}

func TestProgram_RefusesToBeReached(t *testing.T) {
	t.Parallel()
	cmd := exec.CommandContext(t.Context(), program, "-addr", "0.0.0.0:0")
	out, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	require.ErrorAs(t, err, &exit)
	require.Equal(t, 1, exit.ExitCode())
	require.Contains(t, string(out), "-expose")

	s := start(t, "-expose", "-addr", "0.0.0.0:0")
	require.Contains(t, s.said, "AND YOU LET OTHERS REACH THIS SERVER")
	s.as("dev.acme.ada").create(object{})
}

func TestMaxRuns_BeyondThemIs429(t *testing.T) {
	t.Parallel()
	s := start(t, "-max-runs", "1")
	ada := s.as("dev.acme.ada")
	run := ada.call(http.StatusAccepted, "POST", ada.create(object{})+"/runs", object{"content": "/hang"})
	res := ada.do("POST", ada.create(object{})+"/runs", object{"content": "hello"})
	require.Equal(t, http.StatusTooManyRequests, res.StatusCode)
	require.NotEmpty(t, res.Header.Get("Retry-After"))
	ada.call(http.StatusOK, "POST", "/runs/"+run["id"].(string)+"/stop", nil)
	require.Equal(t, "completed", ada.run(ada.create(object{}), object{"content": "hello"})["status"])
}

func TestR9_TermEndsStreamsAndTheProcess(t *testing.T) {
	t.Parallel()
	s := start(t)
	ada := s.as("dev.acme.ada")
	short := ada.events("POST", ada.create(object{})+"/stream", object{"content": "/slow 30"})
	long := ada.events("POST", ada.create(object{})+"/stream", object{"content": "/slow 5000"})
	idle := ada.events("GET", ada.create(object{})+"/stream", nil)
	next(t, short, "text.delta")
	next(t, long, "text.delta")

	begun := time.Now()
	require.NoError(t, s.stop(syscall.SIGTERM), "%s", s.log)
	require.Less(t, time.Since(begun), 30*time.Second, "the long one would take minutes")
	_, _ = next(t, short, "run.completed") // what could end in time did
	for range long {                       // ends
	}
	for range idle { // ends
	}
	require.NotContains(t, s.log.String(), "level=ERROR")
}
