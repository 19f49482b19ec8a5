package conversation_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/parley-go/parley/conversation"
)

// TestC3_Schemas holds tools' schemas and output schemas against what a JSON
// Schema may be. Nothing is ever fetched.
func TestC3_Schemas(t *testing.T) {
	t.Parallel()
	for schema, ok := range map[string]bool{
		`{}`: true, `true`: true, `false`: true, ` {"type":"object"} `: true, `null`: true,
		`{"$defs":{"n":{"type":"object","properties":{"next":{"$ref":"#/$defs/n"}}}},"$ref":"#/$defs/n"}`:       true,
		`{"$schema":"https://json-schema.org/draft/2020-12/schema","type":["string","null"]}`:                   true,
		`{"$schema":"http://json-schema.org/draft-07/schema#","definitions":{"a":{}},"$ref":"#/definitions/a"}`: true,
		`{"$id":"https://x.example/s","properties":{"$id":{"type":"string"},"$ref":{"type":"string"}}}`:         true,
		`{"properties":{"a":{"$anchor":"x","type":"array","items":{"$ref":"#x"}}}}`:                             true,

		``: false, `{`: false, `[]`: false, `1`: false, `"object"`: false, `{"type":1}`: false, `{"type":["a",1]}`: false, `{} {}`: false,
		`{"required":"a"}`: false, `{"properties":[]}`: false, `{"properties":{"a":null}}`: false, `{"properties":{"a":1}}`: false,
		`{"pattern":"("}`: false, `{"patternProperties":{"(":{}}}`: false, `{"minLength":"1"}`: false, `{"items":"x"}`: false,
		`{"$ref":"#/$defs/none"}`: false, `{"$ref":"#none"}`: false, `{"$ref":"https://x.example/schema"}`: false, `{"$ref":"http://127.0.0.1:1/"}`: false,
		`{"$ref":"file:///etc/passwd"}`: false, `{"$defs":{"a":{"$ref":"other.json"}}}`: false, `{"$dynamicRef":"https://x.example/#a"}`: false,
		"{\"title\":\"\xff\"}": false, "{\"a\":\"\x00\"}": false,
		strings.Repeat(`{"not":`, 100) + `{}` + strings.Repeat(`}`, 100): false,
		`{"enum":["` + strings.Repeat("x", 300<<10) + `"]}`:              false,
	} {
		for at, d := range map[string]conversation.Defaults{
			"defaults.output_schema":                        settings(conversation.Settings{OutputSchema: json.RawMessage(schema)}),
			"defaults.tools[0].input_schema":                settings(conversation.Settings{Tools: []conversation.Tool{{Name: "a", InputSchema: json.RawMessage(schema)}}}),
			"defaults.mcp_servers[0].tools[0].input_schema": settings(conversation.Settings{MCPServers: []conversation.MCPServer{{Alias: "a", Tools: []conversation.Tool{{Name: "a", InputSchema: json.RawMessage(schema)}}}}}),
		} {
			if err := d.Validate(); ok {
				require.NoError(t, err, "%s %.80s", at, schema)
			} else {
				require.Equal(t, []string{at}, paths(t, err), "%.80s", schema)
				require.NotContains(t, err.Error(), "json.RawMessage", "the words are for people")
			}
		}
	}
}

// TestC3_OutputSchemasComeToAnEnd: a schema that applies itself to the value it
// is applied to would take the process with it, and one whose alternatives
// multiply would never be done.
func TestC3_OutputSchemasComeToAnEnd(t *testing.T) {
	t.Parallel()
	doubling := `{"$defs":{"s0":{}`
	for i := range 40 {
		doubling += fmt.Sprintf(`,"s%d":{"anyOf":[{"$ref":"#/$defs/s%d"},{"$ref":"#/$defs/s%d"}]}`, i+1, i, i)
	}
	doubling += `},"$ref":"#/$defs/s40"}`
	for name, schema := range map[string]string{
		"itself":             `{"$ref":"#"}`,
		"in another case":    `{"$Ref":"#"}`,
		"two by turns":       `{"$defs":{"a":{"$ref":"#/$defs/b"},"b":{"$ref":"#/$defs/a"}},"type":"string"}`,
		"all of itself":      `{"allOf":[{"$ref":"#"}]}`,
		"any of itself":      `{"anyOf":[{"type":"string"},{"$ref":"#"}]}`,
		"one of itself":      `{"oneOf":[{"type":"string"},{"$ref":"#"}]}`,
		"not itself":         `{"not":{"$ref":"#"}}`,
		"if itself":          `{"if":true,"then":{"else":{"if":{"$ref":"#"}}}}`,
		"depending on":       `{"dependentSchemas":{"a":{"$ref":"#"}}}`,
		"draft-07":           `{"$schema":"http://json-schema.org/draft-07/schema#","dependencies":{"a":{"$ref":"#"}}}`,
		"by an anchor":       `{"$anchor":"top","allOf":[{"$ref":"#top"}]}`,
		"by a dynamic one":   `{"$dynamicAnchor":"top","allOf":[{"$dynamicRef":"#top"}]}`,
		"by its own pointer": `{"properties":{"a/b~c":{"$ref":"#/properties/a~1b~0c"}}}`,
		"percent encoded":    `{"properties":{"a b":{"$ref":"#/properties/a%20b"}}}`,
		"far below":          `{"properties":{"x":{"items":{"allOf":[{"$ref":"#/properties/x/items"}]}}}}`,
		"doubling":           doubling,
		"unknown draft":      `{"$schema":"http://json-schema.org/draft-04/schema#"}`,
		"ids inside":         `{"$id":"https://x.example/a","$defs":{"b":{"$id":"https://x.example/b","$ref":"https://x.example/b"}}}`,
	} {
		d := settings(conversation.Settings{OutputSchema: json.RawMessage(schema)})
		require.Equal(t, []string{"defaults.output_schema"}, paths(t, d.Validate()), name)
	}
}

// TestC3_AnswersAreCheckedInBoundedTime: the answer is the model's, and may be
// made to measure for a schema whose alternatives multiply on the way down.
func TestC3_AnswersAreCheckedInBoundedTime(t *testing.T) {
	t.Parallel()
	deep := strings.Repeat(`{"x":`, 60) + `1` + strings.Repeat(`}`, 60)
	many := `{"anyOf":[` + strings.Repeat(`{"type":"string"},`, 500) + `{"type":"null"}]}`
	for name, c := range map[string]struct{ schema, answer string }{
		"alternatives that multiply": {`{"anyOf":[{"properties":{"x":{"$ref":"#"}}},{"properties":{"x":{"$ref":"#"}}}]}`, deep},
		"at any property":            {`{"oneOf":[{"additionalProperties":{"$ref":"#"}},{"patternProperties":{".":{"$ref":"#"}}}]}`, deep},
		"in lists":                   {`{"items":{"$ref":"#"},"contains":{"$ref":"#"}}`, strings.Repeat(`[`, 60) + strings.Repeat(`]`, 60)},
		"a huge value, many times":   {many, `["` + strings.Repeat("x", 900<<10) + `"]`},
		"a huge text, many times":    {many, `{"a":"` + strings.Repeat("x", 900<<10) + `"}`},
		"many values, many times":    {`{"items":{"enum":[` + strings.Repeat(`"a",`, 2000) + `"b"]}}`, `[` + strings.Repeat(`1,`, 20000) + `1]`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := setup(t, says(c.answer), nil)
			id := f.createWith(conversation.CreateParams{Defaults: settings(conversation.Settings{OutputSchema: json.RawMessage(c.schema)})})
			run := f.run(id, conversation.TurnRequest{Text: "go"})
			require.Equal(t, conversation.RunFailed, run.Status)
			require.Equal(t, conversation.CodeSchema, run.Error.Code)
			require.Less(t, len(run.Error.Message), 2000)
		})
	}
}

// TestC3_RecursiveSchemasWork: trees are what references are for.
func TestC3_RecursiveSchemasWork(t *testing.T) {
	t.Parallel()
	const tree = `{"$defs":{"tree":{"type":"object","required":["v"],"properties":{"v":{"type":"integer"},
		"l":{"$ref":"#/$defs/tree"},"r":{"$ref":"#/$defs/tree"}},"additionalProperties":false}},"$ref":"#/$defs/tree"}`
	leaf := `{"v":1}`
	for range 8 {
		leaf = `{"v":2,"l":` + leaf + `,"r":` + leaf + `}`
	}
	list := `[` + strings.Repeat(`{"a":1,"b":"text"},`, 5000) + `{"a":2}]`
	for _, c := range []struct {
		schema, answer string
		ok             bool
	}{
		{tree, leaf, true},
		{tree, strings.Replace(leaf, `"v":1`, `"v":"one"`, 1), false},
		{`{"type":"array","items":{"type":"object","properties":{"a":{"type":"integer"}},"required":["a"]}}`, list, true},
		{`true`, `"anything"`, true},
		{`false`, `"anything"`, false},
	} {
		f := setup(t, says(c.answer), nil)
		id := f.createWith(conversation.CreateParams{Defaults: settings(conversation.Settings{OutputSchema: json.RawMessage(c.schema)})})
		run := f.run(id, conversation.TurnRequest{Text: "go"})
		if !c.ok {
			require.Equal(t, conversation.CodeSchema, run.Error.Code)
			continue
		}
		require.Nil(t, run.Error)
		require.JSONEq(t, c.answer, string(run.FinalStructured))
	}
}

// TestC3_NullSaysNothing: a client that sends null for a schema means none.
func TestC3_NullSaysNothing(t *testing.T) {
	t.Parallel()
	f := setup(t, says("plain text"), nil)
	var d conversation.Defaults
	require.NoError(t, json.Unmarshal([]byte(`{"output_schema":null,"tools":null,"mcp_servers":null,"extra":null,"temperature":null,"model":null}`), &d))
	id := f.createWith(conversation.CreateParams{Defaults: d})
	var o conversation.Override
	require.NoError(t, json.Unmarshal([]byte(`{"output_schema":null,"tools":null}`), &o))
	run := f.run(id, conversation.TurnRequest{Text: "go", Override: &o})
	require.Equal(t, conversation.RunCompleted, run.Status)
	require.Equal(t, "plain text", *run.FinalText)
	require.Empty(t, run.Origins)
	require.Equal(t, conversation.Settings{}, run.Effective)
}
