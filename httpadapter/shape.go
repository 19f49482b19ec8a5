package httpadapter

import (
	"encoding/json"
	"time"

	"github.com/google/uuid"

	"github.com/parley-go/parley/conversation"
)

// conversationShape is a conversation as clients read it. The second names of
// one thing are those that clients of the other systems read.
type conversationShape struct {
	ID             uuid.UUID `json:"id"`
	ConversationID uuid.UUID `json:"conversation_id"` // = id
	TenantID       string    `json:"tenant_id"`
	CompanyID      string    `json:"company_id"` // = tenant_id
	UserID         string    `json:"user_id"`

	AgentID *string     `json:"agent_id"`
	Agent   *agentShape `json:"agent"`

	Title       *string               `json:"title"`
	Name        *string               `json:"name"` // = title
	TitleCustom bool                  `json:"title_is_custom"`
	Defaults    conversation.Defaults `json:"defaults"`
	Version     int64                 `json:"version"`

	Mode        conversation.Mode    `json:"mode"`
	Channel     conversation.Channel `json:"channel"`
	ChannelKind conversation.Channel `json:"channel_kind"` // = channel
	Surface     conversation.Surface `json:"surface"`
	ReadOnly    bool                 `json:"read_only"`

	Participants map[string]conversation.ParticipantProfile `json:"participants"`
	ViewingAs    conversation.View                          `json:"viewing_as"`

	ParentID      *uuid.UUID `json:"parent_id"`
	ParentVersion *int64     `json:"parent_version"`

	RenderedSystemPrompt *string                    `json:"rendered_system_prompt"`
	StreamStatus         *conversation.StreamStatus `json:"stream_status"`
	PendingToolCalls     []conversation.ToolCall    `json:"pending_tool_calls"`
	LastText             *string                    `json:"last_text"`
	Metadata             json.RawMessage            `json:"metadata"`

	CreatedAt      timestamp `json:"created_at"`
	UpdatedAt      timestamp `json:"updated_at"`
	LastActivityAt timestamp `json:"last_activity_at"`
	DeletedAt      timestamp `json:"deleted_at"`
	IsDeleted      bool      `json:"is_deleted,omitempty"`
}

// agentShape always has all four fields of an agent.
type agentShape struct {
	ID          string  `json:"id"`
	Slug        *string `json:"slug"`
	DisplayName *string `json:"display_name"`
	AvatarURL   *string `json:"avatar_url"`
}

func shapeConversation(c *conversation.Conversation) *conversationShape {
	s := &conversationShape{
		ID: c.ID, ConversationID: c.ID, TenantID: c.Tenant, CompanyID: c.Tenant, UserID: c.User,
		Title: optional(c.Title), Name: optional(c.Title), TitleCustom: c.TitleCustom, Defaults: c.Defaults, Version: c.Version,
		Mode: c.Mode, Channel: c.Channel, ChannelKind: c.Channel, Surface: c.Surface, ReadOnly: c.ReadOnly,
		Participants: c.Participants, ViewingAs: c.ViewingAs, RenderedSystemPrompt: c.RenderedSystemPrompt,
		StreamStatus: optional(c.StreamStatus), PendingToolCalls: c.PendingToolCalls, LastText: optional(c.LastText),
		Metadata: c.Metadata, CreatedAt: timestamp(c.CreatedAt), UpdatedAt: timestamp(c.UpdatedAt),
		LastActivityAt: timestamp(c.ActivityAt), DeletedAt: timestamp(c.DeletedAt), IsDeleted: c.Deleted(),
	}
	if a := c.Agent; a != nil {
		s.AgentID = &a.ID
		s.Agent = &agentShape{a.ID, optional(a.Slug), optional(a.DisplayName), optional(a.AvatarURL)}
	}
	if c.ParentID != uuid.Nil {
		s.ParentID, s.ParentVersion = &c.ParentID, &c.ParentVersion
	}
	if s.Participants == nil {
		s.Participants = map[string]conversation.ParticipantProfile{}
	}
	if s.PendingToolCalls == nil {
		s.PendingToolCalls = []conversation.ToolCall{}
	}
	if len(s.Metadata) == 0 {
		s.Metadata = json.RawMessage("{}")
	}
	return s
}

// optional is null for what is not set.
func optional[T ~string](s T) *T {
	if s == "" {
		return nil
	}
	return &s
}

// timestamp is a time in RFC 3339, UTC, with six digits of a second, and null
// for none.
type timestamp time.Time

func (t timestamp) MarshalJSON() ([]byte, error) { return t.append(nil), nil }

func (t timestamp) append(b []byte) []byte {
	if time.Time(t).IsZero() {
		return append(b, "null"...)
	}
	return time.Time(t).UTC().AppendFormat(b, `"2006-01-02T15:04:05.000000Z"`)
}
