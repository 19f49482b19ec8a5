package eliza_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/parley-go/parley/examples/internal/eliza"
)

func TestTurn(t *testing.T) {
	t.Parallel()
	for line, want := range map[string]string{
		"i am lazy":                         "you are lazy",
		"my boss hates me":                  "your boss hates you",
		"I'm not myself":                    "you are not yourself",
		"that book is mine":                 "that book is yours",
		"i was there when I fell":           "you were there when you fell",
		"you are my friend":                 "I am your friend",
		"you were kind to me":               "I was kind to you",
		"i like to talk with you":           "you like to talk with me",
		"i told you about my dog":           "you told me about your dog",
		"i want you to help me":             "you want me to help you",
		"i know that you don't like me":     "you know that I don't like you",
		"people like you":                   "people like me",
		"are you listening":                 "am I listening",
		"was i wrong":                       "were you wrong",
		"they are late":                     "they are late",
		"she was happy":                     "she was happy",
		"your answer and yours alone":       "my answer and mine alone",
		"i've lost what you gave me":        "you have lost what I gave you",
		"we went to Rome with Ann":          "we went to Rome with Ann",
		"i can’t do it dont ask me":         "you can't do it don't ask you",
		"i hate you and you hate me":        "you hate me and I hate you",
		"you":                               "me",
		"before you came I was alone":       "before I came you were alone",
		"I GAVE YOU EVERYTHING YOU WANTED":  "you gave me everything I wanted",
		"nobody but you":                    "nobody but me",
		"":                                  "",
		"the colour green has four letters": "the colour green has four letters",
	} {
		require.Equal(t, want, eliza.Turn(line), line)
	}
}
