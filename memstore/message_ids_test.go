package memstore_test

import (
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/parley-go/parley/store"
)

// The index of ids changes its form as a log grows: every length on the way
// must find what is there, and nothing else.
func TestV7_RepeatedAppendIsFoundAtEveryLength(t *testing.T) {
	t.Parallel()
	s, id := setup(t)
	var all []store.Message
	add := func(m []store.Message) (*store.AppendResult, error) {
		return s.Append(t.Context(), &store.Append{Scope: alice, ConversationID: id, Tail: store.Tail{Messages: m}})
	}
	for range 150 {
		pair := says(t, "question", "answer")
		_, err := add(pair)
		require.NoError(t, err)
		all = append(all, pair...)

		for at := 0; at+2 <= len(all); at += 7 {
			again, err := add(all[at : at+2])
			require.NoError(t, err)
			require.True(t, again.Replayed)
			require.Equal(t, int64(at+2), again.Version)
			require.Equal(t, all[at].ID, again.Messages[0].ID)
			require.Equal(t, int64(at+1), again.Messages[0].Seq)
		}
		_, err = add([]store.Message{all[0], says(t, "new")[0]})
		require.ErrorIs(t, err, store.ErrVersionConflict)
		_, err = add([]store.Message{says(t, "new")[0], all[len(all)-1]})
		require.ErrorIs(t, err, store.ErrVersionConflict)
	}
	c, err := s.GetConversation(t.Context(), alice, id)
	require.NoError(t, err)
	require.Equal(t, int64(300), c.Version)
}

func TestV7_RepeatedAppendIsFoundInALongLog(t *testing.T) {
	t.Parallel()
	s, id := setup(t)
	const n = 30_000 // beyond several splits of the index
	fill(t, s, id, n)
	fork := forkOf(t, s, id, n)
	for _, id := range []uuid.UUID{id, fork} {
		page, err := s.Messages(t.Context(), alice, id, &store.MessageQuery{Limit: n})
		require.NoError(t, err)
		for from := 0; from < n; from += 50 {
			again, err := s.Append(t.Context(), &store.Append{
				Scope: alice, ConversationID: id, Tail: store.Tail{Messages: page.Messages[from : from+50]},
			})
			require.NoError(t, err)
			require.True(t, again.Replayed)
			require.Equal(t, int64(from+50), again.Version)
		}
		fill(t, s, id, 1)
		c, err := s.GetConversation(t.Context(), alice, id)
		require.NoError(t, err)
		require.Equal(t, int64(n+1), c.Version)
	}
}

func TestL5_ForkKnowsTheMessagesItCopied(t *testing.T) {
	t.Parallel()
	for _, at := range []int{1, 15, 16, 17, 64, 65, 130} {
		s, id := setup(t)
		fill(t, s, id, 140)
		fork := forkOf(t, s, id, int64(at))
		source, err := s.Messages(t.Context(), alice, id, &store.MessageQuery{Limit: 140})
		require.NoError(t, err)

		last := source.Messages[at-1 : at]
		again, err := s.Append(t.Context(), &store.Append{
			Scope: alice, ConversationID: fork, Tail: store.Tail{Messages: last},
		})
		require.NoError(t, err)
		require.True(t, again.Replayed)
		require.Equal(t, last, again.Messages)

		beyond := source.Messages[at : at+1]
		res, err := s.Append(t.Context(), &store.Append{
			Scope: alice, ConversationID: fork, Tail: store.Tail{Messages: beyond},
		})
		require.NoError(t, err)
		require.False(t, res.Replayed, "what the source wrote later is not the fork's")
		require.Equal(t, int64(at+1), res.Version)
	}
}

func TestAppend_OneIDTwiceInOneAppendIsRefused(t *testing.T) {
	t.Parallel()
	s, id := setup(t)
	for _, n := range []int{2, 40} {
		batch := make([]store.Message, 0, n)
		for range n - 1 {
			batch = append(batch, says(t, "text")...)
		}
		batch = append(batch, batch[0])
		_, err := s.Append(t.Context(), &store.Append{
			Scope: alice, ConversationID: id, Tail: store.Tail{Messages: batch},
		})
		require.ErrorIs(t, err, store.ErrExists)
	}
	c, err := s.GetConversation(t.Context(), alice, id)
	require.NoError(t, err)
	require.Zero(t, c.Version)
}

func TestAppend_WithoutMessagesIsRefused(t *testing.T) {
	t.Parallel()
	s, id := setup(t)
	_, err := s.Append(t.Context(), &store.Append{Scope: alice, ConversationID: id})
	require.Error(t, err)
}
