package pgstore_test

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/parley-go/parley/internal/pgtest"
	"github.com/parley-go/parley/pgstore"
)

// plan is a node of the server's JSON plan.
type plan struct {
	Type  string `json:"Node Type"`
	Table string `json:"Relation Name"`
	Index string `json:"Index Name"`
	Cond  string `json:"Index Cond"`
	Plans []plan `json:"Plans"`
}

func (p *plan) each(fn func(*plan)) {
	fn(p)
	for i := range p.Plans {
		p.Plans[i].each(fn)
	}
}

var placeholder = regexp.MustCompile(`\$([0-9]+)`)

// explain returns the generic plan of a statement: the one that stays.
func explain(t *testing.T, conn *pgx.Conn, sql string) *plan {
	t.Helper()
	last := 0
	for _, m := range placeholder.FindAllStringSubmatch(sql, -1) {
		var n int
		_, err := fmt.Sscan(m[1], &n)
		require.NoError(t, err)
		last = max(last, n)
	}
	nulls := strings.TrimSuffix(strings.Repeat("null,", last), ",")
	if last > 0 {
		nulls = "(" + nulls + ")"
	}
	_, err := conn.PgConn().Exec(t.Context(), "deallocate all; set plan_cache_mode = force_generic_plan; prepare looked_at as "+sql).ReadAll()
	require.NoError(t, err)
	result, err := conn.PgConn().Exec(t.Context(), "explain (format json) execute looked_at"+nulls).ReadAll()
	require.NoError(t, err)
	var found []struct{ Plan plan }
	require.NoError(t, json.Unmarshal(result[0].Rows[0][0], &found))
	return &found[0].Plan
}

// ofOneRow are the statements that look at rows by their whole keys only. Their
// plans must be right from the first day: while a table is new, those of the
// others may read it whole, which is then the cheapest way.
var ofOneRow = []string{
	"create", "created", "head", "get", "lock", "update", "restore", "page", "pageDesc", "append", "appendQueue", "appendMany",
	"appendLook", "finish", "finishNothing", "finishQueue", "start", "startLook", "finishLook", "landed", "getRun", "listRunsOfKey",
	"lockOfRun", "stop", "addNudge", "oneNudge", "takeNudges", "nudges", "readEvents", "lockOf", "expire", "promoteStranded",
}

// whole are the tables that a statement may read whole, or a tenant of. The last
// asks for more rows than the planner takes the tenant to have.
var whole = map[string]string{"purgeTenant": "conversation", "list_titleProbeWide": "detail"}

// TestPlans_OfANewAndOfAFullDatabase looks at the plan of every statement, when
// the tables are new and have no statistics, and when there is much in them: no
// table is read whole, and a row is found by the index that finds one row.
func TestPlans_OfANewAndOfAFullDatabase(t *testing.T) {
	t.Parallel()
	server := pgtest.New(t, "fsync=off", "autovacuum=off")
	opts := &pgstore.Options{Schema: "plans"}
	open(t, server, opts)
	conn, err := pgx.Connect(t.Context(), server.URL())
	require.NoError(t, err)
	defer conn.Close(t.Context())

	statements := pgstore.Statements("plans")
	check := func(name string) {
		explain(t, conn, statements[name]).each(func(p *plan) {
			if p.Type == "Seq Scan" && whole[name] != p.Table {
				t.Errorf("%s reads the table %s whole", name, p.Table)
			}
			// The first columns alone find many rows: those of a tenant.
			if p.Index != "" && onlyTenant.MatchString(p.Cond) && !strings.HasSuffix(name, "Wide") && whole[name] == "" {
				t.Errorf("%s walks along %s with %s", name, p.Index, p.Cond)
			}
		})
	}
	for _, rows := range []int{0, 1, 5, 20, 100, 300} {
		fill(t, conn, rows)
		for _, name := range ofOneRow {
			require.Contains(t, statements, name)
			check(name)
		}
	}
	fill(t, conn, 20_000)
	_, err = conn.Exec(t.Context(), "vacuum analyze")
	require.NoError(t, err)
	for name := range statements {
		if !strings.Contains(name, "Search") { // they are planned for their arguments
			check(name)
		}
	}
	for _, name := range []string{"list_recentSearchWide", "list_titleSearchWide"} {
		sql := placeholder.ReplaceAllStringFunc(statements[name], func(n string) string {
			return []string{"", "'tenant1'", "'user7'", "''", "''", "''", "'{}'", "'%needle%'", "26", "0"}[n[1]-'0']
		})
		var used []string
		explain(t, conn, sql).each(func(p *plan) { used = append(used, p.Index) })
		require.Contains(t, used, "search_body", name)
	}
	for name, index := range map[string]string{
		"list_recent": "conversation_owner_recent", "list_recentBehind": "conversation_owner_recent", "list_oldest": "conversation_owner_recent",
		"list_recentWide": "conversation_recent", "list_oldestWide": "conversation_recent",
		"list_titleWide":   "detail_title",
		"list_recentProbe": "conversation_owner_recent", "list_recentWalk": "conversation_owner_recent",
		"listRuns": "run_list", "listRunsOfKey": "run_key", "claim": "run_due", "overdue": "run_due", "dropEvents": "run_due",
		"indexTexts": "conversation_unsearchable", "appendLook": "message_id", "page": "message_pkey", "created": "detail_conversation",
	} {
		var used []string
		explain(t, conn, statements[name]).each(func(p *plan) { used = append(used, p.Index) })
		require.Contains(t, used, index, name)
	}
}

var onlyTenant = regexp.MustCompile(`^\(\(?tenant = [^()]*\)?\)$`)

// fill puts conversations of fifty users in three tenants into the tables, with
// their messages, runs, events and nudges.
func fill(t *testing.T, conn *pgx.Conn, n int) {
	t.Helper()
	_, err := conn.PgConn().Exec(t.Context(), strings.ReplaceAll(fmt.Sprintf(`
with new as materialized (
	select gen_random_uuid() as id, 'tenant' || i %% 3 as tenant, 'user' || i %% 50 as owner, now() - i * interval '41 seconds' as at,
		'Title ' || md5(i::text) as title, 'said ' || md5((i * 7)::text) as preview
	from generate_series(1, %d) i
), c as (
	insert into S.conversation (tenant, id, owner, version, created_at, updated_at, activity_at, activity_minute, title_custom, shared, searchable,
		mode, channel, surface, agent_id, agent_name, title, title_fold, preview)
	select tenant, id, owner, 10, at, at, at, floor(date_part('epoch', at) / 60)::int, false, false, true, 'standard', 'web', 'web', '', '', title, lower(title), preview
	from new
), d as (
	insert into S.detail (tenant, conversation_id, owner, title_key, parent_version) select tenant, id, owner, '0' || lower(title), 0 from new
), p as (
	insert into S.participant select tenant, id, owner, '', '', true, false, true, at, 1 from new
), s as (
	insert into S.search select tenant, id, owner, lower(title) || preview from new
), m as (
	insert into S.message (tenant, conversation_id, seq, id, created_at, incomplete, role, parts)
	select tenant, id, j, gen_random_uuid(), at, false, 'user', '[]' from new, generate_series(1, 10) j
), r as (
	insert into S.run (tenant, id, conversation_id, base_version, fence, timeout, created_at, attempt, queued, front, exclusive, status, owner,
		user_id, key, fingerprint, completed_at)
	select tenant, gen_random_uuid(), id, 0, 1, 1, at, 1, false, false, true, 'completed', '', owner, gen_random_uuid()::text, '', at
	from new, generate_series(1, 3) j
	returning tenant, id
), e as (
	insert into S.run_event select tenant, id, 1, 5, 'x' from r
)
insert into S.nudge select tenant, id, id, 'ann', 'hurry', now() from r`,
		n), "S.", "plans.")).ReadAll()
	require.NoError(t, err)
}

// TestStatements_AllNameTheTenant: what belongs to a tenant is never looked up
// without it, except by the engine's own work for all of them.
func TestStatements_AllNameTheTenant(t *testing.T) {
	t.Parallel()
	ofAll := []string{"claim", "overdue", "stranded", "dropEvents", "indexTexts", "created"}
	for name, sql := range pgstore.Statements("parley") {
		if slices.Contains(ofAll, name) {
			continue
		}
		require.Regexp(t, `tenant = |\(tenant, `, sql, name)
		require.Regexp(t, `\$1::text`, sql, name)
	}
}
