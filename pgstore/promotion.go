package pgstore

// Fragments of the transitions. A statement decides everything on the row of
// the conversation that it locks. Conditions and values over that row hold for
// its newest version, because the server evaluates an UPDATE anew when it had
// to wait for another writer. What a statement reads elsewhere is as old as its
// beginning: it may only decide when it cannot have changed since, or when the
// row is asked to agree. A statement that then finds itself too early changes
// nothing and is sent again.

// sqlNow is the moment of a transition: of the statement, but later than every
// change before.
const sqlNow = `greatest(statement_timestamp(), c.updated_at + interval '1 microsecond')`

// sqlMinute is the minute of that moment, for the indexes of the lists.
const sqlMinute = `floor(date_part('epoch', ` + sqlNow + `) / 60)::int`

// sqlNoQueue is the condition that nothing waits that could be promoted.
const sqlNoQueue = `c.queue is null and c.queue_front is null`

// waiting are the four columns of the queue as they are before a promotion.
type waiting struct{ front, rest, settlingFront, settling string }

// queue are the columns as the row has them.
var queue = waiting{"c.queue_front", "c.queue", "c.settling_front", "c.settling"}

// without takes a run out of the queue. An empty queue is null.
func (w waiting) without(run string) waiting {
	left := func(column string) string { return "nullif(array_remove(" + column + ", " + run + "), '{}')" }
	return waiting{left(w.front), left(w.rest), left(w.settlingFront), left(w.settling)}
}

// next is the run that a transition promotes, null for none: when the
// conversation is free, the first of the queue, or while calls wait for outputs
// the first that settles them. free and settled are conditions over c: whether
// the transition leaves it free, and without calls that wait.
func (w waiting) next(free, settled string) string {
	return `(case when ` + free + ` and c.deleted_at is null then
			case when ` + settled + ` then coalesce((` + w.front + `)[1], (` + w.rest + `)[1])
			else coalesce((` + w.settlingFront + `)[1], (` + w.settling + `)[1]) end end)`
}

// promote sets what follows from the promotion of next: it gets the next fencing
// number and leaves the queue, and the conversation is its. Without it fences,
// active and status are what becomes of those columns.
func (w waiting) promote(next, fences, active, status string) string {
	left := w.without(next)
	return `
		fence_seq = c.fence_seq + (` + next + ` is not null)::int,
		fences = case when ` + next + ` is null then ` + fences + ` else array[c.fence_seq + 1] end,
		active = case when ` + next + ` is null then ` + active + ` else array[` + next + `] end,
		last_run_id = coalesce(` + next + `, c.last_run_id),
		last_run_status = case when ` + next + ` is null then ` + status + ` else 'pending' end,
		promoted = ` + next + `,
		queue_front = ` + left.front + `, queue = ` + left.rest + `,
		settling_front = ` + left.settlingFront + `, settling = ` + left.settling
}

// sqlSeen is the condition that the statement sees the run it promotes: one
// that was queued while it waited for the conversation is too new for it.
func sqlSeen(next string) string {
	// Not EXISTS, which the server may turn into a hash of the whole table.
	return `(` + next + ` is null or (select true from parley.run q where q.tenant = c.tenant and q.id = ` + next + `))`
}

// sqlPromoted makes the promoted run of c pending. The primary key of run serves it.
const sqlPromoted = `promoted as (
	update parley.run q set queued = false, queue_until = null, fence = c.fence_seq, base_version = c.version, due = 1, due_at = q.created_at
	from c where c.promoted is not null and q.tenant = c.tenant and q.id = c.promoted
)`

// sqlPromotedAfter does it when the run that ends in ended has ended: for a
// moment both would be active, which run_one_active does not allow.
const sqlPromotedAfter = `promoted as (
	update parley.run q set queued = false, queue_until = null, fence = c.fence_seq, base_version = c.version, due = 1, due_at = q.created_at
	from c where c.promoted is not null and q.tenant = c.tenant and q.id = c.promoted and (select count(*) from ended) >= 0
)`

// sqlEndedDue sets what an engine may have to do about a run r that ends, at the
// moment of c: delete its events some day.
const sqlEndedDue = `due = case when r.has_events then 3 end, due_at = case when r.has_events then c.updated_at end`
