package eliza_test

import (
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/parley-go/parley/examples/internal/eliza"
)

// talk is one long conversation with something for most rules.
var talk = []string{
	"Hi there", "My name is anna and I am tired", "I'm not sleeping well lately", "my sister never calls me",
	"I feel like nobody cares about me", "yes", "I don't know", "because she is always busy", "I want to quit my job", "ok", "hm",
	"What do you think?", "why don't you ever tell me what you think?", "Are you a robot?", "I dreamed about my teeth falling out",
	"Can you help me?", "I told my mother something", "Does my mother love me?", "I am sad about my exam", "I'm afraid of spiders",
	"I was happy once", "the sky is green", "bananas are yellow", "the river is long", "I wish I were rich", "I have a dog",
	"my dog ate my homework", "Everyone laughs at me", "I should call her but I can't talk to her", "", "no", "no", "lol", "thanks",
	"the moon is round", "stones are hard", "bye",
}

func TestReply_TalksAboutWhatItWasTold(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		line string
		want string // in the reply, in any seed
	}{
		{"My name is ann", `Ann`},
		{"please call me Zoë but not today", `Zoë`},
		{"I want to leave my job", `leave your job|week|kept you|managed`},
		{"I want a house", `a house`},
		{"Why can't I sleep?", `stops you|can't sleep|last time`},
		{"I can’t forgive you", `forgive me|you can't|rather not|day when`},
		{"My father is proud of me", `[Yy]our father|picture`},
		{"My cat died", `your cat|miss most`},
		{"I dreamed that I was a fish", `dream|woke|waking`},
		{"are you a computer", `program|nobody|couch`},
		{"You are a machine!", `program|nobody|couch`},
		{"hello", `Hello|hear from you`},
		{"good night", `Goodbye|Thank you|next time|Farewell`},
		{"дождь идёт", `English`},
		{"???", `sign|words`},
		{"   ", `quiet|Silence|here|moment`},
		{"I want to die", `number|crisis|doctor`},
		{"Sometimes I think about suicide.", `number|crisis|doctor`},
		{"I hate mondays", `mondays|puts you off|always so|change about it`},
		{"If my boss fires me, I am lost", `.`},
		{"MY MOTHER IS LOUD", `[Yy]our mother|picture|different`},
	} {
		for seed := range uint64(12) {
			require.Regexp(t, tt.want, eliza.New(seed).Reply(tt.line), "%q, seed %d", tt.line, seed)
		}
	}
}

func TestReply_TurnsPersonsRound(t *testing.T) {
	t.Parallel()
	e := eliza.New(1)
	var replies []string
	for i := range 6 {
		replies = append(replies, e.Reply(fmt.Sprintf("My brother number %d thinks that I am his enemy", i)))
	}
	all := strings.Join(replies, "\n")

	require.Contains(t, all, "thinks that you are his enemy")
	require.NotContains(t, all, "I am")
}

func TestReply_SameSeedSameWords(t *testing.T) {
	t.Parallel()
	replies := func(seed uint64) []string {
		e := eliza.New(seed)
		out := []string{e.Greeting()}
		for _, line := range talk {
			out = append(out, e.Reply(line))
		}
		return out
	}

	first := replies(1)
	require.Equal(t, first, replies(1))
	require.NotEqual(t, first, replies(2))
}

func TestReply_DoesNotRepeatItself(t *testing.T) {
	t.Parallel()
	for seed := range uint64(20) {
		e := eliza.New(seed)
		seen := make(map[string]int)
		last := ""
		for _, line := range talk {
			reply := e.Reply(line)
			require.NotEqual(t, last, reply, "seed %d, %q", seed, line)
			last = reply
			seen[reply]++
		}
		require.Greater(t, len(seen), len(talk)*9/10, "seed %d: %v", seed, seen)
	}
}

func TestReply_ComesBackToEarlierStatements(t *testing.T) {
	t.Parallel()
	e := eliza.New(3)
	e.Reply("My sister never calls me.")
	for i := range 20 { // lines that say little
		if strings.Contains(e.Reply(fmt.Sprintf("stone number %d is hard", i)), "your sister never calls you") {
			require.GreaterOrEqual(t, i, 2, "so soon it would be an echo")
			return
		}
	}
	require.Fail(t, "it has forgotten")
}

func TestReply_NoticesRepetition(t *testing.T) {
	t.Parallel()
	e := eliza.New(5)
	first := e.Reply("The soup is cold.")
	second := e.Reply("the soup is COLD")

	require.NotEqual(t, first, second)
	require.Regexp(t, `same|exactly|repeating|Again`, second)
	require.NotRegexp(t, `same|exactly|repeating|Again`, e.Reply("yes"))
	require.NotRegexp(t, `same|exactly|repeating|Again`, e.Reply("yes"), "short answers may follow each other")
}

func TestReply_RepetitionNeverHidesDanger(t *testing.T) {
	t.Parallel()
	e := eliza.New(5)
	for range 5 {
		require.Regexp(t, `number|crisis|doctor`, e.Reply("I want to kill myself"))
	}
}

func TestRecall_IsTheSameAsHavingListened(t *testing.T) {
	t.Parallel()
	line := rapid.OneOf(rapid.SampledFrom(talk), rapid.String())
	rapid.Check(t, func(t *rapid.T) {
		seed := rapid.Uint64().Draw(t, "seed")
		lines := rapid.SliceOfN(line, 0, 40).Draw(t, "lines")
		next := line.Draw(t, "next")

		listened := eliza.New(seed)
		for _, l := range lines {
			listened.Reply(l)
		}
		recalled := eliza.New(seed)
		recalled.Reply("something that Recall makes it forget: my mother is tall")
		recalled.Recall(lines)

		if got, want := recalled.Reply(next), listened.Reply(next); got != want {
			t.Fatalf("recalled %q, listened %q", got, want)
		}
	})
}

func TestReply_HugeInput(t *testing.T) {
	t.Parallel()
	for _, line := range []string{
		strings.Repeat("a", 1<<20), strings.Repeat("my mother ", 1<<17), strings.Repeat("?", 1<<20), strings.Repeat("ж", 1<<19),
		strings.Repeat("i want to, ", 1<<17), "i want " + strings.Repeat("ﷺ", 1<<18), strings.Repeat("i feel sad because ", 1<<16),
		"my name is " + strings.Repeat("ß", 1<<20),
	} {
		e := eliza.New(1)
		for range 3 {
			check(t, e.Reply(line))
			check(t, e.Reply("hm"))
		}
	}
}

func FuzzReply(f *testing.F) {
	for i, line := range talk {
		f.Add(uint64(i), line, "hm")
	}
	f.Add(uint64(1), "\xff\xfe my name is \xff", "\x00")
	f.Add(uint64(1), "my name is {memory} {1}", "{said}")
	f.Add(uint64(1), "i dreamed of İstanbul ǅ ﬁ", "ﬁ")
	f.Fuzz(func(t *testing.T, seed uint64, first, second string) {
		e := eliza.New(seed)
		for _, line := range []string{first, second, first, "ok", second, "hm", "well"} {
			check(t, e.Reply(line))
		}
	})
}

// check holds what is true of every reply.
func check(t *testing.T, reply string) {
	t.Helper()
	require.NotEmpty(t, strings.TrimSpace(reply))
	require.LessOrEqual(t, len(reply), eliza.MaxReply)
	require.True(t, utf8.ValidString(reply), "%q", reply)
	require.NotContains(t, reply, "\n")
}

func BenchmarkReply(b *testing.B) {
	for b.Loop() {
		e := eliza.New(1)
		for _, line := range talk {
			e.Reply(line)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*len(talk)), "ns/line")
}
