package eliza

import (
	"slices"
	"strings"
)

// written gives the long form of short ones, so that patterns and turning round
// need only one.
var written = map[string]string{
	"i'm": "i am", "im": "i am", "i've": "i have", "ive": "i have", "i'll": "i will", "i'd": "i would",
	"you're": "you are", "youre": "you are", "you've": "you have", "you'll": "you will", "you'd": "you would",
	"u": "you", "ur": "your",
	"he's": "he is", "she's": "she is", "it's": "it is", "that's": "that is", "there's": "there is",
	"we're": "we are", "they're": "they are", "we've": "we have", "they've": "they have",
	"what's": "what is", "who's": "who is", "where's": "where is", "how's": "how is", "let's": "let us",
	"dont": "don't", "cant": "can't", "cannot": "can't", "wont": "won't", "doesnt": "doesn't", "didnt": "didn't",
	"isnt": "isn't", "arent": "aren't", "wasnt": "wasn't", "gonna": "going to", "wanna": "want to", "gotta": "have to",
	"mum's": "mum is", "mom's": "mom is",
}

// turned gives the other person of a word where it does not depend on its neighbours.
var turned = map[string]string{
	"i": "you", "me": "you", "my": "your", "mine": "yours", "myself": "yourself",
	"your": "my", "yours": "mine", "yourself": "myself",
}

// objectBefore are words after which "you" is an object: "with you" turns to "with me".
var objectBefore = strings.Fields(`to for about with of at from than by like without against around between on
	in near hate love help tell ask told asked see saw need want trust hear heard know thank miss meet give gave show let make
	made`)

// objectAfter are words before which "you" is an object: "I gave you to" turns to "me to".
var objectAfter = strings.Fields(`to for about with of at from and but or because so very too when if in on as again now
	today tomorrow anymore anyway more better the a an this that some something anything everything`)

// turn says words from the other side: "I am your friend" is "you are my friend".
func turn(words []word) string {
	out := make([]string, len(words))
	at := func(i int) string {
		if i < 0 || i >= len(words) {
			return ""
		}
		return words[i].low
	}
	for i, w := range words {
		switch other, ok := turned[w.low]; {
		case ok:
			out[i] = other
		case w.low == "you":
			out[i] = youTurned(at(i-1), at(i+1))
		case w.low == "am":
			out[i] = "are"
		case w.low == "are" && (at(i-1) == "you" || at(i+1) == "you"):
			out[i] = "am"
		case w.low == "was" && (at(i-1) == "i" || at(i+1) == "i"):
			out[i] = "were"
		case w.low == "were" && (at(i-1) == "you" || at(i+1) == "you"):
			out[i] = "was"
		default:
			out[i] = w.text
		}
	}
	return strings.Join(out, " ")
}

// youTurned tells the subject from the object by the words around it.
func youTurned(before, after string) string {
	if after == "" && !slices.Contains(inverting, before) {
		return "me"
	}
	if slices.Contains(objectAfter, after) || (slices.Contains(objectBefore, before) && !isVerb(after)) {
		return "me"
	}
	return "I"
}

// isVerb reports whether the word makes the "you" in front of it a subject.
func isVerb(w string) bool {
	return slices.Contains(subjectVerbs, w)
}

var subjectVerbs = strings.Fields(`are were have had do did will would can could should must may might think know want need like
	love hate say said see feel don't can't won't didn't haven't never always only just really`)
