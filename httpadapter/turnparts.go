package httpadapter

import (
	"bytes"
	"encoding/json"

	"github.com/parley-go/parley/conversation"
)

// readPart reads a part of a user's message. Each type has fields of its own.
func readPart(d *decoder, path string, v value, p *conversation.Part) {
	if v.kind() != kindObject {
		d.add(path, "must be an object")
		return
	}
	var name string
	typ := field{name: "type", null: true, read: text("type", &name).read}
	p.Type = partType(v)
	switch p.Type {
	case conversation.PartText:
		d.object(path, v, typ, text("text", &p.Text))
	case conversation.PartFile:
		d.object(path, v, typ, text("file_ref", &p.FileRef), text("media_type", &p.MediaType), text("name", &p.Name))
	case conversation.PartDataFrame:
		d.object(path, v, typ, text("name", &p.Name))
	case conversation.PartStructured:
		d.object(path, v, typ, jsonValue("value", &p.Value))
		if p.Value == nil {
			d.add(path+".value", "must be given")
		}
	default:
		d.add(path+".type", "must be text, file, data_frame or structured")
	}
}

// partType returns the type an object says it is, "" if it says none.
func partType(v value) conversation.PartType {
	if v.kind() != kindObject {
		return ""
	}
	typ, ok := v.member("type")
	if !ok || typ.kind() != kindString {
		return ""
	}
	return conversation.PartType(typ.text())
}

// jsonValue keeps JSON as it came, null too.
func jsonValue(name string, into *json.RawMessage) field {
	f := opaque(name, into)
	f.null = true
	return f
}

// readOutput reads the answer to a tool call.
func readOutput(d *decoder, path string, v value, o *conversation.ToolOutput) {
	var id, use *string
	d.object(path, v,
		given("tool_call_id", &id),
		given("tool_use_id", &use),
		field{name: "content", read: func(d *decoder, path string, v value) { o.Parts = readContent(d, path, v) }},
		boolean("is_error", &o.IsError),
	)
	switch {
	case id != nil && use != nil:
		d.add(path+".tool_use_id", "is the same as tool_call_id: give one of them")
	case id != nil:
		o.ToolCallID = *id
	case use != nil:
		o.ToolCallID = *use
	default:
		d.add(path+".tool_call_id", "must be given")
	}
}

// readContent reads what a tool gave back. Tools give back anything: a string
// is text, parts are parts, and whatever else is JSON is kept as such.
func readContent(d *decoder, path string, v value) []conversation.Part {
	switch v.kind() {
	case kindString:
		return []conversation.Part{conversation.Text(v.text())}
	case kindObject:
		if isResultPart(v) {
			var p conversation.Part
			readPart(d, path, v, &p)
			return []conversation.Part{p}
		}
	case kindArray:
		parts, all := []conversation.Part(nil), true
		v.items(func(_ int, it value) bool {
			all = it.kind() == kindString || isResultPart(it)
			return all
		})
		if all {
			list("", &parts, readContentItem).read(d, path, v)
			return parts
		}
	default:
	}
	return []conversation.Part{conversation.Structured(bytes.Clone(v.raw))}
}

func readContentItem(d *decoder, path string, v value, p *conversation.Part) {
	if v.kind() == kindString {
		*p = conversation.Text(v.text())
		return
	}
	readPart(d, path, v, p)
}

// isResultPart reports whether an object is a part rather than any JSON.
func isResultPart(v value) bool {
	switch partType(v) {
	case conversation.PartText, conversation.PartFile, conversation.PartDataFrame, conversation.PartStructured:
		return true
	default:
		return false
	}
}

// readToolChoice reads a word, or an object that may name a tool. A server's
// tool is named by its wire name, or by the server's alias and its own.
func readToolChoice(d *decoder, path string, v value) *conversation.ToolChoice {
	var kind, name, alias string
	switch v.kind() {
	case kindString:
		kind = v.text()
	case kindObject:
		d.object(path, v, text("kind", &kind), text("name", &name), text("mcp_alias", &alias))
	default:
		d.add(path, "must be auto, any or an object")
		return nil
	}
	if kind == "specific_tool" {
		kind = string(conversation.ToolChoiceTool)
	}
	if alias != "" {
		name = alias + "-" + name
	}
	switch c := conversation.ToolChoiceKind(kind); c {
	case conversation.ToolChoiceAuto, conversation.ToolChoiceAny, conversation.ToolChoiceTool:
		return &conversation.ToolChoice{Kind: c, Name: name}
	}
	if v.kind() == kindString {
		d.add(path, "must be auto, any, or an object that names a tool")
	} else {
		d.add(path+".kind", "must be auto, any or tool")
	}
	return nil
}

func readAuthor(d *decoder, path string, v value) *conversation.Author {
	var a conversation.Author
	d.object(path, v, text("id", &a.ID), text("name", &a.Name), text("avatar_url", &a.AvatarURL))
	return &a
}
