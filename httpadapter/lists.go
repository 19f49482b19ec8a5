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
	return x.json(http.StatusOK, shapePage(page))
}

// channel goes by two names, as it does in answers.
func (q *query) channel() string {
	if !q.values.Has("channel") {
		return q.text("channel_kind")
	}
	return q.text("channel")
}

// pageShape is a page of conversations. The last three are of numbered pages.
type pageShape struct {
	Data      []*conversationShape `json:"data"`
	Next      *string              `json:"next"`
	HasMore   bool                 `json:"has_more"`
	ViewingAs conversation.View    `json:"viewing_as"`
	Page      *int                 `json:"page,omitempty"`
	PageSize  *int                 `json:"page_size,omitempty"`
	Total     *int64               `json:"total,omitempty"`
}

func shapePage(p *conversation.Page) *pageShape {
	s := &pageShape{Data: make([]*conversationShape, len(p.Conversations)), Next: optional(p.Next), HasMore: p.HasMore,
		ViewingAs: p.ViewingAs}
	for i, c := range p.Conversations {
		s.Data[i] = shapeConversation(c)
	}
	if p.PageSize != 0 {
		s.Page, s.PageSize, s.Total = &p.Page, &p.PageSize, &p.Total
	}
	return s
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
	runs := page.Runs
	if runs == nil {
		runs = []*conversation.Run{}
	}
	return x.json(http.StatusOK, struct {
		Data    []*conversation.Run `json:"data"`
		Next    *string             `json:"next"`
		HasMore bool                `json:"has_more"`
	}{runs, optional(page.Next), page.HasMore})
}
