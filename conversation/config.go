package conversation

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/google/uuid"
)

// Defaults of Config.
const (
	DefaultLease           = 15 * time.Second
	DefaultRunTimeout      = 10 * time.Minute
	DefaultQueueTimeout    = time.Hour
	DefaultMaxRuns         = 256
	DefaultMaxQueued       = 16
	DefaultMaxAttempts     = 3
	DefaultMaxIterations   = 25
	DefaultMaxMessageBytes = 1 << 20
	DefaultFlushInterval   = 100 * time.Millisecond
	DefaultPollInterval    = 40 * time.Millisecond
	DefaultClaimInterval   = 500 * time.Millisecond
	DefaultEventRetention  = time.Hour
	DefaultTitleTimeout    = 30 * time.Second
)

// Config steers an Engine. The zero value, and nil, is the default of every field.
type Config struct {
	// Logger gets what goes wrong where no caller can be told. Nil is silent.
	Logger *slog.Logger

	// Observer is told of runs, for traces and metrics. Nil costs nothing. Module
	// conversation/otelobserve has one for OpenTelemetry.
	Observer Observer

	// Titler derives titles. Nil derives none.
	Titler Titler

	// RenderPrompt makes the prompt of a run from the one the conversation was
	// created with. Nil uses that as it is.
	RenderPrompt func(ctx context.Context, req *PromptRequest) (string, error)

	// Agents looks up the agent a conversation is created for, and refuses with
	// ErrNotFound what the caller must not use. Nil takes every agent as given.
	Agents func(ctx context.Context, caller Caller, id string) (*Agent, error)

	// Lease is how long a run stays with a process that is not heard of. After a
	// crash its runs are taken over within Lease and ClaimInterval. Default 15 s.
	Lease time.Duration

	// RunTimeout is the time a run may take, from its first start on. A turn may
	// ask for less. Default 10 minutes.
	RunTimeout time.Duration

	// QueueTimeout is how long a queued run may wait. Default 1 hour.
	QueueTimeout time.Duration

	// MaxRuns bounds the runs in flight of this engine; a Responder that does not
	// return after its run's end still counts. Runs taken over from elsewhere at
	// the very moment when others start may exceed it by a few. Default 256.
	MaxRuns int

	// MaxQueued bounds the queued runs of one conversation. Default 16.
	MaxQueued int

	// MaxAttempts bounds how often a run is tried when its process dies or hands
	// it over. 1 fails such a run as CodeInterrupted. Default 3.
	MaxAttempts int

	// MaxIterations is the bound where settings have none. Default 25.
	MaxIterations int

	// MaxMessageBytes bounds the encoded parts of a message, and the text one
	// turn may write into one. Default 1 MiB.
	MaxMessageBytes int

	// OnStop says what becomes of the text of a stopped run. Default StopKeeps.
	OnStop StopPolicy

	// FlushInterval is how often events of running runs are stored, all runs of
	// the process in one commit. It is also what a crash can cost a reader.
	// Default 100 ms.
	FlushInterval time.Duration

	// PollInterval is how often readers look for events of runs in other
	// processes, one query for all of them. Default 40 ms.
	PollInterval time.Duration

	// ClaimInterval is how often the engine looks for runs that nobody holds.
	// Default 500 ms.
	ClaimInterval time.Duration

	// EventRetention is how long the events of an ended run are kept. Later
	// readers get them made anew from the log. Default 1 hour.
	EventRetention time.Duration

	// NewID makes ids. Default UUIDv7.
	NewID func() uuid.UUID
}

// StopPolicy says what becomes of the text of a stopped run (rule R6).
type StopPolicy string

// The policies.
const (
	// StopKeeps appends what was written so far, marked incomplete, behind the
	// turn's input. A run stopped before it wrote anything appends nothing.
	StopKeeps StopPolicy = "keep"
	// StopDiscards appends nothing.
	StopDiscards StopPolicy = "discard"
)

// PromptRequest is what RenderPrompt works from.
type PromptRequest struct {
	Caller       Caller
	Conversation *Conversation
	Settings     Settings // effective for the run
	SystemPrompt string   // the conversation's
}

// withDefaults returns a copy with every zero field filled. It accepts nil.
func (c *Config) withDefaults() Config {
	var out Config
	if c != nil {
		out = *c
	}
	if out.Logger == nil {
		out.Logger = slog.New(slog.DiscardHandler)
	}
	if out.NewID == nil {
		out.NewID = newID
	}
	out.Lease = cmp.Or(out.Lease, DefaultLease)
	out.RunTimeout = cmp.Or(out.RunTimeout, DefaultRunTimeout)
	out.QueueTimeout = cmp.Or(out.QueueTimeout, DefaultQueueTimeout)
	out.MaxRuns = cmp.Or(out.MaxRuns, DefaultMaxRuns)
	out.MaxQueued = cmp.Or(out.MaxQueued, DefaultMaxQueued)
	out.MaxAttempts = cmp.Or(out.MaxAttempts, DefaultMaxAttempts)
	out.MaxIterations = cmp.Or(out.MaxIterations, DefaultMaxIterations)
	out.MaxMessageBytes = cmp.Or(out.MaxMessageBytes, DefaultMaxMessageBytes)
	out.OnStop = cmp.Or(out.OnStop, StopKeeps)
	out.FlushInterval = cmp.Or(out.FlushInterval, DefaultFlushInterval)
	out.PollInterval = cmp.Or(out.PollInterval, DefaultPollInterval)
	out.ClaimInterval = cmp.Or(out.ClaimInterval, DefaultClaimInterval)
	out.EventRetention = cmp.Or(out.EventRetention, DefaultEventRetention)
	return out
}

// validate names every field that cannot be what it is.
func (c *Config) validate() error {
	var errs []error
	bad := func(cond bool, sentence string) {
		if cond {
			errs = append(errs, errors.New("conversation: "+sentence))
		}
	}
	bad(c.Lease < 10*time.Millisecond, "Config.Lease must be at least 10 ms")
	bad(c.RunTimeout < 0, "Config.RunTimeout must not be negative")
	bad(c.QueueTimeout < 0, "Config.QueueTimeout must not be negative")
	bad(c.MaxRuns < 0, "Config.MaxRuns must not be negative")
	bad(c.MaxQueued < 0, "Config.MaxQueued must not be negative")
	bad(c.MaxAttempts < 0, "Config.MaxAttempts must not be negative")
	bad(c.MaxIterations < 0, "Config.MaxIterations must not be negative")
	bad(c.MaxMessageBytes < 0, "Config.MaxMessageBytes must not be negative")
	bad(c.OnStop != StopKeeps && c.OnStop != StopDiscards, "Config.OnStop must be StopKeeps or StopDiscards")
	bad(c.FlushInterval < 0, "Config.FlushInterval must not be negative")
	bad(c.PollInterval < 0, "Config.PollInterval must not be negative")
	bad(c.ClaimInterval < 0, "Config.ClaimInterval must not be negative")
	bad(c.EventRetention < 0, "Config.EventRetention must not be negative")
	return errors.Join(errs...)
}

// newID makes a UUIDv7, which sorts by time. It fails only when the system has
// no random bytes, and then nothing else works either.
func newID() uuid.UUID {
	return uuid.Must(uuid.NewV7())
}
