package transcript

import (
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"regexp"
	"slices"
	"strings"
)

// vars are the values of names.
type vars map[string]string

var reference = regexp.MustCompile(`\$\{(\w+)\}`)

// fill puts values in the place of names.
func (v vars) fill(s string) (string, error) {
	var unknown string
	out := reference.ReplaceAllStringFunc(s, func(ref string) string {
		name := ref[2 : len(ref)-1]
		value, ok := v[name]
		if !ok {
			unknown = name
		}
		return value
	})
	if unknown != "" {
		return "", fmt.Errorf("${%s} has no value yet", unknown)
	}
	return out, nil
}

// text matches a text and takes values from it.
func (v vars) text(pattern, got string) error {
	var expr strings.Builder
	expr.WriteString(`(?s)\A`)
	var names []string
	rest := pattern
	for rest != "" {
		at := reference.FindStringSubmatchIndex(rest)
		if at == nil {
			expr.WriteString(regexp.QuoteMeta(rest))
			break
		}
		expr.WriteString(regexp.QuoteMeta(rest[:at[0]]))
		name := rest[at[2]:at[3]]
		if value, ok := v[name]; ok && name != "_" {
			expr.WriteString("(" + regexp.QuoteMeta(value) + ")")
		} else if i := slices.Index(names, name); i >= 0 && name != "_" {
			return fmt.Errorf("${%s} is new and stands twice in one text", name)
		} else {
			expr.WriteString(`([^\n]*?)`)
		}
		names = append(names, name)
		rest = rest[at[1]:]
	}
	expr.WriteString(`\z`)
	found := regexp.MustCompile(expr.String()).FindStringSubmatch(got)
	if found == nil {
		filled := reference.ReplaceAllStringFunc(pattern, func(ref string) string {
			if value, ok := v[ref[2:len(ref)-1]]; ok {
				return value
			}
			return ref
		})
		return fmt.Errorf("got %q, want %q", got, filled)
	}
	for i, name := range names {
		if name != "_" {
			v[name] = found[i+1]
		}
	}
	return nil
}

// lines matches a text line by line; "..." stands for any lines.
func (v vars) lines(pattern, got string) error {
	want, have := strings.Split(strings.TrimSpace(pattern), "\n"), strings.Split(strings.TrimSpace(got), "\n")
	for len(want) > 0 {
		if want[0] != "..." {
			if len(have) == 0 {
				return fmt.Errorf("ended before %q", want[0])
			}
			if err := v.text(want[0], have[0]); err != nil {
				return fmt.Errorf("%w, in %q", err, got)
			}
			want, have = want[1:], have[1:]
			continue
		}
		if want = want[1:]; len(want) == 0 {
			return nil
		}
		for ; ; have = have[1:] {
			if len(have) == 0 {
				return fmt.Errorf("has no line %q: %q", want[0], got)
			}
			if v.text(want[0], have[0]) == nil {
				break
			}
		}
	}
	if len(have) > 0 {
		return fmt.Errorf("goes on with %q", have[0])
	}
	return nil
}

// json matches a JSON text.
func (v vars) json(pattern, got string) error {
	var want, have any
	if err := json.Unmarshal([]byte(pattern), &want); err != nil {
		return fmt.Errorf("the transcript's own JSON: %w", err)
	}
	if err := json.Unmarshal([]byte(got), &have); err != nil {
		return fmt.Errorf("%w: %q", err, got)
	}
	if err := v.value("", want, have); err != nil {
		return fmt.Errorf("%w\nin %s", err, got)
	}
	return nil
}

func (v vars) value(path string, want, have any) error {
	switch w := want.(type) {
	case string:
		if m := reference.FindString(w); m != w || w == "" {
			s, ok := have.(string)
			if !ok {
				return fmt.Errorf("%s: got %v, want %q", path, have, w)
			}
			if err := v.text(w, s); err != nil {
				return fmt.Errorf("%s: %w", path, err)
			}
			return nil
		}
		s, ok := have.(string)
		if !ok {
			raw, err := json.Marshal(have)
			if err != nil {
				return err
			}
			s = string(raw)
		}
		if err := v.text(w, s); err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
		return nil
	case map[string]any:
		return v.object(path, w, have)
	case []any:
		h, ok := have.([]any)
		if !ok || len(h) != len(w) {
			return fmt.Errorf("%s: got %v, want %d items", path, have, len(w))
		}
		for i := range w {
			if err := v.value(fmt.Sprintf("%s[%d]", path, i), w[i], h[i]); err != nil {
				return err
			}
		}
		return nil
	}
	if !reflect.DeepEqual(want, have) {
		return fmt.Errorf("%s: got %v, want %v", path, have, want)
	}
	return nil
}

func (v vars) object(path string, want map[string]any, have any) error {
	h, ok := have.(map[string]any)
	if !ok {
		return fmt.Errorf("%s: got %v, want an object", path, have)
	}
	_, more := want["..."]
	for _, name := range slices.Sorted(maps.Keys(h)) {
		if _, known := want[name]; !known && !more {
			return fmt.Errorf("%s.%s: is not written down: %v", path, name, h[name])
		}
	}
	for _, name := range slices.Sorted(maps.Keys(want)) {
		if name == "..." {
			continue
		}
		got, there := h[name]
		if !there {
			return fmt.Errorf("%s.%s: is missing", path, name)
		}
		if err := v.value(path+"."+name, want[name], got); err != nil {
			return err
		}
	}
	return nil
}
