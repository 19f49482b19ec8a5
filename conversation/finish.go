package conversation

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/parley-go/parley/store"
)

// newTurn prepares what the Responder gets. On an error the turn is still good
// for ending the run.
func (e *Engine) newTurn(a *attempt, conv *store.Conversation) (*Turn, error) {
	t := &Turn{a: a, run: &Run{ID: a.row.ID, Attempt: a.row.Attempt}, draft: draft{limit: e.cfg.MaxMessageBytes}, nudged: make(map[uuid.UUID]bool)}
	var err error
	if a.task == nil {
		if a.task, err = decodeSpec(&a.row); err != nil {
			return t, err
		}
	}
	own := a.task.clone() // whatever the Responder does to it
	run, err := own.run(&a.row)
	if err != nil {
		return t, err
	}
	run.Effective = own.effective // secrets and all: this is who they are for
	t.run = run
	if a.fixed == nil {
		if a.fixed, err = newFixed(conv); err != nil {
			return t, err
		}
		// A claim need not tell who takes part. Without that the turn is run all the
		// same, and its message may lack an author.
		full, err := e.store.GetConversation(e.background, store.Scope{Tenant: a.row.Tenant, Wide: true}, conv.ID)
		if err == nil {
			conv.Participants = full.Participants
		}
	}
	caller := Caller{Tenant: a.row.Tenant, User: a.row.UserID}
	if t.conv, err = a.fixed.conversation(conv, caller, ViewParticipant); err != nil {
		return t, err
	}
	t.conv.Version = a.row.BaseVersion
	t.people, t.several = conv.Participants, conv.Surface == string(SurfaceChannel) || membersOf(conv) > 1
	if len(t.people) == 0 {
		t.people = []store.Participant{{UserID: conv.Owner, Member: true}}
	}
	t.input, err = e.inputMessages(run, t.conv.PendingToolCalls, a.author(conv))
	return t, err
}

// author says who wrote the turn's message, where more than one could have.
func (a *attempt) author(conv *store.Conversation) *Author {
	switch {
	case a.task.input.Author != nil:
		return a.task.input.Author
	case conv.Surface != string(SurfaceChannel) && membersOf(conv) < 2:
		return nil
	case a.task.starter != nil:
		return a.task.starter
	}
	author := &Author{ID: a.row.UserID}
	for _, p := range conv.Participants {
		if p.UserID == author.ID {
			author.Name, author.AvatarURL = p.Name, p.AvatarURL
		}
	}
	return author
}

// inputMessages makes the messages a turn begins with. Pending calls that it
// does not answer were abandoned, and get an error for an output.
func (e *Engine) inputMessages(run *Run, pending []ToolCall, author *Author) ([]Message, error) {
	var parts [][]Part
	var roles []Role
	add := func(role Role, p []Part) { roles, parts = append(roles, role), append(parts, p) }
	if len(run.Input.Outputs) > 0 {
		results := make([]Part, 0, len(run.Input.Outputs))
		for _, o := range run.Input.Outputs {
			results = append(results, o.Part())
		}
		add(RoleTool, results)
	} else {
		if len(pending) > 0 {
			results := make([]Part, 0, len(pending))
			for _, c := range pending {
				results = append(results, failedCall(c.ID, "abandoned: the user went on without it"))
			}
			add(RoleTool, results)
		}
		add(RoleUser, run.Input.Parts)
	}
	messages := make([]Message, len(roles))
	for i := range roles {
		content, err := NewContent(parts[i]...)
		if err != nil {
			return nil, err
		}
		messages[i] = Message{
			ID: e.cfg.NewID(), ConversationID: run.ConversationID, Role: roles[i], Content: content, RunID: run.ID,
		}
		if roles[i] == RoleUser {
			messages[i].Author = author
		}
	}
	return messages, nil
}

// conclude ends the run as the Responder's answer asks.
func (a *attempt) conclude(err error) {
	if err != nil {
		a.end(RunFailed, a.failure(err))
		return
	}
	if a.turn.draft.openClient() {
		a.end(RunRequiresAction, nil)
		return
	}
	if failure := a.turn.settleAnswer(); failure != nil {
		a.end(RunFailed, failure)
		return
	}
	a.end(RunCompleted, nil)
}

// failure puts a Responder's error into the client's words.
func (a *attempt) failure(err error) *RunError {
	var own *RunError
	var undeclared *UndeclaredToolError
	switch {
	case errors.Is(err, errPanic):
		return &RunError{Code: CodePanic, Message: "the responder failed"}
	case errors.As(err, &own):
		return &RunError{Code: safeText(own.Code), Message: safeText(own.Message)}
	case errors.Is(err, ErrIterationLimit):
		return &RunError{Code: CodeMaxIterations, Message: "the run used all its iterations"}
	case errors.As(err, &undeclared):
		return &RunError{Code: CodeUndeclaredTool, Message: safeText(undeclared.Error())}
	}
	a.e.log.Error("responder failed", "run", a.key.RunID, "error", err)
	return &RunError{Code: CodeResponder, Message: "the responder failed"}
}

// safeText makes a host's text storable.
func safeText(s string) string {
	return strings.ReplaceAll(strings.ToValidUTF8(s, "\uFFFD"), "\x00", "\uFFFD")
}

// settleAnswer sees to it that a run with an output schema ends with a value
// that fits: the one given, or the text if that is one.
func (t *Turn) settleAnswer() *RunError {
	if !t.run.Effective.wantsStructured() || t.draft.structured != nil {
		return nil
	}
	text := json.RawMessage(strings.TrimSpace(t.draft.text()))
	if !json.Valid(text) {
		return &RunError{Code: CodeSchema, Message: "the answer is not JSON, and the settings ask for JSON that fits a schema"}
	}
	if err := t.fits(text); err != nil {
		var failure *RunError
		errors.As(err, &failure)
		return failure
	}
	t.draft.structured = text
	t.draft.structuredIsText = true
	return nil
}

// end stores the end of the run and shows it. The turn is sealed.
func (a *attempt) end(status RunStatus, failure *RunError) {
	a.gatherStray()
	tail, result, err := a.compose(status, failure)
	if err != nil {
		// Every part was checked when it was emitted: a fault of ours, and the run
		// must end nevertheless.
		a.e.log.Error("the turn cannot be encoded", "run", a.key.RunID, "error", err)
		status, tail = RunFailed, store.Tail{}
		result = runResult{Usage: result.Usage, Error: &RunError{Code: CodeInvalidOutput, Message: "the answer cannot be stored"}}
	}
	f := &store.FinishRun{Key: a.key, Status: status, Result: encodeResult(result), Tail: tail}

	// From here on no flush stores events of this run: what is not in the store
	// yet goes there together with the end.
	a.log.flush.Lock()
	defer a.log.flush.Unlock()
	res, shown, err := a.commit(f)
	if errors.Is(err, ErrVersionConflict) {
		f.Status, f.Tail = RunFailed, store.Tail{}
		f.Result = encodeResult(runResult{
			Usage: result.Usage, Iterations: result.Iterations,
			Error: &RunError{Code: CodeConcurrentAppend, Message: "another turn was appended since this one started"},
		})
		res, shown, err = a.commit(f)
	}
	if err != nil {
		if !errors.Is(err, store.ErrFenced) {
			a.e.log.Error("the end of a run was not stored; its lease will end", "run", a.key.RunID, "error", err)
		}
		a.lost()
		return
	}
	a.show(res, shown)
}

// commit writes the end, again and again while its outcome is open, until the
// lease is over. It returns the events that the messages make.
func (a *attempt) commit(f *store.FinishRun) (*store.FinishResult, []*Event, error) {
	shown := a.appendedEvents(f.Messages)
	for try := 1; ; try++ {
		res, err := a.tryCommit(f, shown)
		if err == nil || !SafeToRepeat(err) && !errors.Is(err, context.DeadlineExceeded) {
			return res, shown, err
		}
		if time.Now().After(a.leaseOver()) || try >= a.e.finishTries() {
			return nil, nil, err
		}
		pause(context.Background(), min(time.Duration(try)*50*time.Millisecond, time.Second))
	}
}

func (a *attempt) tryCommit(f *store.FinishRun, shown []*Event) (*store.FinishResult, error) {
	ctx, cancel := a.writeContext()
	defer cancel()
	if a.log.doubtful() { // the pack would be dropped if it did not continue the stored ones
		if err := a.e.align(ctx, a.log, a.key); err != nil {
			return nil, err
		}
	}
	f.Events = a.lastEvents(shown)
	return a.e.store.FinishRun(ctx, f)
}

// finishTries bounds a write that the storage does not take. An engine that is
// shutting down does not wait for it: the lease ends, and others see to the run.
func (e *Engine) finishTries() int {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.handing {
		return resolveTries
	}
	return 100
}

// leaseOver is when this side gives the run up.
func (a *attempt) leaseOver() time.Time {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.leaseUntil
}

// appendedEvents announces the messages of the end.
func (a *attempt) appendedEvents(messages []store.Message) []*Event {
	a.log.mu.Lock()
	defer a.log.mu.Unlock()
	events := make([]*Event, len(messages))
	for i := range messages {
		id := messages[i].ID
		events[i] = a.log.next(a.row.Attempt, EventMessageAppended, EventData{
			MessageID: &id, MessageNo: a.row.BaseVersion + int64(i) + 1, Role: Role(messages[i].Role),
		}, int64(i))
	}
	return events
}

// lastEvents packs what the store does not have yet.
func (a *attempt) lastEvents(shown []*Event) *store.EventPack {
	events := append(a.log.unstored(), shown...)
	if len(events) == 0 {
		return nil
	}
	pack, err := encodePack(events)
	if err != nil {
		a.e.log.Error("events were not stored", "run", a.key.RunID, "error", err)
		return nil
	}
	return pack
}

// show tells readers here, and engines elsewhere, that the run has ended. The
// caller holds log.flush.
func (a *attempt) show(res *store.FinishResult, shown []*Event) {
	e := a.e
	end, err := a.endOf(&res.Run)
	if err != nil {
		e.log.Error("run cannot be read", "run", a.key.RunID, "error", err)
		a.lost()
		return
	}
	a.log.mu.Lock()
	if next := a.log.last() + int64(len(shown)) + 1; end.Seq != next {
		// The store has fewer of the run's events than were shown here (it lost
		// some in a crash): readers here keep their numbers.
		end.Seq, end.FirstSeq = next, next
	}
	a.log.mu.Unlock()
	a.observed.ended(end.Run)
	a.log.add(append(shown, end), res.Run.EventSeq)
	e.hint(store.HintRun, a.key.Tenant, a.key.ConversationID, a.key.RunID)
	e.changed(a.key.Tenant, a.key.ConversationID)
	e.promoted(res.Promoted)
	if res.Run.Status == RunCompleted && res.Title == "" && !res.TitleCustom {
		e.deriveTitle(a.turn)
	}
}

// endOf makes the terminal event.
func (a *attempt) endOf(row *store.Run) (*Event, error) {
	if a.task == nil { // the run could not be read, and was ended for it
		return endOf(row)
	}
	run, err := a.task.run(row)
	if err != nil {
		return nil, err
	}
	return terminal(row, run), nil
}
