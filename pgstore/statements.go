package pgstore

import (
	"strings"
	"sync"

	"github.com/jackc/pgx/v5"

	"github.com/parley-go/parley/store"
)

// statements are the texts of a store, for its schema.
type statements struct {
	setTenant string

	create, fork, created, head, get string
	lock, update, delete, restore    string

	purgeOne, purgeTenant, purgeOwner                                       string
	purgeLock, purgeLockRuns, purgeEvents, purgeNudges, purgeRuns           string
	purgeMessages, purgePeople, purgeDetails, purgeConversations, purgeUser string

	page, pageDesc string
	appendLook     string
	append, finish *texts

	start, queue, startLook                                        string
	finishLook, landed                                             string
	getRun, listRuns, listRunsOfKey, listRunsActive                string
	lockOfRun, stop                                                string
	claim, renew, release                                          string
	addNudge, oneNudge, takeNudges, nudges                         string
	appendEvents, readEvents, marks                                string
	overdue, stranded, lockOf, expire, promoteStranded, dropEvents string
	notify                                                         string

	lists  map[listKind]string
	counts map[bool]string // by whether the list is wide
}

// listKind is what the text of a list depends on.
type listKind struct {
	sort   store.Sort
	wide   bool
	behind bool // behind a key
}

// sqlSetTenant says for which tenant the transaction is.
const sqlSetTenant = `select set_config('` + tenantSetting + `', $1::text, true)`

// inSchema puts the schema into a text, where it is written as parley.
func inSchema(schema, sql string) string {
	return strings.ReplaceAll(sql, "parley.", pgx.Identifier{schema}.Sanitize()+".")
}

// render puts the schema into all of them.
func render(schema string) statements {
	in := func(sql string) string { return inSchema(schema, sql) }
	q := statements{
		setTenant: sqlSetTenant,

		create: in(sqlCreate), fork: in(sqlFork), created: in(sqlCreated), head: in(sqlHead), get: in(sqlGet),
		lock: in(sqlLock), update: in(sqlUpdate), delete: in(sqlDelete), restore: in(sqlRestore),

		purgeOne: in(sqlPurgeOne), purgeTenant: in(sqlPurgeTenant), purgeOwner: in(sqlPurgeOwner),
		purgeLock: in(sqlPurgeLock), purgeLockRuns: in(sqlPurgeLockRuns), purgeEvents: in(sqlPurgeEvents),
		purgeNudges: in(sqlPurgeNudges), purgeRuns: in(sqlPurgeRuns), purgeMessages: in(sqlPurgeMessages),
		purgePeople: in(sqlPurgePeople), purgeDetails: in(sqlPurgeDetails), purgeConversations: in(sqlPurgeConversations),
		purgeUser: in(sqlPurgeUser),

		page: in(sqlPage), pageDesc: in(sqlPageDesc),
		append: newTexts(schema, sqlAppend), appendLook: in(sqlAppendLook),

		start: in(sqlStart), queue: in(sqlQueue), startLook: in(sqlStartLook),
		finish: newTexts(schema, sqlFinish), finishLook: in(sqlFinishLook), landed: in(sqlLanded),
		getRun: in(sqlGetRun), listRuns: in(sqlListRuns), listRunsOfKey: in(sqlListRunsOfKey), listRunsActive: in(sqlListRunsActive),
		lockOfRun: in(sqlLockOfRun), stop: in(sqlStop),
		claim: in(sqlClaim), renew: in(sqlRenew), release: in(sqlRelease),
		addNudge: in(sqlAddNudge), oneNudge: in(sqlOneNudge), takeNudges: in(sqlTakeNudges), nudges: in(sqlNudges),
		appendEvents: in(sqlAppendEvents), readEvents: in(sqlReadEvents), marks: in(sqlMarks),
		overdue: in(sqlOverdue), stranded: in(sqlStranded), lockOf: in(sqlLockOf), expire: in(sqlExpire),
		promoteStranded: in(sqlPromoteStranded), dropEvents: in(sqlDropEvents),
		notify: sqlNotify,

		lists:  make(map[listKind]string),
		counts: map[bool]string{true: in(countStatement(true)), false: in(countStatement(false))},
	}
	for sort, o := range orders {
		for _, wide := range []bool{false, true} {
			for _, behind := range []bool{false, true} {
				q.lists[listKind{sort, wide, behind}] = in(listStatement(o, wide, behind))
			}
		}
	}
	return q
}

// texts are the texts of a transition, each made when its form is first met.
type texts struct {
	schema string
	text   func(form) string
	made   sync.Map // form to string
}

func newTexts(schema string, text func(form) string) *texts {
	return &texts{schema: schema, text: text}
}

func (t *texts) of(f form) string {
	if text, ok := t.made.Load(f); ok {
		return text.(string) //nolint:errcheck // nothing else is stored
	}
	text := inSchema(t.schema, t.text(f))
	t.made.Store(f, text)
	return text
}
