package openapitest_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/stretchr/testify/require"

	"github.com/parley-go/parley/conversation"
	"github.com/parley-go/parley/httpadapter"
	"github.com/parley-go/parley/httpadapter/internal/transcript"
	"github.com/parley-go/parley/memstore"
)

// site is an engine behind a handler behind a real socket.
type site struct {
	handler *httpadapter.Handler
	server  *httptest.Server
	player  *transcript.Player
}

func setup(t *testing.T) *site {
	t.Helper()
	script := transcript.NewScript()
	engine, err := conversation.New(memstore.New(nil), script, &conversation.Config{MaxQueued: 1})
	require.NoError(t, err)
	require.NoError(t, engine.Start(context.Background()))
	s := &site{}
	s.handler, err = httpadapter.New(engine, &httpadapter.Options{Authenticate: transcript.Authenticate})
	require.NoError(t, err)
	s.server = httptest.NewServer(s.handler)
	t.Cleanup(func() {
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		require.NoError(t, engine.Shutdown(ctx))
		s.server.Close()
	})
	s.player = &transcript.Player{Base: s.server.URL, Client: s.server.Client(), Do: func(words []string) error {
		switch words[0] {
		case "go":
			script.Gate(words[1]) <- struct{}{}
			return nil
		case "shutdown":
			return engine.Shutdown(context.Background())
		}
		return fmt.Errorf("nobody can do %q", words)
	}}
	return s
}

// document fetches the document. A strict one allows no property that it does
// not name, so that an answer with one shows.
func (s *site) document(t *testing.T, strict bool) *openapi3.T {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.server.URL+"/openapi.json", nil)
	require.NoError(t, err)
	res, err := s.server.Client().Do(r)
	require.NoError(t, err)
	defer func() { _ = res.Body.Close() }()
	raw, err := io.ReadAll(res.Body)
	require.NoError(t, err)
	if strict {
		var tree any
		require.NoError(t, json.Unmarshal(raw, &tree))
		closeObjects(tree)
		raw, err = json.Marshal(tree)
		require.NoError(t, err)
	}
	doc, err := openapi3.NewLoader().LoadFromData(raw)
	require.NoError(t, err)
	return doc
}

// closeObjects forbids further properties wherever a schema names some.
func closeObjects(tree any) {
	switch node := tree.(type) {
	case []any:
		for _, child := range node {
			closeObjects(child)
		}
	case map[string]any:
		_, named := node["properties"].(map[string]any)
		if _, said := node["additionalProperties"]; named && !said && node["type"] != nil {
			node["additionalProperties"] = false
		}
		for _, child := range node {
			closeObjects(child)
		}
	}
}

func TestDocumentIsValid(t *testing.T) {
	t.Parallel()
	doc := setup(t).document(t, false)
	require.Equal(t, "3.1.0", doc.OpenAPI)
	require.NoError(t, doc.Validate(t.Context()))
}

// The document has every route and nothing else.
func TestDocumentHasTheRoutes(t *testing.T) {
	t.Parallel()
	s := setup(t)
	doc := s.document(t, false)
	served := make(map[string]bool)
	for _, rt := range s.handler.Routes() {
		served[rt.Method+" "+rt.Path] = true
		item := doc.Paths.Value(rt.Path)
		require.NotNil(t, item, rt.Path)
		op := item.GetOperation(rt.Method)
		require.NotNil(t, op, "%s %s", rt.Method, rt.Path)
		require.True(t, strings.HasPrefix(op.OperationID, string(rt.Operation)))
	}
	for path, item := range doc.Paths.Map() {
		for method := range item.Operations() {
			require.True(t, served[method+" "+path], "%s %s", method, path)
		}
	}
}

// Every exchange of the adapter's transcripts fits the document, and together
// they show every operation succeed.
func TestDocumentFitsTheTranscripts(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("../../testdata/transcripts/*.txtar")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	doc := setup(t).document(t, true)
	var mu sync.Mutex
	seen := make(map[string]bool)
	t.Run("transcripts", func(t *testing.T) {
		for _, file := range files {
			t.Run(filepath.Base(file), func(t *testing.T) {
				t.Parallel()
				archive, err := os.ReadFile(file)
				require.NoError(t, err)
				s := setup(t)
				s.player.Observe = func(x *transcript.Exchange) error {
					op, err := check(t.Context(), doc, x)
					if err != nil {
						return fmt.Errorf("%s %s: %w", x.Request.Method, x.Request.URL, err)
					}
					mu.Lock()
					defer mu.Unlock()
					seen[op] = true
					return nil
				}
				require.NoError(t, s.player.Play(t.Context(), string(archive)))
			})
		}
	})
	for path, item := range doc.Paths.Map() {
		for _, op := range item.Operations() {
			if !strings.HasPrefix(path, "/agents/") {
				require.True(t, seen[op.OperationID], "no transcript shows %s succeed", op.OperationID)
			}
		}
	}
}
