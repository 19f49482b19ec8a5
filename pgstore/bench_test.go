package pgstore_test

import (
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"github.com/parley-go/parley/internal/pgtest"
	"github.com/parley-go/parley/pgstore"
	"github.com/parley-go/parley/store"
)

// The benchmarks contain their own floor: each runs the store and the bare
// statement in turns, in slices of one run, on one server that flushes to disk,
// and reports of-bare, the part of the bare throughput that the store reaches.

// bench opens a store on a flushing server with a pool of the size.
func bench(b *testing.B, conns int32) (*pgstore.Store, *pgxpool.Pool) {
	b.Helper()
	server := pgtest.New(b)
	opts := &pgstore.Options{Schema: server.Schema(b)}
	pool := server.Pool(b, conns)
	require.NoError(b, pgstore.Migrate(b.Context(), pool, opts))
	s, err := pgstore.New(pool, opts)
	require.NoError(b, err)
	return s, pool
}

// turnsEach is the number of turns that each side gets.
const turnsEach = 20

// versus measures b.N operations of each side in turns, spread over writers, and
// reports both. ours and bare get the number of the writer and of the operation.
func versus(b *testing.B, writers int, ours, bare func(writer, i int)) {
	b.Helper()
	var took [2]time.Duration
	var counter [2]atomic.Int64
	per := max(b.N/turnsEach, writers)
	b.ResetTimer()
	for slice := range 2 * turnsEach {
		side := slice % 2
		do := []func(int, int){ours, bare}[side]
		begin := time.Now()
		var group sync.WaitGroup
		for w := range writers {
			group.Go(func() {
				for range per / writers {
					do(w, int(counter[side].Add(1)))
				}
			})
		}
		group.Wait()
		took[side] += time.Since(begin)
	}
	b.StopTimer()
	done := float64(turnsEach * (per / writers) * writers)
	b.ReportMetric(0, "ns/op") // of both together, which says nothing
	b.ReportMetric(float64(took[0].Microseconds())/done*float64(writers), "us/op")
	b.ReportMetric(float64(took[1].Microseconds())/done*float64(writers), "bare-us/op")
	b.ReportMetric(done/took[0].Seconds(), "op/s")
	b.ReportMetric(done/took[1].Seconds(), "bare-op/s")
	b.ReportMetric(float64(took[1])/float64(took[0]), "of-bare")
}

// body is a message of about 500 bytes.
func body(i int) []byte {
	return fmt.Appendf(nil, `[{"type":"text","text":"%06d %s"}]`, i, strings.Repeat("the quick brown fox jumps ", 17))
}

// bareTables are the least that appending with compare-and-swap needs.
const bareTables = `create schema bare;
create table bare.conversation (tenant text not null, id uuid not null, version bigint not null, updated_at timestamptz not null,
	primary key (tenant, id)) with (fillfactor = 70);
create table bare.message (tenant text not null, conversation_id uuid not null, seq bigint not null, id uuid not null,
	role text not null, created_at timestamptz not null, parts json not null, primary key (tenant, conversation_id, seq));
create unique index on bare.message (tenant, conversation_id, id);`

const bareAppend = `with c as (
	update bare.conversation set version = version + 2, updated_at = now() where tenant = $1 and id = $2 and version = $3 returning version
)
insert into bare.message (tenant, conversation_id, seq, id, role, created_at, parts)
select $1, $2, c.version - 1, $4::uuid, 'user', now(), $5::json from c union all
select $1, $2, c.version, $6::uuid, 'assistant', now(), $7::json from c`

func BenchmarkAppendTwo(b *testing.B) {
	for _, writers := range []int{1, 8, 32} {
		b.Run(fmt.Sprintf("writers=%d", writers), func(b *testing.B) {
			s, pool := bench(b, int32(writers))
			ctx := b.Context()
			const each = 100 // conversations of a writer
			ids := conversations(b, s, writers*each)
			_, err := pool.Exec(ctx, bareTables)
			require.NoError(b, err)
			for _, id := range ids {
				_, err := pool.Exec(ctx, `insert into bare.conversation values ('acme', $1, 0, now())`, id)
				require.NoError(b, err)
			}
			ours, bare := make([]int64, len(ids)), make([]int64, len(ids))
			versus(b, writers, func(w, i int) {
				at := w*each + i%each
				expected := ours[at]
				res, err := s.Append(ctx, &store.Append{Scope: ann, ConversationID: ids[at], Expected: &expected, Tail: store.Tail{
					Preview: "the quick brown fox jumps over the lazy dog",
					Messages: []store.Message{
						{ID: uuid.Must(uuid.NewV7()), Role: "user", Parts: body(i)},
						{ID: uuid.Must(uuid.NewV7()), Role: "assistant", Parts: body(i)},
					},
				}})
				if err != nil {
					b.Error(err)
					return
				}
				ours[at] = res.Version
			}, func(w, i int) {
				at := w*each + i%each
				tag, err := pool.Exec(ctx, bareAppend, "acme", ids[at], bare[at],
					uuid.Must(uuid.NewV7()), string(body(i)), uuid.Must(uuid.NewV7()), string(body(i)))
				if err != nil || tag.RowsAffected() != 2 {
					b.Error(err, tag)
					return
				}
				bare[at] += 2
			})
		})
	}
}
