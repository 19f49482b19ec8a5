package conversation_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/parley-go/parley/conversation"
)

func (f *fixture) add(id uuid.UUID, p conversation.Participant) *conversation.Conversation {
	f.t.Helper()
	c, err := f.engine.AddParticipant(f.ctx, f.caller, id, p)
	require.NoError(f.t, err)
	return c
}

type profiles = map[string]conversation.ParticipantProfile

// TestL4_ASinglePartyHasNoDirectory, whatever it says and whoever it quotes.
func TestL4_ASinglePartyHasNoDirectory(t *testing.T) {
	t.Parallel()
	f := setup(t, says("Ask <@U7|Grace> or <@U8>."), nil)
	for _, surface := range []conversation.Surface{conversation.SurfaceWeb, conversation.SurfaceDM, conversation.SurfaceExtension} {
		id := f.createWith(conversation.CreateParams{Surface: surface})
		f.run(id, conversation.TurnRequest{Text: "Who is <@U9>?"})
		c := f.get(id)
		require.NotNil(t, c.Participants)
		require.Empty(t, c.Participants)
		require.Nil(t, f.log(id)[0].Author)
	}
}

// TestL4_TheDirectoryHasMembersAuthorsAndMentions, each with name and picture.
func TestL4_TheDirectoryHasMembersAuthorsAndMentions(t *testing.T) {
	t.Parallel()
	f := setup(t, says("Ask <@U7|Grace>, <@U7> or <@U8>."), nil)
	id := f.create()
	c := f.add(id, conversation.Participant{UserID: "bob", Name: "Bob", AvatarURL: "https://b.example"})
	want := profiles{"alice": {Name: "Alice"}, "bob": {Name: "Bob", AvatarURL: "https://b.example"}}
	require.Equal(t, want, c.Participants)

	f.as(bob).run(id, conversation.TurnRequest{Text: "hi"})
	want["U7"], want["U8"] = conversation.ParticipantProfile{Name: "Grace"}, conversation.ParticipantProfile{}
	require.Equal(t, want, f.get(id).Participants)
	require.Equal(t, want, f.as(bob).get(id).Participants)
	require.Equal(t, &conversation.Author{ID: "bob", Name: "Bob"}, f.log(id)[0].Author, "in a conversation of several, who wrote it")

	res := f.append(id, conversation.Message{
		Role: conversation.RoleUser, Content: said("quoted by a host").Content, Author: &conversation.Author{ID: "U5", Name: "Edsger", AvatarURL: "https://e.example"},
	})
	require.Equal(t, "U5", res.Messages[0].Author.ID)
	want["U5"] = conversation.ParticipantProfile{Name: "Edsger", AvatarURL: "https://e.example"}
	require.Equal(t, want, f.get(id).Participants)
	page, err := f.engine.List(f.ctx, alice, conversation.Query{})
	require.NoError(t, err)
	require.Equal(t, want, page.Conversations[0].Participants)
}

// TestL4_AChannelsThread lists who writes in it, not the connector that opened it.
func TestL4_AChannelsThread(t *testing.T) {
	t.Parallel()
	f := setup(t, says("Hello <@U1>"), nil)
	connector := conversation.Caller{Tenant: "acme", User: "slack-bot", Name: "Connector", Permissions: conversation.PermReadWrite, Channel: conversation.ChannelSlack}
	g := f.as(connector)
	id := g.createWith(conversation.CreateParams{Surface: conversation.SurfaceChannel})
	require.Empty(t, g.get(id).Participants)
	for _, author := range []conversation.Author{{ID: "U1", Name: "Ada"}, {ID: "U2", Name: "Bea", AvatarURL: "https://bea.example"}, {ID: "U1", AvatarURL: "https://ada.example"}} {
		g.run(id, conversation.TurnRequest{Text: "hi", Author: &author})
	}
	require.Equal(t, profiles{
		"U1": {Name: "Ada", AvatarURL: "https://ada.example"}, "U2": {Name: "Bea", AvatarURL: "https://bea.example"},
	}, g.get(id).Participants, "what is new completes what is known")
	log := g.log(id)
	require.Equal(t, "U1", log[0].Author.ID)
	require.Nil(t, log[1].Author, "the assistant is no participant")
	require.Equal(t, "U2", log[2].Author.ID)
}

// TestL4_BeingNamedGivesNoAccess: only membership does.
func TestL4_BeingNamedGivesNoAccess(t *testing.T) {
	t.Parallel()
	f := setup(t, says("Hello <@Uma|Uma>"), nil)
	id := f.create()
	f.add(id, conversation.Participant{UserID: "bob"})
	f.run(id, conversation.TurnRequest{Text: "hi <@Uma>"})
	f.append(id, conversation.Message{Role: conversation.RoleUser, Content: said("x").Content, Author: &conversation.Author{ID: "Uwe", Name: "Uwe"}})
	require.Contains(t, f.get(id).Participants, "Uma")
	require.Contains(t, f.get(id).Participants, "Uwe")
	for _, user := range []string{"Uma", "Uwe"} {
		caller := conversation.Caller{Tenant: "acme", User: user, Permissions: conversation.PermReadWrite}
		_, err := f.engine.Get(f.ctx, caller, id, conversation.ViewParticipant)
		require.ErrorIs(t, err, conversation.ErrNotFound)
		_, err = f.engine.StartRun(f.ctx, caller, id, conversation.TurnRequest{Text: "x"})
		require.ErrorIs(t, err, conversation.ErrNotFound)
		page, err := f.engine.List(f.ctx, caller, conversation.Query{})
		require.NoError(t, err)
		require.Empty(t, page.Conversations)

		f.add(id, conversation.Participant{UserID: user})
		_, err = f.engine.Get(f.ctx, caller, id, conversation.ViewParticipant)
		require.NoError(t, err, "taken in, they see it")
		page, err = f.engine.List(f.ctx, caller, conversation.Query{})
		require.NoError(t, err)
		require.Len(t, page.Conversations, 1)
		require.NotEmpty(t, page.Conversations[0].Participants[user].Name, "and keep the name they were known by")
	}
}

func TestL4_AddingAgainUpdates(t *testing.T) {
	t.Parallel()
	f := setup(t, says("ok"), nil)
	id := f.create()
	first := f.add(id, conversation.Participant{UserID: "bob", Name: "Bob"})
	require.EqualValues(t, 0, first.Version, "V6")
	require.Equal(t, first, f.add(id, conversation.Participant{UserID: "bob", Name: "Bob"}), "the same again changes nothing")
	require.Equal(t, first, f.add(id, conversation.Participant{UserID: "bob"}), "nothing said is nothing changed")
	c := f.add(id, conversation.Participant{UserID: "bob", Name: "Robert", AvatarURL: "https://b.example"})
	require.Equal(t, conversation.ParticipantProfile{Name: "Robert", AvatarURL: "https://b.example"}, c.Participants["bob"])
	require.True(t, c.UpdatedAt.After(first.UpdatedAt))
	require.Equal(t, first.ActivityAt, c.ActivityAt)
	// Any member may take in another.
	c = f.as(bob).add(id, conversation.Participant{UserID: "carol"})
	require.Len(t, c.Participants, 3)
}

// TestL4_AMemberCannotSpeakForAnother; a connector can, and the only member of a
// conversation may quote.
func TestL4_AMemberCannotSpeakForAnother(t *testing.T) {
	t.Parallel()
	f := setup(t, says("ok"), nil)
	id := f.create()
	f.run(id, conversation.TurnRequest{Text: "x", Author: &conversation.Author{ID: "U1", Name: "Una"}})
	f.add(id, conversation.Participant{UserID: "bob"})
	for _, author := range []string{"alice", "U1", "Bob"} {
		_, err := f.engine.StartRun(f.ctx, bob, id, conversation.TurnRequest{Text: "x", Author: &conversation.Author{ID: author}})
		require.Equal(t, []string{"author.id"}, paths(t, err), author)
	}
	f.as(bob).run(id, conversation.TurnRequest{Text: "x", Author: &conversation.Author{ID: "bob", Name: "Bobby"}})
	connector := bob
	connector.Channel = "relay"
	f.as(connector).run(id, conversation.TurnRequest{Text: "x", Author: &conversation.Author{ID: "U2"}})
	var authors []string
	for _, m := range f.log(id) {
		if m.Author != nil {
			authors = append(authors, m.Author.ID)
		}
	}
	require.Equal(t, []string{"U1", "bob", "U2"}, authors)
}

// TestL4_Mentions as channels write them, and what only looks like one.
func TestL4_Mentions(t *testing.T) {
	t.Parallel()
	long := "U" + strings.Repeat("x", 63)
	for text, want := range map[string]profiles{
		"<@U1>":                     {"U1": {}},
		"a<@U1>b<@U2|Two>c":         {"U1": {}, "U2": {Name: "Two"}},
		"<@U1><@U1|One><@U1>":       {"U1": {Name: "One"}},
		"<@U1|>":                    {"U1": {}},
		"<@U.a-b_c9>":               {"U.a-b_c9": {}},
		"<@" + long + ">":           {long: {}},
		"<@" + long + "x>":          {},
		"<@W1> <@u1> <@ U1> <@U1 >": {},
		"@U1 <U1> <@U1 &lt;@U2&gt;": {},
		"<@U1|a<b>":                 {},
		"<@U1|日本|x>":                {},
		"<@U1|日本>":                  {"U1": {Name: "日本"}},
		"<@<@U1>>":                  {"U1": {}},
	} {
		f := setup(t, says("ok"), nil)
		id := f.create()
		f.add(id, conversation.Participant{UserID: "bob"})
		f.append(id, said(text), message(t, conversation.RoleSystem, conversation.Text("<@U99>")),
			message(t, conversation.RoleAssistant, call("c1")),
			message(t, conversation.RoleTool, output("c1", "<@U98>").Part()))
		got := f.get(id).Participants
		delete(got, "alice")
		delete(got, "bob")
		require.Equal(t, want, got, "%q", text)
	}
}

// TestL4_ManyMentionsAreBounded: a message cannot fill the directory.
func TestL4_ManyMentionsAreBounded(t *testing.T) {
	t.Parallel()
	f := setup(t, says("ok"), nil)
	id := f.create()
	f.add(id, conversation.Participant{UserID: "bob"})
	var b strings.Builder
	for i := range 5000 {
		fmt.Fprintf(&b, "<@U%d>", i)
	}
	f.append(id, said(b.String()))
	require.Len(t, f.get(id).Participants, 52)
}
