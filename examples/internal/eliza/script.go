package eliza

import (
	"slices"
	"sync"
)

// rule is what Eliza has to say to one kind of sentence.
type rule struct {
	id      string   // of rules that the program looks up; else ""
	says    []string // patterns, see compile; any of them fits
	ask     bool     // fits a question only
	tell    bool     // fits a statement only
	fits    func(utterance) bool
	name    bool   // the first capture is the user's name
	idle    bool   // has little to say itself, so a memory may speak in its place
	keep    string // what to remember, filled like a reply
	replies []string

	patterns [][]element
}

// Rules looked up by their id.
const (
	repeated = "repeated"  // the user said the same twice
	comeBack = "come back" // to {memory}
	lost     = "lost"      // nothing else fits
)

// script returns all rules. The first that fits speaks, so what is more to the
// point stands before what is more general. Patterns are compiled on first use.
var script = sync.OnceValue(func() []rule {
	all := slices.Concat(urgent, aboutEliza, people, wishes, feelings, questions, topics, statements, smallTalk, lastResort)
	for i := range all {
		for _, s := range all[i].says {
			all[i].patterns = append(all[i].patterns, compile(s))
		}
	}
	return all
})

// find returns the place of a rule that is known to be there; see the tests.
func find(id string) int {
	return slices.IndexFunc(script(), func(r rule) bool { return r.id == id })
}

// match tries the rule's patterns on the clauses.
func (r *rule) match(said utterance) (match, bool) {
	if r.fits != nil {
		var m match
		if n := len(said.clauses); n > 0 {
			m.clause = said.clauses[n-1].words
		}
		return m, r.fits(said)
	}
	for _, p := range r.patterns {
		for _, c := range said.clauses {
			if r.ask && !c.question || r.tell && c.question {
				continue
			}
			if m, ok := search(p, c); ok {
				return m, true
			}
		}
	}
	return match{}, false
}

// classes are words that mean the same to a pattern.
var classes = map[string][]string{
	"family": {
		"mother", "mom", "mum", "mama", "father", "dad", "papa", "parents", "brother", "brothers", "sister", "sisters", "son",
		"sons", "daughter", "daughters", "child", "children", "kids", "baby", "grandmother", "grandma", "grandfather", "grandpa",
		"aunt", "uncle", "cousin", "nephew", "niece", "stepmother", "stepfather", "family", "twin",
	},
	"partner": {"wife", "husband", "girlfriend", "boyfriend", "partner", "fiancé", "fiancée", "fiance", "ex", "crush", "lover"},
	"friend":  {"friend", "friends", "neighbour", "neighbours", "neighbor", "neighbors", "roommate", "flatmate", "classmates"},
	"office":  {"boss", "manager", "colleague", "colleagues", "coworker", "coworkers", "customers", "team", "teacher", "professor"},
	"pet":     {"dog", "cat", "puppy", "kitten", "horse", "rabbit", "hamster", "parrot", "goldfish", "pet"},
	"sad": {
		"sad", "unhappy", "depressed", "miserable", "lonely", "alone", "down", "hopeless", "heartbroken", "empty", "lost", "hurt",
		"gloomy", "homesick", "disappointed", "worthless", "awful", "terrible",
	},
	"low": { // with about and over
		"sad", "unhappy", "depressed", "miserable", "heartbroken", "lost", "hurt", "disappointed", "awful", "terrible", "angry", "furious",
		"mad", "annoyed", "irritated", "upset", "frustrated", "bitter",
	},
	"afraid": {"afraid", "scared", "anxious", "nervous", "worried", "frightened", "terrified", "stressed", "overwhelmed", "insecure"},
	"angry":  {"angry", "furious", "mad", "annoyed", "irritated", "upset", "frustrated", "jealous", "bitter"},
	"glad": {
		"happy", "glad", "cheerful", "content", "excited", "delighted", "proud", "relieved", "grateful", "optimistic", "calm",
		"great", "wonderful", "fantastic",
	},
	"tired": {"tired", "exhausted", "sleepy", "weary", "bored", "drained"},
	"much":  {"so", "very", "really", "quite", "pretty", "too", "always", "often", "just", "still", "rather", "extremely", "totally", "also"},
}
