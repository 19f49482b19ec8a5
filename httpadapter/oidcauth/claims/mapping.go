// Package claims makes callers of tokens: it says which claim of a verified
// token is the tenant, which the user, and which words in it are permissions.
package claims

import (
	"errors"
	"fmt"

	"github.com/parley-go/parley/conversation"
)

// Mapping says how the claims of a token become a conversation.Caller. A claim
// is named as the token has it ("tid", "https://example.com/tenant"); a name that
// begins with a slash is a JSON pointer (RFC 6901) to a claim inside another
// ("/realm_access/roles").
//
// Only what is named here counts, and a token that lacks it is refused: there
// is no tenant to fall back to, and no permission that comes by itself.
type Mapping struct {
	// Tenant is the claim that names the tenant. It is needed. The claim must be
	// a string.
	Tenant string

	// Tenants are those that may come in. Empty admits every tenant that the
	// issuer names.
	Tenants []string

	// User is the claim that names the user within the tenant. It must be a
	// string that the issuer never gives to another person. Default "sub".
	User string

	// Name and AvatarURL are claims shown in directories. A token may lack them.
	// Default "name" and "picture".
	Name      string
	AvatarURL string

	// Everyone is what each token may do that is accepted at all. Default nothing.
	Everyone conversation.Permission

	// Grants add to it. There must be one where Everyone is nothing.
	Grants []Grant
}

// Grant gives permissions to tokens that have a word in a claim.
type Grant struct {
	// Claim is where to look: a string of words set apart by spaces, as in
	// "scope" (RFC 8693), a list of strings, as roles and groups come, or true.
	Claim string

	// Value is the word to find. It is compared exactly. For a claim that is a
	// boolean, it is "true".
	Value string

	// Permissions, Admin and Channel are what the word gives. A channel makes the
	// token a connector's, which speaks for that channel (rule L3); the first
	// grant that gives one counts.
	Permissions conversation.Permission
	Admin       bool
	Channel     conversation.Channel
}

// The claims of OpenID Connect that Mapping takes by default.
const (
	DefaultUser      = "sub"
	DefaultName      = "name"
	DefaultAvatarURL = "picture"
)

// Validate names every field that cannot be what it is.
func (m *Mapping) Validate() error {
	var errs []error
	bad := func(cond bool, format string, args ...any) {
		if cond {
			errs = append(errs, fmt.Errorf("Mapping."+format, args...))
		}
	}
	bad(m.Tenant == "", "Tenant is needed: there is no tenant to fall back to")
	for i, tenant := range m.Tenants {
		bad(!sound(tenant), "Tenants[%d] must be a name without control characters, of at most %d bytes", i, maxID)
	}
	bad(m.Everyone&^conversation.PermReadWrite != 0, "Everyone must be of PermRead and PermWrite")
	bad(m.Everyone == 0 && len(m.Grants) == 0, "Everyone or Grants is needed: nobody could do anything")
	for i := range m.Grants {
		g := &m.Grants[i]
		bad(g.Claim == "", "Grants[%d].Claim is needed", i)
		bad(g.Value == "", "Grants[%d].Value is needed", i)
		bad(g.Permissions&^conversation.PermReadWrite != 0, "Grants[%d].Permissions must be of PermRead and PermWrite", i)
		bad(g.Permissions == 0 && !g.Admin && g.Channel == "", "Grants[%d] must give something", i)
	}
	return errors.Join(errs...)
}
