package pgstore

import "github.com/parley-go/parley/store"

// Statements are all texts of a store in the schema, by name, for tests that
// look at them and at their plans. Texts with many forms come in those that
// matter for a plan.
func Statements(schema string) map[string]string {
	q := render(schema)
	all := map[string]string{
		"create": q.create, "fork": q.fork, "created": q.created, "head": q.head, "get": q.get,
		"lock": q.lock, "update": q.update, "delete": q.delete, "restore": q.restore,
		"purgeOne": q.purgeOne, "purgeTenant": q.purgeTenant, "purgeOwner": q.purgeOwner,
		"purgeLock": q.purgeLock, "purgeLockRuns": q.purgeLockRuns, "purgeEvents": q.purgeEvents, "purgeNudges": q.purgeNudges,
		"purgeRuns": q.purgeRuns, "purgeMessages": q.purgeMessages, "purgePeople": q.purgePeople, "purgeDetails": q.purgeDetails,
		"purgeSearch": q.purgeSearch, "purgeConversations": q.purgeConversations, "purgeUser": q.purgeUser,
		"page": q.page, "pageDesc": q.pageDesc, "appendLook": q.appendLook,
		"append": q.append.of(form{messages: 2}), "appendQueue": q.append.of(form{messages: 2, queue: true, people: true}),
		"appendMany": q.append.of(form{messages: manyMessages}),
		"finish":     q.finish.of(form{messages: 2}), "finishNothing": q.finish.of(form{}),
		"finishQueue": q.finish.of(form{messages: 2, queue: true, people: true, events: true}),
		"start":       q.start, "queue": q.queue, "startLook": q.startLook, "finishLook": q.finishLook, "landed": q.landed,
		"getRun": q.getRun, "listRuns": q.listRuns, "listRunsOfKey": q.listRunsOfKey, "listRunsActive": q.listRunsActive,
		"lockOfRun": q.lockOfRun, "stop": q.stop, "claim": q.claim, "renew": q.renew, "release": q.release,
		"addNudge": q.addNudge, "oneNudge": q.oneNudge, "takeNudges": q.takeNudges, "nudges": q.nudges,
		"appendEvents": q.appendEvents, "readEvents": q.readEvents, "marks": q.marks,
		"overdue": q.overdue, "stranded": q.stranded, "lockOf": q.lockOf, "expire": q.expire,
		"promoteStranded": q.promoteStranded, "dropEvents": q.dropEvents, "indexTexts": q.indexTexts,
	}
	for name, by := range map[string]means{"": noText, "Walk": byWalk, "Probe": byProbe, "Search": bySearch} {
		for _, sort := range []store.Sort{store.SortRecent, store.SortOldest, store.SortTitle} {
			kind := listKind{sort: sort, by: by, upTo: enough[0]}
			all["list_"+string(sort)+name] = q.list.of(kind)
			kind.wide = true
			all["list_"+string(sort)+name+"Wide"] = q.list.of(kind)
			kind.wide, kind.behind = false, true
			all["list_"+string(sort)+name+"Behind"] = q.list.of(kind)
		}
		if by != byProbe {
			all["count"+name] = q.list.of(listKind{by: by})
		}
	}
	return all
}
