package conversation_test

import (
	"encoding/json"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/parley-go/parley/conversation"
)

// call is a part that calls a tool, answer one that answers it.
func call(id string) conversation.Part { return conversation.ToolCall{ID: id, Name: "ask"}.Part() }

func answer(id string) conversation.Part { return output(id, "done").Part() }

// append appends messages, which must be accepted.
func (f *fixture) append(id uuid.UUID, messages ...conversation.Message) *conversation.AppendResult {
	f.t.Helper()
	res, err := f.engine.Append(f.ctx, f.caller, id, conversation.AppendParams{Messages: messages})
	require.NoError(f.t, err)
	return res
}

func TestV1_AppendNumbersWhatItStores(t *testing.T) {
	t.Parallel()
	f := setup(t, says("ok"), nil)
	id := f.create()
	first := message(t, conversation.RoleUser, conversation.Text("one"))
	// Of a message only these are the caller's to say; the rest is the store's.
	first.ID, first.Author, first.Incomplete = uuid.New(), &conversation.Author{ID: "U1", Name: "Una"}, true
	first.Seq, first.RunID, first.ConversationID, first.CreatedAt = 77, uuid.New(), uuid.New(), time.Unix(1, 0)
	res := f.append(id, first, message(t, conversation.RoleAssistant, conversation.Text("two")), message(t, conversation.RoleSystem, conversation.Text("three")))
	require.EqualValues(t, 3, res.Version)
	require.False(t, res.Replayed)
	require.Equal(t, res.Messages, f.log(id))
	got := res.Messages[0]
	require.Equal(t, first.ID, got.ID)
	require.EqualValues(t, 1, got.Seq)
	require.Equal(t, id, got.ConversationID)
	require.Equal(t, uuid.Nil, got.RunID, "no run wrote it")
	require.Equal(t, first.Author, got.Author)
	require.True(t, got.Incomplete)
	require.WithinDuration(t, time.Now(), got.CreatedAt, time.Hour)
	require.NotEqual(t, uuid.Nil, res.Messages[1].ID)
	require.EqualValues(t, 3, f.get(id).Version)
	require.Equal(t, "two", f.get(id).LastText, "a system message is no preview")
}

// TestV2_AppendFromAStaleVersionIsRefused with both numbers, and nothing is written.
func TestV2_AppendFromAStaleVersionIsRefused(t *testing.T) {
	t.Parallel()
	f := setup(t, says("ok"), nil)
	id := f.create()
	f.append(id, said("one"), said("two"))
	for _, expected := range []int64{0, 1, 3, 1 << 60} {
		_, err := f.engine.Append(f.ctx, alice, id, conversation.AppendParams{Messages: []conversation.Message{said("x")}, ExpectedVersion: conversation.At(expected)})
		require.ErrorIs(t, err, conversation.ErrVersionConflict)
		var conflict *conversation.VersionConflictError
		require.ErrorAs(t, err, &conflict)
		require.Equal(t, conversation.VersionConflictError{Expected: expected, Current: 2}, *conflict)
		// The version ranks before the payload (rule R2).
		_, err = f.engine.Append(f.ctx, alice, id, conversation.AppendParams{ExpectedVersion: conversation.At(expected)})
		require.ErrorAs(t, err, &conflict)
	}
	require.Equal(t, []string{"user: one", "user: two"}, f.lines(id))
	res, err := f.engine.Append(f.ctx, alice, id, conversation.AppendParams{Messages: []conversation.Message{said("three")}, ExpectedVersion: conversation.At(2)})
	require.NoError(t, err)
	require.EqualValues(t, 3, res.Version)
}

// TestV2_SixteenWritersFromOneVersion: exactly one lands, fifteen get the typed
// conflict, and the log has one message.
func TestV2_SixteenWritersFromOneVersion(t *testing.T) {
	t.Parallel()
	f := setup(t, says("ok"), nil)
	id := f.create()
	const writers, rounds = 16, 20
	for round := range int64(rounds) {
		var start, done sync.WaitGroup
		start.Add(1)
		errs := make([]error, writers)
		for i := range writers {
			done.Go(func() {
				start.Wait()
				_, errs[i] = f.engine.Append(f.ctx, alice, id, conversation.AppendParams{
					Messages: []conversation.Message{said("mine"), said("and mine")}, ExpectedVersion: conversation.At(2 * round),
				})
			})
		}
		start.Done()
		done.Wait()
		landed := 0
		for _, err := range errs {
			var conflict *conversation.VersionConflictError
			switch {
			case err == nil:
				landed++
			case errors.As(err, &conflict):
				require.Equal(t, conversation.VersionConflictError{Expected: 2 * round, Current: 2*round + 2}, *conflict)
			default:
				require.NoError(t, err)
			}
		}
		require.Equal(t, 1, landed)
	}
	require.Len(t, f.log(id), 2*rounds)
}

// TestV1_SixteenWritersWithoutExpectation all land, each whole.
func TestV1_SixteenWritersWithoutExpectation(t *testing.T) {
	t.Parallel()
	f := setup(t, says("ok"), nil)
	id := f.create()
	var done sync.WaitGroup
	for i := range 16 {
		name := string(rune('a' + i))
		done.Go(func() {
			for range 5 {
				_, err := f.engine.Append(f.ctx, alice, id, conversation.AppendParams{Messages: []conversation.Message{said(name), said(name)}})
				if err != nil {
					t.Error(err)
				}
			}
		})
	}
	done.Wait()
	lines := f.lines(id)
	require.Len(t, lines, 16*5*2)
	for i := 0; i < len(lines); i += 2 {
		require.Equal(t, lines[i], lines[i+1], "an append is not torn apart")
	}
}

// TestV7_TheSameIDsAreTheSameAppend whenever they come again, with or without
// an expectation, whatever was appended since.
func TestV7_TheSameIDsAreTheSameAppend(t *testing.T) {
	t.Parallel()
	for _, expecting := range []bool{true, false} {
		f := setup(t, says("ok"), nil)
		id := f.create()
		type batch struct {
			params conversation.AppendParams
			first  *conversation.AppendResult
		}
		var batches []batch
		version := int64(0)
		for _, messages := range [][]conversation.Message{
			{said("hello")},
			{message(t, conversation.RoleAssistant, conversation.Text("one moment"), call("c1"), call("c2"))},
			{message(t, conversation.RoleTool, answer("c2"))},
			{message(t, conversation.RoleTool, answer("c1")), message(t, conversation.RoleAssistant, call("c3"))},
			{message(t, conversation.RoleTool, answer("c3"))},
			{said("bye"), message(t, conversation.RoleAssistant, conversation.Text("bye"))},
		} {
			p := conversation.AppendParams{Messages: messages}
			for i := range messages {
				messages[i].ID = uuid.New()
			}
			if expecting {
				p.ExpectedVersion = conversation.At(version)
			}
			res, err := f.engine.Append(f.ctx, alice, id, p)
			require.NoError(t, err)
			require.False(t, res.Replayed)
			version = res.Version
			batches = append(batches, batch{p, res})

			// Every earlier append is answered again as it was the first time.
			for i, b := range batches {
				again, err := f.engine.Append(f.ctx, alice, id, b.params)
				require.NoError(t, err, "batch %d of %d, expecting %v", i, len(batches), expecting)
				require.True(t, again.Replayed)
				require.Equal(t, b.first.Version, again.Version)
				require.Equal(t, b.first.Messages, again.Messages)
			}
		}
		require.Len(t, f.log(id), 8)
		require.Empty(t, f.get(id).PendingToolCalls)
	}
}

// TestV7_SomeOfTheSameIDsIsAConflict: what is only partly there was not this append.
func TestV7_SomeOfTheSameIDsIsAConflict(t *testing.T) {
	t.Parallel()
	f := setup(t, says("ok"), nil)
	id := f.create()
	a, b, c := said("a"), said("b"), said("c")
	a.ID, b.ID, c.ID = uuid.New(), uuid.New(), uuid.New()
	f.append(id, a, b)
	before := f.lines(id)
	for name, messages := range map[string][]conversation.Message{
		"turned round": {b, a}, "one new behind": {a, b, c}, "one new before": {c, a}, "new between": {a, c, b},
	} {
		for _, expected := range []*int64{nil, conversation.At(0), conversation.At(2)} {
			_, err := f.engine.Append(f.ctx, alice, id, conversation.AppendParams{Messages: messages, ExpectedVersion: expected})
			require.ErrorIs(t, err, conversation.ErrVersionConflict, name)
		}
	}
	_, err := f.engine.Append(f.ctx, alice, id, conversation.AppendParams{Messages: []conversation.Message{c, c}})
	require.Equal(t, []string{"messages[1].id"}, paths(t, err))
	// A part of an append, where it lies, is itself an append that was made.
	res, err := f.engine.Append(f.ctx, alice, id, conversation.AppendParams{Messages: []conversation.Message{b}, ExpectedVersion: conversation.At(1)})
	require.NoError(t, err)
	require.True(t, res.Replayed)
	require.Equal(t, before, f.lines(id))
}

// TestR5_TheLedgerOfToolCalls: every call gets exactly one output before anybody
// else speaks, whatever a host appends.
func TestR5_TheLedgerOfToolCalls(t *testing.T) {
	t.Parallel()
	user := message(t, conversation.RoleUser, conversation.Text("hi"))
	asks := message(t, conversation.RoleAssistant, call("c1"), call("c2"))
	both := message(t, conversation.RoleTool, answer("c1"), answer("c2"))
	one, two := message(t, conversation.RoleTool, answer("c1")), message(t, conversation.RoleTool, answer("c2"))
	for name, c := range map[string]struct {
		before, messages []conversation.Message
		at               string // "" for fine
		pending          []string
	}{
		"calls wait":                 {nil, []conversation.Message{user, asks}, "", []string{"c1", "c2"}},
		"answered at once":           {nil, []conversation.Message{user, asks, both, user}, "", nil},
		"answered one by one":        {nil, []conversation.Message{user, asks, two, one}, "", nil},
		"half answered":              {nil, []conversation.Message{user, asks, two}, "", []string{"c1"}},
		"answered later":             {[]conversation.Message{asks}, []conversation.Message{both, user}, "", nil},
		"half answered later":        {[]conversation.Message{asks}, []conversation.Message{one}, "", []string{"c2"}},
		"the rest later still":       {[]conversation.Message{asks, one}, []conversation.Message{two}, "", nil},
		"answered and asked again":   {[]conversation.Message{asks}, []conversation.Message{both, asks}, "", []string{"c1", "c2"}},
		"a user between":             {nil, []conversation.Message{asks, user, both}, "messages[1]", nil},
		"an assistant between":       {nil, []conversation.Message{asks, asks}, "messages[1]", nil},
		"a system between":           {nil, []conversation.Message{asks, message(t, conversation.RoleSystem, conversation.Text("x"))}, "messages[1]", nil},
		"half answered, then a user": {[]conversation.Message{asks}, []conversation.Message{one, user}, "messages[1]", nil},
		"an answer to nothing":       {nil, []conversation.Message{one}, "messages[0]", nil},
		"an answer to another":       {[]conversation.Message{asks}, []conversation.Message{message(t, conversation.RoleTool, answer("c9"))}, "messages[0]", nil},
		"answered twice":             {nil, []conversation.Message{asks, one, one}, "messages[2]", nil},
		"answered twice in one":      {nil, []conversation.Message{asks, message(t, conversation.RoleTool, answer("c1"), answer("c1"))}, "messages[1]", nil},
		"answered again later":       {[]conversation.Message{asks, both}, []conversation.Message{one}, "messages[0]", nil},
		"one id twice":               {nil, []conversation.Message{message(t, conversation.RoleAssistant, call("c1"), call("c1"))}, "messages[0]", nil},
		"a user who calls":           {nil, []conversation.Message{message(t, conversation.RoleUser, call("c1"))}, "messages[0]", nil},
		"a tool that calls":          {[]conversation.Message{asks}, []conversation.Message{message(t, conversation.RoleTool, call("c3"))}, "messages[0]", nil},
		"an assistant who answers":   {[]conversation.Message{asks}, []conversation.Message{message(t, conversation.RoleTool, answer("c1")), message(t, conversation.RoleAssistant, answer("c2"))}, "messages[1]", nil},
		"a tool that talks":          {[]conversation.Message{asks}, []conversation.Message{message(t, conversation.RoleTool, conversation.Text("hm"))}, "messages[0]", nil},
		"a tool that talks beside":   {[]conversation.Message{asks}, []conversation.Message{message(t, conversation.RoleTool, answer("c1"), conversation.Text("hm"))}, "messages[0]", nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := setup(t, says("ok"), nil)
			id := f.create("ask")
			if c.before != nil {
				f.append(id, c.before...)
			}
			before := f.get(id)
			_, err := f.engine.Append(f.ctx, alice, id, conversation.AppendParams{Messages: c.messages})
			if c.at != "" {
				require.Equal(t, []string{c.at}, paths(t, err))
				require.Equal(t, before, f.get(id))
				return
			}
			require.NoError(t, err)
			var pending []string
			for _, call := range f.get(id).PendingToolCalls {
				pending = append(pending, call.ID)
			}
			require.Equal(t, c.pending, pending)
		})
	}
}

// TestR5_WhoeverDoesNotAnswerWaits: while calls wait, only their outputs are taken.
func TestR5_WhoeverDoesNotAnswerWaits(t *testing.T) {
	t.Parallel()
	f := setup(t, says("ok"), nil)
	id := f.create("ask")
	f.append(id, said("hi"), message(t, conversation.RoleAssistant, call("c1")))
	for _, messages := range [][]conversation.Message{
		{said("hurry")}, {message(t, conversation.RoleAssistant, conversation.Text("hm"))}, {said("hurry"), message(t, conversation.RoleTool, answer("c1"))},
	} {
		for _, expected := range []*int64{nil, conversation.At(2)} {
			_, err := f.engine.Append(f.ctx, alice, id, conversation.AppendParams{Messages: messages, ExpectedVersion: expected})
			require.ErrorIs(t, err, conversation.ErrToolOutputsPending)
		}
	}
	require.Len(t, f.log(id), 2)
	// A run continues what a host's own loop began.
	run := f.run(id, conversation.TurnRequest{Outputs: []conversation.ToolOutput{output("c1", "yes")}})
	require.Equal(t, conversation.RunCompleted, run.Status)
	require.Equal(t, []string{"user: hi", "assistant: [ask c1]", "tool: [c1 yes]", "assistant: ok"}, f.lines(id))
	// And a host's loop what a run began.
	g := f.join(calls("ask"), nil)
	require.Equal(t, conversation.RunRequiresAction, g.run(id, conversation.TurnRequest{Text: "again"}).Status)
	g.append(id, message(t, conversation.RoleTool, answer("ask")), message(t, conversation.RoleAssistant, conversation.Text("all right")))
	require.Empty(t, g.get(id).PendingToolCalls)
	require.Len(t, g.log(id), 8)
}

// TestR5_SixteenAnswersToOneCall: one lands, whoever expected what.
func TestR5_SixteenAnswersToOneCall(t *testing.T) {
	t.Parallel()
	f := setup(t, says("ok"), nil)
	for round := range 10 {
		id := f.create("ask")
		f.append(id, message(t, conversation.RoleAssistant, call("c1")))
		var start, done sync.WaitGroup
		start.Add(1)
		errs := make([]error, 16)
		for i := range errs {
			p := conversation.AppendParams{Messages: []conversation.Message{message(t, conversation.RoleTool, answer("c1"))}}
			if round%2 == 0 {
				p.ExpectedVersion = conversation.At(1)
			}
			done.Go(func() {
				start.Wait()
				_, errs[i] = f.engine.Append(f.ctx, alice, id, p)
			})
		}
		start.Done()
		done.Wait()
		landed := 0
		for _, err := range errs {
			if err == nil {
				landed++
				continue
			}
			require.True(t, errors.Is(err, conversation.ErrVersionConflict) || errors.Is(err, conversation.ErrInvalid), "%v", err)
		}
		require.Equal(t, 1, landed)
		require.Equal(t, []string{"assistant: [ask c1]", "tool: [c1 done]"}, f.lines(id))
	}
}

// TestV4_AppendBesideARun is refused unless it races, and then the run loses.
func TestV4_AppendBesideARun(t *testing.T) {
	t.Parallel()
	p := newPuppet()
	f := setup(t, p, nil)
	id := f.create()
	run := f.say(id, "hello")
	turn := p.next(t)
	_, err := f.engine.Append(f.ctx, alice, id, conversation.AppendParams{Messages: []conversation.Message{said("beside")}})
	var active *conversation.RunActiveError
	require.ErrorAs(t, err, &active)
	require.Equal(t, run.ID, active.RunID)
	_, err = f.engine.Append(f.ctx, alice, id, conversation.AppendParams{Messages: []conversation.Message{said("beside")}, Race: true})
	require.NoError(t, err)
	require.NoError(t, turn.Text("too late"))
	turn.finish(nil)
	ended := f.wait(run.ID)
	require.Equal(t, conversation.RunFailed, ended.Status)
	require.Equal(t, conversation.CodeConcurrentAppend, ended.Error.Code)
	require.Equal(t, []string{"user: beside"}, f.lines(id))
}

func TestL6_ADeletedConversationTakesNoAppend(t *testing.T) {
	t.Parallel()
	f := setup(t, says("ok"), nil)
	id := f.create()
	first := said("kept")
	first.ID = uuid.New()
	f.append(id, first)
	_, err := f.engine.Delete(f.ctx, alice, id)
	require.NoError(t, err)
	for _, m := range []conversation.Message{said("x"), first} {
		_, err = f.engine.Append(f.ctx, alice, id, conversation.AppendParams{Messages: []conversation.Message{m}})
		require.ErrorIs(t, err, conversation.ErrDeleted)
	}
	_, err = f.engine.Append(f.ctx, alice, id, conversation.AppendParams{})
	require.ErrorIs(t, err, conversation.ErrDeleted, "it ranks before the payload")
}

// TestAppend_StoresWhatItUnderstood: content that came as JSON may say more than
// its parts, or the same in other words. What is stored is what was checked.
func TestAppend_StoresWhatItUnderstood(t *testing.T) {
	t.Parallel()
	f := setup(t, says("ok"), nil)
	id := f.create()
	for raw, want := range map[string]string{
		`[{"type":"text","text":"a"}]`:                               `[{"type":"text","text":"a"}]`,
		` [ { "TEXT" : "a" , "type":"text" } ] `:                     `[{"type":"text","text":"a"}]`,
		`[{"type":"text","text":"a","text":"b"}]`:                    `[{"type":"text","text":"b"}]`,
		`[{"type":"text","text":"a","smuggled":{"x":"y"}}]`:          `[{"type":"text","text":"a"}]`,
		`[{"type":"text","text":"a","parts":[{"type":"nonsense"}]}]`: `[{"type":"text","text":"a"}]`,
		`[{"type":"structured","value": { "b":1, "a":2 } }]`:         `[{"type":"structured","value":{"b":1,"a":2}}]`,
	} {
		m := conversation.Message{Role: conversation.RoleUser}
		require.NoError(t, json.Unmarshal([]byte(raw), &m.Content))
		res := f.append(id, m)
		stored, err := res.Messages[0].Content.MarshalJSON()
		require.NoError(t, err)
		require.Equal(t, want, string(stored))
	}
	for _, raw := range []string{
		"[{\"type\":\"text\",\"text\":\"a\xff\"}]", "[{\"type\":\"text\",\"text\":\"a\",\"junk\":\"\xff\"}]", `[{"type":"text","text":"\u0000"}]`,
		`[{"type":"poem"}]`, `[{}]`, `[null]`, `{}`, `null`, `[]`, `7`, `"text"`, `[{"type":"text","text":7}]`, `[{"type":"structured"}]`,
		`[` + strings.Repeat(`{"type":"text","text":"x"},`, 256) + `{"type":"text","text":"x"}]`,
	} {
		m := conversation.Message{Role: conversation.RoleUser}
		if err := json.Unmarshal([]byte(raw), &m.Content); err != nil {
			continue
		}
		_, err := f.engine.Append(f.ctx, alice, id, conversation.AppendParams{Messages: []conversation.Message{m}})
		for _, path := range paths(t, err) {
			require.Contains(t, path, "messages[0].parts", raw)
		}
	}
	require.Len(t, f.log(id), 6)
	for _, raw := range []string{"", "[", "\xff", "{]"} {
		var c conversation.Content
		require.NoError(t, c.UnmarshalJSON([]byte(raw)))
		_, err := f.engine.Append(f.ctx, alice, id, conversation.AppendParams{Messages: []conversation.Message{{Role: conversation.RoleUser, Content: c}}})
		require.Equal(t, []string{"messages[0].parts"}, paths(t, err))
	}
}
