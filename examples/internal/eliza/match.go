package eliza

import (
	"slices"
	"strings"
)

// maxCapture is how many words of a capture are repeated; more would be an echo.
const maxCapture = 14

// element is one step of a pattern.
type element struct {
	kind kind
	any  []string // words that fit, of oneOf, class and optional
}

type kind uint8

const (
	oneOf    kind = iota // one of the words
	class                // one of the words, captured
	optional             // one of the words, or nothing
	rest1                // one word or more, captured
	skip                 // any words, or none
	begin                // the beginning of the clause
	end                  // the end of the clause
)

// compile reads a pattern: words; a/b for either; ?a/b for either or nothing;
// @name for a word of that class, captured; ?@name for one or nothing; + for one word or
// more, captured; * for any words or none; ^ and $ for the ends of the clause.
func compile(pattern string) []element {
	fields := strings.Fields(pattern)
	out := make([]element, len(fields))
	for i, f := range fields {
		switch {
		case f == "+":
			out[i].kind = rest1
		case f == "*":
			out[i].kind = skip
		case f == "^":
			out[i].kind = begin
		case f == "$":
			out[i].kind = end
		case f[0] == '@':
			out[i] = element{class, classes[f[1:]]}
		case strings.HasPrefix(f, "?@"):
			out[i] = element{optional, classes[f[2:]]}
		case f[0] == '?':
			out[i] = element{optional, strings.Split(f[1:], "/")}
		default:
			out[i] = element{oneOf, strings.Split(f, "/")}
		}
	}
	return out
}

// span is a run of words of a clause.
type span struct{ from, to int }

// match is how a pattern fitted.
type match struct {
	clause   []word
	captures []span
	memory   string
}

// search looks for the pattern anywhere in the clause, the leftmost place first.
func search(pattern []element, c clause) (match, bool) {
	for at := range c.words {
		if captures, ok := fit(pattern, c.words, at, nil); ok {
			return match{clause: c.words, captures: captures}, true
		}
	}
	return match{}, false
}

// fit matches the pattern at one place. A capture takes as few words as it can,
// or all the rest when it stands last.
func fit(pattern []element, words []word, at int, captures []span) ([]span, bool) {
	if len(pattern) == 0 {
		return captures, true
	}
	el, next := pattern[0], pattern[1:]
	here := at < len(words) && slices.Contains(el.any, words[min(at, len(words)-1)].low)
	switch el.kind {
	case oneOf:
		if !here {
			return nil, false
		}
		return fit(next, words, at+1, captures)
	case class:
		if !here {
			return nil, false
		}
		return fit(next, words, at+1, append(slices.Clip(captures), span{at, at + 1}))
	case optional:
		if here {
			if got, ok := fit(next, words, at+1, captures); ok {
				return got, true
			}
		}
		return fit(next, words, at, captures)
	case rest1:
		if at == len(words) {
			return nil, false
		}
		if len(next) == 0 {
			return append(slices.Clip(captures), span{at, len(words)}), true
		}
		for to := at + 1; to <= len(words); to++ {
			if got, ok := fit(next, words, to, append(slices.Clip(captures), span{at, to})); ok {
				return got, true
			}
		}
		return nil, false
	case skip:
		for to := at; to <= len(words); to++ {
			if got, ok := fit(next, words, to, captures); ok {
				return got, true
			}
		}
		return nil, false
	case begin:
		if at != 0 {
			return nil, false
		}
	case end:
		if at != len(words) {
			return nil, false
		}
	}
	return fit(next, words, at, captures)
}

// capture returns the words of capture n, counted from 1, not too many of them.
func (m match) capture(n int) []word {
	if n > len(m.captures) {
		return nil
	}
	s := m.captures[n-1]
	return shorten(m.clause[s.from:s.to])
}

// reflected returns capture n with the persons turned round.
func (m match) reflected(n int) string { return turn(m.capture(n)) }

// name returns the first capture as a person's name: two words at most.
func (m match) name() string {
	words := m.capture(1)
	words = words[:min(len(words), 2)]
	if i := slices.IndexFunc(words, func(w word) bool { return slices.Contains(joints, w.low) }); i >= 0 {
		words = words[:i]
	}
	for i, w := range words {
		words[i].text = capital(w.text)
	}
	return join(words)
}

// said returns the whole clause as it was written.
func (m match) said() string { return join(shorten(m.clause)) }

func join(words []word) string {
	out := make([]string, len(words))
	for i, w := range words {
		out[i] = w.text
		if w.low == "i" {
			out[i] = "I"
		}
	}
	return strings.Join(out, " ")
}

// shorten cuts a long run of words, where a new thought begins if there is such a place.
func shorten(words []word) []word {
	if len(words) <= maxCapture {
		return words
	}
	for i := maxCapture; i > 2; i-- {
		if slices.Contains(joints, words[i].low) {
			return words[:i]
		}
	}
	return words[:maxCapture]
}

var joints = strings.Fields("and but because which who when while although so that if or since until")
