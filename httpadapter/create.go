package httpadapter

import (
	"crypto/sha256"
	"encoding/binary"
	"net/http"
	"slices"
	"unicode/utf8"

	"github.com/google/uuid"

	"github.com/parley-go/parley/conversation"
)

// createFields are those of a new conversation.
func createFields(p *conversation.CreateParams) []field {
	return []field{
		text("name", &p.Title),
		text("agent_id", &p.AgentID),
		nested("agent", func(d *decoder, path string, v value) { p.Agent = readAgent(d, path, v) }),
		nested("defaults", func(d *decoder, path string, v value) { readDefaults(d, path, v, &p.Defaults) }),
		text("mode", (*string)(&p.Mode)),
		text("channel", (*string)(&p.Channel)),
		text("surface", (*string)(&p.Surface)),
		metadata(&p.Metadata),
	}
}

func readAgent(d *decoder, path string, v value) *conversation.Agent {
	var a conversation.Agent
	d.object(path, v, text("id", &a.ID), text("slug", &a.Slug), text("display_name", &a.DisplayName),
		text("avatar_url", &a.AvatarURL))
	return &a
}

func (h *Handler) createConversation(x *exchange) error {
	key, err := x.idempotencyKey()
	if err != nil {
		return err
	}
	var p conversation.CreateParams
	var raw []byte
	err = x.body(false, func(d *decoder, v value) {
		raw = v.raw
		d.object("", v, createFields(&p)...)
		x.bindAgent(d, &p)
		if d.faults != nil { // Create will not be asked: say here what else it would say
			d.merge(p.Defaults.Validate())
		}
	})
	if err != nil {
		return err
	}
	if key != "" {
		p.ID = keyedID(x.caller, p.AgentID, key, raw)
	}
	c, err := h.engine.Create(x.r.Context(), x.caller, p)
	if err != nil {
		return err
	}
	x.location(x.resource(c.ID))
	return x.conversation(http.StatusCreated, c)
}

// bindAgent takes the agent of the path.
func (x *exchange) bindAgent(d *decoder, p *conversation.CreateParams) {
	agent := x.r.PathValue(pathAgent)
	if agent == "" {
		return
	}
	if p.AgentID != "" && p.AgentID != agent {
		d.add("agent_id", "must be the agent of the path, or left out")
	}
	p.AgentID = agent
}

// idempotencyKey reads the header of that name. The engine bounds it too; here
// it is bounded for those operations whose key the engine never sees.
func (x *exchange) idempotencyKey() (string, error) {
	values := x.r.Header.Values("Idempotency-Key")
	if len(values) == 0 {
		return "", nil
	}
	key := values[0]
	switch {
	case len(values) > 1:
		return "", fault("Idempotency-Key", "must be given once")
	case len(key) > maxKey:
		return "", fault("Idempotency-Key", "must be at most 255 characters")
	case key == "" || !utf8.ValidString(key):
		return "", fault("Idempotency-Key", "must be UTF-8 and not empty")
	}
	return key, nil
}

const maxKey = 255

// keyedID makes the id of a conversation from the key it is created under, so
// that repeating the request gives the conversation of the first. It depends on
// who asks and on the whole request: another body is another conversation.
func keyedID(caller conversation.Caller, agent, key string, body []byte) uuid.UUID {
	hash := sha256.New()
	for _, s := range []string{caller.Tenant, caller.User, agent, key, string(body)} {
		_ = binary.Write(hash, binary.BigEndian, uint64(len(s))) // a hash takes everything
		hash.Write([]byte(s))
	}
	var id uuid.UUID
	copy(id[:], slices.Clone(hash.Sum(nil)))
	id[6] = id[6]&0x0f | 0x80 // version 8: made by a rule of one's own
	id[8] = id[8]&0x3f | 0x80
	return id
}
