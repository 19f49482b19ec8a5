package httpadapter

import (
	"strconv"
	"strings"

	"github.com/parley-go/parley/conversation"
)

// etag names a state of a conversation: its version, and when anything of it
// changed last, which is never the same for two states.
func etag(c *conversation.Conversation) string {
	b := append(make([]byte, 0, 48), '"')
	b = strconv.AppendInt(b, c.Version, 10)
	b = append(b, '-')
	b = strconv.AppendInt(b, c.UpdatedAt.UnixMicro(), 10)
	return string(append(b, '"'))
}

// notModified reports whether the client has the state that the tag names. The
// comparison is the weak one of RFC 9110: a proxy that compresses may have
// weakened our tag.
func (x *exchange) notModified(tag string) bool {
	for _, line := range x.r.Header.Values("If-None-Match") {
		for line != "" {
			var one string
			one, line, _ = strings.Cut(line, ",")
			one = strings.TrimSpace(one)
			if one == "*" || strings.TrimPrefix(one, "W/") == tag {
				return true
			}
		}
	}
	return false
}

// ifMatch reads the version that a turn expects from its header: "7", or the
// tag of a conversation, of which only the version counts. * and no header are
// no expectation.
func (x *exchange) ifMatch() (*int64, error) {
	values := x.r.Header.Values("If-Match")
	if len(values) == 0 || len(values) == 1 && strings.TrimSpace(values[0]) == "*" {
		return nil, nil
	}
	tag := strings.TrimSpace(values[0])
	inner, opened := strings.CutPrefix(tag, `"`)
	inner, closed := strings.CutSuffix(inner, `"`)
	number, updated, tagged := strings.Cut(inner, "-")
	version, err := strconv.ParseInt(number, 10, 64)
	if tagged {
		if _, bad := strconv.ParseInt(updated, 10, 64); bad != nil {
			err = bad
		}
	}
	if len(values) > 1 || !opened || !closed || err != nil || version < 0 {
		return nil, fault("If-Match", `must be one version in quotes, like "7"`)
	}
	return &version, nil
}
