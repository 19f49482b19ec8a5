package httpadapter_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/parley-go/parley/conversation"
	"github.com/parley-go/parley/httpadapter"
	"github.com/parley-go/parley/httpadapter/internal/transcript"
)

// TestTranscripts plays every transcript against a site of its own.
func TestTranscripts(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/transcripts/*.txtar")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			t.Parallel()
			archive, err := os.ReadFile(file)
			require.NoError(t, err)
			s := setup(t, func(_ *httpadapter.Options, c *conversation.Config) { c.MaxQueued = 1 })
			require.NoError(t, s.player().Play(t.Context(), string(archive)))
		})
	}
}

// player plays transcripts against the site.
func (s *site) player() *transcript.Player {
	return &transcript.Player{Base: s.server.URL, Client: s.server.Client(), Do: func(words []string) error {
		switch words[0] {
		case "go":
			s.script.Gate(words[1]) <- struct{}{}
			return nil
		case "shutdown":
			return s.engine.Shutdown(context.Background())
		}
		return fmt.Errorf("nobody can do %q", words)
	}}
}
