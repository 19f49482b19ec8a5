package eliza

// Turn gives tests the turning round of persons on its own.
func Turn(line string) string {
	var words []word
	for _, c := range parse(line).clauses {
		words = append(words, c.words...)
	}
	return turn(words)
}

// Rule is what tests need to know of a rule.
type Rule struct {
	ID       string
	Captures []int // of each pattern
	Keep     string
	Replies  []string
}

// Script returns the rules.
func Script() []Rule {
	var out []Rule
	for _, r := range script() {
		o := Rule{ID: r.id, Keep: r.keep, Replies: r.replies}
		for _, p := range r.patterns {
			n := 0
			for _, el := range p {
				if el.kind == class || el.kind == rest1 {
					n++
				}
			}
			o.Captures = append(o.Captures, n)
		}
		out = append(out, o)
	}
	return out
}

// EmptyElements returns the patterns in which a step has no word that could fit,
// as when a class is misspelt.
func EmptyElements() []string {
	var out []string
	for _, r := range script() {
		for i, p := range r.patterns {
			for _, el := range p {
				if (el.kind == class || el.kind == optional || el.kind == oneOf) && len(el.any) == 0 {
					out = append(out, r.says[i])
				}
			}
		}
	}
	return out
}

// The ids that the program looks up.
var IDs = []string{repeated, comeBack, lost}
