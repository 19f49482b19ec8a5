package conversation

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/google/jsonschema-go/jsonschema"
)

const (
	// maxSchemaDepth bounds the nesting of a schema: the time to read one grows
	// with the square of its depth (20 s for 9,000 levels).
	maxSchemaDepth = 64

	// maxApplied bounds the schemas that are applied to one value, and
	// maxChecks those that are applied to all values of an answer, where one to a
	// large value counts once for every chunk of it, since the library prints
	// what does not fit: some hundred milliseconds. Alternatives that refer to
	// each other multiply, so that a short schema and a short answer can
	// otherwise take for ever.
	maxApplied = 50_000
	maxChecks  = 500_000
	checkChunk = 256 // bytes

	// maxSchemaReason bounds what is told of a value that does not fit.
	maxSchemaReason = 500
)

// given reports whether raw says anything: null, like nothing, leaves a field unset.
func given(raw json.RawMessage) bool { return raw != nil && string(bytes.TrimSpace(raw)) != "null" }

// schema checks that raw is a JSON Schema that can be used as it stands:
// references must stay inside it, since nothing is ever fetched.
func (f *faults) schema(path string, raw json.RawMessage) {
	if !f.json(path, raw, maxSettingJSON) {
		return
	}
	if _, err := compileSchema(raw); err != nil {
		f.add(path, "must be a valid JSON Schema: %s", schemaReason(err))
	}
}

// answerSchema checks a schema that answers are held against: beyond being
// valid it must come to an end on every answer.
func (f *faults) answerSchema(path string, raw json.RawMessage) {
	if !f.json(path, raw, maxSettingJSON) {
		return
	}
	compiled, err := compileSchema(raw)
	if err == nil {
		_, err = newWorkload(compiled)
	}
	if err != nil {
		f.add(path, "must be a valid JSON Schema: %s", schemaReason(err))
	}
}

func compileSchema(raw json.RawMessage) (*jsonschema.Resolved, error) {
	switch first := bytes.TrimSpace(raw); {
	case len(first) > 0 && first[0] == '{', string(first) == "true", string(first) == "false":
	default:
		return nil, errors.New("not an object, true or false")
	}
	if jsonDepth(raw) > maxSchemaDepth {
		return nil, fmt.Errorf("nested more than %d levels deep", maxSchemaDepth)
	}
	var schema jsonschema.Schema
	if err := json.Unmarshal(raw, &schema); err != nil {
		return nil, err
	}
	return schema.Resolve(nil)
}

// schemaReason puts an error of the schema library into bounded words.
func schemaReason(err error) string {
	var wrong *json.UnmarshalTypeError
	if errors.As(err, &wrong) {
		field := wrong.Field[strings.LastIndexByte(wrong.Field, '.')+1:]
		return fmt.Sprintf("%q must not be of type %s", field, wrong.Value)
	}
	reason := safeText(err.Error())
	if cut := cutRunes(reason, maxSchemaReason); cut != reason {
		return cut + "..."
	}
	return reason
}

// fitsSchema holds a value against an output schema.
func fitsSchema(schema, value json.RawMessage) error {
	compiled, err := compileSchema(schema)
	if err != nil {
		return err
	}
	work, err := newWorkload(compiled)
	if err != nil {
		return err
	}
	var instance any
	if err := json.Unmarshal(value, &instance); err != nil {
		return err
	}
	if err := work.check(instance); err != nil {
		return err
	}
	return compiled.Validate(instance)
}

// jsonDepth returns how deep valid JSON is nested.
func jsonDepth(raw []byte) int {
	depth, deepest, quoted := 0, 0, false
	for i := 0; i < len(raw); i++ {
		switch c := raw[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '{' || c == '[':
			depth++
			deepest = max(deepest, depth)
		case c == '}' || c == ']':
			depth--
		}
	}
	return deepest
}
