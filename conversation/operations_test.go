package conversation_test

import (
	"strings"

	"github.com/google/uuid"

	"github.com/parley-go/parley/conversation"
)

// operation is one method of the Engine that takes a Caller.
type operation struct {
	name string
	verb conversation.Permission

	// open marks methods that name no conversation and no run: nothing can be foreign to them.
	open bool
	// views marks reads that an administrator may widen (rule A4).
	views bool

	// call makes a call that succeeds for the owner; bad, if any, one whose
	// arguments are at fault, which a stranger must not learn.
	call, bad func(f *fixture, at target, view conversation.View) error
}

// target is what an operation is tried on.
type target struct{ conversation, run uuid.UUID }

func closed(s *conversation.Stream, err error) error {
	if err == nil {
		s.Close()
	}
	return err
}

// operations are all of them; TestA2_EveryMethodIsInTheTable holds that.
var operations = []operation{
	{
		name: "AddParticipant", verb: conversation.PermWrite,
		call: func(f *fixture, at target, _ conversation.View) error {
			_, err := f.engine.AddParticipant(f.ctx, f.caller, at.conversation, conversation.Participant{UserID: "carol"})
			return err
		},
		bad: func(f *fixture, at target, _ conversation.View) error {
			_, err := f.engine.AddParticipant(f.ctx, f.caller, at.conversation, conversation.Participant{})
			return err
		},
	},
	{
		name: "Append", verb: conversation.PermWrite,
		call: func(f *fixture, at target, _ conversation.View) error {
			_, err := f.engine.Append(f.ctx, f.caller, at.conversation, conversation.AppendParams{Messages: []conversation.Message{said("hi")}})
			return err
		},
		bad: func(f *fixture, at target, _ conversation.View) error {
			_, err := f.engine.Append(f.ctx, f.caller, at.conversation, conversation.AppendParams{})
			return err
		},
	},
	{
		name: "Ask", verb: conversation.PermReadWrite,
		call: func(f *fixture, at target, _ conversation.View) error {
			_, err := f.engine.Ask(f.ctx, f.caller, at.conversation, "hi")
			return err
		},
		bad: func(f *fixture, at target, _ conversation.View) error {
			_, err := f.engine.Ask(f.ctx, f.caller, at.conversation, " ")
			return err
		},
	},
	{
		name: "Create", verb: conversation.PermWrite, open: true,
		call: func(f *fixture, _ target, _ conversation.View) error {
			_, err := f.engine.Create(f.ctx, f.caller, conversation.CreateParams{})
			return err
		},
	},
	{
		name: "Delete", verb: conversation.PermWrite,
		call: func(f *fixture, at target, _ conversation.View) error {
			_, err := f.engine.Delete(f.ctx, f.caller, at.conversation)
			return err
		},
	},
	{
		name: "Events", verb: conversation.PermRead, views: true,
		call: func(f *fixture, at target, view conversation.View) error {
			return closed(f.engine.Events(f.ctx, f.caller, at.run, conversation.Cursor{}, view))
		},
		bad: func(f *fixture, at target, view conversation.View) error {
			return closed(f.engine.Events(f.ctx, f.caller, at.run, conversation.Cursor{RunID: uuid.New(), Seq: 1}, view))
		},
	},
	{
		name: "Follow", verb: conversation.PermRead, views: true,
		call: func(f *fixture, at target, view conversation.View) error {
			return closed(f.engine.Follow(f.ctx, f.caller, at.conversation, conversation.Cursor{}, view))
		},
		bad: func(f *fixture, at target, view conversation.View) error {
			return closed(f.engine.Follow(f.ctx, f.caller, at.conversation, conversation.Cursor{Seq: 7}, view))
		},
	},
	{
		name: "Fork", verb: conversation.PermReadWrite,
		call: func(f *fixture, at target, _ conversation.View) error {
			_, err := f.engine.Fork(f.ctx, f.caller, at.conversation, conversation.ForkParams{})
			return err
		},
		bad: func(f *fixture, at target, _ conversation.View) error {
			_, err := f.engine.Fork(f.ctx, f.caller, at.conversation, conversation.ForkParams{AtVersion: conversation.At(-1)})
			return err
		},
	},
	{
		name: "Get", verb: conversation.PermRead, views: true,
		call: func(f *fixture, at target, view conversation.View) error {
			_, err := f.engine.Get(f.ctx, f.caller, at.conversation, view)
			return err
		},
	},
	{
		name: "List", verb: conversation.PermRead, open: true, views: true,
		call: func(f *fixture, _ target, view conversation.View) error {
			_, err := f.engine.List(f.ctx, f.caller, conversation.Query{View: view})
			return err
		},
	},
	{
		name: "Messages", verb: conversation.PermRead, views: true,
		call: func(f *fixture, at target, view conversation.View) error {
			_, err := f.engine.Messages(f.ctx, f.caller, at.conversation, conversation.MessageQuery{View: view})
			return err
		},
	},
	{
		name: "NudgeRun", verb: conversation.PermWrite,
		call: func(f *fixture, at target, _ conversation.View) error {
			_, err := f.engine.NudgeRun(f.ctx, f.caller, at.run, "hurry")
			return err
		},
		bad: func(f *fixture, at target, _ conversation.View) error {
			_, err := f.engine.NudgeRun(f.ctx, f.caller, at.run, "")
			return err
		},
	},
	{
		name: "Nudges", verb: conversation.PermRead, views: true,
		call: func(f *fixture, at target, view conversation.View) error {
			_, err := f.engine.Nudges(f.ctx, f.caller, at.run, view)
			return err
		},
	},
	{
		name: "Promote", verb: conversation.PermWrite,
		call: func(f *fixture, at target, _ conversation.View) error {
			_, err := f.engine.Promote(f.ctx, f.caller, at.conversation)
			return err
		},
	},
	{
		name: "Purge", verb: conversation.PermWrite,
		call: func(f *fixture, at target, _ conversation.View) error {
			_, err := f.engine.Purge(f.ctx, f.caller, at.conversation)
			return err
		},
	},
	{
		name: "PurgeTenant", verb: conversation.PermWrite, open: true,
		call: func(f *fixture, _ target, _ conversation.View) error {
			_, err := f.engine.PurgeTenant(f.ctx, f.caller)
			return err
		},
	},
	{
		name: "PurgeUser", verb: conversation.PermWrite, open: true,
		call: func(f *fixture, _ target, _ conversation.View) error {
			_, err := f.engine.PurgeUser(f.ctx, f.caller, f.caller.User)
			return err
		},
	},
	{
		name: "Renew", verb: conversation.PermReadWrite,
		call: func(f *fixture, at target, _ conversation.View) error {
			_, err := f.engine.Renew(f.ctx, f.caller, at.conversation)
			return err
		},
	},
	{
		name: "Restore", verb: conversation.PermWrite,
		call: func(f *fixture, at target, _ conversation.View) error {
			_, err := f.engine.Restore(f.ctx, f.caller, at.conversation)
			return err
		},
	},
	{
		name: "Run", verb: conversation.PermRead, views: true,
		call: func(f *fixture, at target, view conversation.View) error {
			_, err := f.engine.Run(f.ctx, f.caller, at.run, view)
			return err
		},
	},
	{
		name: "RunTurn", verb: conversation.PermReadWrite,
		call: func(f *fixture, at target, _ conversation.View) error {
			_, err := f.engine.RunTurn(f.ctx, f.caller, at.conversation, conversation.TurnRequest{Text: "hi"})
			return err
		},
		bad: func(f *fixture, at target, _ conversation.View) error {
			_, err := f.engine.RunTurn(f.ctx, f.caller, at.conversation, conversation.TurnRequest{})
			return err
		},
	},
	{
		name: "Runs", verb: conversation.PermRead, views: true,
		call: func(f *fixture, at target, view conversation.View) error {
			_, err := f.engine.Runs(f.ctx, f.caller, at.conversation, conversation.RunQuery{View: view})
			return err
		},
	},
	{
		name: "SetTitle", verb: conversation.PermWrite,
		call: func(f *fixture, at target, _ conversation.View) error {
			_, err := f.engine.SetTitle(f.ctx, f.caller, at.conversation, "a title")
			return err
		},
		bad: func(f *fixture, at target, _ conversation.View) error {
			_, err := f.engine.SetTitle(f.ctx, f.caller, at.conversation, strings.Repeat("x", 1000))
			return err
		},
	},
	{
		name: "StartRun", verb: conversation.PermWrite,
		call: func(f *fixture, at target, _ conversation.View) error {
			_, err := f.engine.StartRun(f.ctx, f.caller, at.conversation, conversation.TurnRequest{Text: "hi"})
			return err
		},
		bad: func(f *fixture, at target, _ conversation.View) error {
			_, err := f.engine.StartRun(f.ctx, f.caller, at.conversation, conversation.TurnRequest{
				ExpectedVersion: conversation.At(99), Outputs: []conversation.ToolOutput{output("nope", "x")},
			})
			return err
		},
	},
	{
		name: "StopRun", verb: conversation.PermWrite,
		call: func(f *fixture, at target, _ conversation.View) error {
			_, err := f.engine.StopRun(f.ctx, f.caller, at.run)
			return err
		},
	},
	{
		name: "Wait", verb: conversation.PermRead,
		call: func(f *fixture, at target, _ conversation.View) error {
			_, err := f.engine.Wait(f.ctx, f.caller, at.run)
			return err
		},
	},
}
