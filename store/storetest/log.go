package storetest

import (
	"crypto/sha256"
	"slices"
	"strings"
	"time"

	"github.com/parley-go/parley/store"
	"github.com/stretchr/testify/require"
)

var reading = topic{"Messages", []rule{
	{"V1_NumbersFromOneWithoutGaps", readNumbers},
	{"PagesByNumber", readPages},
	{"BodiesByteForByte", readBytes},
	{"LargeBodies", readLarge},
	{"EveryFieldIsKept", readFields},
	{"PageAndHeadAreOfOneMoment", readOneMoment},
}}

func (e *env) read(c *store.Conversation, q store.MessageQuery) *store.MessagePage {
	e.Helper()
	page, err := e.store.Messages(e.ctx, e.scope, c.ID, &q)
	require.NoError(e, err)
	return page
}

func seqs(messages []store.Message) []int64 {
	out := []int64{}
	for _, m := range messages {
		out = append(out, m.Seq)
	}
	return out
}

func sequence(from, to int64) []int64 {
	out := []int64{}
	for n := from; n <= to; n++ {
		out = append(out, n)
	}
	return out
}

func readNumbers(e *env) {
	c := e.create()
	for i, n := range []int{1, 3, 2, 7} {
		if i%2 == 0 {
			e.say(c.ID, n)
		} else {
			e.finish(e.start(c.ID), n)
		}
		_, err := e.store.Append(e.ctx, e.newAppend(c.ID, 2, expected(0)))
		require.ErrorIs(e, err, store.ErrVersionConflict, "a refused append uses no number up")
		head := e.get(c.ID).Version
		page := e.read(c, store.MessageQuery{Limit: everything})
		require.Equal(e, head, page.Version)
		require.Equal(e, sequence(1, head), seqs(page.Messages))
	}
	require.Equal(e, int64(13), e.get(c.ID).Version)
}

func readPages(e *env) {
	c := e.create()
	e.say(c.ID, 4)
	e.say(c.ID, 6)
	for _, after := range []int64{0, 1, 4, 9, 10, 11, 1 << 40} {
		for _, before := range []int64{0, 1, 2, 5, 10, 11, 12, 1 << 40} {
			for _, limit := range []int{1, 3, 9, 10, 11} {
				for _, desc := range []bool{false, true} {
					q := store.MessageQuery{After: after, Before: before, Limit: limit, Desc: desc}
					want := sequence(after+1, 10)
					if before > 0 {
						want = sequence(after+1, min(before-1, 10))
					}
					if desc {
						slices.Reverse(want)
					}
					want = want[:min(limit, len(want))]
					page := e.read(c, q)
					require.Equal(e, want, seqs(page.Messages), "%+v", q)
					require.Equal(e, int64(10), page.Version, "the head, whatever the page")
				}
			}
		}
	}
}

// bodies are JSON that a store could be tempted to rewrite.
var bodies = []string{
	`{}`, `[]`, `null`, `0`, `""`, ` { "z" : 1 ,` + "\n\t" + `"a" : [ 1.0, 1e3, -0 ] } `,
	`{"a":1,"a":2,"b":{"a":1,"a":2}}`, `{"nul":"\u0000","lone":"\ud83d","pair":"\ud83d\ude00","slash":"\/"}`,
	`{"big":123456789012345678901234567890.000000000000000000001,"exp":1E400}`, `"é\u00e9` + "\u2028\u2029\U0001F600" + `"`,
	`{"html":"<script>&amp;\u003c"}`, `{"$":"$1 %s %_ \\ ' ; -- \" ?"}`, `{"":"","  ":" "}`, "\"tab\\tnew\\nline\"", "[1,2 ,3\r\n]",
}

func readBytes(e *env) {
	c := e.create()
	for _, body := range bodies {
		result := e.say(c.ID, 1, func(a *store.Append) {
			a.Messages[0].Parts, a.Messages[0].Author, a.Pending, a.Settles = []byte(body), []byte(body), []byte(body), true
			a.Expected = ptr(e.get(c.ID).Version)
		})
		stored := e.read(c, store.MessageQuery{After: result.Version - 1, Limit: 1}).Messages[0]
		for _, m := range []store.Message{result.Messages[0], stored} {
			require.Equal(e, body, string(m.Parts))
			require.Equal(e, body, string(m.Author))
		}
		require.Equal(e, body, string(e.get(c.ID).Pending))
	}
	for _, body := range bodies {
		c := e.create(func(n *store.NewConversation) {
			n.Defaults, n.Metadata, n.Agent, n.Pending = []byte(body), []byte(body), []byte(body), []byte(body)
		})
		for _, got := range [][]byte{c.Defaults, c.Metadata, c.Agent, c.Pending} {
			require.Equal(e, body, string(got))
		}
		require.Equal(e, c, e.get(c.ID))
		r := e.start(c.ID, settling, func(s *store.StartRun) { s.Spec = []byte(body) })
		require.Equal(e, body, string(e.getRun(r.ID).Spec))
		e.finish(r, 0, func(f *store.FinishRun) { f.Result = []byte(body) })
		require.Equal(e, body, string(e.getRun(r.ID).Result))
	}
}

func readLarge(e *env) {
	c := e.create()
	body := []byte(`{"text": "` + strings.Repeat("0123456789abcdé\\n", 1<<16) + `"}`)
	require.Greater(e, len(body), 1<<20)
	e.say(c.ID, 2, func(a *store.Append) { a.Messages[1].Parts = body })
	got := e.read(c, store.MessageQuery{Limit: 5}).Messages[1]
	require.Equal(e, sha256.Sum256(body), sha256.Sum256(got.Parts), "a body of more than a MiB came back changed")
}

func readFields(e *env) {
	c := e.create()
	r := e.start(c.ID)
	m := store.Message{
		ID: newID(), Seq: 99, Role: "tool", RunID: r.ID, Incomplete: true,
		Author: []byte(`{"name": "Ann"}`), Parts: []byte(`["p"]`), CreatedAt: time.Unix(1, 0),
	}
	result := e.finish(r, 0, func(f *store.FinishRun) {
		f.Messages = []store.Message{m, {ID: newID(), Role: "user", Parts: []byte(`[]`)}}
	})
	stored := e.read(c, store.MessageQuery{Limit: 5}).Messages
	require.Equal(e, result.Messages, stored)
	m.Seq, m.CreatedAt = 1, stored[0].CreatedAt
	require.Equal(e, m, stored[0], "number and time are the store's, the rest is the writer's")
	require.Nil(e, stored[1].Author)
	require.Zero(e, stored[1].RunID)
	require.False(e, stored[1].Incomplete)
}

func readOneMoment(e *env) {
	c := e.create()
	done := e.in(func() error {
		for i := range 60 {
			if _, err := e.handle(i).Append(e.ctx, e.newAppend(c.ID, 3)); err != nil {
				return err
			}
		}
		return nil
	})
	var after int64
	for finished := false; !finished; {
		select {
		case err := <-done:
			require.NoError(e, err)
			finished = true
		default:
		}
		page := e.read(c, store.MessageQuery{After: after, Limit: everything})
		require.Equal(e, sequence(after+1, page.Version), seqs(page.Messages), "all up to the head and none above it")
		require.Zero(e, page.Version%3, "messages of one append are seen together")
		down := e.read(c, store.MessageQuery{Limit: 4, Desc: true})
		if down.Version > 0 {
			require.Equal(e, down.Version, down.Messages[0].Seq)
		}
		after = page.Version - page.Version%2*3
	}
	require.Equal(e, int64(180), e.get(c.ID).Version)
}

// in runs the function beside the check and gives its error.
func (e *env) in(do func() error) <-chan error {
	done := make(chan error, 1)
	go func() { done <- do() }()
	return done
}
