package eliza

import (
	"slices"
	"strings"
	"unicode"
)

// Bounds of what is looked at; a talk needs no more, and matching stays quick.
const (
	maxClauses = 16
	maxWords   = 64 // of a clause
	maxLetters = 40 // of a word, in characters
)

// word is one word, as it was written (but small where a sentence begins or all
// is capitals) and in small letters.
type word struct {
	text, low string
}

// clause is a part of a line between punctuation marks.
type clause struct {
	words    []word
	question bool
}

// utterance is a line taken apart.
type utterance struct {
	clauses []clause
	text    string // the whole in small letters, without punctuation
	foreign bool   // letters, and none of them Latin
	symbols bool   // something, but neither letter nor digit
}

// parse takes a line apart. It accepts anything.
func parse(line string) utterance {
	line = clip(line, MaxInput)
	line = strings.ToValidUTF8(line, "")
	line = strings.NewReplacer("’", "'", "‘", "'", "`", "'", "\x00", "").Replace(line)

	var p parser
	p.shouting = shouts(line)
	p.sentence = true
	runes := []rune(line)
	start := 0
	for i, r := range runes {
		switch {
		case unicode.IsSpace(r):
			p.word(runes[start:i])
			start = i + 1
		case isStop(runes, i):
			p.word(runes[start:i])
			start = i + 1
			p.stop(r)
		}
	}
	p.word(runes[start:])
	p.stop('.')
	return p.result(line)
}

type parser struct {
	out      utterance
	words    []word
	sentence bool // the next word begins a sentence
	shouting bool
}

// word takes in one written word: trims it, writes short forms out, and begins
// a new clause at "but", behind which people say what they mean.
func (p *parser) word(runes []rune) {
	text := strings.TrimFunc(string(runes), func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) })
	if text == "" {
		return
	}
	if r := []rune(text); len(r) > maxLetters {
		text = string(r[:maxLetters])
	}
	low := strings.ToLower(text)
	if p.sentence || p.shouting {
		text = low
	}
	p.sentence = false
	if long, ok := written[low]; ok {
		for _, w := range strings.Fields(long) {
			p.words = append(p.words, word{w, w})
		}
		return
	}
	if (low == "but" || low == "however") && len(p.words) > 0 {
		p.stop(',')
	}
	p.words = append(p.words, word{text, low})
}

// stop ends the clause at a punctuation mark.
func (p *parser) stop(mark rune) {
	if mark != ',' && mark != ':' {
		p.sentence = true
	}
	if len(p.words) == 0 {
		return
	}
	if len(p.out.clauses) < maxClauses {
		words := p.words[:min(len(p.words), maxWords)]
		p.out.clauses = append(p.out.clauses, clause{words, mark == '?' || asks(words)})
	}
	p.words = nil
}

func (p *parser) result(line string) utterance {
	var text []string
	for _, c := range p.out.clauses {
		for _, w := range c.words {
			text = append(text, w.low)
		}
	}
	p.out.text = strings.Join(text, " ")
	latin, other := false, false
	for _, r := range line {
		latin = latin || unicode.Is(unicode.Latin, r)
		other = other || unicode.IsLetter(r) && !unicode.Is(unicode.Latin, r)
	}
	p.out.foreign = other && !latin
	p.out.symbols = p.out.text == "" && strings.TrimSpace(line) != ""
	return p.out
}

// asks reports whether the words are in the order of a question: many people
// leave out the mark.
func asks(words []word) bool {
	if len(words) < 2 {
		return false
	}
	first, second := words[0].low, words[1].low
	switch {
	case slices.Contains(asking, first):
		return second != "a" && second != "an"
	case slices.Contains(inverting, first):
		return slices.Contains(subjects, second)
	}
	return false
}

var (
	asking    = strings.Fields("who whom whose what which why how where")
	inverting = strings.Fields("do does did is are am was were can could will would should shall may have has")
	subjects  = strings.Fields("i you he she it we they my your this that there people the anybody anyone")
)

// isStop reports whether the character at i ends a clause. A point or comma
// inside a word or number does not.
func isStop(runes []rune, i int) bool {
	switch runes[i] {
	case '?', '!', ';', '(', ')', '…', '—', '–':
		return true
	case '.', ',', ':':
		return i+1 == len(runes) || !unicode.IsLetter(runes[i+1]) && !unicode.IsDigit(runes[i+1])
	}
	return false
}

// shouts reports whether a line of several words is in capitals.
func shouts(line string) bool {
	return len(strings.Fields(line)) > 1 && strings.ToUpper(line) == line
}
