package httpadapter

import (
	"github.com/google/uuid"

	"github.com/parley-go/parley/conversation"
)

// conversation writes a conversation as clients read it. The second names of
// one thing (conversation_id, company_id, name, channel_kind) are those that
// clients of other systems read.
func (e *encoder) conversation(c *conversation.Conversation) {
	e.open()
	e.conversationMembers(c)
	e.close()
}

func (e *encoder) conversationMembers(c *conversation.Conversation) {
	e.id("id", c.ID)
	e.id("conversation_id", c.ID)
	e.text("tenant_id", c.Tenant)
	e.text("company_id", c.Tenant)
	e.text("user_id", c.User)
	e.agent(c.Agent)
	e.textOrNull("title", c.Title)
	e.textOrNull("name", c.Title)
	e.boolean("title_is_custom", c.TitleCustom)
	e.value("defaults", c.Defaults)
	e.integer("version", c.Version)
	e.text("mode", string(c.Mode))
	e.text("channel", string(c.Channel))
	e.text("channel_kind", string(c.Channel))
	e.text("surface", string(c.Surface))
	e.boolean("read_only", c.ReadOnly)
	e.participants(c)
	e.text("viewing_as", string(c.ViewingAs))
	e.idOrNull("parent_id", c.ParentID)
	if c.ParentID == uuid.Nil {
		e.null("parent_version")
	} else {
		e.integer("parent_version", c.ParentVersion)
	}
	if c.RenderedSystemPrompt == nil {
		e.null("rendered_system_prompt")
	} else {
		e.text("rendered_system_prompt", *c.RenderedSystemPrompt)
	}
	e.textOrNull("stream_status", string(c.StreamStatus))
	if len(c.PendingToolCalls) == 0 {
		e.raw("pending_tool_calls", []byte("[]"))
	} else {
		e.value("pending_tool_calls", c.PendingToolCalls)
	}
	e.textOrNull("last_text", c.LastText)
	if len(c.Metadata) == 0 {
		e.raw("metadata", []byte("{}"))
	} else {
		e.raw("metadata", c.Metadata)
	}
	e.time("created_at", c.CreatedAt, microseconds)
	e.time("updated_at", c.UpdatedAt, microseconds)
	e.time("last_activity_at", c.ActivityAt, microseconds)
	e.time("deleted_at", c.DeletedAt, microseconds)
	if c.Deleted() {
		e.boolean("is_deleted", true)
	}
}

// agent writes the id by itself and the summary, always with all its fields.
func (e *encoder) agent(a *conversation.Agent) {
	if a == nil {
		e.null("agent_id")
		e.null("agent")
		return
	}
	e.text("agent_id", a.ID)
	e.name("agent")
	e.open()
	e.text("id", a.ID)
	e.textOrNull("slug", a.Slug)
	e.textOrNull("display_name", a.DisplayName)
	e.textOrNull("avatar_url", a.AvatarURL)
	e.close()
}

// participants writes the directory, which is empty for a single party.
func (e *encoder) participants(c *conversation.Conversation) {
	if len(c.Participants) == 0 {
		e.raw("participants", []byte("{}"))
		return
	}
	e.value("participants", c.Participants)
}

// message writes a message as conversation.Message.MarshalJSON does, and copies
// its parts as they are stored: a page of messages is served without scanning
// any of them, let alone encoding it again.
func (e *encoder) message(m *conversation.Message) {
	e.open()
	e.id("id", m.ID)
	e.id("conversation_id", m.ConversationID)
	e.integer("sequence_no", m.Seq)
	e.text("role", string(m.Role))
	e.parts(m)
	e.idOrNull("run_id", m.RunID)
	if m.Author != nil {
		e.value("author", m.Author)
	}
	if m.Incomplete {
		e.boolean("incomplete", true)
	}
	e.time("created_at", m.CreatedAt, microseconds)
	e.close()
}

func (e *encoder) parts(m *conversation.Message) {
	parts, err := m.Content.MarshalJSON() // the stored bytes
	if err != nil && e.err == nil {
		e.err = err
	}
	e.raw("parts", parts)
}

// messages writes messages with commas between them.
func (e *encoder) messages(messages []conversation.Message) {
	for i := range messages {
		if i > 0 {
			e.b = append(e.b, ',')
		}
		e.message(&messages[i])
	}
}

// messageBytes is about how long messages are when they are written.
func messageBytes(messages []conversation.Message) int {
	n := 0
	for i := range messages {
		if parts, err := messages[i].Content.MarshalJSON(); err == nil {
			n += len(parts) + 300
		}
	}
	return n
}
