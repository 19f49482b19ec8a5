// Package httpadapter serves a conversation engine over HTTP: JSON, and events
// as they happen. It is a net/http handler to be mounted in a server of the
// host's; it never listens by itself.
//
//	handler, err := httpadapter.New(engine, &httpadapter.Options{
//		Authenticate: func(r *http.Request) (conversation.Caller, error) { ... },
//	})
//	...
//	mux.Handle("/api/", http.StripPrefix("/api", handler))
//
// # Mounting
//
// The routes stand at the root of wherever the Handler is mounted. Every route
// below /conversations is served below /agents/{agent_id}/conversations too,
// where the agent must be the conversation's. StripPrefix of this package cuts
// prefixes that have wildcards. Hosts with their own router take the single
// handlers from Handler.Routes or Handler.Operation.
//
// Authenticate gets the request as it reached the Handler, with the path values
// of the host's router, and decides alone who asks.
//
// # Running it
//
// Set http.Server.ReadHeaderTimeout and IdleTimeout; headers that drip in are
// the server's to refuse. Leave ReadTimeout and WriteTimeout at zero, or set
// them as you like: the Handler bounds the time of a body and of each write to a
// stream itself, and lifts both from answers that take as long as a run does.
//
// To stop, call http.Server.Shutdown and Engine.Shutdown side by side: the
// engine ends the streams, each with an event that tells its reader to come
// back, and the server waits for them.
//
// # Errors
//
// Errors are application/problem+json with a stable code. What the caller does
// not take part in, what was never there, and a path that no route has are one
// answer, byte for byte. Errors without a code of their own are 500 with a log
// id, which is in the header Log-Id of every answer, and in the log.
//
// Checks come in this order: cross-origin, who asks (401), the verb (403), the
// form of query and body (400, 413, 415), and then what the engine says of the
// conversation (404 first).
//
// # Bodies
//
// Unknown fields are refused by name, as are keys that come twice, wrong types
// and whatever else is wrong, all at once, each with its path. A null counts as
// absent. Unknown parameters of a query are passed over.
//
// # Repeating
//
// A turn with a key (client_op_id, or the header Idempotency-Key) can be
// repeated: it gives the run of the first, and the header Idempotent-Replay. A
// conversation created with Idempotency-Key has an id made from the key, the
// caller and the body, so that repeating the request gives the same one.
//
// If-Match: "7" on a turn is expected_version 7, except that the conflict is
// 412. The tag of a conversation, "7-1779110511983952", is taken for it too; of
// that only the version counts.
//
// # Streams
//
// Events have the ids <run>:<seq>, and from the second attempt at a run on
// <run>:<seq>:<attempt>. Last-Event-ID, or the parameter after, which wins,
// goes on behind such an id. A stream that has to end before its run does, at
// shutdown above all, says so with the event stream.closed and a retry; it has
// no id, so that a reader resumes behind the last event it had. Its reason is
// shutting_down, not_found (the conversation was purged), cancelled (the host
// ended the request), or the code of an error.
//
// # Decisions
//
// Where several answers would do, these were chosen. A page size is clamped and
// a number that is none is refused. Cursor pages and numbered pages exclude each
// other in one request. Adding a participant answers with the conversation.
// POST messages answers with conversation, run and messages, and beside them
// with what a client of a bare conversation looks for: id, name, agent_id,
// version. A turn that fails is an answer (200, with the run's error), not an
// error. Tool outputs may be text, parts, or any other JSON, which is kept as a
// structured part. A fork at version 0 is a fresh start with the same agent and
// defaults.
package httpadapter
