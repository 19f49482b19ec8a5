package pgstore_test

import (
	"fmt"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/parley-go/parley/store"
)

// bareRuns is what the two commits of a turn need besides bareTables.
const bareRuns = `create table bare.run (tenant text not null, id uuid not null, conversation_id uuid not null, status text not null,
	base_version bigint not null, created_at timestamptz not null, completed_at timestamptz, spec json, result json, primary key (tenant, id))
	with (fillfactor = 70);
create index on bare.run (tenant, conversation_id, created_at);
create unique index on bare.run (tenant, conversation_id) where status = 'running';`

const bareStart = `with c as (
	update bare.conversation set updated_at = now() where tenant = $1 and id = $2 and version = $3 returning version
)
insert into bare.run (tenant, id, conversation_id, status, base_version, created_at, spec)
select $1, $4::uuid, $2, 'running', c.version, now(), $5::json from c`

const bareFinish = `with r as (
	update bare.run set status = 'completed', completed_at = now(), result = '{}' where tenant = $1 and id = $8::uuid and status = 'running' returning base_version
), c as (
	update bare.conversation set version = version + 2, updated_at = now() from r
	where tenant = $1 and id = $2 and version = $3 and version = r.base_version returning version
)
insert into bare.message (tenant, conversation_id, seq, id, role, created_at, parts)
select $1, $2, c.version - 1, $4::uuid, 'user', now(), $5::json from c union all
select $1, $2, c.version, $6::uuid, 'assistant', now(), $7::json from c`

// BenchmarkStartFinish is a turn in storage: a run starts, held at once, and ends
// with two messages. The floor is the same in two bare statements.
func BenchmarkStartFinish(b *testing.B) {
	for _, writers := range []int{1, 8} {
		b.Run(fmt.Sprintf("writers=%d", writers), func(b *testing.B) {
			s, pool := bench(b, int32(writers))
			ctx := b.Context()
			const each = 100 // conversations of a writer
			ids := conversations(b, s, writers*each)
			_, err := pool.Exec(ctx, bareTables+bareRuns)
			require.NoError(b, err)
			for _, id := range ids {
				_, err := pool.Exec(ctx, `insert into bare.conversation values ('acme', $1, 0, now())`, id)
				require.NoError(b, err)
			}
			bare := make([]int64, len(ids))
			versus(b, writers, func(w, i int) {
				res, err := s.StartRun(ctx, newStart(ids[w*each+i%each]))
				if err != nil {
					b.Error(err)
					return
				}
				_, err = s.FinishRun(ctx, &store.FinishRun{Key: res.Run.RunKey(), Status: store.RunCompleted, Result: []byte(`{}`), Tail: store.Tail{
					Preview: "the quick brown fox jumps over the lazy dog", Messages: messages(2),
				}})
				if err != nil {
					b.Error(err)
				}
			}, func(w, i int) {
				at := w*each + i%each
				run := uuid.Must(uuid.NewV7())
				tag, err := pool.Exec(ctx, bareStart, "acme", ids[at], bare[at], run, `{"do":"it"}`)
				if err != nil || tag.RowsAffected() != 1 {
					b.Error(err, tag)
					return
				}
				tag, err = pool.Exec(ctx, bareFinish, "acme", ids[at], bare[at],
					uuid.Must(uuid.NewV7()), string(body(i)), uuid.Must(uuid.NewV7()), string(body(i)), run)
				if err != nil || tag.RowsAffected() != 2 {
					b.Error(err, tag)
					return
				}
				bare[at] += 2
			})
		})
	}
}
