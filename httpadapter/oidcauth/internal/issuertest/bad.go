package issuertest

import (
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/golang-jwt/jwt/v5"
	"github.com/stretchr/testify/require"
)

// Bad returns requests that must be refused wherever one with a good token of
// the key, an RSA key for RS256, is accepted, by what is wrong with them. Each
// differs from a good one in that alone.
func (iss *Issuer) Bad(t testing.TB, key *Key) map[string]*http.Request {
	t.Helper()
	bad := make(map[string]*http.Request)
	for name, changes := range badClaims() {
		bad[name] = Request(key.Sign(t, iss.Claims(changes)))
	}
	for name, token := range iss.forged(t, key) {
		bad[name] = Request(token)
	}
	maps.Copy(bad, iss.misplaced(t, key))
	return bad
}

func badClaims() map[string]jwt.MapClaims {
	return map[string]jwt.MapClaims{
		"another issuer":         {"iss": "https://evil.example.com"},
		"issuer with a slash":    {"iss": "http://127.0.0.1/"},
		"no issuer":              {"iss": nil},
		"another audience":       {"aud": "https://other.example.com"},
		"other audiences":        {"aud": []string{"a", "b"}},
		"part of the audience":   {"aud": strings.TrimSuffix(Audience, "com")},
		"no audience":            {"aud": nil},
		"empty audience":         {"aud": []string{}},
		"expired":                {"exp": Now.Add(-time.Hour).Unix()},
		"no expiry":              {"exp": nil},
		"expiry of another type": {"exp": "tomorrow"},
		"expiry is nothing":      {"exp": 0},
		"not valid yet":          {"nbf": Now.Add(time.Hour).Unix()},
		"begin of another type":  {"nbf": "yesterday"},
		"no tenant":              {"tenant": nil},
		"empty tenant":           {"tenant": ""},
		"blank tenant":           {"tenant": " "},
		"tenant of spaces":       {"tenant": " acme"},
		"tenant is a number":     {"tenant": 7},
		"tenant is a list":       {"tenant": []string{"acme"}},
		"tenant is an object":    {"tenant": map[string]any{"id": "acme"}},
		"tenant with NUL":        {"tenant": "ac\x00me"},
		"tenant is too long":     {"tenant": strings.Repeat("a", 256)},
		"no user":                {"sub": nil},
		"empty user":             {"sub": ""},
		"user is a number":       {"sub": 7},
	}
}

// forged returns tokens that nobody who may has signed as they are.
func (iss *Issuer) forged(t testing.TB, key *Key) map[string]string {
	t.Helper()
	good := iss.Claims(nil)
	token := key.Sign(t, good)
	parts := strings.Split(token, ".")
	other := strings.Split(key.Sign(t, iss.Claims(jwt.MapClaims{"sub": "bob"})), ".")
	attacker := NewRSA(t, key.ID)
	none := sign(t, jwt.SigningMethodNone, jwt.UnsafeAllowNoneSignatureType, key.ID, good, nil)
	der, err := x509.MarshalPKIXPublicKey(key.Public)
	require.NoError(t, err)
	jwk, err := json.Marshal(jose.JSONWebKey{Key: key.Public, KeyID: key.ID, Algorithm: "RS256", Use: "sig"})
	require.NoError(t, err)
	hmac := func(secret []byte) string { return sign(t, jwt.SigningMethodHS256, secret, key.ID, good, nil) }
	head := func(header string) string {
		return base64.RawURLEncoding.EncodeToString([]byte(header)) + "." + parts[1] + "." + parts[2]
	}
	return map[string]string{
		"alg none":                        none,
		"alg none, any signature":         none + parts[2],
		"alg None":                        head(fmt.Sprintf(`{"alg":"None","kid":%q}`, key.ID)),
		"no alg":                          head(fmt.Sprintf(`{"kid":%q}`, key.ID)),
		"alg of another type":             head(fmt.Sprintf(`{"alg":["RS256"],"kid":%q}`, key.ID)),
		"HS256 with the public key (DER)": hmac(der),
		"HS256 with the public key (PEM)": hmac(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})),
		"HS256 with the public key (JWK)": hmac(jwk),
		"HS256 with nothing":              hmac([]byte{}),
		"RS384 of the same key":           sign(t, jwt.SigningMethodRS384, key.Private, key.ID, good, nil),
		"another key, same id":            attacker.Sign(t, good),
		"unknown key id":                  key.SignWith(t, good, map[string]any{"kid": "unknown"}),
		"another key, unknown id":         NewEC(t, "nobody").Sign(t, good),
		"another key, no id":              NewRSA(t, "").SignWith(t, good, map[string]any{"kid": nil}),
		"brings its own key": attacker.SignWith(t, good, map[string]any{
			"jwk": jose.JSONWebKey{Key: attacker.Public, KeyID: key.ID, Algorithm: "RS256"},
		}),
		"names where its key is": attacker.SignWith(t, good, map[string]any{"jku": iss.URL + "/evil", "x5u": iss.URL + "/evil"}),
		"path for a key id":      attacker.SignWith(t, good, map[string]any{"kid": "../../../dev/null"}),
		"demands an extension": key.SignWith(t, good, map[string]any{
			"crit": []string{"http://example.com/ext"}, "http://example.com/ext": true,
		}),
		"demands no extension":        key.SignWith(t, good, map[string]any{"crit": []string{}}),
		"claims of another":           parts[0] + "." + other[1] + "." + parts[2],
		"signature of another":        parts[0] + "." + parts[1] + "." + other[2],
		"no signature":                parts[0] + "." + parts[1] + ".",
		"half a signature":            parts[0] + "." + parts[1] + "." + parts[2][:len(parts[2])/2],
		"signature with more":         token + "AAAA",
		"two parts":                   parts[0] + "." + parts[1],
		"four parts":                  token + "." + parts[2],
		"five parts":                  token + "." + parts[2] + "." + parts[2],
		"only dots":                   "..",
		"many dots":                   strings.Repeat(".", 8000),
		"very many dots":              strings.Repeat(".", 1<<20),
		"overlong":                    token + strings.Repeat("A", 8<<10),
		"overlong by its claims":      key.Sign(t, iss.Claims(jwt.MapClaims{"groups": strings.Repeat("x", 8<<10)})),
		"very long":                   strings.Repeat("A", 1<<20),
		"deep header":                 base64.RawURLEncoding.EncodeToString([]byte(strings.Repeat("[", 5000))) + "." + parts[1] + "." + parts[2],
		"garbage":                     "%%%",
		"garbage in the alphabet":     "abc.def.ghi",
		"padding":                     token + "==",
		"line feed":                   token + "\n",
		"empty":                       "",
		"the whole as JSON":           compactToJSON(parts, false),
		"the whole as flattened JSON": compactToJSON(parts, true),
	}
}

// compactToJSON gives a signed token the other serialization of RFC 7515.
func compactToJSON(parts []string, flat bool) string {
	if flat {
		return fmt.Sprintf(`{"payload":%q,"protected":%q,"signature":%q}`, parts[1], parts[0], parts[2])
	}
	return fmt.Sprintf(`{"payload":%q,"signatures":[{"protected":%q,"signature":%q}]}`, parts[1], parts[0], parts[2])
}

// misplaced returns requests with a good token that is not where it belongs.
func (iss *Issuer) misplaced(t testing.TB, key *Key) map[string]*http.Request {
	t.Helper()
	token := key.Sign(t, iss.Claims(nil))
	with := func(change func(*http.Request)) *http.Request {
		r := Request(token)
		r.Header.Del("Authorization")
		change(r)
		return r
	}
	header := func(values ...string) *http.Request {
		return with(func(r *http.Request) { r.Header["Authorization"] = slices.Clone(values) })
	}
	return map[string]*http.Request{
		"no header":        header(),
		"no scheme":        header(token),
		"scheme alone":     header("Bearer"),
		"scheme and space": header("Bearer "),
		"another scheme":   header("Basic " + token),
		"two headers":      header("Bearer "+token, "Bearer "+token),
		"two tokens":       header("Bearer " + token + " " + token),
		"a list of tokens": header("Bearer " + token + ", Bearer " + token),
		"token in query":   with(func(r *http.Request) { r.URL.RawQuery = "access_token=" + token }),
		"token in cookie":  with(func(r *http.Request) { r.AddCookie(&http.Cookie{Name: "Authorization", Value: token}) }),
	}
}
