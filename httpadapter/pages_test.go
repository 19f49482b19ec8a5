package httpadapter_test

import (
	"net/http"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/parley-go/parley/httpadapter"
)

// TestPages plays what the pages of other systems describe, where their clients
// look for it.
func TestPages(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/pages/*.txtar")
	require.NoError(t, err)
	require.Len(t, files, 4)
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			t.Parallel()
			archive, err := os.ReadFile(file)
			require.NoError(t, err)
			s := setup(t)
			mux := http.NewServeMux()
			for _, prefix := range []string{"/agents", "/tenants/{tenant}/api/v2", "/api", "/v1/api"} {
				mux.Handle(prefix+"/", httpadapter.StripPrefix(prefix, s.handler))
			}
			require.NoError(t, s.behind(mux).player().Play(t.Context(), string(archive)))
		})
	}
}
