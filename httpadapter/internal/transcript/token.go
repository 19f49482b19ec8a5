package transcript

import (
	"errors"
	"net/http"
	"strings"

	"github.com/parley-go/parley/conversation"
)

var errToken = errors.New("no token of these tests")

// Authenticate reads the tokens of transcripts: tenant.user, and behind that
// any of .admin, .readonly, .writeonly and .slack (speaks for that channel).
func Authenticate(r *http.Request) (conversation.Caller, error) {
	token, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	words := strings.Split(token, ".")
	if !ok || len(words) < 2 {
		return conversation.Caller{}, errToken
	}
	c := conversation.Caller{Tenant: words[0], User: words[1], Permissions: conversation.PermReadWrite}
	for _, word := range words[2:] {
		switch word {
		case "admin":
			c.Admin = true
		case "readonly":
			c.Permissions = conversation.PermRead
		case "writeonly":
			c.Permissions = conversation.PermWrite
		case "slack":
			c.Channel = conversation.ChannelSlack
		default:
			return conversation.Caller{}, errToken
		}
	}
	return c, nil
}
