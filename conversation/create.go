package conversation

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"

	"github.com/google/uuid"
	"github.com/parley-go/parley/store"
)

// CreateParams says what a new conversation is like.
type CreateParams struct {
	// ID makes the creation repeatable: with the same id the caller gets the
	// conversation of the first call. uuid.Nil takes a new one.
	ID uuid.UUID

	Title    string // "" leaves it to be derived
	AgentID  string // looked up with Config.Agents; "" binds to none
	Agent    *Agent // the summary itself, where the host has it at hand
	Defaults Defaults
	Mode     Mode    // "" is ModeStandard
	Channel  Channel // "" is the caller's, or ChannelWeb
	Surface  Surface // "" is SurfaceWeb
	Metadata json.RawMessage
}

// Bounds of a conversation.
const (
	maxMetadataBytes = 16 << 10
	maxMetadataKeys  = 64
)

var channelPattern = regexp.MustCompile(`^[a-z0-9][a-z0-9_-]{0,31}$`)

// Create makes a conversation that belongs to the caller for good (rule A1).
// Its defaults can never be changed (rule C1). FieldErrors name every field at
// fault, and then nothing was written. Needs PermWrite.
func (e *Engine) Create(ctx context.Context, caller Caller, p CreateParams) (*Conversation, error) {
	if err := caller.may(PermWrite); err != nil {
		return nil, err
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	var f faults
	p.fill(caller)
	p.check(&f, &e.cfg)
	if err := f.err(); err != nil {
		return nil, err
	}
	agent, err := e.agent(ctx, caller, &p)
	if err != nil {
		return nil, err
	}
	row, err := newRow(caller, &p, agent)
	if err != nil {
		return nil, err
	}
	if row.ID == uuid.Nil {
		row.ID = e.cfg.NewID()
	}
	return e.create(ctx, caller, row)
}

func (e *Engine) create(ctx context.Context, caller Caller, row *store.NewConversation) (*Conversation, error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), writeTimeout)
	defer cancel()
	var stored *store.Conversation
	err := e.resolve(ctx, func() (err error) {
		stored, err = e.store.CreateConversation(ctx, row)
		return err
	})
	if errors.Is(err, store.ErrExists) {
		return nil, FieldErrors{{Path: "id", Reason: "is taken"}}
	}
	if err != nil {
		return nil, err
	}
	return toConversation(stored, caller, ViewParticipant)
}

func (p *CreateParams) fill(caller Caller) {
	p.Title = trim(p.Title)
	if p.Mode == "" {
		p.Mode = ModeStandard
	}
	if p.Channel == "" {
		p.Channel = caller.Channel
	}
	if p.Channel == "" {
		p.Channel = ChannelWeb
	}
	if p.Surface == "" {
		p.Surface = SurfaceWeb
	}
	if p.Agent != nil && p.AgentID == "" {
		p.AgentID = p.Agent.ID
	}
}

func (p *CreateParams) check(f *faults, cfg *Config) {
	f.runes("name", p.Title)
	f.runes("agent_id", p.AgentID)
	if a := p.Agent; a != nil {
		if a.ID == "" {
			f.add("agent.id", "must not be empty")
		} else if a.ID != p.AgentID {
			f.add("agent.id", "must be the agent_id")
		}
		f.runes("agent.slug", a.Slug)
		f.runes("agent.display_name", a.DisplayName)
		f.text("agent.avatar_url", a.AvatarURL, maxPartName)
	}
	p.Defaults.validate(f, "defaults", cfg.MaxMessageBytes)
	if p.Mode != ModeStandard && p.Mode != ModeFast {
		f.add("mode", "must be standard or fast")
	}
	if !channelPattern.MatchString(string(p.Channel)) {
		f.add("channel", "must be up to 32 lower-case letters, digits, dashes or underscores")
	}
	switch p.Surface {
	case SurfaceChannel, SurfaceDM, SurfaceWeb, SurfaceExtension:
	default:
		f.add("surface", "must be channel, dm, web or extension")
	}
	checkMetadata(f, p.Metadata)
}

func checkMetadata(f *faults, raw json.RawMessage) {
	if raw == nil {
		return
	}
	if !f.json("metadata", raw, maxMetadataBytes) {
		return
	}
	var keys map[string]json.RawMessage
	if err := json.Unmarshal(raw, &keys); err != nil || keys == nil {
		f.add("metadata", "must be a JSON object")
	} else if len(keys) > maxMetadataKeys {
		f.add("metadata", "must have at most %d keys", maxMetadataKeys)
	}
}

// agent finds the summary of the agent the conversation is bound to.
func (e *Engine) agent(ctx context.Context, caller Caller, p *CreateParams) (*Agent, error) {
	switch {
	case p.AgentID == "":
		return nil, nil
	case e.cfg.Agents != nil:
		agent, err := e.cfg.Agents(ctx, caller, p.AgentID)
		if err == nil && agent == nil {
			err = ErrNotFound
		}
		return agent, err
	case p.Agent != nil:
		return p.Agent, nil
	}
	return &Agent{ID: p.AgentID}, nil
}

func newRow(caller Caller, p *CreateParams, agent *Agent) (*store.NewConversation, error) {
	row := &store.NewConversation{Conversation: store.Conversation{
		Tenant: caller.Tenant, ID: p.ID, Owner: caller.User, Title: p.Title, TitleCustom: p.Title != "",
		Mode: string(p.Mode), Channel: string(p.Channel), Surface: string(p.Surface), Metadata: slices.Clone(p.Metadata),
		Participants: []store.Participant{caller.participant()},
	}}
	var err error
	if row.Defaults, err = encodeDefaults(p.Defaults); err != nil {
		return nil, fmt.Errorf("encode defaults: %w", err)
	}
	if agent != nil {
		row.AgentID, row.AgentName = agent.ID, agent.DisplayName
		if row.Agent, err = json.Marshal(agent); err != nil {
			return nil, fmt.Errorf("encode agent: %w", err)
		}
	}
	return row, nil
}

// ForkParams says how a fork differs from its parent.
type ForkParams struct {
	// ID makes the fork repeatable: with the same id the caller gets the fork of
	// the first call. uuid.Nil takes a new one.
	ID uuid.UUID

	// AtVersion is the last message it takes along; nil is the parent's head.
	AtVersion *int64

	Defaults *Defaults // nil keeps the parent's, secrets included
	Title    string    // "" leaves it to be derived
}

// Fork copies a conversation's log up to a version into a new conversation of
// the caller that names its parent (rule L5). The parent is untouched. Messages
// keep their numbers, ids and times. Calls that waited for outputs at that
// version wait in the fork. The fork is a conversation of the web, whatever
// channel its parent came from. Needs PermReadWrite.
func (e *Engine) Fork(ctx context.Context, caller Caller, id uuid.UUID, p ForkParams) (*Conversation, error) {
	if err := caller.may(PermReadWrite); err != nil {
		return nil, err
	}
	parent, err := e.store.GetConversation(ctx, caller.scope(), id)
	if err != nil {
		return nil, err
	}
	at := parent.Version
	if p.AtVersion != nil {
		at = *p.AtVersion
	}
	var f faults
	if at < 0 || at > parent.Version {
		f.add("at_version", "must be between 0 and the head, %d", parent.Version)
	}
	p.Title = trim(p.Title)
	f.runes("name", p.Title)
	if p.Defaults != nil {
		p.Defaults.validate(&f, "defaults", e.cfg.MaxMessageBytes)
	}
	if err := f.err(); err != nil {
		return nil, err
	}
	if p.ID == uuid.Nil {
		p.ID = e.cfg.NewID()
	}
	scope := caller.scope()
	row := &store.NewConversation{Copy: &scope, Conversation: store.Conversation{
		Tenant: caller.Tenant, ID: p.ID, Owner: caller.User, AgentID: parent.AgentID, AgentName: parent.AgentName,
		Agent: parent.Agent, Title: p.Title, TitleCustom: p.Title != "", Mode: parent.Mode, Channel: string(ChannelWeb),
		Surface: string(SurfaceWeb), Defaults: parent.Defaults, Metadata: parent.Metadata, ParentID: parent.ID,
		ParentVersion: at, Participants: []store.Participant{caller.participant()},
	}}
	if p.Defaults != nil {
		if row.Defaults, err = encodeDefaults(*p.Defaults); err != nil {
			return nil, fmt.Errorf("encode defaults: %w", err)
		}
	}
	if row.Pending, row.Preview, err = e.stateAt(ctx, scope, parent, at); err != nil {
		return nil, err
	}
	return e.create(ctx, caller, row)
}

// Renew starts a fresh conversation with the agent, the mode and the defaults
// of another, and nothing of its log: what a person does with the record of a
// schedule (rule L3). Needs PermReadWrite.
func (e *Engine) Renew(ctx context.Context, caller Caller, id uuid.UUID) (*Conversation, error) {
	if err := caller.may(PermReadWrite); err != nil {
		return nil, err
	}
	old, err := e.store.GetConversation(ctx, caller.scope(), id)
	if err != nil {
		return nil, err
	}
	return e.create(ctx, caller, &store.NewConversation{Conversation: store.Conversation{
		Tenant: caller.Tenant, ID: e.cfg.NewID(), Owner: caller.User, AgentID: old.AgentID, AgentName: old.AgentName,
		Agent: old.Agent, Mode: old.Mode, Channel: string(ChannelWeb), Surface: string(SurfaceWeb),
		Defaults: old.Defaults, Metadata: old.Metadata, Participants: []store.Participant{caller.participant()},
	}})
}
