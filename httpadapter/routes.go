package httpadapter

import "github.com/parley-go/parley/conversation"

// The operations.
const (
	OpCreateConversation  Operation = "createConversation"
	OpListConversations   Operation = "listConversations"
	OpGetConversation     Operation = "getConversation"
	OpDeleteConversation  Operation = "deleteConversation"
	OpRestoreConversation Operation = "restoreConversation"
	OpSetTitle            Operation = "setTitle"
	OpPromote             Operation = "promoteConversation"
	OpFork                Operation = "forkConversation"
	OpListParticipants    Operation = "listParticipants"
	OpAddParticipant      Operation = "addParticipant"
	OpListMessages        Operation = "listMessages"
	OpPostMessage         Operation = "postMessage"
	OpStartRun            Operation = "startRun"
	OpListRuns            Operation = "listRuns"
	OpStreamTurn          Operation = "streamTurn"
	OpFollow              Operation = "followConversation"
	OpGetRun              Operation = "getRun"
	OpRunEvents           Operation = "streamRun"
	OpStopRun             Operation = "stopRun"
	OpNudgeRun            Operation = "nudgeRun"
	OpGetThread           Operation = "getThread"
	OpHealth              Operation = "health"
	OpOpenAPI             Operation = "openAPI"
)

const (
	read      = conversation.PermRead
	write     = conversation.PermWrite
	readWrite = conversation.PermReadWrite
)

const (
	oneConversation = "/conversations/{" + pathConversation + "}"
	oneRun          = "/runs/{" + pathRun + "}"
	turnCodes       = "deleted read_only idempotency_mismatch version_conflict run_active tool_outputs_pending " +
		"invalid_request no_assistant_turn unknown_tool_call not_a_client_tool incomplete_tool_outputs overloaded"
)

// routes is the one table of what is served: a new line is routed, checked,
// documented and swept by the tests.
var routes = []route{
	{op: OpCreateConversation, method: "POST", path: "/conversations", verb: write, handle: (*Handler).createConversation,
		summary: "Create a conversation. Its system prompt and defaults are fixed for its life.",
		header:  []string{"Idempotency-Key"}, body: "NewConversation", answers: answerDocs{201: "Conversation"}, codes: "not_found"},
	{op: OpListConversations, method: "GET", path: "/conversations", verb: read, handle: (*Handler).listConversations,
		summary: "List conversations: by cursor (limit, next), or by number (page, page_size) with a total.",
		query:   []string{"q", "sort", "mode", "channel", "agent_id", "view", "limit", "next", "page", "page_size"},
		answers: answerDocs{200: "ConversationPage"}},
	{op: OpGetConversation, method: "GET", path: oneConversation, verb: read, handle: (*Handler).getConversation,
		summary: "Get a conversation with its current version, deleted ones too.",
		query:   []string{"view", "include"}, header: []string{"If-None-Match"},
		answers: answerDocs{200: "Conversation", 304: ""}},
	{op: OpDeleteConversation, method: "DELETE", path: oneConversation, verb: write, handle: (*Handler).deleteConversation,
		summary: "Delete a conversation so that it can be restored, or purge it for good.",
		query:   []string{"purge"}, answers: answerDocs{200: "DeletedOrPurged"}},
	{op: OpRestoreConversation, method: "POST", path: oneConversation + "/restore", verb: write,
		handle: (*Handler).restoreConversation, summary: "Undo a delete.", body: "Empty",
		answers: answerDocs{200: "Conversation"}},
	{op: OpSetTitle, method: "PUT", path: oneConversation + "/title", verb: write, handle: (*Handler).setTitle,
		summary: "Rename a conversation. A blank title is cleared and will be derived again.",
		body:    "Title", answers: answerDocs{200: "Conversation"}, codes: "deleted"},
	{op: OpPromote, method: "POST", path: oneConversation + "/promote", verb: write, handle: (*Handler).promote,
		summary: "Turn a fast conversation into a standard one.", body: "Empty",
		answers: answerDocs{200: "Conversation"}, codes: "deleted"},
	{op: OpFork, method: "POST", path: oneConversation + "/fork", verb: readWrite, handle: (*Handler).fork,
		summary: "Copy the log up to a version into a new conversation of the caller.",
		body:    "Fork", answers: answerDocs{201: "Conversation"}, codes: "version_conflict"},
	{op: OpListParticipants, method: "GET", path: oneConversation + "/participants", verb: read,
		handle: (*Handler).listParticipants, summary: "Read the directory of those the conversation refers to.",
		query: []string{"view"}, answers: answerDocs{200: "Participants"}},
	{op: OpAddParticipant, method: "POST", path: oneConversation + "/participants", verb: write,
		handle: (*Handler).addParticipant, summary: "Let another user see and use the conversation.",
		body: "NewParticipant", answers: answerDocs{200: "Conversation"}, codes: "deleted"},

	{op: OpListMessages, method: "GET", path: oneConversation + "/messages", verb: read, handle: (*Handler).listMessages,
		summary: "Read messages above a version, without gaps, and the version they were read at.",
		query:   []string{"since", "limit", "next", "order", "view"}, answers: answerDocs{200: "MessagePage"}},
	{op: OpPostMessage, method: "POST", path: oneConversation + "/messages", verb: readWrite, handle: (*Handler).postMessage,
		summary: "Start a turn and wait for its end.", header: []string{"If-Match", "Idempotency-Key"},
		body: "Turn", answers: answerDocs{200: "TurnResult"}, codes: turnCodes},
	{op: OpStartRun, method: "POST", path: oneConversation + "/runs", verb: write, handle: (*Handler).startRun,
		summary: "Start a turn and return its run at once; a repeat with the same key is 200.",
		header:  []string{"If-Match", "Idempotency-Key"}, body: "Turn",
		answers: answerDocs{200: "Run", 202: "Run"}, codes: turnCodes},
	{op: OpListRuns, method: "GET", path: oneConversation + "/runs", verb: read, handle: (*Handler).listRuns,
		summary: "List runs, newest first.", query: []string{"limit", "next", "view"}, answers: answerDocs{200: "RunPage"}},
	{op: OpStreamTurn, method: "POST", path: oneConversation + "/stream", verb: readWrite, handle: (*Handler).streamTurn,
		summary: "Start a turn and stream the events of its run until its end.",
		query:   []string{"after"}, header: []string{"If-Match", "Idempotency-Key", "Last-Event-ID"},
		body: "Turn", answers: answerDocs{200: "events"}, codes: turnCodes},
	{op: OpFollow, method: "GET", path: oneConversation + "/stream", verb: read, handle: (*Handler).follow,
		summary: "Stream the events of a conversation from now on, or from a cursor on.",
		query:   []string{"after", "view"}, header: []string{"Last-Event-ID"},
		answers: answerDocs{200: "events"}, codes: "overloaded"},

	{op: OpGetRun, method: "GET", path: oneRun, verb: read, handle: (*Handler).getRun,
		summary: "Get a run.", query: []string{"view"}, answers: answerDocs{200: "Run"}},
	{op: OpRunEvents, method: "GET", path: oneRun + "/events", verb: read, handle: (*Handler).runEvents,
		summary: "Stream the events of a run, from the start or from a cursor on, until its end.",
		query:   []string{"after", "view"}, header: []string{"Last-Event-ID"},
		answers: answerDocs{200: "events"}, codes: "overloaded"},
	{op: OpStopRun, method: "POST", path: oneRun + "/stop", verb: write, handle: (*Handler).stopRun,
		summary: "Stop a run; what it has written is kept, marked incomplete.", body: "Empty",
		answers: answerDocs{200: "StopResult"}},
	{op: OpNudgeRun, method: "POST", path: oneRun + "/nudge", verb: write, handle: (*Handler).nudgeRun,
		summary: "Hand text to a run in flight, which reads it at its next step.",
		body:    "NewNudge", answers: answerDocs{200: "Nudge"}},

	{op: OpGetThread, method: "GET", path: "/getConversation", verb: read, handle: (*Handler).getThread,
		summary: "Get a conversation of the tenant with all its messages, in camel case; for administrators.",
		query:   []string{"threadId"}, answers: answerDocs{200: "Thread"}},
	{op: OpHealth, method: "GET", path: "/healthz", public: true, handle: (*Handler).health,
		summary: "Tell whether work is taken.", answers: answerDocs{200: "Health"}},
	{op: OpOpenAPI, method: "GET", path: "/openapi.json", public: true, handle: (*Handler).serveOpenAPI,
		summary: "This document.", header: []string{"If-None-Match"}, answers: answerDocs{200: "OpenAPI", 304: ""}},
}
