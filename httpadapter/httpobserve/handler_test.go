package httpobserve_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/codes"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"
	"go.uber.org/goleak"

	"github.com/parley-go/parley/conversation"
	"github.com/parley-go/parley/conversation/otelobserve"
	"github.com/parley-go/parley/httpadapter"
	"github.com/parley-go/parley/httpadapter/httpobserve"
	"github.com/parley-go/parley/memstore"
)

// patience bounds what a test waits for, and tick is how often it looks.
const (
	patience = 30 * time.Second
	tick     = time.Millisecond
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// fixture is a server, mounted below a prefix, whose spans and metrics stay in memory.
type fixture struct {
	*testing.T
	url    string
	client *http.Client
	spans  *tracetest.InMemoryExporter
	reader *sdkmetric.ManualReader
}

func setup(t *testing.T, public func(*http.Request) bool) *fixture {
	t.Helper()
	f := &fixture{T: t, spans: tracetest.NewInMemoryExporter(), reader: sdkmetric.NewManualReader()}
	tracer := sdktrace.NewTracerProvider(sdktrace.WithSyncer(f.spans))
	meter := sdkmetric.NewMeterProvider(sdkmetric.WithReader(f.reader))
	observer, err := otelobserve.New(&otelobserve.Options{TracerProvider: tracer, MeterProvider: meter})
	require.NoError(t, err)
	engine, err := conversation.New(memstore.New(nil), conversation.ResponderFunc(echo), &conversation.Config{Observer: observer})
	require.NoError(t, err)
	require.NoError(t, engine.Start(context.Background()))
	handler, err := httpadapter.New(engine, &httpadapter.Options{Authenticate: authenticate})
	require.NoError(t, err)
	mux := http.NewServeMux()
	mux.Handle("/api/", http.StripPrefix("/api", httpobserve.Handler(handler, &httpobserve.Options{
		TracerProvider: tracer, MeterProvider: meter, Public: public,
	})))
	server := httptest.NewServer(mux)
	f.url, f.client = server.URL+"/api", server.Client()
	t.Cleanup(func() {
		server.Close()
		require.NoError(t, engine.Shutdown(context.Background()))
	})
	return f
}

func echo(_ context.Context, turn *conversation.Turn) error {
	return turn.Text("you said " + turn.InputText())
}

func authenticate(r *http.Request) (conversation.Caller, error) {
	user, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer SECRET-")
	if !ok {
		return conversation.Caller{}, httpadapter.ErrUnauthenticated
	}
	return conversation.Caller{Tenant: "acme", User: user, Permissions: conversation.PermReadWrite}, nil
}

// send makes a request of alice's and returns the whole answer.
func (f *fixture) send(method, path, body string, header ...string) (int, string) {
	f.Helper()
	r, err := http.NewRequestWithContext(f.Context(), method, f.url+path, strings.NewReader(body))
	require.NoError(f, err)
	r.Header.Set("Authorization", "Bearer SECRET-alice")
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	res, err := f.client.Do(r)
	require.NoError(f, err)
	defer res.Body.Close()
	answer, err := io.ReadAll(res.Body)
	require.NoError(f, err)
	return res.StatusCode, string(answer)
}

func (f *fixture) create() string {
	f.Helper()
	status, body := f.send(http.MethodPost, "/conversations", `{}`)
	require.Equal(f, http.StatusCreated, status, body)
	var c struct{ ID string }
	require.NoError(f, json.Unmarshal([]byte(body), &c))
	return c.ID
}

// await waits for the span of a name. That of a request ends a moment after its
// client has the answer.
func (f *fixture) await(name string) tracetest.SpanStub {
	f.Helper()
	var found tracetest.SpanStub
	require.Eventually(f, func() bool {
		for _, s := range f.spans.GetSpans() {
			if s.Name == name {
				found = s
				return true
			}
		}
		return false
	}, patience, tick, "%s of %v", name, f.spans)
	return found
}

func attrs(s tracetest.SpanStub) map[string]string {
	m := make(map[string]string)
	for _, kv := range s.Attributes {
		m[string(kv.Key)] = kv.Value.String()
	}
	return m
}

func TestSpansHaveTheRoute(t *testing.T) {
	t.Parallel()
	f := setup(t, nil)
	id := f.create()
	f.send(http.MethodGet, "/conversations/"+id+"?q=CANARY", "")
	f.send(http.MethodGet, "/agents/a/conversations/"+id, "")
	f.send(http.MethodGet, "/healthz", "")
	f.send(http.MethodGet, "/no/such/route", "")
	f.send(http.MethodPatch, "/conversations/"+id, "")
	for name, route := range map[string]string{
		"POST /conversations":                                    "/conversations",
		"GET /conversations/{conversation_id}":                   "/conversations/{conversation_id}",
		"GET /agents/{agent_id}/conversations/{conversation_id}": "/agents/{agent_id}/conversations/{conversation_id}",
		"GET /healthz": "/healthz",
		"GET":          "",
		"PATCH":        "",
	} {
		span := f.await(name)
		require.Equal(t, trace.SpanKindServer, span.SpanKind)
		require.Equal(t, codes.Unset, span.Status.Code)
		require.Equal(t, route, attrs(span)["http.route"], name)
	}
	require.Equal(t, "404", attrs(f.await("GET"))["http.response.status_code"])
	require.Equal(t, "405", attrs(f.await("PATCH"))["http.response.status_code"])
	require.Equal(t, "201", attrs(f.await("POST /conversations"))["http.response.status_code"])
}

// TestARunHangsBelowItsRequest, and that below the trace that the client named.
func TestARunHangsBelowItsRequest(t *testing.T) {
	t.Parallel()
	const theirTrace, theirSpan = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
	for name, public := range map[string]bool{"trusted": false, "public": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := setup(t, func(*http.Request) bool { return public })
			status, body := f.send(http.MethodPost, "/conversations/"+f.create()+"/messages", `{"content":"CANARY"}`,
				"traceparent", "00-"+theirTrace+"-"+theirSpan+"-01", "baggage", "k=CANARY")
			require.Equal(t, http.StatusOK, status, body)
			request, run := f.await("POST /conversations/{conversation_id}/messages"), f.await("invoke_agent")
			require.Equal(t, request.SpanContext.SpanID(), run.Parent.SpanID())
			require.Equal(t, request.SpanContext.TraceID(), run.SpanContext.TraceID())
			if public {
				require.NotEqual(t, theirTrace, request.SpanContext.TraceID().String())
				require.Len(t, request.Links, 1)
				require.Equal(t, theirSpan, request.Links[0].SpanContext.SpanID().String())
			} else {
				require.Equal(t, theirTrace, request.SpanContext.TraceID().String())
				require.Equal(t, theirSpan, request.Parent.SpanID().String())
			}
		})
	}
}

// TestStreamsPassThrough: the events come as they happen, through whatever wraps
// the writer, and the run belongs to the request that started it.
func TestStreamsPassThrough(t *testing.T) {
	t.Parallel()
	f := setup(t, nil)
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, f.url+"/conversations/"+f.create()+"/stream",
		strings.NewReader(`{"content":"hello"}`))
	require.NoError(t, err)
	r.Header.Set("Authorization", "Bearer SECRET-alice")
	r.Header.Set("Content-Type", "application/json")
	res, err := f.client.Do(r)
	require.NoError(t, err)
	defer res.Body.Close()
	require.Equal(t, http.StatusOK, res.StatusCode)
	require.Equal(t, "text/event-stream", strings.Split(res.Header.Get("Content-Type"), ";")[0])
	var names []string
	for lines := bufio.NewScanner(res.Body); lines.Scan(); {
		if name, ok := strings.CutPrefix(lines.Text(), "event: "); ok {
			names = append(names, name)
		}
	}
	require.Equal(t, "run.completed", names[len(names)-1])
	request := f.await("POST /conversations/{conversation_id}/stream")
	require.Equal(t, request.SpanContext.SpanID(), f.await("invoke_agent").Parent.SpanID())
}

func TestNothingOfTheCaller(t *testing.T) {
	t.Parallel()
	f := setup(t, nil)
	id := f.create()
	f.send(http.MethodGet, "/conversations?q=CANARY", "", "Cookie", "CANARY=1", "X-Other", "CANARY")
	f.send(http.MethodPost, "/conversations/"+id+"/messages", `{"content":"CANARY"}`)
	f.send(http.MethodPost, "/conversations/"+id+"/messages", `{"CANARY":1}`)
	f.send(http.MethodGet, "/conversations/"+id, "", "Authorization", "Bearer CANARY")
	f.await("GET /conversations")
	f.await("GET /conversations/{conversation_id}")
	all := ""
	for _, s := range f.spans.GetSpans() {
		all += fmt.Sprintf("%s %v %v %v %v\n", s.Name, s.Attributes, s.Events, s.Links, s.Status)
	}
	var m metricdata.ResourceMetrics
	require.NoError(t, f.reader.Collect(t.Context(), &m))
	all += fmt.Sprintf("%+v", m)
	require.Contains(t, all, "http.server.request.duration")
	require.Contains(t, all, "/conversations/{conversation_id}/messages")
	for _, secret := range []string{"CANARY", "SECRET", "alice"} {
		require.NotContains(t, all, secret)
	}
}
