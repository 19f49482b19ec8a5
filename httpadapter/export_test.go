package httpadapter

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"

	"github.com/google/uuid"

	"github.com/parley-go/parley/conversation"
)

// What tests look at from the inside.

// MaxFaults is how many faults an answer lists at most.
const MaxFaults = maxFaults

// Scan reads JSON as bodies are read, and rebuilds it from its parts the way
// encoding/json would give it.
func Scan(raw []byte, maxDepth int) (any, error) {
	v, err := scanJSON(raw, maxDepth)
	if err != nil {
		return nil, err
	}
	return rebuild(v), nil
}

func rebuild(v value) any {
	switch v.kind() {
	case kindObject:
		out := map[string]any{}
		v.members(func(name string, m value) bool {
			out[name] = rebuild(m)
			return true
		})
		return out
	case kindArray:
		out := []any{}
		v.items(func(_ int, it value) bool {
			out = append(out, rebuild(it))
			return true
		})
		return out
	case kindString:
		return v.text()
	case kindNumber:
		return json.Number(v.raw)
	case kindBool:
		return v.raw[0] == 't'
	case kindNull:
	}
	return nil
}

// DecodeTurn reads the body of a turn.
func (h *Handler) DecodeTurn(body string) (*conversation.TurnRequest, error) {
	t, err := h.fake(body).readTurn()
	if err != nil {
		return nil, err
	}
	return &t.request, nil
}

// DecodeCreate reads the body of a creation.
func (h *Handler) DecodeCreate(body string) (*conversation.CreateParams, error) {
	var p conversation.CreateParams
	err := h.fake(body).body(false, func(d *decoder, v value) { d.object("", v, createFields(&p)...) })
	return &p, err
}

// DecodeSmall reads a body as each of the small ones, and returns the first error.
func (h *Handler) DecodeSmall(body string) error {
	var (
		fork        conversation.ForkParams
		participant conversation.Participant
		title, text string
	)
	for _, fields := range [][]field{forkFields(&fork), participantFields(&participant), titleFields(&title), nudgeFields(&text)} {
		err := h.fake(body).body(true, func(d *decoder, v value) { d.object("", v, fields...) })
		if err != nil {
			return err
		}
	}
	return nil
}

func (h *Handler) fake(body string) *exchange {
	r := httptest.NewRequestWithContext(context.Background(), http.MethodPost, "/", strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	x := &exchange{h: h, r: r}
	x.w.ResponseWriter = httptest.NewRecorder()
	return x
}

// ParseCursor reads a cursor, of the stream of a run where that is not uuid.Nil.
func ParseCursor(s string, run uuid.UUID) (conversation.Cursor, bool) { return parseCursor(s, run) }

// EventID is the id of an event on the wire.
func EventID(e *conversation.Event) string { return string(appendEventID(nil, e)) }

// IfMatch reads the header of that name.
func IfMatch(values ...string) (*int64, error) {
	x := &exchange{r: &http.Request{Header: http.Header{"If-Match": values}}}
	return x.ifMatch()
}

// EncodeMessage is how a message goes out.
func EncodeMessage(m *conversation.Message) ([]byte, error) {
	var e encoder
	e.message(m)
	return e.b, e.err
}

// EncodeMessagePage is how a page of messages goes out.
func EncodeMessagePage(p *conversation.MessagePage) ([]byte, error) {
	e := &encoder{b: make([]byte, 0, 256+messageBytes(p.Messages))}
	e.messagePage(p)
	return e.b, e.err
}

// EncodeText is how a string goes out.
func EncodeText(s string) string {
	var e encoder
	e.open()
	e.text("", s)
	e.close()
	return string(e.b)
}

// Codes are all codes of the table of errors.
func Codes() []string {
	out := []string{internal.code}
	for i := range answers {
		out = append(out, answers[i].code)
	}
	return out
}

// Fields are the names that the decoder of a schema of the document knows.
func Fields() map[string][]string {
	var (
		create      conversation.CreateParams
		fork        conversation.ForkParams
		participant conversation.Participant
		s           string
		settings    settingsBody
	)
	names := func(fields []field) (out []string) {
		for _, f := range fields {
			out = append(out, f.name)
		}
		return out
	}
	override := names(settings.fields())
	return map[string][]string{
		"NewConversation": names(createFields(&create)), "Turn": names((&turn{spelled: map[string]string{}}).fields()),
		"Fork": names(forkFields(&fork)), "NewParticipant": names(participantFields(&participant)),
		"Title": names(titleFields(&s)), "NewNudge": names(nudgeFields(&s)),
		"Override": override, "Defaults": append(override, "system_prompt"),
	}
}
