package httpadapter

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/parley-go/parley/conversation"
)

// value is one value of JSON that scanJSON found to be sound. Its parts are
// found when they are asked for, so that a hostile body costs no more memory
// than its bytes.
type value struct {
	raw []byte
}

type kind byte

const (
	kindNull   kind = 'n'
	kindBool   kind = 'b'
	kindNumber kind = '0'
	kindString kind = '"'
	kindArray  kind = '['
	kindObject kind = '{'
)

func (v value) kind() kind {
	if len(v.raw) == 0 {
		return kindNull
	}
	switch c := v.raw[0]; c {
	case '{', '[', '"', 'n':
		return kind(c)
	case 't', 'f':
		return kindBool
	}
	return kindNumber
}

// text decodes a string.
func (v value) text() string {
	inner := v.raw[1 : len(v.raw)-1]
	if bytes.IndexByte(inner, '\\') < 0 {
		return string(inner)
	}
	var s string
	if json.Unmarshal(v.raw, &s) != nil { // it was found to be sound
		return ""
	}
	return s
}

// members calls fn with each member of an object until it returns false.
func (v value) members(fn func(name string, member value) bool) {
	s := scanner{b: v.raw}
	for i := s.space(1); s.b[i] != '}'; {
		end := s.skip(i)
		name := value{s.b[i:end]}.text()
		i = s.space(s.space(end) + 1)
		end = s.skip(i)
		if !fn(name, value{s.b[i:end]}) {
			return
		}
		if i = s.space(end); s.b[i] == ',' {
			i = s.space(i + 1)
		}
	}
}

// member returns a member of an object by its name.
func (v value) member(name string) (found value, ok bool) {
	v.members(func(n string, m value) bool {
		if n == name {
			found, ok = m, true
		}
		return !ok
	})
	return found, ok
}

// items calls fn with each item of an array until it returns false.
func (v value) items(fn func(i int, item value) bool) {
	s := scanner{b: v.raw}
	n := 0
	for i := s.space(1); s.b[i] != ']'; n++ {
		end := s.skip(i)
		if !fn(n, value{s.b[i:end]}) {
			return
		}
		if i = s.space(end); s.b[i] == ',' {
			i = s.space(i + 1)
		}
	}
}

// scanner walks through JSON that json.Valid accepts.
type scanner struct {
	b        []byte
	maxDepth int
	path     []step
	faults   conversation.FieldErrors
}

// step is one level of a path: a member's name, or an item's index.
type step struct {
	name  string
	index int // -1 for a member
}

// space returns the place of the first byte at or behind i that is no white space.
func (s *scanner) space(i int) int {
	for i < len(s.b) && (s.b[i] == ' ' || s.b[i] == '\n' || s.b[i] == '\t' || s.b[i] == '\r') {
		i++
	}
	return i
}

// skip returns the place behind the value that begins at i.
func (s *scanner) skip(i int) int {
	switch s.b[i] {
	case '"':
		for i++; s.b[i] != '"'; i++ {
			if s.b[i] == '\\' {
				i++
			}
		}
		return i + 1
	case '{', '[':
		for depth := 0; ; i++ {
			switch s.b[i] {
			case '"':
				i = s.skip(i) - 1
			case '{', '[':
				depth++
			case '}', ']':
				if depth--; depth == 0 {
					return i + 1
				}
			}
		}
	}
	for i < len(s.b) && !strings.ContainsRune(",]} \n\t\r", rune(s.b[i])) {
		i++
	}
	return i
}

// value walks through the value at i and everything in it, notes what is
// nested too deeply and what an object says twice, and returns the place behind.
func (s *scanner) value(i, depth int) int {
	open := s.b[i]
	if open != '{' && open != '[' {
		return s.skip(i)
	}
	if depth++; depth > s.maxDepth {
		s.add(fmt.Sprintf("is nested deeper than %d", s.maxDepth))
		return s.skip(i)
	}
	var names nameSet
	n := 0
	for i = s.space(i + 1); s.b[i] != '}' && s.b[i] != ']'; n++ {
		at := step{index: n}
		if open == '{' {
			end := s.skip(i)
			at = step{name: value{s.b[i:end]}.text(), index: -1}
			i = s.space(s.space(end) + 1)
		}
		s.path = append(s.path, at)
		if open == '{' && !names.add(at.name) {
			s.add("is given twice")
		}
		i = s.space(s.value(i, depth))
		s.path = s.path[:len(s.path)-1]
		if s.b[i] == ',' {
			i = s.space(i + 1)
		}
	}
	return i + 1
}

func (s *scanner) add(reason string) {
	if len(s.faults) >= maxFaults {
		return
	}
	path := ""
	for _, at := range s.path {
		if at.index < 0 {
			path = member(path, at.name)
		} else {
			path = item(path, at.index)
		}
	}
	s.faults = append(s.faults, &conversation.FieldError{Path: path, Reason: reason})
}

// nameSet finds a name that comes twice; most objects have few.
type nameSet struct {
	few  []string
	many map[string]bool
}

func (s *nameSet) add(name string) bool {
	if s.many != nil {
		known := s.many[name]
		s.many[name] = true
		return !known
	}
	for _, n := range s.few {
		if n == name {
			return false
		}
	}
	if s.few = append(s.few, name); len(s.few) > 16 {
		s.many = make(map[string]bool)
		for _, n := range s.few {
			s.many[n] = true
		}
	}
	return true
}
