package conversation

import (
	"encoding/json"
	"fmt"

	"github.com/google/uuid"
	"github.com/parley-go/parley/store"
)

// packBody is the stored form of consecutive events of one attempt. Deltas of
// one kind that follow each other share an item: their texts in one string, the
// length in bytes of each beside it. So a token costs a few bytes, and every
// event can still be made again exactly as it was (rules S1, S5).
type packBody struct {
	Attempt int        `json:"a"`
	Items   []packItem `json:"e"`
}

type packItem struct {
	Type EventType `json:"t"`
	Lens []int     `json:"n,omitempty"`
	EventData
}

// encodePack packs events, which are consecutive and of one attempt.
func encodePack(events []*Event) (*store.EventPack, error) {
	body := packBody{Attempt: events[0].Attempt}
	var text []byte // of the item that deltas are being gathered in
	closeItem := func() {
		if len(text) > 0 {
			body.Items[len(body.Items)-1].Delta = string(text)
			text = text[:0]
		}
	}
	for _, e := range events {
		delta := e.Type == EventTextDelta || e.Type == EventReasoningDelta
		if n := len(body.Items); delta && len(text) > 0 && body.Items[n-1].Type == e.Type {
			body.Items[n-1].Lens = append(body.Items[n-1].Lens, len(e.Delta))
			text = append(text, e.Delta...)
			continue
		}
		closeItem()
		item := packItem{Type: e.Type, EventData: e.EventData}
		if delta {
			item.Lens, item.Delta = []int{len(e.Delta)}, ""
			text = append(text, e.Delta...)
		}
		body.Items = append(body.Items, item)
	}
	closeItem()
	raw, err := json.Marshal(body)
	if err != nil {
		return nil, fmt.Errorf("encode events: %w", err)
	}
	return &store.EventPack{First: events[0].Seq, Last: events[len(events)-1].Seq, Body: raw}, nil
}

// decodePack makes the events of a pack again.
func decodePack(conversationID, runID uuid.UUID, pack *store.EventPack) ([]*Event, error) {
	var body packBody
	if err := decodeRow(pack.Body, &body, "events"); err != nil {
		return nil, err
	}
	n := 0
	for i := range body.Items {
		n += max(len(body.Items[i].Lens), 1)
	}
	events := make([]*Event, 0, n)
	seq := pack.First
	add := func(t EventType, data EventData) {
		events = append(events, &Event{
			ConversationID: conversationID, RunID: runID, Seq: seq, FirstSeq: seq, Attempt: body.Attempt, Type: t, EventData: data,
		})
		seq++
	}
	for _, item := range body.Items {
		if item.Lens == nil {
			add(item.Type, item.EventData)
			continue
		}
		rest := item.Delta
		for _, n := range item.Lens {
			if n < 0 || n > len(rest) {
				return nil, fmt.Errorf("%w: events: lengths exceed the text", errCorrupt)
			}
			add(item.Type, EventData{Delta: rest[:n]})
			rest = rest[n:]
		}
	}
	if seq != pack.Last+1 {
		return nil, fmt.Errorf("%w: events: %d to %d hold %d", errCorrupt, pack.First, pack.Last, len(events))
	}
	return events, nil
}

// coalesce puts deltas of one kind that follow each other together, for those
// who read a run after its end (rule S5). The result's numbers still have no
// gap: FirstSeq to Seq of each event follow those of the one before.
func coalesce(events []*Event) []*Event {
	out := events[:0:0]
	for i := 0; i < len(events); {
		e := events[i]
		j := i + 1
		if e.Type == EventTextDelta || e.Type == EventReasoningDelta {
			for j < len(events) && events[j].Type == e.Type && events[j].Attempt == e.Attempt {
				j++
			}
		}
		if j-i > 1 {
			var text []byte
			for _, d := range events[i:j] {
				text = append(text, d.Delta...)
			}
			e = &Event{
				ConversationID: e.ConversationID, RunID: e.RunID, FirstSeq: e.FirstSeq, Seq: events[j-1].Seq,
				Attempt: e.Attempt, Type: e.Type, EventData: EventData{Delta: string(text)},
			}
		}
		out = append(out, e)
		i = j
	}
	return out
}
