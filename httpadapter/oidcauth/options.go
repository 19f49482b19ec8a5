package oidcauth

import (
	"cmp"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"

	"github.com/parley-go/parley/httpadapter/oidcauth/claims"
	"github.com/parley-go/parley/httpadapter/oidcauth/internal/bearer"
)

// Defaults of Options.
const (
	DefaultLeeway          = 30 * time.Second
	DefaultMaxTokenBytes   = bearer.DefaultMaxBytes
	DefaultRefreshInterval = 5 * time.Second
	DefaultFetchTimeout    = 10 * time.Second
)

// maxLeeway is more than clocks should ever differ.
const maxLeeway = 5 * time.Minute

// algorithms are those of public keys. An issuer that publishes its keys has no
// use for others, and "none" is not one.
var algorithms = []string{
	oidc.RS256, oidc.RS384, oidc.RS512, oidc.PS256, oidc.PS384, oidc.PS512, oidc.ES256, oidc.ES384, oidc.ES512, oidc.EdDSA,
}

// Options say which tokens are accepted and whose they are. Issuer, Audience and
// Claims are needed.
type Options struct {
	// Issuer is the issuer's URL, as "iss" has it, exactly. It must be https,
	// except on this machine (127.0.0.1, ::1, localhost).
	Issuer string

	// KeysURL is where the issuer publishes its keys (JWKS). Empty asks the issuer
	// for it (OpenID Connect Discovery), once, in New.
	KeysURL string

	// Audience are the names of this service. A token must be for one of them. An
	// audience that is the id of a browser's client takes its id tokens, too;
	// see Types.
	Audience []string

	// Claims says who the caller is.
	Claims claims.Mapping

	// Types are the types ("typ") a token may have: "at+jwt" takes access tokens
	// (RFC 9068) only. Empty takes every type.
	Types []string

	// Algorithms may be RS256, RS384, RS512, PS256, PS384, PS512, ES256, ES384,
	// ES512 and EdDSA. Default RS256 and ES256.
	Algorithms []string

	// Leeway is how far the issuer's clock may be from this one, for "exp" and
	// "nbf". Default 30 s, at most 5 minutes.
	Leeway time.Duration

	// MaxTokenBytes bounds a token; a longer one is refused unread. Default 8 KiB.
	MaxTokenBytes int

	// RefreshInterval is the least time between two fetches of the issuer's keys.
	// A token with a key that is not known causes one, and anybody can make up
	// such tokens; this is what bounds the load on the issuer. A new key is thus
	// taken at most this late. Default 5 s.
	RefreshInterval time.Duration

	// Client fetches from the issuer. Default one with a time-out of 10 s. Redirects
	// to http are refused in any case, as are answers above 1 MiB.
	Client *http.Client

	// Now is the clock. Default time.Now.
	Now func() time.Time
}

func (o *Options) withDefaults() Options {
	out := *o
	out.Audience, out.Types = slices.Clone(o.Audience), slices.Clone(o.Types)
	out.Algorithms = slices.Clone(o.Algorithms)
	if len(out.Algorithms) == 0 {
		out.Algorithms = []string{oidc.RS256, oidc.ES256}
	}
	out.Leeway = cmp.Or(out.Leeway, DefaultLeeway)
	out.MaxTokenBytes = cmp.Or(out.MaxTokenBytes, DefaultMaxTokenBytes)
	out.RefreshInterval = cmp.Or(out.RefreshInterval, DefaultRefreshInterval)
	if out.Client == nil {
		out.Client = &http.Client{Timeout: DefaultFetchTimeout}
	}
	if out.Now == nil {
		out.Now = time.Now
	}
	return out
}

// validate names every field that cannot be what it is.
func (o *Options) validate() error {
	var errs []error
	bad := func(cond bool, format string, args ...any) {
		if cond {
			errs = append(errs, fmt.Errorf("oidcauth: Options."+format, args...))
		}
	}
	bad(!safeURL(o.Issuer), "Issuer must be an https URL")
	bad(o.KeysURL != "" && !safeURL(o.KeysURL), "KeysURL must be an https URL")
	bad(len(o.Audience) == 0 || slices.Contains(o.Audience, ""), "Audience is needed, and none may be empty")
	for _, alg := range o.Algorithms {
		bad(!slices.Contains(algorithms, alg), "Algorithms: %q is not taken", alg)
	}
	bad(o.Leeway < 0 || o.Leeway > maxLeeway, "Leeway must be between 0 and %s", maxLeeway)
	bad(o.MaxTokenBytes < 0, "MaxTokenBytes must not be negative")
	bad(o.RefreshInterval < 0, "RefreshInterval must not be negative")
	if err := o.Claims.Validate(); err != nil {
		errs = append(errs, fmt.Errorf("oidcauth: Options.Claims: %w", err))
	}
	return errors.Join(errs...)
}

// safeURL reports whether what is fetched from there is what its owner sent.
func safeURL(s string) bool {
	u, err := url.Parse(s)
	return err == nil && safe(u)
}

func safe(u *url.URL) bool {
	switch u.Scheme {
	case "https":
		return u.Host != ""
	case "http":
		ip := net.ParseIP(u.Hostname())
		return u.Hostname() == "localhost" || ip != nil && ip.IsLoopback()
	default:
		return false
	}
}
