// Package conversation is an engine for conversations with a language model:
// what a host imports. It keeps the log and its version, runs turns that
// stream, pause for tools, stop, time out and survive a crash, and decides who
// may see what. The model call is the host's, behind Responder; the storage is
// a store.Store.
//
//	engine, err := conversation.New(memstore.New(nil), responder, nil)
//	...
//	err = engine.Start(ctx)
//	...
//	c, err := engine.Create(ctx, caller, conversation.CreateParams{})
//	run, err := engine.StartRun(ctx, caller, c.ID, conversation.TurnRequest{Text: "Hello"})
//	stream, err := engine.Events(ctx, caller, run.ID, conversation.Cursor{}, conversation.ViewParticipant)
//	for event, err := range stream.All(ctx) {
//		...
//	}
//
// # Callers
//
// Every method takes a Caller, which the host makes from its own
// authentication. The permission is checked first, before anything is looked up.
// What the caller does not take part in is ErrNotFound, whether it exists or
// not. Participants come in by creating a conversation or by AddParticipant;
// being mentioned, or quoted as an author, lists a person in the directory and
// gives no access.
//
// # The version
//
// A conversation's version is the number of its newest message. A turn that
// names the version it was written for (TurnRequest.ExpectedVersion) starts
// from that one or fails with *VersionConflictError, which has both numbers.
// The version is compared again when the run ends: of several runs that started
// from one version exactly one lands, and the others end RunFailed with
// CodeConcurrentAppend and leave no message. A turn is a transaction: its input
// and its output enter the log together, or neither does.
//
// # Runs
//
//	from      event                                      to               appends
//	-         StartRun, conversation free                running          -
//	-         StartRun, busy, BusyRace                   running          -
//	-         StartRun, busy, BusyEnqueue/BusyInterrupt  pending, queued  -
//	queued    the conversation is free again             pending          -
//	queued    StopRun, Delete                            stopped          nothing
//	queued    waited for Config.QueueTimeout             timed_out        nothing
//	pending   claimed by an engine                       running          -
//	pending   StopRun, Delete                            stopped          nothing
//	running   Respond returns nil                        completed        input and output
//	running   Respond returns nil, client tools called   requires_action  input and output
//	running   Respond fails, panics; schema not met      failed           nothing
//	running   another run landed first                   failed           nothing
//	running   StopRun, text was written                  stopped          input and output, marked incomplete
//	running   StopRun, nothing was written               stopped          nothing
//	running   Delete                                     stopped          nothing
//	running   deadline                                   timed_out        nothing
//	running   Shutdown                                   pending          -
//	running   lease over, claimed by another engine      running          -
//	running   lease over, Config.MaxAttempts reached     failed           nothing
//
// Completed, requires_action, failed, stopped and timed_out are final. A run
// that requires action is continued by a new run that carries one output for
// each pending call. A queued run whose predecessor pauses for tools waits until
// the calls are answered or abandoned; whatever else becomes of the predecessor,
// it starts.
//
// A run does not belong to the connection, or the process, that started it.
// Each attempt at it has a fencing number that the store checks with every
// write, so the late writes of a process that was given up for dead are refused.
//
// # Events
//
// Events of a run are numbered from 1 without gaps and can be read from any
// place, in any process on the same store, while the run goes on and after it.
// Readers in the process that runs it see an event at once, others within
// Config.FlushInterval plus Config.PollInterval. When that process dies, what it
// had not stored yet is lost: EventRunRestarted says so, and voids what came
// before it. A cursor knows which attempt it saw (Cursor.Attempt), so that a
// reader never goes silently on from a text that was started over; without it a
// reader may see a restart twice, which is harmless. After the end of a run
// deltas are read put together: FirstSeq to Seq of an event say which they were.
//
// # Decisions
//
// Where several answers would do, these were chosen. An override replaces a
// field whole, Extra included. A stopped run that has written nothing appends
// nothing, not even its input. A tool call of an MCP server that gets no result
// before its turn ends gets an error for one. FinalText is all text of the run,
// before and after tools. A nudge that a run has read becomes a message of the
// user at its place in the log. Tool outputs never wait in the queue: they
// answer the present head or none. A fork is a conversation of the web, since
// the channel its parent came from does not know it. A restored conversation's
// runs stay stopped. The error text of a Responder goes to the log; clients see
// it only when it is a *RunError.
package conversation
