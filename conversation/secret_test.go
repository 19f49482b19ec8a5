package conversation_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/parley-go/parley/conversation"
)

// The canaries: if one of these shows anywhere, a secret has got out.
const (
	canaryDefault  = "CANARY-default-6f1c"
	canaryOverride = "CANARY-override-92ab"
)

func secretive() conversation.Defaults {
	return conversation.Defaults{SystemPrompt: "hush", Settings: conversation.Settings{
		MCPServers: []conversation.MCPServer{{
			Alias: "vault", URL: "https://vault.example", Headers: map[string]conversation.Secret{"Authorization": canaryDefault},
		}},
		Tools: []conversation.Tool{{Name: "ask"}},
	}}
}

func secretOverride() *conversation.Override {
	return &conversation.Override{MCPServers: []conversation.MCPServer{{
		Alias: "vault", Headers: map[string]conversation.Secret{"Authorization": canaryOverride},
	}}}
}

// exhibit gathers everything that could be shown.
type exhibit struct {
	mu    sync.Mutex
	shown bytes.Buffer
	json  *slog.Logger
	text  *slog.Logger
	items int
}

func newExhibit() *exhibit {
	x := &exhibit{}
	debug := &slog.HandlerOptions{Level: slog.LevelDebug, AddSource: true}
	x.json, x.text = slog.New(slog.NewJSONHandler(x, debug)), slog.New(slog.NewTextHandler(x, debug))
	return x
}

// Write implements io.Writer for loggers.
func (x *exhibit) Write(p []byte) (int, error) {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.shown.Write(p)
}

// show prints, logs and encodes a value in every way there is.
func (x *exhibit) show(t *testing.T, v any) {
	t.Helper()
	x.items++
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		_, _ = fmt.Fprintf(x, verb+"\n", v)
	}
	_, _ = fmt.Fprintln(x, v)
	_, _ = fmt.Fprint(x, v)
	x.json.Debug("shown", "value", v)
	x.text.Debug("shown", slog.Any("value", v))
	if err, is := v.(error); is {
		_, _ = fmt.Fprintln(x, err.Error())
	}
	raw, err := json.Marshal(v)
	require.NoError(t, err)
	_, _ = x.Write(raw)
	raw, err = json.MarshalIndent(v, "", " ")
	require.NoError(t, err)
	_, _ = x.Write(raw)
}

// keeps fails when a canary is in what was shown, in the clear, quoted, or in hex.
func (x *exhibit) keeps(t *testing.T) {
	t.Helper()
	x.mu.Lock()
	defer x.mu.Unlock()
	shown := x.shown.String()
	require.NotEmpty(t, shown)
	require.Contains(t, shown, conversation.Redacted)
	for _, canary := range []string{canaryDefault, canaryOverride} {
		for _, form := range []string{canary, fmt.Sprintf("%x", canary), fmt.Sprintf("%X", canary), fmt.Sprint([]byte(canary))} {
			if i := strings.Index(shown, form); i >= 0 {
				require.FailNow(t, "a secret got out", "...%s...", shown[max(0, i-300):min(len(shown), i+100)])
			}
		}
	}
}

// TestC4_NothingShowsASecret follows two secrets through a whole conversation,
// with everything that is returned, streamed, logged or refused on the way.
func TestC4_NothingShowsASecret(t *testing.T) {
	t.Parallel()
	x := newExhibit()
	var titled sync.WaitGroup
	titled.Add(1)
	var mu sync.Mutex
	var seen []string // what the Responder was given
	respond := func(ctx context.Context, turn *conversation.Turn) error {
		secret := turn.Settings().MCPServers[0].Headers["Authorization"].Reveal()
		mu.Lock()
		seen = append(seen, secret)
		for _, v := range []any{turn.Conversation(), turn.Settings(), turn.Origins(), turn.Input()} {
			x.show(t, v)
		}
		_, _ = fmt.Fprintf(x, "%v %+v %#v", turn, turn, turn)
		mu.Unlock()
		switch turn.InputText() {
		case "fail":
			return errors.New("the host's own words")
		case "panic":
			panic("the host's own panic")
		case "pause":
			_, err := turn.ToolCall(conversation.ToolCall{Name: "ask"})
			return err
		case "wrong":
			_, err := turn.ToolCall(conversation.ToolCall{Name: "nobody-knows"})
			return err
		case "stop":
			<-ctx.Done()
			return context.Cause(ctx)
		}
		call, err := turn.ToolCall(conversation.ToolCall{Name: "vault-open", Arguments: json.RawMessage(`{"door":1}`)})
		if err != nil {
			return err
		}
		if err := turn.ToolResult(output(call.ID, "opened")); err != nil {
			return err
		}
		return turn.Text("done")
	}
	f := setup(t, conversation.ResponderFunc(respond), &conversation.Config{
		Logger: x.json, RunTimeout: time.Minute,
		Titler: conversation.TitlerFunc(func(_ context.Context, req *conversation.TitleRequest) (string, error) {
			defer titled.Done()
			mu.Lock()
			defer mu.Unlock()
			x.show(t, req)
			x.show(t, req.Run)
			x.show(t, req.Conversation)
			return "", errors.New("no idea")
		}),
		RenderPrompt: func(_ context.Context, req *conversation.PromptRequest) (string, error) {
			mu.Lock()
			defer mu.Unlock()
			x.show(t, req)
			return req.SystemPrompt, nil
		},
	})
	show := func(v any, err error) {
		t.Helper()
		require.NoError(t, err)
		mu.Lock()
		defer mu.Unlock()
		x.show(t, v)
	}

	c, err := f.engine.Create(f.ctx, alice, conversation.CreateParams{Defaults: secretive()})
	show(c, err)
	follow, err := f.engine.Follow(f.ctx, alice, c.ID, conversation.Cursor{}, conversation.ViewParticipant)
	require.NoError(t, err)
	defer follow.Close()
	for _, text := range []string{"good", "fail", "panic", "wrong", "stop", "pause"} {
		req := conversation.TurnRequest{Text: text, Override: secretOverride()}
		if text == "good" {
			req.Override = nil
		}
		run := f.start(c.ID, req)
		show(run, nil)
		if text == "stop" {
			show(f.engine.StopRun(f.ctx, alice, run.ID))
		}
		show(f.wait(run.ID), nil)
		for _, e := range f.replay(run.ID, conversation.Cursor{}) {
			show(e, nil)
		}
		show(f.engine.Get(f.ctx, alice, c.ID, conversation.ViewParticipant))
	}
	titled.Wait()
	events, err := follow.Next(f.ctx)
	show(events, err)
	show(f.engine.List(f.ctx, admin, conversation.Query{View: conversation.ViewAdmin}))
	show(f.engine.Runs(f.ctx, alice, c.ID, conversation.RunQuery{}))
	show(f.engine.Messages(f.ctx, alice, c.ID, conversation.MessageQuery{}))
	show(f.engine.Fork(f.ctx, alice, c.ID, conversation.ForkParams{}))
	show(f.engine.Renew(f.ctx, alice, c.ID))
	show(f.engine.SetTitle(f.ctx, alice, c.ID, "title"))
	show(f.engine.Delete(f.ctx, alice, c.ID))
	show(f.engine.Restore(f.ctx, alice, c.ID))
	mu.Lock()
	defer mu.Unlock()
	require.Equal(t, []string{canaryDefault, canaryOverride, canaryOverride, canaryOverride, canaryOverride, canaryOverride}, seen)
	require.Greater(t, x.items, 60)
	x.keeps(t)
}

// TestC4_ArgumentsShowNoSecret: hosts log what they are asked for, too.
func TestC4_ArgumentsShowNoSecret(t *testing.T) {
	t.Parallel()
	x := newExhibit()
	d := secretive()
	for _, v := range []any{
		d, &d, d.Settings, d.MCPServers, d.MCPServers[0], d.MCPServers[0].Headers, d.MCPServers[0].Headers["Authorization"],
		conversation.CreateParams{Defaults: d}, conversation.ForkParams{Defaults: &d}, *secretOverride(), secretOverride(),
		conversation.TurnRequest{Text: "x", Override: secretOverride()}, &conversation.Run{Override: secretOverride(), Effective: d.Settings},
		[]conversation.Secret{canaryDefault}, [1]any{conversation.Secret(canaryOverride)},
		fmt.Errorf("wrapped: %v", conversation.Secret(canaryDefault)), &conversation.PromptRequest{Settings: d.Settings},
	} {
		x.show(t, v)
	}
	raw, err := conversation.Secret(canaryDefault).MarshalText()
	require.NoError(t, err)
	_, _ = x.Write(raw)
	for _, format := range []string{"more arguments than verbs", "%!", "%[3]v", "%-99.3v", "%*v", "%c", "%t", "%U"} {
		_, _ = fmt.Fprintf(x, format, conversation.Secret(canaryDefault))
		_, _ = fmt.Fprintf(x, format, d)
	}
	x.keeps(t)
	require.Equal(t, canaryDefault, d.MCPServers[0].Headers["Authorization"].Reveal())
}

// TestC4_RefusalsShowNoSecret: what is wrong with a secret is said without it.
func TestC4_RefusalsShowNoSecret(t *testing.T) {
	t.Parallel()
	x := newExhibit()
	f := setup(t, says("ok"), &conversation.Config{Logger: x.text})
	id := f.create()
	for _, secret := range []string{
		canaryDefault + "\n", "\xff" + canaryDefault, canaryDefault + "\x00", strings.Repeat(canaryDefault, 1000), strings.Repeat(canaryDefault, 100000),
	} {
		bad := settings(conversation.Settings{MCPServers: []conversation.MCPServer{
			{Alias: "not-an-alias", Headers: map[string]conversation.Secret{"Authorization": conversation.Secret(secret)}},
		}})
		_, err := f.engine.Create(f.ctx, alice, conversation.CreateParams{Defaults: bad})
		require.ErrorIs(t, err, conversation.ErrInvalid)
		x.show(t, err)
		_, err = f.engine.Fork(f.ctx, alice, id, conversation.ForkParams{Defaults: &bad})
		require.ErrorIs(t, err, conversation.ErrInvalid)
		x.show(t, err)
		o := conversation.Override(bad.Settings)
		_, err = f.engine.StartRun(f.ctx, alice, id, conversation.TurnRequest{Text: "hi", Override: &o})
		require.ErrorIs(t, err, conversation.ErrInvalid)
		x.show(t, err)
	}
	// The same key with another secret: the fingerprint tells them apart, and says nothing else.
	first := f.start(id, conversation.TurnRequest{Text: "hi", Key: "k", Override: secretOverride()})
	other := secretOverride()
	other.MCPServers[0].Headers["Authorization"] = canaryDefault
	_, err := f.engine.StartRun(f.ctx, alice, id, conversation.TurnRequest{Text: "hi", Key: "k", Override: other})
	require.ErrorIs(t, err, conversation.ErrIdempotencyMismatch)
	x.show(t, err)
	same, err := f.engine.StartRun(f.ctx, alice, id, conversation.TurnRequest{Text: "hi", Key: "k", Override: secretOverride()})
	require.NoError(t, err)
	require.Equal(t, first.ID, same.ID)
	x.show(t, same)
	x.keeps(t)
}

// TestC4_WhatAReadShowsCannotBeSentBack: it would break the server silently.
func TestC4_WhatAReadShowsCannotBeSentBack(t *testing.T) {
	t.Parallel()
	f := setup(t, says("ok"), nil)
	c, err := f.engine.Create(f.ctx, alice, conversation.CreateParams{Defaults: secretive()})
	require.NoError(t, err)
	raw, err := json.Marshal(c.Defaults)
	require.NoError(t, err)
	var back conversation.Defaults
	require.NoError(t, json.Unmarshal(raw, &back))
	const header = "mcp_servers[0].headers.Authorization"
	_, err = f.engine.Create(f.ctx, alice, conversation.CreateParams{Defaults: back})
	require.Equal(t, []string{"defaults." + header}, paths(t, err))
	_, err = f.engine.Fork(f.ctx, alice, c.ID, conversation.ForkParams{Defaults: &back})
	require.Equal(t, []string{"defaults." + header}, paths(t, err))
	o := conversation.Override(back.Settings)
	_, err = f.engine.StartRun(f.ctx, alice, c.ID, conversation.TurnRequest{Text: "hi", Override: &o})
	require.Equal(t, []string{"override." + header}, paths(t, err))
	// It is not only hidden: it is not there.
	require.Equal(t, conversation.Redacted, c.Defaults.MCPServers[0].Headers["Authorization"].Reveal())
	// A real value decodes as itself.
	require.NoError(t, json.Unmarshal([]byte(`{"mcp_servers":[{"alias":"a","headers":{"X":"`+canaryDefault+`"}}]}`), &back))
	require.Equal(t, canaryDefault, back.MCPServers[0].Headers["X"].Reveal())
}

// TestC4_SecretsReachTheResponder wherever the run is, and whatever was made of
// the conversation.
func TestC4_SecretsReachTheResponder(t *testing.T) {
	t.Parallel()
	reveal := conversation.ResponderFunc(func(_ context.Context, turn *conversation.Turn) error {
		return turn.Text(strings.ToLower(turn.Settings().MCPServers[0].Headers["Authorization"].Reveal()))
	})
	f := setup(t, reveal, nil)
	c, err := f.engine.Create(f.ctx, alice, conversation.CreateParams{Defaults: secretive()})
	require.NoError(t, err)
	fork, err := f.engine.Fork(f.ctx, alice, c.ID, conversation.ForkParams{})
	require.NoError(t, err)
	renewed, err := f.engine.Renew(f.ctx, alice, c.ID)
	require.NoError(t, err)
	for _, id := range []*conversation.Conversation{c, fork, renewed} {
		require.Equal(t, strings.ToLower(canaryDefault), *f.run(id.ID, conversation.TurnRequest{Text: "hi"}).FinalText)
	}
	require.Equal(t, strings.ToLower(canaryOverride), *f.run(c.ID, conversation.TurnRequest{Text: "hi", Override: secretOverride()}).FinalText)
	// An override without servers clears them, secrets and all.
	run := f.run(c.ID, conversation.TurnRequest{Text: "hi", Override: &conversation.Override{MCPServers: []conversation.MCPServer{}}})
	require.Equal(t, conversation.CodePanic, run.Error.Code, "there is no server to take a header of")
	// On another engine of the same store they are the same.
	g := f.join(reveal, nil)
	require.Equal(t, strings.ToLower(canaryDefault), *g.run(c.ID, conversation.TurnRequest{Text: "hi"}).FinalText)
}
