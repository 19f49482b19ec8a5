package bearer

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/parley-go/parley/conversation"
)

// Errors of the header. httpadapter answers them all with 401.
var (
	// ErrNoToken: the request has no Authorization header of the scheme Bearer.
	ErrNoToken = errors.New("bearer: no token")
	// ErrBadToken: the header is malformed, or the token is not known.
	ErrBadToken = errors.New("bearer: bad token")
)

// MaxToken bounds a token, in bytes: what is longer is not looked at.
const MaxToken = 8 << 10

// Authenticate is the type of httpadapter's Options.Authenticate.
type Authenticate = func(*http.Request) (conversation.Caller, error)

// Token returns the token of a request. There must be exactly one Authorization
// header, of the scheme Bearer, with a token of the characters that RFC 6750
// allows.
func Token(r *http.Request) (string, error) {
	values := r.Header.Values("Authorization")
	if len(values) == 0 {
		return "", ErrNoToken
	}
	scheme, token, found := strings.Cut(values[0], " ")
	if !found || !strings.EqualFold(scheme, "Bearer") {
		return "", ErrNoToken
	}
	token = strings.TrimLeft(token, " ")
	if len(values) > 1 || len(token) > MaxToken || !wellFormed(token) {
		return "", ErrBadToken
	}
	return token, nil
}

// wellFormed reports whether s is a b64token of RFC 6750.
func wellFormed(s string) bool {
	body := strings.TrimRight(s, "=")
	if body == "" {
		return false
	}
	for i := range len(body) {
		c := body[i]
		letter := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9'
		if !letter && !strings.ContainsRune("-._~+/", rune(c)) {
			return false
		}
	}
	return true
}

// Verify authenticates by a function that knows tokens. What it returns as an
// error is 401, with the exceptions that httpadapter names.
func Verify(verify func(ctx context.Context, token string) (conversation.Caller, error)) Authenticate {
	return func(r *http.Request) (conversation.Caller, error) {
		token, err := Token(r)
		if err != nil {
			return conversation.Caller{}, err
		}
		return verify(r.Context(), token)
	}
}

// minToken is the least length of a static token, in bytes. Shorter ones can be
// guessed.
const minToken = 16

// Static authenticates by a fixed set of tokens. It keeps their hashes, and
// compares a token with all of them in a time that depends on neither: some
// hundred nanoseconds for each token known, so it is for a few hundred at most.
//
// A token must have at least 16 bytes and be well-formed, and its caller must
// have a tenant, a user and a permission.
func Static(tokens map[string]conversation.Caller) (Authenticate, error) {
	type entry struct {
		hash   [sha256.Size]byte
		caller conversation.Caller
	}
	if len(tokens) == 0 {
		return nil, errors.New("bearer: there is no token, so nobody could ever come in")
	}
	entries := make([]entry, 0, len(tokens))
	for token, caller := range tokens {
		who := fmt.Sprintf("the token of %s/%s", caller.Tenant, caller.User) // never the token itself
		switch {
		case len(token) < minToken:
			return nil, fmt.Errorf("bearer: %s must have at least %d bytes", who, minToken)
		case len(token) > MaxToken || !wellFormed(token):
			return nil, fmt.Errorf("bearer: %s must be letters, digits and -._~+/ with = at the end", who)
		case caller.Tenant == "" || caller.User == "" || caller.Permissions == 0:
			return nil, fmt.Errorf("bearer: %s needs a tenant, a user and a permission", who)
		}
		entries = append(entries, entry{sha256.Sum256([]byte(token)), caller})
	}
	return func(r *http.Request) (conversation.Caller, error) {
		token, err := Token(r)
		if err != nil {
			return conversation.Caller{}, err
		}
		hash := sha256.Sum256([]byte(token))
		found := -1
		for i := range entries { // all of them, whichever it is
			equal := subtle.ConstantTimeCompare(hash[:], entries[i].hash[:])
			found = subtle.ConstantTimeSelect(equal, i, found)
		}
		if found < 0 {
			return conversation.Caller{}, ErrBadToken
		}
		return entries[found].caller, nil
	}, nil
}
