package store

import "github.com/google/uuid"

// Scope says on whose behalf an operation looks at the data. It is a required
// parameter of everything a caller can reach, and a store puts it into the one
// condition that finds the row, never into a check after the row was found
// (rule A2: foreign and absent must not differ, in time either).
type Scope struct {
	// Tenant is the tenant of the caller. It must equal the conversation's.
	Tenant string

	// User is the caller. Unless Wide is set the user must be a member of the
	// conversation: its owner, or a participant stored with Member.
	User string

	// Wide widens the view to the whole tenant. The engine sets it for reads of
	// an administrator and for its own work, never for a write of a caller.
	Wide bool
}

// RunKey names one attempt at a run. Every write of a run carries it.
type RunKey struct {
	Tenant         string
	ConversationID uuid.UUID
	RunID          uuid.UUID

	// Fence is the fencing number of the attempt. Numbers are given out by the
	// conversation, grow, and are never used twice within it (rule R8, V8).
	Fence int64
}

// RunRef names a run without an attempt.
type RunRef struct {
	Tenant         string
	ConversationID uuid.UUID
	RunID          uuid.UUID
}

// Ref drops the fencing number.
func (k RunKey) Ref() RunRef {
	return RunRef{Tenant: k.Tenant, ConversationID: k.ConversationID, RunID: k.RunID}
}
