package httpadapter

import (
	"cmp"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"time"

	"github.com/google/uuid"

	"github.com/parley-go/parley/conversation"
)

// Defaults of Options.
const (
	DefaultMaxBodyBytes      = 1 << 20
	DefaultMaxDepth          = 32
	DefaultMaxStreamsPerUser = 100
	DefaultMaxStreams        = 10_000
	DefaultHeartbeat         = 8 * time.Second
	DefaultWriteTimeout      = 20 * time.Second
	DefaultBodyTimeout       = 30 * time.Second
)

// Options steer a Handler. Authenticate is required; the zero value of every
// other field is its default.
type Options struct {
	// Authenticate says who asks, or why nobody can be told. It gets the request
	// as it reached the Handler, path values of the host's own router included.
	// Its error is answered with 401 and shown to no one, unless it is
	// conversation.ErrForbidden (403), ErrOverloaded (429) or ErrUnavailable
	// (503). Cookies are the host's affair: the Handler never reads them.
	Authenticate func(*http.Request) (conversation.Caller, error)

	// Logger gets what goes wrong inside: unknown errors and panics, each with
	// the log id that its answer carries. Nil is silent.
	Logger *slog.Logger

	// AccessLog gets a line for each request: method, route, status, bytes,
	// duration, tenant, user, log id. Never a body, a query or a token. Nil is off.
	AccessLog *slog.Logger

	// AllowedOrigins are the origins ("https://app.example.com") whose pages may
	// call from a browser. None by default: CORS is off, and requests that a
	// browser marks as cross-origin are refused.
	AllowedOrigins []string

	// MaxBodyBytes bounds a JSON body; beyond it the answer is 413. Default 1 MiB.
	MaxBodyBytes int64

	// MaxDepth bounds how deep JSON may nest. Default 32.
	MaxDepth int

	// MaxStreamsPerUser bounds the event streams one user has open, MaxStreams
	// those of the Handler; beyond them the answer is 429. Default 100 and
	// 10,000: an idle stream costs some 40 KiB.
	MaxStreamsPerUser int
	MaxStreams        int

	// Heartbeat is the time between two comments on a stream. Default 8 s, which
	// is below the idle time-outs of the proxies that people run.
	Heartbeat time.Duration

	// WriteTimeout is how long one write to a stream may take before its reader
	// is given up. It takes the place of http.Server.WriteTimeout there, which
	// would end every stream. Default 20 s.
	WriteTimeout time.Duration

	// BodyTimeout is how long a body may take to arrive. Default 30 s.
	BodyTimeout time.Duration

	// NewLogID names a request in the log and in the header Log-Id. Default a
	// random UUID.
	NewLogID func() string
}

// withDefaults returns a copy with every zero field filled.
func (o *Options) withDefaults() Options {
	out := *o
	if out.Logger == nil {
		out.Logger = slog.New(slog.DiscardHandler)
	}
	if out.NewLogID == nil {
		out.NewLogID = func() string { return uuid.New().String() }
	}
	out.MaxBodyBytes = cmp.Or(out.MaxBodyBytes, DefaultMaxBodyBytes)
	out.MaxDepth = cmp.Or(out.MaxDepth, DefaultMaxDepth)
	out.MaxStreamsPerUser = cmp.Or(out.MaxStreamsPerUser, DefaultMaxStreamsPerUser)
	out.MaxStreams = cmp.Or(out.MaxStreams, DefaultMaxStreams)
	out.Heartbeat = cmp.Or(out.Heartbeat, DefaultHeartbeat)
	out.WriteTimeout = cmp.Or(out.WriteTimeout, DefaultWriteTimeout)
	out.BodyTimeout = cmp.Or(out.BodyTimeout, DefaultBodyTimeout)
	return out
}

// validate names every field that cannot be what it is.
func (o *Options) validate() error {
	var errs []error
	bad := func(cond bool, sentence string) {
		if cond {
			errs = append(errs, errors.New("httpadapter: "+sentence))
		}
	}
	bad(o.Authenticate == nil, "Options.Authenticate is needed: there is no default that lets anyone in")
	bad(o.MaxBodyBytes < 0, "Options.MaxBodyBytes must not be negative")
	bad(o.MaxDepth < 0, "Options.MaxDepth must not be negative")
	bad(o.MaxStreamsPerUser < 0, "Options.MaxStreamsPerUser must not be negative")
	bad(o.MaxStreams < 0, "Options.MaxStreams must not be negative")
	bad(o.Heartbeat < 0, "Options.Heartbeat must not be negative")
	bad(o.WriteTimeout < 0, "Options.WriteTimeout must not be negative")
	bad(o.BodyTimeout < 0, "Options.BodyTimeout must not be negative")
	for _, origin := range o.AllowedOrigins {
		u, err := url.Parse(origin)
		bad(err != nil || u.Scheme == "" || u.Host == "" || u.Scheme+"://"+u.Host != origin,
			fmt.Sprintf("Options.AllowedOrigins: %q must be like https://app.example.com", origin))
	}
	return errors.Join(errs...)
}
