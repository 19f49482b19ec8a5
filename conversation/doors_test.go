package conversation_test

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"unicode"

	"github.com/google/uuid"

	"github.com/parley-go/parley/conversation"
)

// leaf is one string, or one piece of JSON, somewhere inside an argument.
type leaf struct {
	path string // in Go's spelling
	set  func(text string)
}

// leaves finds the strings of v that are set, to be spoilt one at a time.
func leaves(v reflect.Value, path string) []leaf {
	var out []leaf
	switch v.Kind() {
	case reflect.Pointer:
		if !v.IsNil() {
			out = leaves(v.Elem(), path)
		}
	case reflect.Struct:
		for i := range v.NumField() {
			if name := v.Type().Field(i).Name; v.Type().Field(i).Anonymous {
				out = append(out, leaves(v.Field(i), path)...)
			} else {
				out = append(out, leaves(v.Field(i), path+"."+name)...)
			}
		}
	case reflect.Slice:
		if v.Type() == reflect.TypeFor[json.RawMessage]() {
			if v.Len() > 0 {
				out = append(out, leaf{path, func(s string) { v.SetBytes([]byte(`{"title":"` + s + `"}`)) }})
			}
			break
		}
		for i := range v.Len() {
			out = append(out, leaves(v.Index(i), fmt.Sprintf("%s[%d]", path, i))...)
		}
	case reflect.Map:
		for _, key := range v.MapKeys() {
			at := path + "." + key.String()
			out = append(out, leaf{path + ".key", func(s string) {
				v.SetMapIndex(reflect.ValueOf(s), v.MapIndex(key))
				v.SetMapIndex(key, reflect.Value{})
			}})
			value := reflect.New(v.Type().Elem()).Elem()
			value.Set(v.MapIndex(key))
			for _, l := range leaves(value, at) {
				out = append(out, leaf{l.path, func(s string) { l.set(s); v.SetMapIndex(key, value) }})
			}
		}
	case reflect.String:
		if v.Len() > 0 {
			out = append(out, leaf{path, v.SetString})
		}
	default:
	}
	return out
}

// snake spells a path as clients do.
func snake(path string) string {
	path = strings.NewReplacer("MCPServers", "mcp_servers", "URL", "_url", "ID", "_id").Replace(strings.TrimPrefix(path, "."))
	var b strings.Builder
	for i, r := range path {
		if unicode.IsUpper(r) {
			if i > 0 && path[i-1] != '.' && path[i-1] != '_' {
				b.WriteByte('_')
			}
			r = unicode.ToLower(r)
		}
		b.WriteRune(r)
	}
	return strings.ReplaceAll(b.String(), "._", ".")
}

// door is one way for a caller to hand over text.
type door struct {
	// full returns arguments in which every string is set, and right.
	full func() any
	call func(f *fixture, at target, args any) error
	// path turns a leaf's place into the one an error names.
	path func(leaf string) string
	// lenient leaves are those for which any word will do.
	lenient []string
}

type shape struct {
	Role   conversation.Role
	Parts  []conversation.Part
	Author *conversation.Author
}

func fullParts() []conversation.Part {
	return []conversation.Part{
		conversation.Text("text"), conversation.File("ref", "text/plain", "name"), conversation.DataFrame("frame"), conversation.Structured(json.RawMessage(`{"a":1}`)),
	}
}

func doors() map[string]door {
	override := func() *conversation.Override {
		o := conversation.Override(richDefaults().Settings)
		return &o
	}
	turn := func(leaf string) string {
		for i := 3; i >= 0; i-- { // the text is the first part
			leaf = strings.Replace(leaf, fmt.Sprintf(".Parts[%d]", i), fmt.Sprintf(".Input[%d]", i+1), 1)
		}
		return snake(strings.NewReplacer(".Text", ".Input[0]", ".Input[1].Text", ".Input[1]", ".Key", ".ClientOpID", ".key", "", ".Timeout", "").Replace(leaf))
	}
	return map[string]door{
		"Create": {
			full: func() any {
				return &conversation.CreateParams{
					Title: "title", AgentID: "agent", Agent: &conversation.Agent{ID: "agent", Slug: "slug", DisplayName: "Agent", AvatarURL: "https://a.example"},
					Defaults: richDefaults(), Mode: conversation.ModeFast, Channel: "web", Surface: "dm", Metadata: json.RawMessage(`{"a":1}`),
				}
			},
			call: func(f *fixture, _ target, args any) error {
				_, err := f.engine.Create(f.ctx, f.caller, *args.(*conversation.CreateParams))
				return err
			},
			path: func(leaf string) string {
				return strings.TrimSuffix(strings.Replace(snake(leaf), "title", "name", 1), ".key")
			},
		},
		"Fork": {
			full: func() any {
				d := richDefaults()
				return &conversation.ForkParams{Title: "title", Defaults: &d}
			},
			call: func(f *fixture, at target, args any) error {
				_, err := f.engine.Fork(f.ctx, f.caller, at.conversation, *args.(*conversation.ForkParams))
				return err
			},
			path: func(leaf string) string {
				return strings.TrimSuffix(strings.Replace(snake(leaf), "title", "name", 1), ".key")
			},
		},
		"StartRun": {
			full: func() any {
				return &conversation.TurnRequest{
					Text: "hello", Parts: fullParts(), Override: override(), Key: uuid.NewString(), OnBusy: conversation.BusyReject,
					ToolChoice: &conversation.ToolChoice{Kind: conversation.ToolChoiceTool, Name: "ask"},
					Author:     &conversation.Author{ID: "U1", Name: "Una", AvatarURL: "https://a.example"},
				}
			},
			call: func(f *fixture, at target, args any) error {
				_, err := f.engine.StartRun(f.ctx, f.caller, at.conversation, *args.(*conversation.TurnRequest))
				return err
			},
			path: turn,
		},
		"StartRun with outputs": {
			full: func() any {
				return &conversation.TurnRequest{Outputs: []conversation.ToolOutput{{ToolCallID: "c1", Parts: fullParts()}}}
			},
			call: func(f *fixture, at target, args any) error {
				_, err := f.engine.StartRun(f.ctx, f.caller, at.conversation, *args.(*conversation.TurnRequest))
				return err
			},
			path: func(leaf string) string {
				return strings.NewReplacer("outputs", "tool_outputs", "parts", "content").Replace(snake(leaf))
			},
		},
		"Append": {
			full: func() any {
				return &[]shape{
					{conversation.RoleTool, []conversation.Part{conversation.ToolOutput{ToolCallID: "c1", Parts: fullParts()}.Part()}, nil},
					{conversation.RoleUser, fullParts(), &conversation.Author{ID: "U1", Name: "Una", AvatarURL: "https://a.example"}},
					{conversation.RoleAssistant, []conversation.Part{
						conversation.Reasoning("hm"), conversation.ToolCall{ID: "c2", Name: "ask", Arguments: json.RawMessage(`{"a":1}`)}.Part(),
					}, nil},
				}
			},
			call: func(f *fixture, at target, args any) error {
				var p conversation.AppendParams
				for _, s := range *args.(*[]shape) {
					content, err := conversation.NewContent(s.Parts...)
					if err != nil {
						return fmt.Errorf("content: %w", err)
					}
					p.Messages = append(p.Messages, conversation.Message{Role: s.Role, Content: content, Author: s.Author})
				}
				_, err := f.engine.Append(f.ctx, f.caller, at.conversation, p)
				return err
			},
			path: func(leaf string) string { return snake(leaf[strings.Index(leaf, "].")+1:]) },
		},
		"AddParticipant": {
			full: func() any {
				return &conversation.Participant{UserID: "carol", Name: "Carol", AvatarURL: "https://a.example"}
			},
			call: func(f *fixture, at target, args any) error {
				_, err := f.engine.AddParticipant(f.ctx, f.caller, at.conversation, *args.(*conversation.Participant))
				return err
			},
			path: snake,
		},
		"List": {
			full: func() any {
				return &conversation.Query{Text: "text", Sort: conversation.SortTitle, Mode: "fast", Channel: "slack", AgentID: "agent", View: "admin"}
			},
			call: func(f *fixture, _ target, args any) error {
				_, err := f.engine.List(f.ctx, f.caller, *args.(*conversation.Query))
				return err
			},
			path:    func(leaf string) string { return strings.Replace(snake(leaf), "text", "q", 1) },
			lenient: []string{".Sort", ".Mode", ".View", ".Channel"},
		},
		"SetTitle": {
			full: func() any { return &struct{ Title string }{"title"} },
			call: func(f *fixture, at target, args any) error {
				_, err := f.engine.SetTitle(f.ctx, f.caller, at.conversation, args.(*struct{ Title string }).Title)
				return err
			},
			path: snake,
		},
		"NudgeRun": {
			full: func() any { return &struct{ Text string }{"text"} },
			call: func(f *fixture, at target, args any) error {
				_, err := f.engine.NudgeRun(f.ctx, f.caller, at.run, args.(*struct{ Text string }).Text)
				return err
			},
			path: snake,
		},
		"Ask": {
			full: func() any { return &struct{ Content string }{"text"} },
			call: func(f *fixture, at target, args any) error {
				_, err := f.engine.Ask(f.ctx, f.caller, at.conversation, args.(*struct{ Content string }).Content)
				return err
			},
			path: snake,
		},
	}
}
