package eliza_test

import (
	"regexp"
	"slices"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/parley-go/parley/examples/internal/eliza"
)

var placeholder = regexp.MustCompile(`\{(\w*)\}`)

func TestScript_EveryPlaceholderCanBeFilled(t *testing.T) {
	t.Parallel()
	for _, r := range eliza.Script() {
		for _, sentence := range append(slices.Clone(r.Replies), r.Keep) {
			for _, found := range placeholder.FindAllStringSubmatch(sentence, -1) {
				switch what := found[1]; what {
				case "name", "said":
				case "memory":
					require.Equal(t, "come back", r.ID, sentence)
				default:
					n, err := strconv.Atoi(what)
					require.NoError(t, err, sentence)
					require.NotEmpty(t, r.Captures, sentence)
					require.GreaterOrEqual(t, slices.Min(r.Captures), n, "every pattern captures what %q repeats", sentence)
				}
			}
		}
	}
}

func TestScript_NoSentenceTwice(t *testing.T) {
	t.Parallel()
	seen := make(map[string]bool)
	for _, r := range eliza.Script() {
		require.GreaterOrEqual(t, len(r.Replies), 2, "%v", r.Replies)
		for _, sentence := range r.Replies {
			require.False(t, seen[sentence], sentence)
			require.Regexp(t, `[.?!]$`, sentence)
			seen[sentence] = true
		}
	}
	require.Greater(t, len(seen), 300, "five minutes without repeating itself need many sentences")
}

func TestScript_PatternsCanFit(t *testing.T) {
	t.Parallel()
	require.Empty(t, eliza.EmptyElements())
}

func TestScript_IDsAreThere(t *testing.T) {
	t.Parallel()
	for _, id := range eliza.IDs {
		require.True(t, slices.ContainsFunc(eliza.Script(), func(r eliza.Rule) bool { return r.ID == id }), id)
	}
}
