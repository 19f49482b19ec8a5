package reference

import (
	"context"
	"encoding/json"
	"slices"

	"github.com/google/uuid"
	"github.com/parley-go/parley/store"
)

func (s *Store) Messages(ctx context.Context, scope store.Scope, id uuid.UUID, q *store.MessageQuery) (*store.MessagePage, error) {
	if err := s.enter(ctx); err != nil {
		return nil, err
	}
	defer s.mu.Unlock()
	c, err := s.see(scope, id)
	if err != nil {
		return nil, err
	}
	page := &store.MessagePage{Version: c.row.Version}
	if s.is(TornPage) {
		s.apart()
	}
	for _, m := range c.log {
		above := m.Seq > q.After || s.is(AfterIsInclusive) && m.Seq == q.After
		if above && (q.Before == 0 || m.Seq < q.Before) {
			page.Messages = append(page.Messages, m)
		}
	}
	if q.Desc {
		slices.Reverse(page.Messages)
	}
	if len(page.Messages) > q.Limit {
		page.Messages = page.Messages[:q.Limit]
	}
	return page, nil
}

func (s *Store) Append(ctx context.Context, a *store.Append) (*store.AppendResult, error) {
	if err := s.enter(ctx); err != nil {
		return nil, err
	}
	defer s.mu.Unlock()
	c, err := s.see(a.Scope, a.ConversationID)
	if err != nil {
		return nil, err
	}
	if s.is(WideNeverAppends) && a.Scope.Wide {
		return nil, store.ErrNotFound
	}
	if s.is(NilExpectsZero) && a.Expected == nil {
		expectZero := *a
		expectZero.Expected = new(int64)
		a = &expectZero
	}
	if s.is(MessageIDsAreGlobal) && s.elsewhere(c, a.Messages) {
		return nil, store.ErrExists
	}
	conflict := &store.VersionConflictError{Current: c.row.Version}
	if a.Expected != nil {
		conflict.Expected = *a.Expected
	}
	stale := a.Expected != nil && *a.Expected != c.row.Version && !s.is(NoVersionCheck)
	busy := c.holder() != nil && !a.Race && !s.is(AppendIgnoresRuns)
	pending := c.row.Pending != nil && !a.Settles && !s.is(AppendIgnoresPending)

	if s.is(OrderReplayBeforeDeleted) {
		if stored, _ := c.find(a.Messages, a.Expected); stored != nil {
			return &store.AppendResult{Version: stored[len(stored)-1].Seq, Messages: stored, Replayed: true}, nil
		}
	}
	if !c.row.DeletedAt.IsZero() && !s.is(AppendIgnoresDeletion) {
		return nil, store.ErrDeleted
	}
	if stale && s.is(OrderVersionBeforeReplay) {
		return nil, conflict
	}
	stored, some := c.find(a.Messages, a.Expected)
	if stored == nil && some && s.is(ReplayAnywhere) {
		stored, some = c.find(a.Messages, nil)
	}
	if stored != nil && !s.is(NoAppendReplay) {
		return &store.AppendResult{Version: stored[len(stored)-1].Seq, Messages: stored, Replayed: true}, nil
	}
	if some && s.is(PartialReplayCompletes) {
		a = c.missing(a)
		some, stale = false, false
	}
	if some && !s.is(NoAppendReplay) {
		return nil, conflict
	}
	if busy && s.is(OrderBusyBeforeVersion) {
		return nil, &store.RunActiveError{RunID: c.holder().row.ID}
	}
	if stale && s.is(ConflictWithoutNumbers) {
		return nil, store.ErrVersionConflict
	}
	if stale {
		if s.is(PartialAppend) && len(a.Messages) > 1 {
			s.write(c, &store.Tail{Messages: a.Messages[:1]})
		}
		return nil, conflict
	}
	if pending && s.is(OrderPendingBeforeBusy) {
		return nil, store.ErrToolOutputsPending
	}
	if busy {
		return nil, &store.RunActiveError{RunID: c.holder().row.ID}
	}
	if pending {
		return nil, store.ErrToolOutputsPending
	}
	if s.is(ReadThenWrite) {
		s.apart()
	}
	if s.is(AppendUpserts) {
		s.apart()
		s.conversations[c.row.ID] = c
	}
	written := s.write(c, &a.Tail)
	return &store.AppendResult{
		Version:  written[len(written)-1].Seq,
		Messages: written,
		Promoted: s.promote(c, !s.is(NoPromotionAfterAppend)),
	}, nil
}

// find looks for messages that are in the log already: all of them, one after
// the other, at the place; or some of them, anywhere.
func (c *conversation) find(messages []store.Message, expected *int64) (all []store.Message, some bool) {
	at := -1
	for i, m := range c.log {
		for j := range messages {
			if m.ID == messages[j].ID {
				some = true
				if j == 0 {
					at = i
				}
			}
		}
	}
	if at < 0 || at+len(messages) > len(c.log) || expected != nil && *expected != int64(at) {
		return nil, some
	}
	for j := range messages {
		if c.log[at+j].ID != messages[j].ID {
			return nil, some
		}
	}
	return slices.Clone(c.log[at : at+len(messages)]), some
}

// elsewhere reports whether another conversation has one of the messages.
func (s *Store) elsewhere(c *conversation, messages []store.Message) bool {
	for _, other := range s.conversations {
		if _, some := other.find(messages, nil); some && other != c {
			return true
		}
	}
	return false
}

// missing leaves those messages of an append that the log has not got.
func (c *conversation) missing(a *store.Append) *store.Append {
	less := *a
	less.Messages = nil
	for _, m := range a.Messages {
		if !slices.ContainsFunc(c.log, func(k store.Message) bool { return k.ID == m.ID }) {
			less.Messages = append(less.Messages, m)
		}
	}
	return &less
}

// write appends the tail at the head, whatever that is.
func (s *Store) write(c *conversation, t *store.Tail) []store.Message {
	at := s.touch(c)
	first := len(c.log)
	for _, m := range t.Messages {
		c.row.Version++
		m.Seq, m.CreatedAt = c.row.Version, at
		if s.is(TimesPerMessage) {
			m.CreatedAt = s.now().Add(1000 * 1000 * 1000 * 60)
		}
		if s.is(NormalisedJSON) {
			m.Parts = normalise(m.Parts)
		}
		c.log = append(c.log, m)
	}
	if s.is(SeqByLength) && len(t.Messages) > 1 {
		c.row.Version++
	}
	c.row.ActivityAt = at
	if s.is(AppendIsNoActivity) {
		c.row.ActivityAt = c.row.CreatedAt
	}
	if !s.is(PendingStays) {
		c.row.Pending = t.Pending
	}
	if t.Preview != "" || s.is(PreviewCleared) {
		c.row.Preview = t.Preview
	}
	if !s.is(TailForgetsPeople) {
		c.row.Participants = merge(c.row.Participants, t.Participants)
	}
	return slices.Clone(c.log[first:])
}

func normalise(body []byte) []byte {
	var v any
	if json.Unmarshal(body, &v) != nil {
		return body
	}
	out, err := json.Marshal(v)
	if err != nil {
		return body
	}
	return out
}
