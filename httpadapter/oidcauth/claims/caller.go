package claims

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/parley-go/parley/conversation"
)

// Errors of Caller. They are for the host's log: all of them are answered alike.
var (
	ErrNoTenant = errors.New("the token names no tenant")
	ErrTenant   = errors.New("the token's tenant is not admitted")
	ErrNoUser   = errors.New("the token names no user")
)

// maxID bounds the names of tenants and users, in bytes.
const maxID = 255

// Caller makes a caller of the claims of a token whose signature, issuer,
// audience and time were checked. It refuses a token without a tenant or a
// user. One that has no permissions is no error here: the engine forbids it what
// it asks for.
func (m *Mapping) Caller(claims map[string]any) (conversation.Caller, error) {
	tenant, ok := find(claims, m.Tenant).(string)
	if !ok || !sound(tenant) {
		return conversation.Caller{}, ErrNoTenant
	}
	if len(m.Tenants) > 0 && !slices.Contains(m.Tenants, tenant) {
		return conversation.Caller{}, fmt.Errorf("%w: %q", ErrTenant, tenant)
	}
	user, ok := find(claims, cmp.Or(m.User, DefaultUser)).(string)
	if !ok || !sound(user) {
		return conversation.Caller{}, ErrNoUser
	}
	c := conversation.Caller{
		Tenant: tenant, User: user, Permissions: m.Everyone,
		Name:      shown(find(claims, cmp.Or(m.Name, DefaultName))),
		AvatarURL: shown(find(claims, cmp.Or(m.AvatarURL, DefaultAvatarURL))),
	}
	for i := range m.Grants {
		g := &m.Grants[i]
		if !has(find(claims, g.Claim), g.Value) {
			continue
		}
		c.Permissions |= g.Permissions
		c.Admin = c.Admin || g.Admin
		c.Channel = cmp.Or(c.Channel, g.Channel)
	}
	return c, nil
}

// find returns a claim, or nil.
func find(claims map[string]any, name string) any {
	pointer, nested := strings.CutPrefix(name, "/")
	if !nested {
		return claims[name]
	}
	var at any = claims
	for _, step := range strings.Split(pointer, "/") {
		object, ok := at.(map[string]any)
		if !ok {
			return nil
		}
		at = object[unescape.Replace(step)]
	}
	return at
}

// unescape undoes what RFC 6901 does to names with slashes.
var unescape = strings.NewReplacer("~1", "/", "~0", "~")

// has reports whether a claim holds the word.
func has(claim any, word string) bool {
	switch claim := claim.(type) {
	case string:
		return slices.Contains(strings.Split(claim, " "), word)
	case []any:
		return slices.ContainsFunc(claim, func(entry any) bool {
			s, ok := entry.(string)
			return ok && s == word
		})
	case bool:
		return claim && word == "true"
	default:
		return false
	}
}

// sound reports whether a string can name a tenant or a user.
func sound(id string) bool {
	return id != "" && len(id) <= maxID && id == strings.TrimSpace(id) && printable(id)
}

// shown returns a claim that people see, or nothing where it cannot be shown.
func shown(claim any) string {
	s, ok := claim.(string)
	if !ok || !printable(s) || len(s) > maxShown {
		return ""
	}
	return s
}

// maxShown bounds what is shown of a person, in bytes. It has room for the
// address of a picture.
const maxShown = 1 << 10

func printable(s string) bool {
	return utf8.ValidString(s) && !strings.ContainsFunc(s, unicode.IsControl)
}
