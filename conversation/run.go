package conversation

import (
	"encoding/json"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/parley-go/parley/store"
)

// RunStatus is the state of a run. The package documentation has the table.
type RunStatus = store.RunStatus

// The states. The last five are terminal, and terminal is final (rule R1).
const (
	RunPending        = store.RunPending
	RunRunning        = store.RunRunning
	RunCompleted      = store.RunCompleted
	RunRequiresAction = store.RunRequiresAction
	RunFailed         = store.RunFailed
	RunStopped        = store.RunStopped
	RunTimedOut       = store.RunTimedOut
)

// Run is one execution of a turn.
type Run struct {
	ID             uuid.UUID
	ConversationID uuid.UUID
	Status         RunStatus
	Queued         bool   // pending because another run holds the conversation
	UserID         string // who started it

	BaseVersion int64 // the head it started from; while queued the head when it was queued
	Version     int64 // the head after what it appended; 0 while it has appended nothing

	Input        Input
	Override     *Override         // nil when the turn had none
	Effective    Settings          // what the run uses (rule C2)
	Origins      map[string]Origin // where each field of Effective came from
	SystemPrompt string            // as rendered for this run
	ToolChoice   *ToolChoice

	PendingToolCalls []ToolCall      // with RunRequiresAction
	FinalText        *string         // with RunCompleted, unless the answer is structured
	FinalStructured  json.RawMessage // with RunCompleted and an output schema
	Usage            Usage
	Error            *RunError // with RunFailed, RunTimedOut and RunStopped
	Iterations       int
	Attempt          int // claims so far

	Key           string // idempotency key; "" for none
	Replayed      bool   // StartRun returned a run that an earlier call had started
	StopRequested bool

	CreatedAt   time.Time
	StartedAt   time.Time // zero before
	CompletedAt time.Time // zero before
}

// clone returns a run that shares nothing with this one.
func (r *Run) clone() *Run {
	t := task{input: r.Input, override: r.Override, effective: r.Effective, origins: r.Origins, toolChoice: r.ToolChoice}
	own := t.clone()
	out := *r
	out.Input, out.Override, out.Effective, out.Origins, out.ToolChoice = own.input, own.override, own.effective, own.origins, own.toolChoice
	out.PendingToolCalls = slices.Clone(r.PendingToolCalls)
	for i := range out.PendingToolCalls {
		out.PendingToolCalls[i].Arguments = slices.Clone(out.PendingToolCalls[i].Arguments)
	}
	out.FinalStructured = slices.Clone(r.FinalStructured)
	if r.FinalText != nil {
		text := *r.FinalText
		out.FinalText = &text
	}
	if r.Error != nil {
		failure := *r.Error
		out.Error = &failure
	}
	return &out
}

// Usage counts tokens, summed over the iterations of a run.
type Usage struct {
	PromptTokens     int64 `json:"prompt_tokens"`
	CompletionTokens int64 `json:"completion_tokens"`
	TotalTokens      int64 `json:"total_tokens"`
}

// Input is what a turn brings: a message, or tool outputs.
type Input struct {
	Parts          []Part
	Outputs        []ToolOutput
	Author         *Author
	AbandonPending bool
}

// ToolChoiceKind says how free the model is in its first iteration.
type ToolChoiceKind string

// The kinds of tool choice.
const (
	ToolChoiceAuto ToolChoiceKind = "auto" // the model decides
	ToolChoiceAny  ToolChoiceKind = "any"  // some tool must be called
	ToolChoiceTool ToolChoiceKind = "tool" // this tool must be called
)

// ToolChoice steers the first iteration of a run; later ones are auto.
type ToolChoice struct {
	Kind ToolChoiceKind `json:"kind"`
	Name string         `json:"name,omitempty"` // wire name, with ToolChoiceTool
}

// BusyPolicy says what a turn does while another run is active (rule R4).
type BusyPolicy = store.Busy

// The policies. The zero value is BusyReject.
const (
	BusyReject    = store.BusyReject    // fail with *RunActiveError
	BusyRace      = store.BusyRace      // run beside it; the version decides at the end
	BusyEnqueue   = store.BusyEnqueue   // wait for one's turn
	BusyInterrupt = store.BusyInterrupt // stop it, then start
)

// Nudge is text handed to a run in flight, which reads it at its next step.
type Nudge struct {
	ID        uuid.UUID  `json:"nudge_id"`
	RunID     uuid.UUID  `json:"run_id"`
	UserID    string     `json:"user_id"`
	Text      string     `json:"text"`
	State     NudgeState `json:"state"`
	CreatedAt time.Time  `json:"created_at"`
}

// NudgeState is the state of a nudge; every nudge ends applied or returned.
type NudgeState = store.NudgeState

// The states of a nudge.
const (
	NudgeWaiting  = store.NudgeWaiting
	NudgeTaken    = store.NudgeTaken
	NudgeApplied  = store.NudgeApplied
	NudgeReturned = store.NudgeReturned
)

// MarshalJSON encodes the run as clients read it.
func (r *Run) MarshalJSON() ([]byte, error) {
	var effective any
	if r.Origins != nil {
		effective = struct {
			Settings
			Origin map[string]Origin `json:"origin"`
		}{r.Effective, r.Origins}
	}
	pending := r.PendingToolCalls
	if pending == nil {
		pending = []ToolCall{}
	}
	var version *int64
	if r.Status.Terminal() {
		v := r.Version
		if v == 0 {
			v = r.BaseVersion
		}
		version = &v
	}
	return json.Marshal(struct {
		ID             uuid.UUID       `json:"id"`
		ConversationID uuid.UUID       `json:"conversation_id"`
		Status         RunStatus       `json:"status"`
		Queued         bool            `json:"queued,omitempty"`
		UserID         string          `json:"user_id"`
		BaseVersion    int64           `json:"base_version"`
		Version        *int64          `json:"version"`
		Input          Input           `json:"input"`
		Override       *Override       `json:"override"`
		Effective      any             `json:"effective_config"`
		SystemPrompt   string          `json:"rendered_system_prompt"`
		ToolChoice     *ToolChoice     `json:"tool_choice,omitempty"`
		Pending        []ToolCall      `json:"pending_tool_calls"`
		Text           *string         `json:"final_text"`
		Structured     json.RawMessage `json:"final_structured_output"`
		Usage          Usage           `json:"usage"`
		Error          *RunError       `json:"error"`
		Iterations     int             `json:"iterations_used"`
		Attempt        int             `json:"attempt"`
		StopRequested  bool            `json:"stop_requested,omitempty"`
		Key            *string         `json:"client_op_id"`
		CreatedAt      timestamp       `json:"created_at"`
		StartedAt      timestamp       `json:"started_at"`
		CompletedAt    timestamp       `json:"completed_at"`
	}{
		r.ID, r.ConversationID, r.Status, r.Queued, r.UserID, r.BaseVersion, version, r.Input, r.Override, effective,
		r.SystemPrompt, r.ToolChoice, pending, r.FinalText, r.FinalStructured, r.Usage, r.Error, r.Iterations, r.Attempt,
		r.StopRequested, optionalString(r.Key), timestamp(r.CreatedAt), timestamp(r.StartedAt), timestamp(r.CompletedAt),
	})
}

// MarshalJSON encodes a message as parts, and outputs as tool_outputs.
func (in Input) MarshalJSON() ([]byte, error) {
	type output struct {
		ID      string `json:"tool_call_id"`
		Parts   []Part `json:"parts"`
		IsError bool   `json:"is_error"`
	}
	var outputs []output
	for _, o := range in.Outputs {
		parts := o.Parts
		if parts == nil {
			parts = []Part{}
		}
		outputs = append(outputs, output{o.ToolCallID, parts, o.IsError})
	}
	return json.Marshal(struct {
		Parts   []Part   `json:"parts,omitempty"`
		Outputs []output `json:"tool_outputs,omitempty"`
		Author  *Author  `json:"author,omitempty"`
		Abandon bool     `json:"abandon_pending,omitempty"`
	}{in.Parts, outputs, in.Author, in.AbandonPending})
}

func optionalString(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}
