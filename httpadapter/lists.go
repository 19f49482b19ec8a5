package httpadapter

import (
	"net/http"

	"github.com/parley-go/parley/conversation"
)

func (h *Handler) listConversations(x *exchange) error {
	q := x.query()
	query := conversation.Query{
		Text: q.text("q"), Sort: conversation.Sort(q.text("sort")), Mode: conversation.Mode(q.text("mode")),
		Channel: conversation.Channel(q.channel()), AgentID: q.text("agent_id"), View: q.view(),
		Limit: q.size("limit"), Cursor: q.text("next"), PageSize: q.size("page_size"),
	}
	if n, ok := q.integer("page"); ok {
		query.Page = int(min(max(n, 1), 1<<31-1))
	}
	numbered := query.Page != 0 || query.PageSize != 0
	if numbered && query.Cursor != "" {
		q.add("next", "goes with limit; page and page_size are the other way to read a list")
	}
	if numbered && query.Limit != 0 {
		q.add("limit", "goes with next; page and page_size are the other way to read a list")
	}
	agent := x.r.PathValue(pathAgent)
	if agent != "" && query.AgentID != "" && query.AgentID != agent {
		q.add("agent_id", "must be the agent of the path, or left out")
	}
	if err := q.err(); err != nil {
		return err
	}
	if agent != "" {
		query.AgentID = agent
	}
	if !storable(query.AgentID) {
		return conversation.ErrNotFound
	}
	page, err := h.engine.List(x.r.Context(), x.caller, query)
	if err != nil {
		return badCursor("next", err)
	}
	e := newEncoder(1 << 10 * len(page.Conversations))
	e.conversationPage(page)
	return x.encoded(http.StatusOK, e)
}

// channel goes by two names, as it does in answers.
func (q *query) channel() string {
	if !q.values.Has("channel") {
		return q.text("channel_kind")
	}
	return q.text("channel")
}

// conversationPage writes a page; the last three members are of numbered pages.
func (e *encoder) conversationPage(p *conversation.Page) {
	e.open()
	e.raw("data", []byte("["))
	for i, c := range p.Conversations {
		if i > 0 {
			e.b = append(e.b, ',')
		}
		e.conversation(c)
	}
	e.b = append(e.b, ']')
	e.textOrNull("next", p.Next)
	e.boolean("has_more", p.HasMore)
	e.text("viewing_as", string(p.ViewingAs))
	if p.PageSize != 0 {
		e.integer("page", int64(p.Page))
		e.integer("page_size", int64(p.PageSize))
		e.integer("total", p.Total)
	}
	e.close()
}

func (h *Handler) listRuns(x *exchange) error {
	q := x.query()
	query := conversation.RunQuery{Limit: q.size("limit"), Cursor: q.text("next"), View: q.view()}
	if err := q.err(); err != nil {
		return err
	}
	id, err := x.conversationID(query.View)
	if err != nil {
		return err
	}
	page, err := h.engine.Runs(x.r.Context(), x.caller, id, query)
	if err != nil {
		return badCursor("next", err)
	}
	e := newEncoder(0)
	e.open()
	e.raw("data", []byte("["))
	for i, run := range page.Runs {
		if i > 0 {
			e.b = append(e.b, ',')
		}
		e.any(run)
	}
	e.b = append(e.b, ']')
	e.textOrNull("next", page.Next)
	e.boolean("has_more", page.HasMore)
	e.close()
	return x.encoded(http.StatusOK, e)
}
