package pgstore_test

import (
	"fmt"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"github.com/parley-go/parley/internal/pgtest"
	"github.com/parley-go/parley/pgstore"
	"github.com/parley-go/parley/store"
)

// find returns the ids that a text filter finds, page by page.
func find(t *testing.T, s *pgstore.Store, scope store.Scope, sort store.Sort, text string) []uuid.UUID {
	t.Helper()
	var found []uuid.UUID
	q := &store.ListQuery{Text: text, Sort: sort, Limit: 3, Count: true}
	total := int64(0)
	for {
		page, err := s.ListConversations(t.Context(), scope, q)
		require.NoError(t, err)
		for _, c := range page.Conversations {
			found = append(found, c.ID)
		}
		if q.After == nil {
			total = page.Total
		}
		if page.Next == nil {
			require.Len(t, found, int(total))
			return found
		}
		q = &store.ListQuery{Text: text, Sort: sort, Limit: 3, After: page.Next}
	}
}

// quiet makes all conversations look as if they had been quiet for an hour, and
// sweeps, so that their texts are copied.
func quiet(t *testing.T, s *pgstore.Store, pool *pgxpool.Pool, schema string) {
	t.Helper()
	_, err := pool.Exec(t.Context(), "update "+schema+".conversation set updated_at = updated_at - interval '1 hour'")
	require.NoError(t, err)
	_, err = s.Sweep(t.Context(), &store.Sweep{Limit: 100})
	require.NoError(t, err)
}

func TestSearch_AnswersTheSameByEveryMeans(t *testing.T) {
	t.Parallel()
	server := pgtest.Start(t)
	opts := &pgstore.Options{Schema: server.Schema(t)}
	s, pool := open(t, server, opts)
	texts := []string{"Quarterly report", "100% done_now", `back\slash`, "ÄPFEL und Birnen", "世界 hello", "qu", "", "report card"}
	for i := range 24 {
		c, err := s.CreateConversation(t.Context(), newConversation(func(n *store.NewConversation) {
			n.Title, n.AgentName, n.Preview = texts[i%8], texts[(i+i/8)%8], texts[(i*3+1)%8]
			if i%5 == 0 {
				n.Owner, n.Participants = "bob", []store.Participant{{UserID: "ann", Member: true}}
			}
		}))
		require.NoError(t, err)
		require.NotNil(t, c)
	}
	ask := []string{"report", "REPORT", "100%", "%", "_", `\`, "äpfel", "世界", "qu", "q", "reportquarterly", "nothing at all", "d\nr"}
	answers := func() map[string][]uuid.UUID {
		out := map[string][]uuid.UUID{}
		for _, scope := range []store.Scope{ann, {Tenant: "acme", User: "bob"}, {Tenant: "acme", Wide: true}, {Tenant: "globex", Wide: true}} {
			for _, sort := range []store.Sort{store.SortRecent, store.SortOldest, store.SortTitle} {
				for _, text := range ask {
					out[fmt.Sprint(scope, sort, text)] = find(t, s, scope, sort, text)
				}
			}
		}
		return out
	}
	asRows := answers() // nothing is copied yet
	require.NotEmpty(t, asRows[fmt.Sprint(ann, store.SortRecent, "report")])
	require.Empty(t, asRows[fmt.Sprint(ann, store.SortRecent, "reportquarterly")], "no text goes across two fields")
	quiet(t, s, pool, opts.Schema)
	var copied int
	require.NoError(t, pool.QueryRow(t.Context(), "select count(*) from "+opts.Schema+".conversation where searchable").Scan(&copied))
	require.Equal(t, 24, copied)
	require.Equal(t, asRows, answers(), "as copies")

	_, err := pool.Exec(t.Context(), "drop index "+opts.Schema+".search_body")
	require.NoError(t, err)
	s, err = pgstore.New(pool, opts)
	require.NoError(t, err)
	require.Equal(t, asRows, answers(), "without the index")
}

func TestSearch_SeesAChangeAtOnce(t *testing.T) {
	t.Parallel()
	server := pgtest.Start(t)
	opts := &pgstore.Options{Schema: server.Schema(t)}
	s, pool := open(t, server, opts)
	id := conversations(t, s, 1)[0]
	all := func(text string) []uuid.UUID { return find(t, s, ann, store.SortRecent, text) }
	for i := range 3 {
		word := fmt.Sprintf("needle%d", i)
		require.Empty(t, all(word))
		switch i {
		case 0:
			_, err := s.Append(t.Context(), &store.Append{Scope: ann, ConversationID: id, Tail: store.Tail{Messages: messages(1), Preview: "a " + word}})
			require.NoError(t, err)
		case 1:
			_, err := s.UpdateConversation(t.Context(), ann, id, &store.ConversationUpdate{Title: &store.TitleUpdate{Title: word}})
			require.NoError(t, err)
		case 2:
			run := start(t, s, id)
			_, err := s.FinishRun(t.Context(), &store.FinishRun{Key: run.RunKey(), Status: store.RunCompleted, Result: []byte(`{}`),
				Tail: store.Tail{Messages: messages(1), Preview: word + " b"}})
			require.NoError(t, err)
		}
		require.Len(t, all(word), 1, "before it is copied")
		quiet(t, s, pool, opts.Schema)
		require.Len(t, all(word), 1, "and after")
	}
	require.Empty(t, all("needle0"), "the preview is another by now")
	_, _, err := s.DeleteConversation(t.Context(), ann, id, nil)
	require.NoError(t, err)
	require.Empty(t, all("needle"))
}

// TestSearch_FindsBehindTheProbe: a rare text beyond what the walk looks at.
func TestSearch_FindsBehindTheProbe(t *testing.T) {
	t.Parallel()
	server := pgtest.Start(t)
	opts := &pgstore.Options{Schema: server.Schema(t)}
	s, pool := open(t, server, opts)
	fillFor(t, pool, opts.Schema, "ann", 1500)
	for _, copied := range []bool{false, true} {
		if copied {
			quiet(t, s, pool, opts.Schema)
		}
		page, err := s.ListConversations(t.Context(), ann, &store.ListQuery{Text: "NUMBER 1444 ", Sort: store.SortRecent, Limit: 25})
		require.NoError(t, err)
		require.Len(t, page.Conversations, 1)
		page, err = s.ListConversations(t.Context(), ann, &store.ListQuery{Text: "number 1", Sort: store.SortRecent, Limit: 25})
		require.NoError(t, err)
		require.Len(t, page.Conversations, 25)
		require.NotNil(t, page.Next)
	}
}
