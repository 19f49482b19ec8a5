package pgtest

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// Schema returns the name of a schema that is this test's alone. It does not
// exist yet. When the test ends it is dropped; after a failure it stays, and the
// log says where.
func (s *Server) Schema(tb testing.TB) string {
	tb.Helper()
	name := schemaName(tb.Name())
	tb.Cleanup(func() {
		if tb.Failed() {
			s.keep(tb, name)
			return
		}
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		if err := s.exec(ctx, "drop schema if exists "+pgx.Identifier{name}.Sanitize()+" cascade"); err != nil {
			tb.Errorf("pgtest: drop schema %s: %v", name, err)
		}
	})
	return name
}

// keep says where a failed test has left its data.
func (s *Server) keep(tb testing.TB, schema string) {
	tb.Helper()
	if s.cluster == nil {
		tb.Logf("pgtest: schema %s stays in %s for a look; drop it afterwards", schema, s.url)
		return
	}
	if err := s.cluster.keep(); err != nil {
		tb.Logf("pgtest: schema %s is lost: %v", schema, err)
		return
	}
	tb.Logf("pgtest: schema %s stays; after the test binary has ended, start its server with\n\t%s\nand look with\n\tpsql '%s'",
		schema, s.cluster.command(), s.url)
}

// schemaName makes an identifier of at most 46 letters out of a test's name.
func schemaName(test string) string {
	var b strings.Builder
	for _, r := range strings.ToLower(test) {
		switch {
		case r >= 'a' && r <= 'z' || r >= '0' && r <= '9':
			b.WriteRune(r)
		default:
			b.WriteByte('_')
		}
		if b.Len() == 34 {
			break
		}
	}
	var random [5]byte
	if _, err := rand.Read(random[:]); err != nil {
		panic(err) // the operating system has no randomness left
	}
	return b.String() + "_" + hex.EncodeToString(random[:])
}
