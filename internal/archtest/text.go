package archtest

import (
	"bytes"
	"fmt"
	"regexp"
)

// banned is what no file may say, with the reason. The patterns are written so
// that they do not find themselves.
var banned = []struct {
	pattern *regexp.Regexp
	reason  string
}{
	{
		regexp.MustCompile("(?:^|[\\s\"'`(=:,])/(?:home|root|Users|work|workspace|mnt|private|var/folders)/[\\w.-]"),
		"names a path of somebody's machine",
	},
	{
		regexp.MustCompile(`(?i)\b(?:proxy[.]golang|sum[.]golang|registry[.]npmjs|registry[.]yarnpkg|registry-1[.]docker|deb[.]debian|files[.]pythonhosted|pypi)[.](?:org|com|io)\b|\bartifactory\b`),
		"names a registry's host, which is for the environment to say",
	},
	{
		regexp.MustCompile(`\b(?:TO[D]O|FIX[M]E|XX[X]|HAC[K])\b`),
		"leaves work behind",
	},
	{
		regexp.MustCompile(`(?m)^(?:<{7} |>{7} |={7}$)`),
		"has a conflict marker",
	},
}

// Text checks that a file says nothing that is banned.
func Text(s *Source) []Finding {
	var out []Finding
	for _, b := range banned {
		for _, at := range b.pattern.FindAllIndex(s.Text, -1) {
			line := 1 + bytes.Count(s.Text[:at[1]-1], []byte("\n"))
			out = append(out, Finding{fmt.Sprintf("%s:%d", s.Name, line), fmt.Sprintf("%s: %q", b.reason, bytes.TrimSpace(s.Text[at[0]:at[1]]))})
		}
	}
	return out
}
