// Package store is the seam between the conversation engine and its storage:
// rows, the Store interface and its sentinels. Applications import package
// conversation; this page is for authors of a storage.
//
// # Writing a Store
//
// A Store is held to its contract by the suite in package storetest; a new one
// is wired to it in ten lines. The sentences below and those at the methods are
// the contract, and each has a test there.
//
// # Scope
//
// Every method that a caller can reach takes a Scope. What it does not show is
// ErrNotFound: absent, of another tenant, or of a conversation whose members do
// not include the user. One indexed look-up decides. The owner is a member from
// the start.
//
// # Atomicity
//
// A method's writes happen together or not at all, and are seen together. A
// method that returns an error other than ErrOutcomeUnknown has written
// nothing. What was acknowledged stays, with the durability the storage was
// configured for. Losers of a race get the sentinels named, never an error of
// the driver.
//
// A context that has ended before the call writes nothing. If it ends during a
// write, the answer is the result, or an error that wraps the context's with
// nothing written, or ErrOutcomeUnknown.
//
// # The log
//
// Version is the number of the newest message; numbers begin at 1 and have no
// gap. To append, a store neither reads nor locks nor rewrites older messages.
//
// # Fencing
//
// Each conversation gives out fencing numbers, growing, to attempts at runs,
// and knows which of them are good. Ending a run, claiming it anew, releasing
// it, deleting or purging the conversation voids the number. A write with a
// void number is ErrFenced; it is checked together with the version, in the
// same atomic step as the append (rule V8). Claiming and releasing replace the
// number by a new one in that step; after a release nobody knows it.
//
// A conversation is busy while it has a good number, and free otherwise. A
// store makes sure that it has at most one unless BusyRace asked for more.
//
// # Promotion
//
// Whenever a transition leaves a conversation free and runs are queued in it,
// the first of them (front ones first, then by creation) becomes pending in the
// same step: Queued is cleared, it gets a fencing number, and BaseVersion is
// the head. While calls wait for outputs, only a run that was started with
// Settles is promoted; the others keep waiting. A deleted conversation promotes nothing.
//
// # The latest run
//
// LastRunID and LastRunStatus follow the run that most recently got its first
// fencing number. LastRunStatus follows that run's status.
//
// # Time and ids
//
// Times come from the store's clock, in UTC, truncated to microseconds; leases
// and deadlines compare with no other clock. UpdatedAt strictly grows: two
// changes within a microsecond still differ. Ids come from the engine.
//
// # Sharing
//
// Rows and byte slices that a store returns may be shared with it and with
// other readers; nobody changes them. A store does not keep slices it was given
// that the caller may change: the engine hands over every slice for good.
package store
