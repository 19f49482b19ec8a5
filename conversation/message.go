package conversation

import (
	"encoding/json"
	"time"

	"github.com/google/uuid"
)

// Role says who speaks in a message.
type Role string

// The roles.
const (
	RoleUser      Role = "user"
	RoleAssistant Role = "assistant"
	RoleTool      Role = "tool"
	RoleSystem    Role = "system"
)

// Message is one entry of the log. It never changes once written.
type Message struct {
	ID             uuid.UUID
	ConversationID uuid.UUID
	Seq            int64 // from 1, without gaps (rule V1)
	Role           Role
	Content        Content
	RunID          uuid.UUID // uuid.Nil when no run wrote it
	Author         *Author   // who wrote it, in a conversation of several
	Incomplete     bool      // the run was stopped while it was written
	CreatedAt      time.Time
}

// Author is a person on the other side of a channel.
type Author struct {
	ID        string `json:"id"`
	Name      string `json:"name,omitempty"`
	AvatarURL string `json:"avatar_url,omitempty"`
}

// MarshalJSON encodes the message as clients read it; its content is copied,
// not encoded again.
func (m Message) MarshalJSON() ([]byte, error) {
	return json.Marshal(struct {
		ID             uuid.UUID  `json:"id"`
		ConversationID uuid.UUID  `json:"conversation_id"`
		Seq            int64      `json:"sequence_no"`
		Role           Role       `json:"role"`
		Parts          Content    `json:"parts"`
		RunID          *uuid.UUID `json:"run_id"`
		Author         *Author    `json:"author,omitempty"`
		Incomplete     bool       `json:"incomplete,omitempty"`
		CreatedAt      timestamp  `json:"created_at"`
	}{
		m.ID, m.ConversationID, m.Seq, m.Role, m.Content, optionalID(m.RunID),
		m.Author, m.Incomplete, timestamp(m.CreatedAt),
	})
}

// timestamp is a time in RFC 3339, UTC, with all six digits of its microseconds,
// and null for the zero time.
type timestamp time.Time

func (t timestamp) MarshalJSON() ([]byte, error) {
	if time.Time(t).IsZero() {
		return []byte("null"), nil
	}
	return time.Time(t).UTC().AppendFormat(make([]byte, 0, 29), `"2006-01-02T15:04:05.000000Z"`), nil
}

func optionalID(id uuid.UUID) *uuid.UUID {
	if id == uuid.Nil {
		return nil
	}
	return &id
}
