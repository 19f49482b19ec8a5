package conversation

import (
	"bytes"
	"fmt"
	"regexp"
	"strings"
	"unicode/utf8"
)

// faults collects what is wrong with an argument.
type faults struct {
	errs FieldErrors
}

func (f *faults) add(path, format string, args ...any) {
	f.errs = append(f.errs, &FieldError{Path: path, Reason: fmt.Sprintf(format, args...)})
}

// err returns nil, or the FieldErrors.
func (f *faults) err() error {
	if len(f.errs) == 0 {
		return nil
	}
	return f.errs
}

// text refuses what a store could not keep: bytes that are not UTF-8, and NUL,
// which PostgreSQL has no place for. The limit is in bytes; 0 is none.
func (f *faults) text(path, s string, limit int) {
	if reason := textFault(s, limit); reason != "" {
		f.add(path, "%s", reason)
	}
}

func textFault(s string, limit int) string {
	switch {
	case limit > 0 && len(s) > limit:
		return fmt.Sprintf("must be at most %d bytes, has %d", limit, len(s))
	case !utf8.ValidString(s):
		return "must be valid UTF-8"
	case strings.IndexByte(s, 0) >= 0:
		return "must not contain NUL"
	}
	return ""
}

// maxName bounds names, titles, and ids of users, agents and models, in
// characters (rule L1).
const maxName = 200

// runes checks a name: like text, with the limit in characters.
func (f *faults) runes(path, s string) {
	if n := utf8.RuneCountInString(s); n > maxName {
		f.add(path, "must be at most %d characters, has %d", maxName, n)
		return
	}
	f.text(path, s, 0)
}

// previewRunes is the length of a preview: two lines of a list entry.
const previewRunes = 200

// preview folds white space and cuts after previewRunes characters.
func preview(s string) string {
	s = trim(s)
	if len(s) > 8*previewRunes {
		s = strings.ToValidUTF8(s[:8*previewRunes], "")
	}
	s = strings.Join(strings.Fields(s), " ")
	n := 0
	for i := range s {
		if n == previewRunes {
			return s[:i]
		}
		n++
	}
	return s
}

// mentionPattern is how channels write a mention: <@U012AB> or <@U012AB|name>.
var mentionPattern = regexp.MustCompile(`<@(U[A-Za-z0-9_.-]{0,63})(?:\|([^<>|]{0,200}))?>`)

// maxMentions bounds the directory entries one message can make.
const maxMentions = 50

func mentions(s string) [][]string {
	if !strings.Contains(s, "<@U") {
		return nil
	}
	return mentionPattern.FindAllStringSubmatch(s, maxMentions)
}

func isEmptyObject(raw []byte) bool {
	trimmed := bytes.TrimSpace(raw)
	return len(trimmed) >= 2 && trimmed[0] == '{' && trimmed[len(trimmed)-1] == '}' &&
		len(bytes.TrimSpace(trimmed[1:len(trimmed)-1])) == 0
}

// cutWireName splits alias-tool at its first dash.
func cutWireName(name string) (alias, tool string, ok bool) {
	alias, tool, ok = strings.Cut(name, "-")
	return alias, tool, ok && alias != "" && tool != ""
}

func trim(s string) string { return strings.TrimSpace(s) }
