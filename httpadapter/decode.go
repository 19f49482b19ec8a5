package httpadapter

import (
	"bytes"
	"encoding/json"
	"math"
	"strconv"
	"unicode/utf8"
)

// field is a member that an object may have, and how it is read. A member that
// is null counts as absent, unless it is opaque.
type field struct {
	name string
	read func(d *decoder, path string, v value)
	null bool // null is a value of it
}

// object reads the members of an object. What no field names is a fault.
func (d *decoder) object(path string, v value, fields ...field) {
	if v.kind() != kindObject {
		d.add(path, "must be an object")
		return
	}
	v.members(func(name string, m value) bool {
		at := member(path, name)
		for i := range fields {
			if fields[i].name != name {
				continue
			}
			if fields[i].null || m.kind() != kindNull {
				fields[i].read(d, at, m)
			}
			return true
		}
		d.add(at, "is unknown")
		return len(d.faults) < maxFaults
	})
}

// member extends a path by a name.
func member(path, name string) string {
	if len(name) > maxPathName {
		cut := maxPathName
		for !utf8.RuneStart(name[cut]) {
			cut--
		}
		name = name[:cut] + "..."
	}
	if path == "" {
		return name
	}
	return path + "." + name
}

// maxPathName bounds how much of a client's own name comes back in a path.
const maxPathName = 100

// item extends a path by an index.
func item(path string, i int) string { return path + "[" + strconv.Itoa(i) + "]" }

func text(name string, into *string) field {
	return field{name: name, read: func(d *decoder, path string, v value) {
		if v.kind() != kindString {
			d.add(path, "must be a string")
			return
		}
		*into = v.text()
	}}
}

// given is text that also tells whether it was there.
func given(name string, into **string) field {
	return field{name: name, read: func(d *decoder, path string, v value) {
		if v.kind() != kindString {
			d.add(path, "must be a string")
			return
		}
		s := v.text()
		*into = &s
	}}
}

func boolean(name string, into *bool) field {
	return field{name: name, read: func(d *decoder, path string, v value) {
		if v.kind() != kindBool {
			d.add(path, "must be true or false")
			return
		}
		*into = v.raw[0] == 't'
	}}
}

func integer(name string, into **int64) field {
	return field{name: name, read: func(d *decoder, path string, v value) {
		n, ok := v.integer()
		if !ok {
			d.add(path, "must be a whole number")
			return
		}
		*into = &n
	}}
}

// integer reads a whole number, also one written as 1.0 or 1e3.
func (v value) integer() (int64, bool) {
	if v.kind() != kindNumber {
		return 0, false
	}
	if n, err := strconv.ParseInt(string(v.raw), 10, 64); err == nil {
		return n, true
	}
	f, err := strconv.ParseFloat(string(v.raw), 64)
	if err != nil || f != math.Trunc(f) || math.Abs(f) > 1<<53 {
		return 0, false
	}
	return int64(f), true
}

// positive is a whole number of at least 1, where the engine takes 0 for "not set".
func positive(name string, into *int) field {
	return field{name: name, read: func(d *decoder, path string, v value) {
		n, ok := v.integer()
		switch {
		case !ok:
			d.add(path, "must be a whole number")
		case n < 1 || n > math.MaxInt32:
			d.add(path, "must be at least 1 and not beyond all measure")
		default:
			*into = int(n)
		}
	}}
}

func number(name string, into **float64) field {
	return field{name: name, read: func(d *decoder, path string, v value) {
		f, err := strconv.ParseFloat(string(v.raw), 64)
		if v.kind() != kindNumber || err != nil {
			d.add(path, "must be a number")
			return
		}
		*into = &f
	}}
}

// opaque keeps the JSON as it came.
func opaque(name string, into *json.RawMessage) field {
	return field{name: name, read: func(_ *decoder, _ string, v value) { *into = bytes.Clone(v.raw) }}
}

// opaqueMap keeps the JSON of each member of an object.
func opaqueMap(name string, into *map[string]json.RawMessage) field {
	return field{name: name, read: func(d *decoder, path string, v value) {
		if v.kind() != kindObject {
			d.add(path, "must be an object")
			return
		}
		*into = make(map[string]json.RawMessage)
		v.members(func(name string, m value) bool {
			(*into)[name] = bytes.Clone(m.raw)
			return true
		})
	}}
}

// nested is a member that is an object with fields of its own.
func nested(name string, read func(d *decoder, path string, v value)) field {
	return field{name: name, read: read}
}

// maxItems bounds a list before anything is kept of it; the engine's own bounds
// are lower and name themselves.
const maxItems = 1024

// list reads an array. An empty one is not nil: in an override it clears.
func list[T any](name string, into *[]T, read func(d *decoder, path string, v value, into *T)) field {
	return field{name: name, read: func(d *decoder, path string, v value) {
		if v.kind() != kindArray {
			d.add(path, "must be an array")
			return
		}
		out := []T{}
		v.items(func(i int, it value) bool {
			if i == maxItems {
				d.add(path, "must have at most "+strconv.Itoa(maxItems)+" entries")
				return false
			}
			var t T
			read(d, item(path, i), it, &t)
			out = append(out, t)
			return len(d.faults) < maxFaults
		})
		*into = out
	}}
}
