package memstore_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/parley-go/parley/store"
)

// FuzzTextFilter holds the filter over previews, which folds eight bytes at a
// time, to what the contract says: Contains over Fold.
func FuzzTextFilter(f *testing.F) {
	var all strings.Builder
	for b := range 0x80 {
		all.WriteByte(byte(b))
	}
	for _, preview := range []string{
		all.String(), all.String()[1:], "", "a", "ABCDEFGH", "ABCDEFGHI", "@[`{AZaz", "ÄÖÜ", "seven b\xff",
		"\u212Aelvin", "12345678Ä", "İstanbul",
	} {
		f.Add(preview, "az")
		f.Add(preview, preview)
		f.Add(preview, "Z[")
	}
	f.Fuzz(func(t *testing.T, preview, text string) {
		s, _ := setup(t)
		n := &store.NewConversation{Conversation: store.Conversation{
			Tenant: "acme", ID: newID(t), Owner: "bob", Mode: "standard", Channel: "web", Preview: preview,
		}}
		_, err := s.CreateConversation(t.Context(), n)
		require.NoError(t, err)
		page, err := s.ListConversations(t.Context(), store.Scope{Tenant: "acme", User: "bob"}, &store.ListQuery{Text: text, Limit: 1})
		require.NoError(t, err)
		found := strings.Contains(store.Fold(preview), store.Fold(text))
		require.Equal(t, found, len(page.Conversations) == 1)
	})
}
