package pgstore

import (
	"strings"
	"sync"

	"github.com/jackc/pgx/v5"
)

// statements are the texts of a store, for its schema.
type statements struct {
	setTenant string

	create, fork, created, head, get string
	lock, update, delete, restore    string

	purgeOne, purgeTenant, purgeOwner                                                    string
	purgeLock, purgeLockRuns, purgeEvents, purgeNudges, purgeRuns                        string
	purgeMessages, purgePeople, purgeDetails, purgeSearch, purgeConversations, purgeUser string

	page, pageDesc string
	appendLook     string
	append, finish *texts[form]

	start, queue, startLook                                        string
	finishLook, landed                                             string
	getRun, listRuns, listRunsOfKey, listRunsActive                string
	lockOfRun, stop                                                string
	claim, renew, release                                          string
	addNudge, oneNudge, takeNudges, nudges                         string
	appendEvents, readEvents, marks                                string
	overdue, stranded, lockOf, expire, promoteStranded, dropEvents string
	notify, indexTexts                                             string

	list *texts[listKind]
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
	return statements{
		setTenant: sqlSetTenant,

		create: in(sqlCreate), fork: in(sqlFork), created: in(sqlCreated), head: in(sqlHead), get: in(sqlGet),
		lock: in(sqlLock), update: in(sqlUpdate), delete: in(sqlDelete), restore: in(sqlRestore),

		purgeOne: in(sqlPurgeOne), purgeTenant: in(sqlPurgeTenant), purgeOwner: in(sqlPurgeOwner),
		purgeLock: in(sqlPurgeLock), purgeLockRuns: in(sqlPurgeLockRuns), purgeEvents: in(sqlPurgeEvents),
		purgeNudges: in(sqlPurgeNudges), purgeRuns: in(sqlPurgeRuns), purgeMessages: in(sqlPurgeMessages),
		purgePeople: in(sqlPurgePeople), purgeDetails: in(sqlPurgeDetails), purgeSearch: in(sqlPurgeSearch), purgeConversations: in(sqlPurgeConversations),
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
		notify: sqlNotify, indexTexts: in(sqlIndexTexts),

		list: newTexts(schema, sqlList),
	}
}

// texts are the texts of a statement that has many forms, each made when its
// form is first met.
type texts[form comparable] struct {
	schema string
	text   func(form) string
	made   sync.Map // form to string
}

func newTexts[form comparable](schema string, text func(form) string) *texts[form] {
	return &texts[form]{schema: schema, text: text}
}

func (t *texts[form]) of(f form) string {
	if text, ok := t.made.Load(f); ok {
		return text.(string) //nolint:errcheck // nothing else is stored
	}
	text := inSchema(t.schema, t.text(f))
	t.made.Store(f, text)
	return text
}
