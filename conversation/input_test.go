package conversation_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/parley-go/parley/conversation"
	"github.com/parley-go/parley/memstore"
)

// spoilt is text that cannot be kept. The huge one is above every bound that
// the test's engine has on a single string.
var spoilt = map[string]string{
	"NUL": "a\x00b", "NUL alone": "\x00", "not UTF-8": "a\xff", "cut apart": "a\xe2\x82", "a surrogate": "\xed\xa0\x80", "overlong": "\xc0\x80",
	"huge": strings.Repeat("x", 300<<10), "huge, of wide characters": strings.Repeat("\u3042", 100<<10),
}

// TestInput_EveryStringOfEveryArgument spoils each string that a caller can set,
// one at a time, in every way. The error names it, is short, and nothing was
// written. Strings are found by reflection, so that new ones cannot be forgotten.
func TestInput_EveryStringOfEveryArgument(t *testing.T) {
	t.Parallel()
	for name, d := range doors() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := setup(t, says("ok"), &conversation.Config{MaxMessageBytes: 64 << 10})
			all := leaves(reflect.ValueOf(d.full()).Elem(), "")
			require.NotEmpty(t, all)
			at := f.waiting()
			require.NoError(t, d.call(f, at, d.full()), "the arguments are right before they are spoilt")
			require.Eventually(t, func() bool { return f.engine.Stats() == conversation.Stats{} }, 10*time.Second, time.Millisecond,
				"what the right arguments started has ended, and changes no list any more")
			at = f.waiting()
			before := f.picture(at.conversation)
			for i := range all {
				for kind, text := range spoilt {
					args := d.full()
					l := leaves(reflect.ValueOf(args).Elem(), "")[i]
					l.set(text)
					err := d.call(f, at, args)
					if slices.Contains(d.lenient, l.path) {
						require.NoError(t, err, "%s %s", l.path, kind)
						continue
					}
					require.Error(t, err, "%s %s", l.path, kind)
					want, got := d.path(l.path), paths(t, err)
					found := slices.ContainsFunc(got, func(p string) bool {
						// The parts of an appended message have one bound together.
						together := name == "Append" && strings.HasPrefix(kind, "huge") && strings.HasSuffix(p, "].parts")
						return together || strings.HasSuffix(strings.ToLower(p), want)
					})
					require.True(t, found, "%s %s: want %s among %q", l.path, kind, want, got)
					require.LessOrEqual(t, len(got), 2, "%q", got)
					require.Less(t, len(err.Error()), 2000)
				}
			}
			require.Equal(t, before, f.picture(at.conversation), "something was written")
		})
	}
}

// waiting makes a conversation in which a call waits, with an ended run.
func (f *fixture) waiting() target {
	f.t.Helper()
	id := f.create("ask")
	run := f.run(id, conversation.TurnRequest{Text: "hi"})
	f.append(id, message(f.t, conversation.RoleAssistant, call("c1")))
	if strings.HasPrefix(f.t.Name(), "TestInput_EveryStringOfEveryArgument/StartRun_with") || strings.HasSuffix(f.t.Name(), "/Append") {
		return target{id, run.ID}
	}
	f.append(id, message(f.t, conversation.RoleTool, answer("c1")))
	return target{id, run.ID}
}

// picture is everything that a refused call must leave as it was.
func (f *fixture) picture(id uuid.UUID) []any {
	f.t.Helper()
	runs, err := f.engine.Runs(f.ctx, f.caller, id, conversation.RunQuery{})
	require.NoError(f.t, err)
	out := []any{f.get(id), runs, f.log(id)}
	for _, mode := range []conversation.Mode{conversation.ModeFast, conversation.ModeStandard} {
		page, err := f.engine.List(f.ctx, f.caller, conversation.Query{Page: 1, Mode: mode})
		require.NoError(f.t, err)
		out = append(out, page)
	}
	return out
}

// TestInput_Blank: where there must be something, white space is nothing.
func TestInput_Blank(t *testing.T) {
	t.Parallel()
	f := setup(t, says("ok"), nil)
	at := f.waiting()
	before := f.picture(at.conversation)
	for _, blank := range []string{"", " ", "\t\r\n", "\u00a0\u2003\u3000"} {
		turn := func(req conversation.TurnRequest) error {
			_, err := f.engine.StartRun(f.ctx, alice, at.conversation, req)
			return err
		}
		for want, err := range map[string]error{
			"content":        turn(conversation.TurnRequest{Text: blank}),
			"content\t":      turn(conversation.TurnRequest{Parts: []conversation.Part{conversation.Text(blank), conversation.Text(blank)}}),
			"author.id":      turn(conversation.TurnRequest{Text: "x", Author: &conversation.Author{ID: blank, Name: "Una"}}),
			"input[0].value": turn(conversation.TurnRequest{Parts: []conversation.Part{conversation.Structured(json.RawMessage(blank))}}),
			"user_id": func() error {
				_, err := f.engine.AddParticipant(f.ctx, alice, at.conversation, conversation.Participant{UserID: blank, Name: "x"})
				return err
			}(),
			"text": func() error {
				_, err := f.engine.NudgeRun(f.ctx, alice, at.run, blank)
				return err
			}(),
			"defaults.tools[0].name": func() error {
				_, err := f.engine.Create(f.ctx, alice, conversation.CreateParams{Defaults: settings(conversation.Settings{Tools: []conversation.Tool{{Name: blank}}})})
				return err
			}(),
		} {
			require.Equal(t, []string{strings.TrimSpace(want)}, paths(t, err), "%q", blank)
		}
	}
	require.Equal(t, before, f.picture(at.conversation))
	// A blank title is no title, and a blank search no filter.
	c, err := f.engine.Create(f.ctx, alice, conversation.CreateParams{Title: " \t "})
	require.NoError(t, err)
	require.Empty(t, c.Title)
	require.False(t, c.TitleCustom)
	page, err := f.engine.List(f.ctx, alice, conversation.Query{Text: " \n "})
	require.NoError(t, err)
	require.Len(t, page.Conversations, 2)
}

// TestInput_BoundsAreCharactersOrBytesAsSaid: the last that is let through and
// the first that is not.
func TestInput_BoundsAreCharactersOrBytesAsSaid(t *testing.T) {
	t.Parallel()
	f := setup(t, says("ok"), &conversation.Config{MaxMessageBytes: 1000})
	id := f.create()
	for name, c := range map[string]struct {
		unit  string
		limit int
		call  func(text string) error
	}{
		"title": {"\u3042", 200, func(s string) error { _, err := f.engine.SetTitle(f.ctx, alice, id, s); return err }},
		"name of a participant": {"\u3042", 200, func(s string) error {
			_, err := f.engine.AddParticipant(f.ctx, alice, id, conversation.Participant{UserID: "carol", Name: s})
			return err
		}},
		"id of a participant": {"\u3042", 200, func(s string) error {
			_, err := f.engine.AddParticipant(f.ctx, alice, id, conversation.Participant{UserID: s})
			return err
		}},
		"key": {"k", 255, func(s string) error {
			_, err := f.engine.StartRun(f.ctx, alice, f.create(), conversation.TurnRequest{Text: "x", Key: s})
			return err
		}},
		"text of a turn": {"x", 1000 - 32, func(s string) error {
			_, err := f.engine.StartRun(f.ctx, alice, f.create(), conversation.TurnRequest{Text: s})
			return err
		}},
		"prompt": {"x", 1000, func(s string) error {
			_, err := f.engine.Create(f.ctx, alice, conversation.CreateParams{Defaults: conversation.Defaults{SystemPrompt: s}})
			return err
		}},
		"search": {"\u3042", 200, func(s string) error { _, err := f.engine.List(f.ctx, alice, conversation.Query{Text: s}); return err }},
		"channel": {"c", 32, func(s string) error {
			_, err := f.engine.Create(f.ctx, alice, conversation.CreateParams{Channel: conversation.Channel(s)})
			return err
		}},
		"metadata": {"x", 16<<10 - len(`{"a":""}`), func(s string) error {
			_, err := f.engine.Create(f.ctx, alice, conversation.CreateParams{Metadata: json.RawMessage(`{"a":"` + s + `"}`)})
			return err
		}},
		"appended content": {"x", 1000 - len(`[{"type":"text","text":""}]`), func(s string) error {
			_, err := f.engine.Append(f.ctx, alice, f.create(), conversation.AppendParams{Messages: []conversation.Message{said(s)}})
			return err
		}},
	} {
		require.NoError(t, c.call(strings.Repeat(c.unit, c.limit)), name)
		require.ErrorIs(t, c.call(strings.Repeat(c.unit, c.limit+1)), conversation.ErrInvalid, name)
	}
}

// TestInput_ListsHaveEnds: of parts, outputs, messages and metadata keys.
func TestInput_ListsHaveEnds(t *testing.T) {
	t.Parallel()
	f := setup(t, says("ok"), nil)
	id := f.create("ask")
	parts := make([]conversation.Part, 257)
	outputs := make([]conversation.ToolOutput, 257)
	for i := range parts {
		parts[i], outputs[i] = conversation.Text("x"), output(fmt.Sprint("c", i), "x")
	}
	turn := func(req conversation.TurnRequest) error {
		_, err := f.engine.StartRun(f.ctx, alice, id, req)
		return err
	}
	require.Equal(t, []string{"input"}, paths(t, turn(conversation.TurnRequest{Parts: parts})))
	require.Equal(t, []string{"tool_outputs"}, paths(t, turn(conversation.TurnRequest{Outputs: outputs})))
	require.Equal(t, []string{"tool_outputs[0].content"}, paths(t, turn(conversation.TurnRequest{Outputs: []conversation.ToolOutput{{ToolCallID: "c", Parts: parts}}})))
	big := conversation.Text(strings.Repeat("x", 700<<10))
	require.Equal(t, []string{"input"}, paths(t, turn(conversation.TurnRequest{Parts: []conversation.Part{big, big}})))
	require.Equal(t, []string{"tool_outputs"}, paths(t, turn(conversation.TurnRequest{Outputs: []conversation.ToolOutput{
		{ToolCallID: "a", Parts: []conversation.Part{big}}, {ToolCallID: "b", Parts: []conversation.Part{big}},
	}})))
	for _, n := range []int{0, 101} {
		_, err := f.engine.Append(f.ctx, alice, id, conversation.AppendParams{Messages: make([]conversation.Message, n)})
		require.Equal(t, []string{"messages"}, paths(t, err))
	}
	keys := map[string]int{}
	for i := range 65 {
		keys[fmt.Sprint(i)] = i
	}
	raw, err := json.Marshal(keys)
	require.NoError(t, err)
	for _, metadata := range []string{string(raw), `[]`, `null`, `"x"`, `{`, ``, `{} {}`} {
		_, err = f.engine.Create(f.ctx, alice, conversation.CreateParams{Metadata: json.RawMessage(metadata)})
		require.Equal(t, []string{"metadata"}, paths(t, err), metadata)
	}
	require.Empty(t, f.log(id))
}

// TestInput_WhatDoesNotGoTogether in one turn, each named.
func TestInput_WhatDoesNotGoTogether(t *testing.T) {
	t.Parallel()
	f := setup(t, says("ok"), nil)
	at := f.create("ask")
	_, err := f.engine.StartRun(f.ctx, alice, at, conversation.TurnRequest{
		Text: "x", Outputs: []conversation.ToolOutput{{}}, AbandonPending: true, Author: &conversation.Author{ID: "U1"}, ExpectedVersion: conversation.At(0),
		ToolChoice: &conversation.ToolChoice{Kind: conversation.ToolChoiceAuto, Name: "ask"},
	})
	require.Equal(t, []string{"tool_outputs", "abandon_pending", "author", "tool_outputs[0].tool_call_id", "tool_choice.name"}, paths(t, err))
	for _, part := range []conversation.Part{
		conversation.Reasoning("hm"), call("c1"), answer("c1"), {Type: "poem"}, {}, {Type: conversation.PartFile}, {Type: conversation.PartDataFrame},
		{Type: conversation.PartStructured}, conversation.Structured(json.RawMessage(`{`)),
	} {
		_, err = f.engine.StartRun(f.ctx, alice, at, conversation.TurnRequest{Parts: []conversation.Part{conversation.Text("x"), part}})
		require.Contains(t, paths(t, err)[0], "input[1]", "%v", part)
	}
	for _, part := range []conversation.Part{conversation.Reasoning("hm"), call("c1"), answer("c1"), {Type: "poem"}, {}} {
		_, err = f.engine.StartRun(f.ctx, alice, at, conversation.TurnRequest{Outputs: []conversation.ToolOutput{{ToolCallID: "c1", Parts: []conversation.Part{part}}}})
		require.Equal(t, []string{"tool_outputs[0].content[0].type"}, paths(t, err))
	}
	_, err = f.engine.StartRun(f.ctx, alice, at, conversation.TurnRequest{ExpectedVersion: conversation.At(-1), Text: "x"})
	require.True(t, errors.Is(err, conversation.ErrVersionConflict) || errors.Is(err, conversation.ErrInvalid))
	for kind, choice := range map[string]conversation.ToolChoice{
		"no kind": {}, "an unknown kind": {Kind: "some"}, "no such tool": {Kind: conversation.ToolChoiceTool, Name: "none"},
		"no tool named": {Kind: conversation.ToolChoiceTool}, "no such server": {Kind: conversation.ToolChoiceTool, Name: "web-search"},
	} {
		_, err = f.engine.StartRun(f.ctx, alice, at, conversation.TurnRequest{Text: "x", ToolChoice: &choice})
		require.ErrorIs(t, err, conversation.ErrInvalid, kind)
	}
	_, err = f.engine.StartRun(f.ctx, alice, f.create(), conversation.TurnRequest{Text: "x", ToolChoice: &conversation.ToolChoice{Kind: conversation.ToolChoiceAny}})
	require.Equal(t, []string{"tool_choice"}, paths(t, err))
	require.Empty(t, f.log(at))
}

// TestInput_CallersThatCannotBeStored: a tenant or user that no store can hold
// is nobody, and an odd name is shown as well as can be.
func TestInput_CallersThatCannotBeStored(t *testing.T) {
	t.Parallel()
	f := setup(t, says("ok"), nil)
	id := f.create()
	at := target{id, f.run(id, conversation.TurnRequest{Text: "hi"}).ID}
	for _, bad := range []string{"a\x00b", "\xff"} {
		tenant, user := alice, alice
		tenant.Tenant, user.User = bad, bad
		for _, caller := range []conversation.Caller{tenant, user} {
			for _, op := range operations {
				require.Same(t, conversation.ErrForbidden, op.call(f.as(caller), at, conversation.ViewParticipant), op.name)
			}
		}
		_, err := f.engine.PurgeUser(f.ctx, admin, bad)
		require.Equal(t, []string{"user"}, paths(t, err))
	}
	odd := alice
	odd.Name, odd.AvatarURL = "Al\x00ice\xff"+strings.Repeat("e", 300), "https://\xff"
	g := f.as(odd)
	id = g.create()
	_, err := f.engine.AddParticipant(f.ctx, odd, id, conversation.Participant{UserID: "bob"})
	require.NoError(t, err)
	g.run(id, conversation.TurnRequest{Text: "hi"})
	profile := g.get(id).Participants["alice"]
	require.Equal(t, "Al\ufffdice\ufffd"+strings.Repeat("e", 193), profile.Name)
	require.Empty(t, profile.AvatarURL)
	author := g.log(id)[0].Author
	require.Equal(t, profile.Name, author.Name)
}

// TestInput_WhatIsHandedOverIsCopied: a caller may use its buffers again.
func TestInput_WhatIsHandedOverIsCopied(t *testing.T) {
	t.Parallel()
	p := newPuppet()
	f := setup(t, p, nil)
	metadata := json.RawMessage(`{"a":1}`)
	agent := &conversation.Agent{ID: "a", DisplayName: "Ada"}
	c, err := f.engine.Create(f.ctx, alice, conversation.CreateParams{Metadata: metadata, Agent: agent, Defaults: richDefaults()})
	require.NoError(t, err)
	copy(metadata, `[[[[[[[`)
	agent.DisplayName = "Eve"
	require.JSONEq(t, `{"a":1}`, string(f.get(c.ID).Metadata))
	copy(c.Metadata, `[[[[[[[`)
	c.Agent.DisplayName = "Eve"
	got := f.get(c.ID)
	require.JSONEq(t, `{"a":1}`, string(got.Metadata))
	require.Equal(t, "Ada", got.Agent.DisplayName)

	// The race detector watches the turn that goes on while its request is reused.
	value := json.RawMessage(`{"n":1}`)
	req := conversation.TurnRequest{
		Parts: []conversation.Part{conversation.Text("x"), conversation.Structured(value)}, Author: &conversation.Author{ID: "alice"},
		Override: &conversation.Override{Extra: map[string]json.RawMessage{"k": json.RawMessage(`1`)}}, ToolChoice: &conversation.ToolChoice{Kind: conversation.ToolChoiceAny},
	}
	run := f.start(c.ID, req)
	copy(value, `[[[[[[[`)
	req.Parts[0] = conversation.Text("overwritten")
	req.Author.ID = "eve"
	req.Override.Extra["k"][0] = '9'
	req.Override.Extra["new"] = nil
	req.ToolChoice.Kind = conversation.ToolChoiceTool
	run.Input.Parts[0] = conversation.Text("overwritten")
	run.Origins["model"] = "nowhere"
	turn := p.next(t)
	parts, err := turn.Input()[0].Content.Parts()
	require.NoError(t, err)
	require.Equal(t, "x", parts[0].Text)
	require.JSONEq(t, `{"n":1}`, string(parts[1].Value))
	require.JSONEq(t, `1`, string(turn.Settings().Extra["k"]))
	require.Len(t, turn.Settings().Extra, 1)
	step, err := turn.Step(turn.ctx)
	require.NoError(t, err)
	require.Equal(t, conversation.ToolChoiceAny, step.ToolChoice.Kind)
	require.NoError(t, turn.Structured(json.RawMessage(`{}`)))
	turn.finish(nil)
	ended := f.wait(run.ID)
	require.Equal(t, "x", ended.Input.Parts[0].Text)
	require.Equal(t, "alice", ended.Input.Author.ID)
	require.Equal(t, "x", f.log(c.ID)[0].Content.Text())
}

// TestInput_IDsThatNameNothing: the zero id and odd numbers are answers, not crashes.
func TestInput_IDsThatNameNothing(t *testing.T) {
	t.Parallel()
	f := setup(t, says("ok"), nil)
	id := f.create()
	run := f.run(id, conversation.TurnRequest{Text: "hi"})
	for _, seq := range []int64{-1, -1 << 62} {
		_, err := f.engine.Events(f.ctx, alice, run.ID, conversation.Cursor{Seq: seq}, "")
		require.Same(t, conversation.ErrBadCursor, err)
	}
	for _, cursor := range []conversation.Cursor{{Seq: 1 << 62}, {Seq: 1, Attempt: -5}, {Seq: 1 << 62, Attempt: 1 << 30}} {
		s, err := f.engine.Events(f.ctx, alice, run.ID, cursor, "")
		require.NoError(t, err)
		for e, err := range s.All(f.ctx) { // it comes to its end
			require.NoError(t, err)
			require.Equal(t, run.ID, e.RunID)
		}
		_, err = s.Next(f.ctx)
		require.ErrorIs(t, err, io.EOF)
		s.Close()
	}
	for _, q := range []conversation.MessageQuery{{Since: -5}, {Since: 1 << 62}, {Limit: -5}, {Limit: 1 << 40}, {Since: -1 << 63, Desc: true}} {
		page, err := f.engine.Messages(f.ctx, alice, id, q)
		require.NoError(t, err)
		require.EqualValues(t, 2, page.Version)
	}
	for _, q := range []conversation.RunQuery{{Limit: -5}, {Limit: 1 << 40}} {
		page, err := f.engine.Runs(f.ctx, alice, id, q)
		require.NoError(t, err)
		require.Len(t, page.Runs, 1)
	}
	_, err := f.engine.Follow(f.ctx, alice, id, conversation.Cursor{RunID: run.ID, Seq: -1}, "")
	require.Same(t, conversation.ErrBadCursor, err)
}

// TestInput_NothingBeforeStart: an engine that was not started answers what
// needs no work, and says so where it does.
func TestInput_NothingBeforeStart(t *testing.T) {
	t.Parallel()
	engine, err := conversation.New(memstore.New(nil), says("ok"), nil)
	require.NoError(t, err)
	f := &fixture{t: t, ctx: t.Context(), engine: engine, caller: alice}
	id := f.create()
	_, err = engine.StartRun(f.ctx, alice, id, conversation.TurnRequest{Text: "hi"})
	require.Same(t, conversation.ErrNotRunning, err)
	_, err = engine.Ask(f.ctx, alice, id, "hi")
	require.Same(t, conversation.ErrNotRunning, err)
	f.append(id, said("hi"))
	require.Len(t, f.log(id), 1)
	require.Same(t, conversation.ErrNotRunning, engine.Check(f.ctx))
	require.NoError(t, engine.Shutdown(f.ctx))
	require.Error(t, engine.Start(f.ctx), "it is over before it began")
}
