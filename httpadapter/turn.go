package httpadapter

import (
	"errors"
	"strings"

	"github.com/parley-go/parley/conversation"
)

// turn is the body of a turn in any of its spellings.
type turn struct {
	request conversation.TurnRequest
	content *string
	key     *string

	// spelled maps the engine's name of a field to the client's.
	spelled map[string]string
	said    int // how many fields say what the turn brings
}

// readTurn reads a turn and what its headers add.
func (x *exchange) readTurn() (*turn, error) {
	t := &turn{spelled: make(map[string]string)}
	err := x.body(false, func(d *decoder, v value) {
		d.object("", v, t.fields()...)
		if t.said > 1 {
			d.add("", "content, input, tool_outputs and payload are ways to say one thing: give one of them")
		}
		x.turnHeaders(d, t)
		if o := t.request.Override; o != nil && d.faults != nil {
			// StartRun will not be asked: say here what else it would say.
			d.merge(t.respell(o.Validate()))
		}
	})
	if err != nil {
		return nil, err
	}
	if t.content != nil {
		t.request.Text = *t.content
	}
	if t.key != nil {
		t.request.Key = *t.key
	}
	return t, nil
}

func (t *turn) fields() []field {
	r := &t.request
	return []field{
		t.says(given("content", &t.content)),
		t.says(t.input()),
		t.says(list("tool_outputs", &r.Outputs, readOutput)),
		t.says(nested("payload", t.payload)),
		integer("expected_version", &r.ExpectedVersion),
		given("client_op_id", &t.key),
		nested("override", t.override),
		nested("config_override", t.override),
		nested("tool_choice", func(d *decoder, path string, v value) { r.ToolChoice = readToolChoice(d, path, v) }),
		text("on_busy", (*string)(&r.OnBusy)),
		boolean("abandon_pending", &r.AbandonPending),
		nested("author", func(d *decoder, path string, v value) { r.Author = readAuthor(d, path, v) }),
	}
}

func (t *turn) input() field {
	f := list("input", &t.request.Parts, readPart)
	read := f.read
	f.read = func(d *decoder, path string, v value) {
		t.spelled["content"] = path // the engine's name for what the parts say
		read(d, path, v)
	}
	return f
}

// says marks a field that says what the turn brings.
func (t *turn) says(f field) field {
	read := f.read
	f.read = func(d *decoder, path string, v value) {
		t.said++
		read(d, path, v)
	}
	return f
}

func (t *turn) override(d *decoder, path string, v value) {
	if t.request.Override != nil {
		d.add(path, "is the same as override: give one of them")
		return
	}
	t.spelled["override"] = path
	t.request.Override = readOverride(d, path, v)
}

// payload reads the way of saying a turn in which a kind comes first.
func (t *turn) payload(d *decoder, path string, v value) {
	if v.kind() != kindObject {
		d.add(path, "must be an object")
		return
	}
	var kind string
	name := field{name: "kind", null: true, read: text("kind", &kind).read}
	word, _ := v.member("kind")
	switch string(word.raw) {
	case `"user_message"`:
		t.spelled["content"] = path + ".text"
		t.content = new(string)
		d.object(path, v, name, text("text", t.content))
	case `"tool_outputs"`:
		t.spelled["tool_outputs"] = path + ".outputs"
		d.object(path, v, name, list("outputs", &t.request.Outputs, readOutput))
		if len(t.request.Outputs) == 0 && d.faults == nil {
			d.add(path+".outputs", "must not be empty")
		}
	default:
		d.add(path+".kind", "must be user_message or tool_outputs")
	}
}

// respell gives faults the names that the client used.
func (t *turn) respell(err error) error {
	var fields conversation.FieldErrors
	if len(t.spelled) == 0 || !errors.As(err, &fields) {
		return err
	}
	out := make(conversation.FieldErrors, len(fields))
	for i, f := range fields {
		out[i] = &conversation.FieldError{Path: t.client(f.Path), Reason: f.Reason}
	}
	return out
}

func (t *turn) client(path string) string {
	for ours, theirs := range t.spelled {
		rest, ok := strings.CutPrefix(path, ours)
		if ok && (rest == "" || rest[0] == '.' || rest[0] == '[') {
			return theirs + rest
		}
	}
	return path
}

// turnHeaders reads the key and the expected version where they come as headers.
func (x *exchange) turnHeaders(d *decoder, t *turn) {
	key, err := x.idempotencyKey()
	d.merge(err)
	switch {
	case key == "":
	case t.key == nil:
		t.key = &key
		t.spelled["client_op_id"] = "Idempotency-Key"
	case *t.key != key:
		d.add("client_op_id", "is not the same as the header Idempotency-Key: give one of them")
	}
	version, err := x.ifMatch()
	d.merge(err)
	switch expected := &t.request.ExpectedVersion; {
	case version == nil:
	case *expected == nil:
		*expected, x.expectedByHeader = version, true
		t.spelled["expected_version"] = "If-Match"
	case **expected != *version:
		d.add("expected_version", "is not the same as the header If-Match: give one of them")
	}
}
