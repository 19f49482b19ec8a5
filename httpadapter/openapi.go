package httpadapter

import (
	"crypto/sha256"
	_ "embed" // schemas.json
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// schemasJSON holds the schemas and parameters that routes name.
//
//go:embed schemas.json
var schemasJSON []byte

// document is the encoded OpenAPI document.
type document struct {
	body []byte
	tag  string
}

// apiObject is an object of the document.
type apiObject map[string]any

// newDocument writes the document of a table of routes. A name that the table
// uses and the schemas lack is an error.
func newDocument(routes []route) (document, error) {
	var components struct {
		Parameters map[string]apiObject `json:"parameters"`
		Schemas    map[string]any       `json:"schemas"`
	}
	if err := json.Unmarshal(schemasJSON, &components); err != nil {
		return document{}, fmt.Errorf("httpadapter: schemas: %w", err)
	}
	w := docWriter{parameters: components.Parameters, schemas: components.Schemas, paths: make(map[string]apiObject)}
	for i := range routes {
		for _, p := range routes[i].paths() {
			w.path(&routes[i], p)
		}
	}
	if len(w.missing) > 0 {
		return document{}, fmt.Errorf("httpadapter: the document has no %s", strings.Join(w.missing, ", "))
	}
	body, err := json.Marshal(apiObject{
		"openapi": "3.1.0",
		"info": apiObject{
			"title": "Parley", "version": "1", "license": apiObject{"name": "Apache-2.0", "identifier": "Apache-2.0"},
			"description": "Conversations with a language model: their log, their runs, and events as they happen.",
		},
		"servers":  []apiObject{{"url": "."}},
		"security": []apiObject{{"bearer": []string{}}},
		"paths":    w.paths,
		"components": apiObject{
			"schemas":         components.Schemas,
			"securitySchemes": apiObject{"bearer": apiObject{"type": "http", "scheme": "bearer"}},
		},
	})
	sum := sha256.Sum256(body)
	return document{body, `"` + hex.EncodeToString(sum[:8]) + `"`}, err
}

// docWriter writes paths.
type docWriter struct {
	parameters map[string]apiObject
	schemas    map[string]any
	paths      map[string]apiObject
	missing    []string
}

func (w *docWriter) path(rt *route, path string) {
	if w.paths[path] == nil {
		w.paths[path] = apiObject{}
	}
	id := string(rt.op)
	ofAgent := strings.HasPrefix(path, "/agents/")
	if ofAgent {
		id += "OfAgent"
	}
	op := apiObject{"operationId": id, "summary": rt.summary, "responses": w.responses(rt, path)}
	if params := w.params(rt, path); len(params) > 0 {
		op["parameters"] = params
	}
	if rt.body != "" {
		required := rt.body != "Empty" && rt.body != "Fork"
		op["requestBody"] = apiObject{"required": required, "content": apiObject{"application/json": w.ref(rt.body)}}
	}
	if rt.public {
		op["security"] = []apiObject{}
	}
	w.paths[path][strings.ToLower(rt.method)] = op
}

func (w *docWriter) params(rt *route, path string) []apiObject {
	var out []apiObject
	add := func(key, name string) {
		p, ok := w.parameters[key]
		if !ok {
			w.missing = append(w.missing, "parameter "+key)
			return
		}
		named := apiObject{"name": name}
		for k, v := range p {
			named[k] = v
		}
		out = append(out, named)
	}
	for segment := range strings.SplitSeq(path, "/") {
		if name, ok := strings.CutPrefix(segment, "{"); ok {
			name = strings.TrimSuffix(name, "}")
			if name == pathAgent {
				add("agent_id_path", name)
			} else {
				add(name, name)
			}
		}
	}
	for _, name := range slices.Concat(rt.query, rt.header) {
		add(name, name)
	}
	return out
}

func (w *docWriter) ref(schema string) apiObject {
	if _, ok := w.schemas[schema]; !ok {
		w.missing = append(w.missing, "schema "+schema)
	}
	return apiObject{"schema": apiObject{"$ref": "#/components/schemas/" + schema}}
}

func (w *docWriter) responses(rt *route, path string) apiObject {
	out := apiObject{}
	for status, schema := range rt.answers {
		response := apiObject{"description": http.StatusText(status)}
		switch schema {
		case "":
		case "events":
			response["content"] = apiObject{"text/event-stream": apiObject{"schema": apiObject{"type": "string",
				"description": "Server-sent events; the data of each is an Event."}}}
		default:
			response["content"] = apiObject{"application/json": w.ref(schema)}
		}
		out[strconv.Itoa(status)] = response
	}
	for status, codes := range rt.problems(path) {
		out[strconv.Itoa(status)] = apiObject{
			"description": strings.Join(codes, ", "),
			"content":     apiObject{"application/problem+json": w.ref("Problem")},
		}
	}
	return out
}

// problems lists the codes a route may answer with, by status.
func (rt *route) problems(path string) map[int][]string {
	codes := strings.Fields(rt.codes)
	codes = append(codes, internal.code, "unavailable")
	if !rt.public {
		codes = append(codes, "unauthenticated", "forbidden")
	}
	if strings.Contains(path, "{") || rt.op == OpGetThread {
		codes = append(codes, "not_found")
	}
	if rt.body != "" {
		codes = append(codes, "invalid_request", "too_large", "unsupported_media_type", "request_timeout")
	}
	if len(rt.query) > 0 {
		codes = append(codes, "invalid_request")
	}
	if rt.method != http.MethodGet {
		codes = append(codes, "outcome_unknown", "forbidden") // the latter from another origin
	}
	slices.Sort(codes)
	out := make(map[int][]string)
	for _, code := range slices.Compact(codes) {
		status := internal.status
		for i := range answers {
			if answers[i].code == code {
				status = answers[i].status
			}
		}
		out[status] = append(out[status], code)
		if code == "version_conflict" && slices.Contains(rt.header, "If-Match") {
			out[http.StatusPreconditionFailed] = []string{code}
		}
	}
	return out
}

func (h *Handler) serveOpenAPI(x *exchange) error {
	header := x.w.Header()
	header.Set("ETag", h.openAPI.tag)
	header.Set("Cache-Control", "no-cache")
	if x.notModified(h.openAPI.tag) {
		x.w.WriteHeader(http.StatusNotModified)
		return nil
	}
	x.bytes(http.StatusOK, h.openAPI.body)
	return nil
}
