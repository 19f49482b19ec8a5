package conversation

import (
	"encoding/json"
	"time"

	"github.com/google/uuid"
	"github.com/parley-go/parley/store"
)

// Conversation is the container of a log, as one caller sees it.
type Conversation struct {
	ID     uuid.UUID
	Tenant string
	User   string // who created it; never changes (rule A1)

	Agent *Agent // nil when bound to none

	Title       string // "" until one exists
	TitleCustom bool   // set by a participant, not derived
	Mode        Mode
	Channel     Channel
	Surface     Surface
	Defaults    Defaults // fixed for life (rule C1)
	Metadata    json.RawMessage

	Version int64 // of the newest message; 0 for none

	// PendingToolCalls wait for outputs; a turn that carries them continues.
	PendingToolCalls []ToolCall

	ReadOnly     bool                          // for this caller (rule L3)
	Participants map[string]ParticipantProfile // by user id; empty for a single party (rule L4)
	ViewingAs    View

	ParentID      uuid.UUID // uuid.Nil unless forked
	ParentVersion int64

	// RenderedSystemPrompt is the prompt of the latest run as it was used; nil
	// before any. Only Get tells it.
	RenderedSystemPrompt *string

	StreamStatus StreamStatus // of the latest run (rule L7)
	LastText     string       // short text of the newest message that has any

	CreatedAt  time.Time
	UpdatedAt  time.Time // strictly grows with every change
	ActivityAt time.Time
	DeletedAt  time.Time // zero unless deleted
}

// Deleted reports whether the conversation is soft-deleted.
func (c *Conversation) Deleted() bool { return !c.DeletedAt.IsZero() }

// Agent is the summary of an agent that a conversation shows.
type Agent struct {
	ID          string `json:"id"`
	Slug        string `json:"slug,omitempty"`
	DisplayName string `json:"display_name,omitempty"`
	AvatarURL   string `json:"avatar_url,omitempty"`
}

// ParticipantProfile is what a directory tells of a person.
type ParticipantProfile struct {
	Name      string `json:"name"`
	AvatarURL string `json:"avatar_url"`
}

// Mode is the lane of a conversation (rule L2).
type Mode string

// The modes.
const (
	ModeStandard Mode = "standard"
	ModeFast     Mode = "fast"
)

// Channel is where a conversation comes from. Hosts may use words of their own:
// up to 32 lower-case letters, digits, dashes and underscores.
type Channel string

// The channels known everywhere.
const (
	ChannelWeb      Channel = "web"
	ChannelSlack    Channel = "slack"
	ChannelTeams    Channel = "teams"
	ChannelSchedule Channel = "schedule"
	ChannelEmail    Channel = "email"
)

// Surface is the kind of place in its channel.
type Surface string

// The surfaces.
const (
	SurfaceChannel   Surface = "channel" // a thread of several people
	SurfaceDM        Surface = "dm"
	SurfaceWeb       Surface = "web"
	SurfaceExtension Surface = "extension"
)

// StreamStatus is the state of a conversation's latest run, in fewer words than
// a RunStatus (rule L7).
type StreamStatus string

// The stream states.
const (
	StreamNone       StreamStatus = ""
	StreamInProgress StreamStatus = "in_progress"
	StreamCompleted  StreamStatus = "completed" // also when it waits for tool outputs
	StreamStopped    StreamStatus = "stopped"
	StreamError      StreamStatus = "error"
	StreamTimeout    StreamStatus = "timeout"
)

func streamStatus(c *store.Conversation) StreamStatus {
	if c.Active > 0 {
		return StreamInProgress
	}
	switch c.LastRunStatus {
	case RunPending, RunRunning:
		return StreamInProgress
	case RunCompleted, RunRequiresAction:
		return StreamCompleted
	case RunStopped:
		return StreamStopped
	case RunFailed:
		return StreamError
	case RunTimedOut:
		return StreamTimeout
	}
	return StreamNone
}

// readOnly derives rule L3: a thread of several people in a channel, and the
// record of a schedule, take turns from their own connector only.
func readOnly(channel Channel, surface Surface, caller Caller) bool {
	if surface != SurfaceChannel && channel != ChannelSchedule {
		return false
	}
	from := caller.Channel
	if from == "" {
		from = ChannelWeb
	}
	return from != channel
}
