package transcript

import (
	"strings"
)

// section is a named part of an archive.
type section struct {
	name string
	line int // of its first line, from 1
	text string
}

// sections splits an archive in the txtar format; the comment before the first
// marker is left out.
func sections(archive string) []section {
	var out []section
	for n, line := range strings.SplitAfter(archive, "\n") {
		marker := strings.TrimSuffix(line, "\n")
		name, opened := strings.CutPrefix(marker, "-- ")
		name, closed := strings.CutSuffix(name, " --")
		switch {
		case opened && closed:
			out = append(out, section{name: strings.TrimSpace(name), line: n + 2})
		case len(out) > 0:
			out[len(out)-1].text += line
		}
	}
	return out
}

// head splits a section into its first line, its header lines and its body.
func (s *section) head() (first string, headers [][2]string, body string, hasBody bool) {
	head, body, hasBody := strings.Cut(s.text, "\n\n")
	lines := strings.Split(strings.TrimRight(head, "\n"), "\n")
	for _, line := range lines[1:] {
		name, value, _ := strings.Cut(line, ":")
		headers = append(headers, [2]string{strings.TrimSpace(name), strings.TrimSpace(value)})
	}
	return lines[0], headers, body, hasBody && strings.TrimSpace(body) != ""
}
