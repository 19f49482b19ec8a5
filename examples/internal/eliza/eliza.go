// Package eliza is a conversation partner without a model: it looks for a few
// words in what it is told, turns the sentence round and asks on. The idea is
// Joseph Weizenbaum's of 1966; the script is this package's own. It gives the
// examples somebody to talk to who needs no key and no network and says the
// same every time.
package eliza

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// Bounds.
const (
	MaxInput = 4096 // bytes of a line that are read; what follows is passed over
	MaxReply = 1024 // bytes of the longest reply
)

// Eliza answers lines of one conversation. What it remembers is a function of
// its seed and of the lines it was told, so it need not be kept: Recall builds
// it from a history. It is not safe for concurrent use; make one for each turn.
type Eliza struct {
	seed uint64

	used   []int  // how often each rule has spoken
	memory memory // statements to come back to
	name   string // what the user is called; "" while unknown
	last   string // the line before, in small letters without punctuation
	reply  string // the reply before
	turn   int
}

// New returns an Eliza that has heard nothing. The seed chooses among sentences
// that fit equally: the same seed and lines give the same replies.
func New(seed uint64) *Eliza {
	return &Eliza{seed: seed, used: make([]int, len(script()))}
}

// Recall forgets everything and then takes in lines, the user's side of a
// conversation from its beginning, oldest first. Afterwards Reply answers as if
// it had been asked each of them. Each line costs some tens of
// microseconds; given only the newest, Eliza has forgotten the others.
func (e *Eliza) Recall(lines []string) {
	*e = *New(e.seed)
	for _, line := range lines {
		e.Reply(line)
	}
}

// Greeting is what Eliza says before it is told anything.
func (e *Eliza) Greeting() string {
	return openings[mix(e.seed, 0)%uint64(len(openings))]
}

// Reply answers one line. The reply is never empty, at most MaxReply bytes of
// valid UTF-8, whatever the line is.
func (e *Eliza) Reply(line string) string {
	e.turn++
	said := parse(line)
	reply := e.choose(said)
	if said.text != "" {
		e.last = said.text
	}
	e.reply = reply
	return reply
}

// choose finds the rule that fits best and lets it speak.
func (e *Eliza) choose(said utterance) string {
	again := said.text == e.last && len(strings.Fields(said.text)) > 2 // "yes" may follow "yes"
	for i, r := range script() {
		if again && i == len(urgent) {
			return e.speak(find(repeated), match{})
		}
		m, ok := r.match(said)
		if !ok {
			continue
		}
		if r.name {
			e.name = m.name()
		}
		if (r.idle) && e.comesBack() {
			return e.speak(find(comeBack), match{memory: e.memory.take()})
		}
		reply := e.speak(i, m)
		if r.keep != "" {
			e.memory.put(fill(r.keep, m, e.name), e.turn)
		}
		return reply
	}
	return e.speak(find(lost), match{}) // the script ends with a rule that fits all
}

// comesBack reports whether this is a moment to return to something said
// earlier: there is something, and it is not what was just talked about.
func (e *Eliza) comesBack() bool {
	return e.memory.ripe(e.turn) && mix(e.seed, uint64(e.turn))%3 != 0
}

// speak says the next of a rule's sentences, not the one just said if it has another.
func (e *Eliza) speak(rule int, m match) string {
	r := &script()[rule]
	start := mix(e.seed, uint64(rule)+1)
	for range r.replies {
		n := (start + uint64(e.used[rule])) % uint64(len(r.replies))
		e.used[rule]++
		if reply := finish(fill(r.replies[n], m, e.name)); reply != e.reply {
			return reply
		}
	}
	return e.reply
}

// fill puts what was captured into a sentence: {1} to {3} are captures with the
// persons turned round, {said} the clause as it was said, {memory} what is come
// back to, {name} a comma and the user's name, or nothing.
func fill(sentence string, m match, name string) string {
	if name != "" {
		name = ", " + name
	}
	return strings.NewReplacer(
		"{1}", m.reflected(1), "{2}", m.reflected(2), "{3}", m.reflected(3),
		"{said}", m.said(), "{memory}", m.memory, "{name}", name,
	).Replace(sentence)
}

// finish gives a sentence its capital and its bound.
func finish(s string) string {
	return clip(capital(s), MaxReply)
}

func capital(s string) string {
	first, size := utf8.DecodeRuneInString(s)
	if size == 0 {
		return s
	}
	return string(unicode.ToUpper(first)) + s[size:]
}

// clip cuts s to at most n bytes, between characters.
func clip(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}

// mix is splitmix64 of two numbers: it spreads the seed over the places where
// a choice is made.
func mix(seed, place uint64) uint64 {
	z := seed + (place+1)*0x9e3779b97f4a7c15
	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9
	z = (z ^ (z >> 27)) * 0x94d049bb133111eb
	return z ^ (z >> 31)
}
