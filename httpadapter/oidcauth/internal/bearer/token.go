// Package bearer takes tokens out of requests, bounded before anything reads
// them.
package bearer

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strings"
)

// Errors of this package. None of them shows anything of the token.
var (
	ErrNone   = errors.New("the request has no bearer token")
	ErrLong   = errors.New("the token is longer than is taken")
	ErrForm   = errors.New("the token is no signed token in compact form")
	ErrHeader = errors.New("the token's header cannot be read")
	ErrCrit   = errors.New("the token's header demands an extension")
	ErrType   = errors.New("the token is of another type")
)

// DefaultMaxBytes bounds a token. Those of most issuers have one to two KiB; 8
// KiB has room for one that lists the groups of its user.
const DefaultMaxBytes = 8 << 10

// Token returns the token of a request: of its one header Authorization, with
// the scheme Bearer (RFC 6750). Its length is bounded before anything else is
// looked at, and it has the form of a JWS in compact serialization, three parts
// in the alphabet of base64url: nothing else gets to a parser.
func Token(r *http.Request, maxBytes int) (string, error) {
	values := r.Header["Authorization"]
	if len(values) != 1 {
		return "", ErrNone
	}
	if len(values[0]) > len("Bearer ")+maxBytes {
		return "", ErrLong
	}
	scheme, token, ok := strings.Cut(values[0], " ")
	if !ok || !strings.EqualFold(scheme, "Bearer") {
		return "", ErrNone
	}
	dots := 0
	for i := range len(token) {
		switch c := token[i]; {
		case c == '.':
			dots++
		case 'A' <= c && c <= 'Z', 'a' <= c && c <= 'z', '0' <= c && c <= '9', c == '-', c == '_':
		default:
			return "", ErrForm
		}
	}
	if dots != 2 {
		return "", ErrForm
	}
	return token, nil
}

// CheckHeader refuses a token by its header, which nobody has verified yet: one
// that demands extensions ("crit"), since none is known here, and one whose type
// is not among those, where there are any. Types are compared as RFC 7515 says:
// without regard to case, and without "application/".
func CheckHeader(token string, types []string) error {
	encoded, _, _ := strings.Cut(token, ".")
	raw, err := base64.RawURLEncoding.DecodeString(encoded)
	if err != nil {
		return ErrHeader
	}
	var header struct {
		Type string          `json:"typ"`
		Crit json.RawMessage `json:"crit"`
	}
	if json.Unmarshal(raw, &header) != nil {
		return ErrHeader
	}
	if header.Crit != nil {
		return ErrCrit
	}
	if len(types) > 0 && !slices.ContainsFunc(types, func(t string) bool { return mediaType(t) == mediaType(header.Type) }) {
		return ErrType
	}
	return nil
}

func mediaType(typ string) string {
	return strings.TrimPrefix(strings.ToLower(typ), "application/")
}
