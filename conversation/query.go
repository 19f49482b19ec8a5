package conversation

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"time"

	"github.com/google/uuid"
	"github.com/parley-go/parley/store"
)

// Sort is an order of a list (rule Q1).
type Sort = store.Sort

// The orders. The zero value is SortRecent.
const (
	SortRecent = store.SortRecent
	SortOldest = store.SortOldest
	SortTitle  = store.SortTitle
)

// Bounds of pages.
const (
	DefaultPageSize    = 25
	MaxPageSize        = 100
	MaxMessagePageSize = 1000
	defaultMessages    = 100
)

// Query selects conversations. The zero value is the first page of the
// caller's standard conversations, newest activity first.
type Query struct {
	Text    string // substring of title, agent name or latest preview, in any case (rule Q3)
	Sort    Sort
	Mode    Mode    // ModeFast lists fast ones, anything else standard ones (rule Q4)
	Channel Channel // only this channel; "" is every one but email; an unknown one is an empty page
	AgentID string
	View    View

	// Limit is the size of a page read by cursor: 1 to MaxPageSize, 0 for DefaultPageSize.
	// Cursor is the Next of the page before.
	Limit  int
	Cursor string

	// Page, unless 0, asks for a numbered page instead, with the total. Both are
	// clamped: Page to at least 1, PageSize to 1..MaxPageSize (0 for DefaultPageSize).
	Page     int
	PageSize int
}

// Page is a part of a list of conversations.
type Page struct {
	Conversations []*Conversation
	Next          string // cursor of the page that follows; "" at the end
	HasMore       bool
	ViewingAs     View

	Page     int   // of a numbered page, after clamping
	PageSize int   // likewise
	Total    int64 // of all matches, with a numbered page
}

// MessageQuery selects messages of one conversation.
type MessageQuery struct {
	Since  int64 // only messages above this version (rule V1)
	Limit  int   // 1 to MaxMessagePageSize; 0 for 100
	Cursor string
	Desc   bool // newest first
	View   View
}

// MessagePage is a part of a log, and the head it was read at.
type MessagePage struct {
	Version  int64
	Messages []Message
	Next     string
	HasMore  bool
}

// RunQuery selects runs of one conversation, newest first.
type RunQuery struct {
	Limit  int // 1 to MaxPageSize; 0 for DefaultPageSize
	Cursor string
	View   View
}

// RunPage is a part of a list of runs.
type RunPage struct {
	Runs    []*Run
	Next    string
	HasMore bool
}

// Cursors are opaque to clients and tell nothing that the rows do not. They
// carry their kind and what the order depends on, so that one taken from
// another list is refused rather than misread.
type listCursor struct {
	Kind     string    `json:"k"`
	Sort     Sort      `json:"s"`
	Activity time.Time `json:"a,omitzero"`
	Title    string    `json:"t,omitempty"`
	ID       uuid.UUID `json:"i"`
}

type messageCursor struct {
	Kind string `json:"k"`
	Desc bool   `json:"d,omitempty"`
	Seq  int64  `json:"n"`
}

type runCursor struct {
	Kind    string    `json:"k"`
	Created time.Time `json:"c"`
	ID      uuid.UUID `json:"i"`
}

const (
	cursorList    = "l1"
	cursorMessage = "m1"
	cursorRun     = "r1"
)

func encodeCursor(c any) string {
	b, err := json.Marshal(c)
	if err != nil { // plain structs of strings, numbers, times: cannot happen
		return ""
	}
	return base64.RawURLEncoding.EncodeToString(b)
}

// maxCursor bounds what is decoded: the longest title key and some.
const maxCursor = 4096

func decodeCursor(s string, into any) error {
	if len(s) > maxCursor {
		return ErrBadCursor
	}
	b, err := base64.RawURLEncoding.DecodeString(s)
	if err != nil {
		return ErrBadCursor
	}
	dec := json.NewDecoder(bytes.NewReader(b))
	dec.DisallowUnknownFields()
	if dec.Decode(into) != nil {
		return ErrBadCursor
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return ErrBadCursor
	}
	return nil
}

// listQuery turns a Query into the store's.
func (q *Query) listQuery() (*store.ListQuery, *Page, error) {
	var f faults
	f.runes("q", q.Text)
	f.runes("agent_id", q.AgentID)
	if err := f.err(); err != nil {
		return nil, nil, err
	}
	sort := q.Sort
	switch sort {
	case SortRecent, SortOldest, SortTitle:
	default:
		sort = SortRecent
	}
	out := &store.ListQuery{Text: store.Fold(trim(q.Text)), Mode: string(ModeStandard), AgentID: q.AgentID, Sort: sort}
	if q.Mode == ModeFast {
		out.Mode = string(ModeFast)
	}
	switch {
	case q.Channel == "":
		out.Exclude = []string{string(ChannelEmail)}
	case channelPattern.MatchString(string(q.Channel)):
		out.Channel = string(q.Channel)
	default:
		out.Channel = noChannel
	}
	page := &Page{}
	if q.Page != 0 || q.PageSize != 0 {
		page.Page, page.PageSize = max(q.Page, 1), clampSize(q.PageSize)
		out.Limit, out.Count = page.PageSize, true
		// A page number whose offset overflows is beyond every list.
		out.Offset = min(page.Page-1, (1<<31)/page.PageSize) * page.PageSize
		return out, page, nil
	}
	out.Limit = clampSize(q.Limit)
	if q.Cursor != "" {
		var c listCursor
		if err := decodeCursor(q.Cursor, &c); err != nil {
			return nil, nil, err
		}
		if c.Kind != cursorList || c.Sort != sort || c.ID == uuid.Nil || textFault(c.Title, 0) != "" {
			return nil, nil, ErrBadCursor
		}
		out.After = &store.ListKey{ActivityAt: c.Activity, Title: c.Title, ID: c.ID}
	}
	return out, page, nil
}

// noChannel is a word that no conversation's channel can be: a channel that
// nobody can have gives an empty page like any other unknown one (rule Q4).
const noChannel = "-"

func clampSize(n int) int {
	if n == 0 {
		return DefaultPageSize
	}
	return min(max(n, 1), MaxPageSize)
}
