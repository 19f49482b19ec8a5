package conversation

import (
	"encoding/json"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/parley-go/parley/store"
)

// draft is what a turn has written so far: the messages that follow its input.
// Calls and results keep the order in which they came; a result, or a nudge,
// begins a new message.
type draft struct {
	limit      int // bytes of one message
	messages   []draftMessage
	calls      []draftCall
	structured json.RawMessage
	// structuredIsText: the value is the text, which becomes the part that holds it.
	structuredIsText bool
	held             []byte // start of a character that a text delta cut apart
	heldIn           PartType
}

type draftMessage struct {
	role   Role
	parts  []Part
	text   *strings.Builder // of the last part, while it grows
	size   int
	closed bool
	nudge  *Nudge // the message is this nudge
}

type draftCall struct {
	ToolCall
	client   bool
	answered bool
}

// message returns the message of the role that is being written.
func (d *draft) message(role Role) *draftMessage {
	if n := len(d.messages); n > 0 && d.messages[n-1].role == role && !d.messages[n-1].closed {
		return &d.messages[n-1]
	}
	d.breakMessage()
	d.messages = append(d.messages, draftMessage{role: role})
	return &d.messages[len(d.messages)-1]
}

// breakMessage ends the message that is being written.
func (d *draft) breakMessage() {
	if n := len(d.messages); n > 0 {
		d.messages[n-1].settle()
		d.messages[n-1].closed = true
	}
}

// settle puts the growing text into its part.
func (m *draftMessage) settle() {
	if m.text != nil {
		m.parts[len(m.parts)-1].Text = m.text.String()
		m.text = nil
	}
}

// grow counts bytes of the newest message against the limit. A message that
// cannot even begin is none.
func (d *draft) grow(m *draftMessage, n int) error {
	if m.size+n > d.limit {
		if len(m.parts) == 0 {
			d.messages = d.messages[:len(d.messages)-1]
		}
		return &RunError{Code: CodeTooLarge, Message: "the turn wrote more than one message may hold"}
	}
	m.size += n
	return nil
}

// partOverhead is about what the JSON of a part costs beside its text.
const partOverhead = 32

// write adds text of a kind and returns what of it may be shown now.
func (d *draft) write(kind PartType, delta string) (string, error) {
	if delta == "" {
		return "", nil
	}
	shown, held := delta, []byte(nil)
	if len(d.held) > 0 {
		if d.heldIn != kind {
			return "", &RunError{Code: CodeInvalidOutput, Message: "text must be valid UTF-8"}
		}
		shown = string(d.held) + delta
	}
	if cut := incompleteTail(shown); cut > 0 {
		held = []byte(shown[len(shown)-cut:])
		shown = shown[:len(shown)-cut]
	}
	if reason := textFault(shown, 0); reason != "" {
		return "", &RunError{Code: CodeInvalidOutput, Message: "text " + reason}
	}
	if shown != "" {
		if err := d.append(kind, shown); err != nil {
			return "", err
		}
	}
	d.held, d.heldIn = held, kind
	return shown, nil
}

func (d *draft) append(kind PartType, text string) error {
	if d.pausing() {
		return ErrToolOutputsPending
	}
	m := d.message(RoleAssistant)
	if n := len(m.parts); n == 0 || m.parts[n-1].Type != kind || m.text == nil {
		if err := d.grow(m, partOverhead+len(text)); err != nil {
			return err
		}
		m.settle()
		m.parts = append(m.parts, Part{Type: kind})
		m.text = new(strings.Builder)
	} else if err := d.grow(m, len(text)); err != nil {
		return err
	}
	m.text.WriteString(text)
	return nil
}

// flushBytes ends a text that stops in the middle of a character: the character
// is lost, and marked as decoders mark it.
func (d *draft) flushBytes() string {
	if len(d.held) == 0 {
		return ""
	}
	d.held = nil
	if d.heldIn != PartText || d.append(PartText, string(utf8.RuneError)) != nil {
		return ""
	}
	return string(utf8.RuneError)
}

// incompleteTail returns how many bytes at the end begin a character that is
// not all there.
func incompleteTail(s string) int {
	for n := 1; n <= utf8.UTFMax-1 && n <= len(s); n++ {
		c := s[len(s)-n]
		if utf8.RuneStart(c) {
			if c >= utf8.RuneSelf && !utf8.FullRuneInString(s[len(s)-n:]) {
				return n
			}
			return 0
		}
	}
	return 0
}

// add puts a whole part into the assistant's message.
func (d *draft) add(p Part) error {
	if err := checkPart(p); err != nil {
		return err
	}
	raw, err := json.Marshal(p)
	if err != nil {
		return &RunError{Code: CodeInvalidOutput, Message: "a part cannot be encoded"}
	}
	if d.pausing() {
		return ErrToolOutputsPending
	}
	m := d.message(RoleAssistant)
	if err := d.grow(m, len(raw)); err != nil {
		return err
	}
	m.settle()
	m.parts = append(m.parts, p)
	return nil
}

// checkPart refuses in a Responder's part what could not be stored.
func checkPart(p Part) error {
	var f faults
	checkOutputPart(&f, "part", &p, 0)
	if err := f.err(); err != nil {
		return &RunError{Code: CodeInvalidOutput, Message: err.Error()}
	}
	return nil
}

// call records a call and opens it.
func (d *draft) call(call ToolCall, client bool) error {
	for i := range d.calls {
		if d.calls[i].ID == call.ID {
			return &RunError{Code: CodeInvalidOutput, Message: "tool call id " + call.ID + " is used twice"}
		}
	}
	if err := d.add(call.Part()); err != nil {
		return err
	}
	d.calls = append(d.calls, draftCall{ToolCall: call, client: client})
	return nil
}

// result closes a call of this turn with its result.
func (d *draft) result(o ToolOutput) error {
	var call *draftCall
	for i := range d.calls {
		if d.calls[i].ID == o.ToolCallID {
			call = &d.calls[i]
		}
	}
	switch {
	case call == nil:
		return &ToolCallError{ToolCallID: o.ToolCallID, Reason: ErrUnknownToolCall}
	case call.client:
		return &RunError{Code: CodeInvalidOutput, Message: "the output of a client tool comes from the client"}
	case call.answered:
		return &RunError{Code: CodeInvalidOutput, Message: "tool call " + o.ToolCallID + " has its result"}
	}
	part := o.Part()
	if err := checkPart(part); err != nil {
		return err
	}
	raw, err := json.Marshal(part)
	if err != nil {
		return &RunError{Code: CodeInvalidOutput, Message: "a tool result cannot be encoded"}
	}
	m := d.message(RoleTool)
	if err := d.grow(m, len(raw)); err != nil {
		return err
	}
	m.parts = append(m.parts, part)
	call.answered = true
	return nil
}

// user records a nudge that the run has read.
func (d *draft) user(n *Nudge) {
	m := d.message(RoleUser)
	m.parts = append(m.parts, Text(n.Text))
	m.closed = true
	m.nudge = n
}

// begin puts nudges before everything else.
func (d *draft) begin(nudges []store.Nudge) {
	first := make([]draftMessage, 0, len(nudges)+len(d.messages))
	for i := range nudges {
		first = append(first, draftMessage{
			role: RoleUser, parts: []Part{Text(nudges[i].Text)}, closed: true, nudge: toNudge(&nudges[i]),
		})
	}
	d.messages = append(first, d.messages...)
}

// openClient reports whether a client tool was called.
func (d *draft) openClient() bool {
	for i := range d.calls {
		if d.calls[i].client {
			return true
		}
	}
	return false
}

// clientCalls returns the calls that wait for the client.
func (d *draft) clientCalls() []ToolCall {
	var calls []ToolCall
	for i := range d.calls {
		if d.calls[i].client {
			calls = append(calls, d.calls[i].ToolCall)
		}
	}
	return calls
}

// closeCalls gives every open call of a server's tool, and those of client tools
// too when all is set, an error for a result: no call in the log stays open (rule
// R5). It returns the results.
func (d *draft) closeCalls(why string, all bool) []Part {
	var closed []Part
	for i := range d.calls {
		call := &d.calls[i]
		if call.answered || (call.client && !all) {
			continue
		}
		part := failedCall(call.ID, why)
		m := d.message(RoleTool)
		m.parts = append(m.parts, part)
		call.answered, call.client = true, false
		closed = append(closed, part)
	}
	return closed
}

// failedCall is the output of a call that will get no other.
func failedCall(id, why string) Part {
	return ToolOutput{ToolCallID: id, IsError: true, Parts: []Part{Text(why)}}.Part()
}

// empty reports whether nothing was written.
func (d *draft) empty() bool { return len(d.messages) == 0 }

// text is the whole text of the turn: its text deltas, one after the other
// (rule S2).
func (d *draft) text() string {
	var b strings.Builder
	for i := range d.messages {
		if m := &d.messages[i]; m.role == RoleAssistant {
			m.settle()
			b.WriteString(textOf(m.parts))
		}
	}
	return b.String()
}

// pausing reports whether the turn may add nothing but results: a client tool
// was called, and the message that calls it has ended. More of the assistant
// would come between the call and its output.
func (d *draft) pausing() bool {
	n := len(d.messages)
	return n > 0 && (d.messages[n-1].closed || d.messages[n-1].role != RoleAssistant) && d.openClient()
}

// putStructured adds the structured answer as a part of the last message of the
// assistant, in place of the text that it was read from.
func (d *draft) putStructured() {
	if d.structuredIsText {
		for i := range d.messages {
			m := &d.messages[i]
			if m.role != RoleAssistant {
				continue
			}
			m.settle()
			m.parts = slices.DeleteFunc(m.parts, func(p Part) bool { return p.Type == PartText })
		}
		d.messages = slices.DeleteFunc(d.messages, func(m draftMessage) bool { return len(m.parts) == 0 })
	}
	m := d.message(RoleAssistant)
	m.settle()
	m.parts = append(m.parts, Structured(d.structured))
}

// lastAssistant reports whether message i is the last one of the assistant.
func (d *draft) lastAssistant(i int) bool {
	for _, m := range d.messages[i+1:] {
		if m.role == RoleAssistant {
			return false
		}
	}
	return true
}
