package agent

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/parley-go/parley/conversation"
)

// tool calls the tools that the lines name:
//
//	/tool weather {"city": "Rome"}
//	/tool weather {"city": "Oslo"}
func (t *talk) tool(ctx context.Context, args string) error {
	calls, problem := parseCalls(args)
	if problem != "" {
		return t.say("/tool NAME JSON: " + problem)
	}
	return t.call(ctx, calls)
}

// parseCalls reads NAME JSON, and what further lines that begin with /tool say.
// The arguments may take several lines, and may be left out.
func parseCalls(args string) (calls []conversation.ToolCall, problem string) {
	for {
		name, rest := cutWord(args)
		if name == "" {
			return nil, "the name of a tool is missing."
		}
		call := conversation.ToolCall{Name: name}
		if rest != "" && !isCall(rest) {
			decoder := json.NewDecoder(strings.NewReader(rest))
			if err := decoder.Decode(&call.Arguments); err != nil || call.Arguments[0] != '{' {
				return nil, "the arguments of " + name + " must be a JSON object."
			}
			rest = strings.TrimSpace(rest[decoder.InputOffset():])
		}
		calls = append(calls, call)
		if rest == "" {
			return calls, ""
		}
		if !isCall(rest) {
			return nil, "one JSON object is enough for " + name + "."
		}
		_, args = cutWord(rest)
	}
}

// isCall reports whether a line asks for another call.
func isCall(line string) bool {
	word, _ := cutWord(line)
	return word == "/tool"
}

// call makes the calls. Those of client tools end the run, which waits for
// their outputs; the tools of MCP servers are the agent's own business. This one
// has no network, and answers in their stead.
func (t *talk) call(ctx context.Context, calls []conversation.ToolCall) error {
	pauses := false
	for i, call := range calls {
		made, err := t.turn.ToolCall(call)
		if err != nil {
			return err
		}
		calls[i] = made
		pauses = pauses || t.isClients(made.Name)
	}
	var answers []string
	for _, call := range calls {
		if t.isClients(call.Name) {
			continue
		}
		text := fmt.Sprintf("%s was called with %s", call.Name, call.Arguments)
		err := t.turn.ToolResult(conversation.ToolOutput{ToolCallID: call.ID, Parts: []conversation.Part{conversation.Text(text)}})
		if err != nil {
			return err
		}
		answers = append(answers, answered(call.Name, false, text))
	}
	if pauses {
		return nil
	}
	// The results go back to the model: one more step.
	if err := t.begin(ctx); err != nil {
		return err
	}
	return t.say(strings.Join(answers, "\n"))
}

func (t *talk) isClients(name string) bool {
	for _, tool := range t.turn.Settings().Tools {
		if tool.Name == name {
			return true
		}
	}
	return false
}

// mustCall returns the tool that the turn asks for, whatever was said.
func (t *talk) mustCall() (name string, ok bool) {
	settings := t.turn.Settings()
	switch t.step.ToolChoice.Kind {
	case conversation.ToolChoiceTool:
		return t.step.ToolChoice.Name, true
	case conversation.ToolChoiceAny:
		if len(settings.Tools) > 0 {
			return settings.Tools[0].Name, true
		}
		for _, server := range settings.MCPServers {
			if len(server.Tools) > 0 {
				return server.Alias + "-" + server.Tools[0].Name, true
			}
		}
	case conversation.ToolChoiceAuto:
	}
	return "", false
}

// outputs says what the tools gave that the last turn had called.
func (t *talk) outputs(m conversation.Message) error {
	parts, err := m.Content.Parts()
	if err != nil {
		return err
	}
	names := make(map[string]string)
	for _, call := range t.turn.Conversation().PendingToolCalls {
		names[call.ID] = call.Name
	}
	var lines []string
	for _, p := range parts {
		t.read(describe(p.Parts))
		lines = append(lines, answered(names[p.ToolCallID], p.IsError, describe(p.Parts)))
	}
	return t.say(strings.Join(lines, "\n"))
}

func answered(name string, failed bool, output string) string {
	if output == "" {
		output = "nothing"
	}
	if failed {
		return name + " failed: " + output
	}
	return name + " answered: " + output
}

// describe puts parts on one line.
func describe(parts []conversation.Part) string {
	var out []string
	for _, p := range parts {
		switch p.Type {
		case conversation.PartText:
			out = append(out, p.Text)
		case conversation.PartStructured:
			out = append(out, string(p.Value))
		case conversation.PartFile:
			out = append(out, "the file "+p.Name)
		case conversation.PartDataFrame:
			out = append(out, "the data frame "+p.Name)
		default:
		}
	}
	return strings.Join(out, " ")
}
