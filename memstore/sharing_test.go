package memstore_test

import (
	"runtime"
	"testing"
	"unsafe"

	"github.com/stretchr/testify/require"

	"github.com/parley-go/parley/memstore"
	"github.com/parley-go/parley/store"
)

// sameBytes requires that two slices are one piece of memory.
func sameBytes(t *testing.T, want, got []byte) {
	t.Helper()
	require.Equal(t, want, got)
	require.Same(t, unsafe.SliceData(want), unsafe.SliceData(got))
}

func TestMessages_ShareTheBytesThatWereWritten(t *testing.T) {
	t.Parallel()
	s, id := setup(t)
	given := says(t, "first", "second")
	given[0].Author = []byte(`"alice"`)
	fill(t, s, id, 63) // the two lie in different chunks
	res, err := s.Append(t.Context(), &store.Append{
		Scope: alice, ConversationID: id, Tail: store.Tail{Messages: given},
	})
	require.NoError(t, err)
	fill(t, s, id, 9_000)

	up, err := s.Messages(t.Context(), alice, id, &store.MessageQuery{After: 63, Limit: 2})
	require.NoError(t, err)
	down, err := s.Messages(t.Context(), alice, id, &store.MessageQuery{Before: 66, Limit: 2, Desc: true})
	require.NoError(t, err)
	for i := range given {
		sameBytes(t, given[i].Parts, res.Messages[i].Parts)
		sameBytes(t, given[i].Parts, up.Messages[i].Parts)
		sameBytes(t, given[i].Parts, down.Messages[1-i].Parts)
	}
	sameBytes(t, given[0].Author, up.Messages[0].Author)
}

func TestMessages_NewestPageCopiesNoMoreThanItsRows(t *testing.T) {
	s, id := setup(t)
	fill(t, s, id, 10_000)
	q := &store.MessageQuery{Limit: 50, Desc: true}
	ctx := t.Context()
	const reads = 1_000
	total := allocated(func() {
		for range reads {
			if page, err := s.Messages(ctx, alice, id, q); err != nil || len(page.Messages) != 50 {
				t.Error("no page of 50", err)
			}
		}
	})
	rows := uint64(50 * unsafe.Sizeof(store.Message{}))
	require.Positive(t, total)
	require.Less(t, total/reads, rows+rows/4)
}

func TestAppend_HeldPagesNeverChange(t *testing.T) {
	t.Parallel()
	s, id := setup(t)
	var pages [][]store.Message
	var texts []string
	for i := range 200 {
		text := string(rune('a' + i%26))
		res, err := s.Append(t.Context(), &store.Append{
			Scope: alice, ConversationID: id, Tail: store.Tail{Messages: says(t, text)},
		})
		require.NoError(t, err)
		texts = append(texts, text)
		page, err := s.Messages(t.Context(), alice, id, &store.MessageQuery{Limit: 1_000})
		require.NoError(t, err)
		pages = append(pages, page.Messages, res.Messages)
	}
	for i := range 200 {
		whole, one := pages[2*i], pages[2*i+1]
		require.Len(t, whole, i+1)
		for j, m := range whole {
			require.Equal(t, int64(j+1), m.Seq)
			require.Equal(t, texts[j], string(m.Parts))
		}
		require.Equal(t, []store.Message{whole[i]}, one)
	}
}

func TestGetConversation_RowOfOneCallerIsNotAnothers(t *testing.T) {
	t.Parallel()
	s, id := setup(t)
	first, err := s.GetConversation(t.Context(), alice, id)
	require.NoError(t, err)
	people := first.Participants
	_, err = s.UpdateConversation(t.Context(), alice, id, &store.ConversationUpdate{
		Title:        &store.TitleUpdate{Title: "new"},
		Participants: []store.Participant{{UserID: "alice", Name: "Alice"}, {UserID: "bob", Member: true}},
	})
	require.NoError(t, err)
	require.Empty(t, first.Title)
	require.Equal(t, []store.Participant{{UserID: "alice", Member: true}}, people, "a directory that was read stays as it was")
}

func TestAppend_NoAllocationGrowsWithTheLog(t *testing.T) {
	s, id := setup(t)
	appendOne := func() {
		_, err := s.Append(t.Context(), &store.Append{
			Scope: alice, ConversationID: id, Tail: store.Tail{Messages: says(t, "text")},
		})
		require.NoError(t, err)
	}
	// A slice of as many rows would move 13 MB when it grows. The most there is
	// here is a full table of the index of ids, which is split into sixteen.
	const bound = 64 << 10
	require.Less(t, largestAllocation(t, 2_000, appendOne), uint64(bound))
	fill(t, s, id, 98_000)
	require.Less(t, largestAllocation(t, 3_000, appendOne), uint64(bound))
}

// largestAllocation returns how many bytes the greediest of n calls allocated.
func largestAllocation(t *testing.T, n int, call func()) (largest uint64) {
	t.Helper()
	for range n {
		largest = max(largest, allocated(call))
	}
	return largest
}

// allocated returns how many bytes were allocated meanwhile. Nothing else may
// run: tests that ask are not parallel.
func allocated(call func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	call()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

func TestNew_StartsNoGoroutine(t *testing.T) {
	before := runtime.NumGoroutine()
	s := memstore.New(&memstore.Options{Shards: 5})
	require.NoError(t, s.Check(t.Context()))
	require.Equal(t, before, runtime.NumGoroutine())
}
