package memstore_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/parley-go/parley/store"
)

// Lengths around the borders of a chunk and of the nodes above it.
var lengths = []int{0, 1, 4, 5, 63, 64, 65, 127, 128, 129, 200, 4095, 4096, 4097, 4160, 4161, 8300}

func TestLog_PagesAreExactAcrossChunks(t *testing.T) {
	t.Parallel()
	s, id := setup(t)
	n := lengths[len(lengths)-1]
	fill(t, s, id, n)

	for _, after := range lengths {
		for _, limit := range []int{1, 50, 64, 200} {
			up, err := s.Messages(t.Context(), alice, id, &store.MessageQuery{After: int64(after), Limit: limit})
			require.NoError(t, err)
			require.Len(t, up.Messages, min(limit, n-after))
			for i, m := range up.Messages {
				require.Equal(t, int64(after+i+1), m.Seq)
			}

			down, err := s.Messages(t.Context(), alice, id, &store.MessageQuery{Before: int64(after) + 1, Limit: limit, Desc: true})
			require.NoError(t, err)
			require.Len(t, down.Messages, min(limit, after))
			for i, m := range down.Messages {
				require.Equal(t, int64(after-i), m.Seq)
			}
		}
	}
}

func TestL5_ForksGrowApartFromTheirSource(t *testing.T) {
	t.Parallel()
	for _, n := range lengths {
		s, id := setup(t)
		fill(t, s, id, n)
		for _, at := range lengths {
			if at > n {
				break
			}
			fork := forkOf(t, s, id, int64(at))
			fill(t, s, fork, 70)
			mine, err := s.Messages(t.Context(), alice, fork, &store.MessageQuery{Limit: at + 100})
			require.NoError(t, err)
			require.Len(t, mine.Messages, at+70)
			theirs, err := s.Messages(t.Context(), alice, id, &store.MessageQuery{Limit: n + 100})
			require.NoError(t, err)
			require.Len(t, theirs.Messages, n)
			for i := range at {
				require.Equal(t, theirs.Messages[i], mine.Messages[i])
			}
			for i := at; i < min(n, at+70); i++ {
				require.NotEqual(t, theirs.Messages[i].ID, mine.Messages[i].ID)
			}
		}
	}
}
