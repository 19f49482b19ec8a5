package conversation

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/google/jsonschema-go/jsonschema"
)

// workload counts, before a schema is applied, how often it will be: the
// library stops for nothing, and a schema that refers to itself on the same
// value takes the process with it. It works on the JSON of the schema as the
// library understood it, in which keywords have one spelling, and counts every
// alternative.
type workload struct {
	root    any
	anchors map[string]any
	known   map[work]int
	sizes   map[uintptr]int
	bound   int
	endless bool
}

// work is one schema and the object or array it is applied to (0 for a value
// that is neither, and short).
type work struct{ schema, value uintptr }

// counting marks work that is being counted: to meet it again is to go in a circle.
const counting = -1

var (
	errEndless     = errors.New("applies itself to the same value, without an end")
	errTooMuchWork = errors.New("takes too long to check")
)

// newWorkload refuses a schema that would not end, or could not be counted.
func newWorkload(compiled *jsonschema.Resolved) (*workload, error) {
	raw, err := json.Marshal(compiled.Schema())
	if err != nil {
		return nil, err
	}
	w := &workload{anchors: make(map[string]any), known: make(map[work]int), sizes: make(map[uintptr]int), bound: maxApplied}
	if err := json.Unmarshal(raw, &w.root); err != nil {
		return nil, err
	}
	schemas, err := w.survey(w.root, true)
	if err != nil {
		return nil, err
	}
	for _, s := range schemas {
		n := w.count(s, nil)
		switch {
		case w.endless:
			return nil, errEndless
		case n > maxApplied:
			return nil, errTooMuchWork
		}
	}
	w.bound = maxChecks
	return w, nil
}

// survey gathers all schemas in this one, and what they can be called.
func (w *workload) survey(schema any, top bool) ([]any, error) {
	s, is := schema.(map[string]any)
	if !is {
		return nil, nil
	}
	if err := w.name(s, top); err != nil {
		return nil, err
	}
	found := []any{s}
	var err error
	each(s, func(sub any) {
		var more []any
		if err == nil {
			more, err = w.survey(sub, false)
			found = append(found, more...)
		}
	}, slices.Concat(samePlace, properties, elements, definitions)...)
	return found, err
}

func (w *workload) name(node map[string]any, top bool) error {
	if _, is := node["$id"].(string); is && !top {
		return errors.New("$id must be at the top")
	}
	if version, is := node["$schema"].(string); is {
		switch strings.TrimSuffix(version, "#") {
		case "https://json-schema.org/draft/2020-12/schema", "http://json-schema.org/draft-07/schema",
			"https://json-schema.org/draft-07/schema":
		default:
			return errors.New("$schema must be draft 2020-12 or draft-07")
		}
	}
	for _, key := range []string{"$anchor", "$dynamicAnchor"} {
		if anchor, is := node[key].(string); is {
			w.anchors[anchor] = node
		}
	}
	for _, key := range []string{"$ref", "$dynamicRef"} {
		if ref, is := node[key].(string); is && !strings.HasPrefix(ref, "#") {
			return fmt.Errorf("%s must begin with #", key)
		}
	}
	return nil
}

// check refuses an answer that would take too long.
func (w *workload) check(value any) error {
	n := 0
	w.add(&n, w.root, value, 1)
	if n > w.bound {
		return errTooMuchWork
	}
	return nil
}

// add adds to n what it takes to apply a schema to a value so many times, and
// gives up above the bound.
func (w *workload) add(n *int, schema, value any, times int) {
	if !inside(value) {
		times *= w.chunks(value)
		value = nil
	}
	if *n > w.bound || len(w.known) > maxChecks {
		*n = w.bound + 1
	} else if more := w.count(schema, value); times > 0 && more > w.bound/times {
		*n = w.bound + 1
	} else {
		*n += more * times
	}
}

// count returns how much it takes to apply the schema to the value, nil for one
// that has no others inside it.
func (w *workload) count(schema, value any) int {
	s, is := schema.(map[string]any)
	if !is {
		return w.chunks(value)
	}
	id := work{schema: reflect.ValueOf(s).Pointer()}
	if value != nil {
		id.value = reflect.ValueOf(value).Pointer()
	}
	if n, known := w.known[id]; known {
		if n == counting {
			w.endless = true
			return 0
		}
		return n
	}
	w.known[id] = counting
	n := w.chunks(value)
	if values, is := s["enum"].([]any); is {
		n += len(values)
	}
	w.same(s, func(sub any) { w.add(&n, sub, value, 1) })
	below(s, value, func(sub, v any, times int) { w.add(&n, sub, v, times) })
	w.known[id] = min(n, w.bound+1)
	return w.known[id]
}

// inside reports whether a value has others in it.
func inside(value any) bool {
	switch value.(type) {
	case map[string]any, []any:
		return true
	}
	return false
}

func (w *workload) chunks(value any) int { return 1 + w.size(value)/checkChunk }

// size is about the length of the value's JSON.
func (w *workload) size(value any) int {
	if text, is := value.(string); is {
		return len(text)
	}
	if !inside(value) {
		return 1
	}
	id := reflect.ValueOf(value).Pointer()
	if n, known := w.sizes[id]; known {
		return n
	}
	n := 1
	switch value := value.(type) {
	case map[string]any:
		for key, v := range value {
			n += len(key) + w.size(v)
		}
	case []any:
		for _, v := range value {
			n += 1 + w.size(v)
		}
	}
	w.sizes[id] = n
	return n
}

// The keywords that hold schemas, by what these are applied to. A keyword may
// hold one, a list of them, or an object of them.
var (
	samePlace   = []string{"allOf", "anyOf", "oneOf", "not", "if", "then", "else", "dependentSchemas", "dependencies"}
	properties  = []string{"properties", "patternProperties", "additionalProperties", "unevaluatedProperties", "propertyNames"}
	elements    = []string{"prefixItems", "items", "additionalItems", "contains", "unevaluatedItems"}
	definitions = []string{"$defs", "definitions", "contentSchema"}
	objectsOf   = []string{"dependentSchemas", "dependencies", "properties", "patternProperties", "$defs", "definitions"}
)

// each visits the schemas that the keywords hold.
func each(s map[string]any, visit func(sub any), keywords ...string) {
	for _, key := range keywords {
		switch held := s[key].(type) {
		case []any:
			for _, sub := range held {
				visit(sub)
			}
		case map[string]any:
			if !slices.Contains(objectsOf, key) {
				visit(held)
				continue
			}
			for _, sub := range held {
				visit(sub)
			}
		}
	}
}

// same visits the schemas that are applied to the same value.
func (w *workload) same(s map[string]any, visit func(sub any)) {
	for _, key := range []string{"$ref", "$dynamicRef"} {
		if ref, is := s[key].(string); is {
			visit(w.find(ref))
		}
	}
	each(s, visit, samePlace...)
}

// find follows a reference that the library has followed before.
func (w *workload) find(ref string) any {
	u, err := url.Parse(ref)
	if err != nil {
		return nil
	}
	if !strings.HasPrefix(u.Fragment, "/") {
		if u.Fragment == "" {
			return w.root
		}
		return w.anchors[u.Fragment]
	}
	at := w.root
	for _, step := range strings.Split(u.Fragment[1:], "/") {
		step = strings.ReplaceAll(strings.ReplaceAll(step, "~1", "/"), "~0", "~")
		switch node := at.(type) {
		case map[string]any:
			at = node[step]
		case []any:
			i, err := strconv.Atoi(step)
			if err != nil || i < 0 || i >= len(node) {
				return nil
			}
			at = node[i]
		default:
			return nil
		}
	}
	return at
}

// below visits the schemas that are applied to the values inside an object or
// an array.
func below(s map[string]any, value any, visit func(sub, v any, times int)) {
	switch value := value.(type) {
	case map[string]any:
		if props, is := s["properties"].(map[string]any); is {
			for name, sub := range props {
				if v, has := value[name]; has {
					visit(sub, v, 1)
				}
			}
		}
		for _, v := range value {
			each(s, func(sub any) { visit(sub, v, 1) }, "patternProperties", "additionalProperties", "unevaluatedProperties")
		}
		each(s, func(sub any) { visit(sub, nil, len(value)) }, "propertyNames")
	case []any:
		for i, v := range value {
			for _, key := range elements {
				if list, is := s[key].([]any); !is {
					each(s, func(sub any) { visit(sub, v, 1) }, key)
				} else if i < len(list) {
					visit(list[i], v, 1)
				}
			}
		}
	}
}
