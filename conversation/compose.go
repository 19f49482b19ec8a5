package conversation

import (
	"github.com/parley-go/parley/store"
)

// compose makes what a run adds to the log, and its result.
func (a *attempt) compose(status RunStatus, failure *RunError) (store.Tail, runResult, error) {
	t := a.turn
	t.mu.Lock()
	defer t.mu.Unlock()
	result := runResult{Usage: t.usage, Error: failure, Iterations: max(t.step, min(len(t.draft.messages), 1))}
	switch status {
	case RunCompleted:
		t.closeCalls(noResult, false)
		if t.draft.structured != nil {
			result.Structured = t.draft.structured
			t.draft.putStructured()
		} else {
			text := t.draft.text()
			result.Text = &text
		}
	case RunRequiresAction:
		t.closeCalls(noResult, false)
		result.Pending = t.draft.clientCalls()
	case RunStopped:
		if t.draft.empty() || a.e.cfg.OnStop == StopDiscards {
			return store.Tail{}, result, nil
		}
		t.closeCalls("stopped", true)
	default:
		return store.Tail{}, result, nil
	}
	tail, err := a.tail(status == RunStopped)
	if err == nil {
		tail.Pending, err = encodePending(result.Pending)
	}
	return tail, result, err
}

// tail encodes input and draft as rows.
func (a *attempt) tail(stopped bool) (store.Tail, error) {
	t := a.turn
	messages := make([]Message, 0, len(t.input)+len(t.draft.messages))
	texts := make([]string, len(t.input), cap(messages))
	messages = append(messages, t.input...)
	for i := range t.input {
		if t.input[i].Role == RoleUser {
			texts[i] = textOf(t.run.Input.Parts)
		}
	}
	for i := range t.draft.messages {
		d := &t.draft.messages[i]
		d.settle()
		content, err := NewContent(d.parts...)
		if err != nil {
			return store.Tail{}, err
		}
		m := Message{
			ID: a.e.cfg.NewID(), ConversationID: a.key.ConversationID, Role: d.role, Content: content, RunID: a.key.RunID,
			Incomplete: stopped && d.role == RoleAssistant && t.draft.lastAssistant(i),
		}
		if d.nudge != nil {
			m.Author = a.nudger(d.nudge)
		}
		messages, texts = append(messages, m), append(texts, textOf(d.parts))
	}
	return toTail(messages, texts, t.people)
}

// nudger says who wrote a nudge, where more than one could have.
func (a *attempt) nudger(n *Nudge) *Author {
	if !a.turn.several {
		return nil
	}
	author := &Author{ID: n.UserID}
	for _, p := range a.turn.people {
		if p.UserID == author.ID {
			author.Name, author.AvatarURL = p.Name, p.AvatarURL
		}
	}
	return author
}

// toTail turns messages, whose texts are given, into rows, with the preview and
// the directory entries that follow from them. known are those in the directory
// so far.
func toTail(messages []Message, texts []string, known []store.Participant) (store.Tail, error) {
	tail := store.Tail{Messages: make([]store.Message, len(messages))}
	people := directoryEntries{known: known}
	for i := range messages {
		row, err := fromMessage(&messages[i])
		if err != nil {
			return store.Tail{}, err
		}
		tail.Messages[i] = row
		if messages[i].Author != nil {
			people.author(messages[i].Author)
		}
		if role := messages[i].Role; role != RoleUser && role != RoleAssistant {
			continue
		}
		people.mentioned(texts[i])
		if p := preview(texts[i]); p != "" {
			tail.Preview = p
		}
	}
	tail.Participants = people.list
	return tail, nil
}

// directoryEntries gathers the people that messages refer to (rule L4).
type directoryEntries struct {
	known []store.Participant
	list  []store.Participant
}

func (d *directoryEntries) add(p store.Participant) {
	for i := range d.list {
		if d.list[i].UserID == p.UserID {
			d.list[i].Author = d.list[i].Author || p.Author
			if p.Name != "" {
				d.list[i].Name = p.Name
			}
			if p.AvatarURL != "" {
				d.list[i].AvatarURL = p.AvatarURL
			}
			return
		}
	}
	d.list = append(d.list, p)
}

func (d *directoryEntries) author(a *Author) {
	d.add(store.Participant{UserID: a.ID, Name: a.Name, AvatarURL: a.AvatarURL, Author: true})
}

func (d *directoryEntries) mentioned(text string) {
	for _, m := range mentions(text) {
		d.add(store.Participant{UserID: m[1], Name: d.nameFor(m[1], m[2])})
	}
}

// nameFor is the name a mention gives a person: none to a member, and none to
// one whose name is known.
// Whoever can write a text, a model included, must not rename people with it.
func (d *directoryEntries) nameFor(user, name string) string {
	for _, list := range [][]store.Participant{d.known, d.list} {
		for i := range list {
			if list[i].UserID == user && (list[i].Member || list[i].Name != "") {
				return ""
			}
		}
	}
	return name
}
