package openapitest_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/stretchr/testify/require"

	"github.com/parley-go/parley/httpadapter/internal/transcript"
)

// check holds an exchange against the document, and returns the operation if it
// succeeded. What is in no route must be answered as such.
func check(ctx context.Context, doc *openapi3.T, x *transcript.Exchange) (string, error) {
	route, params := find(doc, x.Request)
	status := x.Response.StatusCode
	if route == nil {
		if status != http.StatusNotFound && status != http.StatusMethodNotAllowed && status != http.StatusNoContent {
			return "", fmt.Errorf("status %d, and the document has no such operation", status)
		}
		return "", nil
	}
	if x.Request.Method == http.MethodHead {
		return "", nil // it has the header of an answer that was checked with GET
	}
	options := &openapi3filter.Options{
		IncludeResponseStatus: true, AuthenticationFunc: openapi3filter.NoopAuthenticationFunc, MultiError: true,
	}
	request := x.Request.Clone(ctx)
	request.Body = io.NopCloser(strings.NewReader(x.RequestBody))
	input := &openapi3filter.RequestValidationInput{Request: request, PathParams: params, Route: route, Options: options}
	if status < http.StatusBadRequest {
		if err := openapi3filter.ValidateRequest(ctx, input); err != nil {
			return "", fmt.Errorf("the request was accepted, but does not fit: %w", err)
		}
	}
	kind := x.Response.Header.Get("Content-Type")
	if kind == "text/event-stream" {
		options.ExcludeResponseBody = true // its decoder is below
		if err := events(doc, x.ResponseBody); err != nil {
			return "", err
		}
	}
	response := &openapi3filter.ResponseValidationInput{
		RequestValidationInput: input, Status: status, Header: x.Response.Header, Options: options,
	}
	if err := openapi3filter.ValidateResponse(ctx, response.SetBodyBytes([]byte(x.ResponseBody))); err != nil {
		return "", err
	}
	if status >= http.StatusBadRequest {
		return "", declared(route, status, x.ResponseBody)
	}
	return route.Operation.OperationID, nil
}

// declared checks that the document names the code of a problem.
func declared(route *routers.Route, status int, body string) error {
	var p struct{ Code string }
	if err := json.Unmarshal([]byte(body), &p); err != nil {
		return err
	}
	codes := strings.Split(*route.Operation.Responses.Status(status).Value.Description, ", ")
	for _, code := range codes {
		if code == p.Code {
			return nil
		}
	}
	return fmt.Errorf("code %s is not among those the document has for %d: %q", p.Code, status, codes)
}

// find looks a request up in the document.
func find(doc *openapi3.T, r *http.Request) (*routers.Route, map[string]string) {
	have := strings.Split(r.URL.EscapedPath(), "/")
	for path, item := range doc.Paths.Map() {
		want := strings.Split(path, "/")
		method := r.Method
		if method == http.MethodHead {
			method = http.MethodGet
		}
		op := item.GetOperation(method)
		if len(want) != len(have) || op == nil {
			continue
		}
		params, fits := make(map[string]string), true
		for i := range want {
			if name, ok := strings.CutPrefix(want[i], "{"); ok {
				value, err := url.PathUnescape(have[i])
				params[strings.TrimSuffix(name, "}")], fits = value, fits && err == nil && value != ""
			} else {
				fits = fits && want[i] == have[i]
			}
		}
		if fits {
			return &routers.Route{Spec: doc, Path: path, PathItem: item, Method: method, Operation: op}, params
		}
	}
	return nil, nil
}

// events holds the data of each event against its schema.
func events(doc *openapi3.T, stream string) error {
	schema := doc.Components.Schemas["Event"].Value
	n := 0
	for line := range strings.Lines(stream) {
		data, ok := strings.CutPrefix(line, "data: ")
		if !ok {
			continue
		}
		var value any
		if err := json.Unmarshal([]byte(data), &value); err != nil {
			return err
		}
		if err := schema.VisitJSON(value, openapi3.EnableJSONSchema2020(), openapi3.MultiErrors()); err != nil {
			return fmt.Errorf("event %s: %w", data, err)
		}
		n++
	}
	if n == 0 && !strings.HasPrefix(stream, ":") {
		return errors.New("a stream without an event or a comment")
	}
	return nil
}

// The checks find answers that do not fit: a field that is not named, one that
// is missing, a status and a code that are not told.
func TestCheckFinds(t *testing.T) {
	t.Parallel()
	s := setup(t)
	doc := s.document(t, true)
	try := func(status int, kind, body string) error {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.server.URL+"/healthz", nil)
		require.NoError(t, err)
		_, err = check(t.Context(), doc, &transcript.Exchange{Request: r, ResponseBody: body, Response: &http.Response{
			StatusCode: status, Header: http.Header{"Content-Type": {kind}},
		}})
		return err
	}
	require.NoError(t, try(200, "application/json", `{"status": "ok"}`))
	require.Error(t, try(200, "application/json", `{"status": "ok", "more": 1}`))
	require.Error(t, try(200, "application/json", `{}`))
	require.Error(t, try(200, "text/plain", `ok`))
	require.Error(t, try(201, "application/json", `{"status": "ok"}`))
	const problem = `{"type": "urn:parley:problem:unavailable", "title": "x", "status": 503, "code": "%s"}`
	require.NoError(t, try(503, "application/problem+json", fmt.Sprintf(problem, "unavailable")))
	require.Error(t, try(503, "application/problem+json", fmt.Sprintf(problem, "overloaded")))
	require.Error(t, events(doc, "data: {\"type\":\"no.such\",\"seq\":1}\n\n"))
	require.Error(t, events(doc, "data: {\"type\":\"status\",\"seq\":1,\"surprise\":1}\n\n"))
}
