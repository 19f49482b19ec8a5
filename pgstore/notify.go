package pgstore

import (
	"context"
	"fmt"
	"strings"

	"github.com/google/uuid"

	"github.com/parley-go/parley/store"
)

// maxPayload is the length up to which hints share one notification; the server
// takes less than 8000 bytes.
const maxPayload = 7900

// sqlNotify sends payloads on a channel.
const sqlNotify = `select pg_notify($1::text, p) from unnest($2::text[]) p`

// channel is the notification channel of the store.
func (s *Store) channel() string { return s.opts.Schema + "_hints" }

// Notify implements store.Store. It is a statement of its own: inside a write,
// the server's queue of notifications would take one commit at a time.
func (s *Store) Notify(ctx context.Context, hints []store.Hint) error {
	if s.opts.NoNotify || len(hints) == 0 {
		return ctx.Err()
	}
	return s.do(ctx, &call{name: "notify", access: reading, tenant: anyTenant, steps: []step{
		{sql: s.sql.notify, args: []any{s.channel(), payloads(hints)}},
	}})
}

// payloads packs hints into few notifications, each of them once.
func payloads(hints []store.Hint) []string {
	var (
		out  []string
		line strings.Builder
	)
	seen := make(map[store.Hint]struct{}, len(hints))
	for _, h := range hints {
		if _, known := seen[h]; known {
			continue
		}
		seen[h] = struct{}{}
		word := hintText(h)
		if len(word) > maxPayload {
			continue // a tenant of such a name polls
		}
		if line.Len() > 0 && line.Len()+1+len(word) > maxPayload {
			out = append(out, line.String())
			line.Reset()
		}
		if line.Len() > 0 {
			line.WriteByte('\n')
		}
		line.WriteString(word)
	}
	if line.Len() > 0 {
		out = append(out, line.String())
	}
	return out
}

// hintText is a line: kind, conversation, run, tenant. The tenant is quoted, so
// that it has no line end.
func hintText(h store.Hint) string {
	return fmt.Sprintf("%d %s %s %q", h.Kind, h.ConversationID, h.RunID, h.Tenant)
}

// parseHints reads a payload. What is not a hint is passed over: it may come
// from a later version, or from anybody.
func parseHints(payload string, fn func(store.Hint)) {
	for line := range strings.Lines(payload) {
		var (
			h                 store.Hint
			conversation, run string
		)
		if _, err := fmt.Sscanf(strings.TrimSuffix(line, "\n"), "%d %s %s %q", &h.Kind, &conversation, &run, &h.Tenant); err != nil {
			continue
		}
		var errs [2]error
		h.ConversationID, errs[0] = uuid.Parse(conversation)
		h.RunID, errs[1] = uuid.Parse(run)
		if errs[0] == nil && errs[1] == nil {
			fn(h)
		}
	}
}
