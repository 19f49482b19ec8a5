package otelobserve_test

import (
	"encoding/json"
	"fmt"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/baggage"

	"github.com/parley-go/parley/conversation"
	"github.com/parley-go/parley/conversation/otelobserve"
)

// everything returns all that an exporter would send, as text.
func (f *fixture) everything() string {
	f.Helper()
	text := ""
	for _, s := range f.spans.GetSpans() {
		text += fmt.Sprintf("%s %v %v %v %v %v\n", s.Name, s.Attributes, s.Events, s.Links, s.Status, s.Resource)
	}
	for name, data := range f.metrics() {
		text += fmt.Sprintf("%s %+v\n", name, data)
	}
	return text
}

// TestNoContent puts a canary into all that people and models write, and into
// secrets, messages of errors and baggage.
func TestNoContent(t *testing.T) {
	t.Parallel()
	f := setup(t, conversation.ResponderFunc(agent), otelobserve.Options{}, conversation.Config{})
	member, err := baggage.NewMember("key", "CANARY")
	require.NoError(t, err)
	bag, err := baggage.New(member)
	require.NoError(t, err)
	ctx, request := f.tracer.Tracer("test").Start(baggage.ContextWithBaggage(t.Context(), bag), "request")
	defer request.End()
	named := alice
	named.Name, named.User = "CANARY name", "CANARY-user"
	for _, text := range []string{"hi CANARY", "fail", "leave open", "ask"} {
		f.run(ctx, named, f.create(named, defaults()), text)
	}
	all := f.everything()
	require.Contains(t, all, "gen_ai.usage.input_tokens")
	require.NotContains(t, all, "CANARY")
}

func TestContentWhenAsked(t *testing.T) {
	t.Parallel()
	f := setup(t, conversation.ResponderFunc(agent), otelobserve.Options{RecordContent: true}, conversation.Config{})
	id := f.create(alice, defaults())
	f.run(t.Context(), alice, id, "hi")
	top, tool := attrs(f.span("invoke_agent support").Attributes), attrs(f.span("execute_tool web-search").Attributes)
	for key, want := range map[string]string{
		"gen_ai.system_instructions": `[{"type":"text","content":"CANARY prompt"}]`,
		"gen_ai.input.messages":      `[{"role":"user","parts":[{"type":"text","content":"hi"}]}]`,
		"gen_ai.output.messages":     `[{"role":"assistant","parts":[{"type":"text","content":"CANARY answer"}],"finish_reason":"stop"}]`,
	} {
		require.JSONEq(t, want, top[key].(string), key)
	}
	require.JSONEq(t, `{"q":"CANARY"}`, tool["gen_ai.tool.call.arguments"].(string))
	require.JSONEq(t, `[{"type":"text","content":"CANARY result"}]`, tool["gen_ai.tool.call.result"].(string))
	require.NotContains(t, f.everything(), "https://CANARY", "servers and their headers are no content")

	f.run(t.Context(), alice, id, "ask")
	f.spans.Reset()
	_, err := f.engine.RunTurn(t.Context(), alice, id, conversation.TurnRequest{Outputs: []conversation.ToolOutput{
		{ToolCallID: "c1", Parts: []conversation.Part{conversation.Text("forty-two")}},
	}})
	require.NoError(t, err)
	input := attrs(f.span("invoke_agent support").Attributes)["gen_ai.input.messages"].(string)
	require.True(t, json.Valid([]byte(input)))
	require.JSONEq(t, `[{"role":"tool","parts":[
		{"type":"tool_call_response","id":"c1","response":[{"type":"text","content":"forty-two"}]}]}]`, input)
}

// TestTenantsStayApart runs two tenants side by side in one engine. What a
// trace holds is of the tenant whose request began it.
func TestTenantsStayApart(t *testing.T) {
	t.Parallel()
	f := setup(t, conversation.ResponderFunc(agent), otelobserve.Options{RecordContent: true}, conversation.Config{})
	owner := map[string]string{} // of a trace, by its id
	var mu sync.Mutex
	var wg sync.WaitGroup
	for _, caller := range []conversation.Caller{alice, carol} {
		d := defaults()
		d.SystemPrompt = "of " + caller.Tenant
		id := f.create(caller, d)
		for i := range 10 {
			wg.Go(func() {
				ctx, request := f.tracer.Tracer("test").Start(t.Context(), "request")
				defer request.End()
				mu.Lock()
				owner[request.SpanContext().TraceID().String()] = caller.Tenant
				mu.Unlock()
				run, err := f.engine.StartRun(ctx, caller, id, conversation.TurnRequest{
					Text: fmt.Sprintf("%s says %d", caller.Tenant, i), OnBusy: conversation.BusyEnqueue,
				})
				if err == nil {
					_, err = f.engine.Wait(ctx, caller, run.ID)
				}
				if err != nil {
					t.Error(err)
				}
			})
		}
	}
	wg.Wait()
	runs := 0
	for _, s := range f.spans.GetSpans() {
		tenant := owner[s.SpanContext.TraceID().String()]
		require.NotEmpty(t, tenant)
		other := map[string]string{"acme": "globex", "globex": "acme"}[tenant]
		require.NotContains(t, fmt.Sprint(s.Attributes, s.Events), other)
		if s.Name == "invoke_agent support" {
			runs++
			require.Equal(t, tenant, attrs(s.Attributes)["parley.tenant.id"])
			require.Contains(t, fmt.Sprint(s.Attributes), tenant+" says")
		}
	}
	require.Equal(t, 20, runs)
	for name, data := range f.metrics() {
		require.NotContains(t, fmt.Sprintf("%+v", data), "acme", name)
		require.NotContains(t, fmt.Sprintf("%+v", data), "globex", name)
	}
}
