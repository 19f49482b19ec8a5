package httpadapter_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// Each bound is refused by the name of what is beyond it, and what just fits is taken.
func TestBoundsAreRefusedByName(t *testing.T) {
	t.Parallel()
	alice := setup(t).as("acme.alice")
	id := alice.create(nil)
	keys := func(n int) object {
		o := object{}
		for i := range n {
			o["k"+itoa(i)] = i
		}
		return o
	}
	deep := func(n int) string {
		return `{"metadata":` + strings.Repeat(`{"a":`, n) + `1` + strings.Repeat(`}`, n) + `}`
	}
	for _, tt := range []struct {
		method, path string
		fits, beyond any
		field        string
	}{
		{"POST", "/conversations", object{"name": strings.Repeat("ü", 200)}, object{"name": strings.Repeat("ü", 201)}, "name"},
		{"POST", "/conversations", object{"metadata": keys(64)}, object{"metadata": keys(65)}, "metadata"},
		{"POST", "/conversations", object{"metadata": object{"a": strings.Repeat("x", 16<<10-8)}},
			object{"metadata": object{"a": strings.Repeat("x", 16<<10)}}, "metadata"},
		{"POST", "/conversations", deep(31), deep(32), "metadata" + strings.Repeat(".a", 31)},
		{"PUT", "/conversations/" + id + "/title", object{"title": strings.Repeat("t", 200)}, object{"title": strings.Repeat("t", 201)}, "title"},
		{"POST", "/conversations/" + id + "/participants", object{"user_id": strings.Repeat("u", 200)},
			object{"user_id": strings.Repeat("u", 201)}, "user_id"},
		{"POST", "/conversations/" + id + "/runs", object{"content": "say x", "override": object{"max_iterations": 1000}},
			object{"content": "say x", "override": object{"max_iterations": 1001}}, "override.max_iterations"},
	} {
		alice.do(tt.method, tt.path, tt.fits).ok2xx()
		p := alice.do(tt.method, tt.path, tt.beyond).problem(400, "invalid_request")
		faults, ok := p["errors"].([]any)
		require.True(t, ok)
		require.Len(t, faults, 1)
		require.Equal(t, tt.field, faults[0].(object)["path"])
	}
}

// A body of nothing but faults is answered with some of them, not with a longer one.
func TestFaultsAreBounded(t *testing.T) {
	t.Parallel()
	alice := setup(t).as("acme.alice")
	var b strings.Builder
	for i := range 20_000 {
		b.WriteString(`"unknown` + itoa(i) + `":0,`)
	}
	r := alice.do("POST", "/conversations", "{"+strings.TrimSuffix(b.String(), ",")+"}")
	p := r.problem(400, "invalid_request")
	require.Len(t, p["errors"], 100)
	require.Less(t, len(r.body), 10_000)
	r = alice.do("POST", "/conversations", `{"`+strings.Repeat("long", 10_000)+`": 1}`)
	r.problem(400, "invalid_request")
	require.Less(t, len(r.body), 1_000)
}
