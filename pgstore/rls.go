package pgstore

import (
	"context"
	"strings"

	"github.com/jackc/pgx/v5"
)

// tenantSetting is the setting that the policies compare with.
const tenantSetting = "parley_scope.tenant"

// sqlSecure makes the tables show a transaction only the tenant it has named,
// and everything when that is anyTenant, which the engine's own work is for:
// claiming, renewing, sweeping. Who has named none sees nothing. FORCE includes
// the owner of the tables. It may be run again.
var sqlSecure = func() string {
	var b strings.Builder
	for _, table := range []string{"conversation", "detail", "participant", "message", "run", "run_event", "nudge", "search"} {
		b.WriteString(strings.ReplaceAll(`
alter table parley.TABLE enable row level security, force row level security;
drop policy if exists tenant on parley.TABLE;
create policy tenant on parley.TABLE using (tenant = current_setting('`+tenantSetting+`', true)
	or current_setting('`+tenantSetting+`', true) = '`+anyTenant+`');
`, "TABLE", table))
	}
	return b.String()
}()

// secure puts the policies in place.
func secure(ctx context.Context, tx pgx.Tx, schema string) error {
	return script(ctx, tx, inSchema(schema, sqlSecure))
}
