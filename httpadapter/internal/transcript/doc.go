// Package transcript plays HTTP exchanges that are written down in text files
// against a server, and says where the answers differ. It serves the tests of
// the HTTP adapter, in this module and in those nested in it.
//
// A file is an archive in the txtar format: a comment, then sections, each
// behind a line "-- name --". A section "request" is sent, and the section
// "response" behind it is what must come:
//
//	-- request --
//	POST /conversations
//	as: acme.alice
//
//	{"name": "First"}
//	-- response --
//	201
//	Location: /conversations/${id}
//
//	{"id": "${id}", "title": "First", "...": ""}
//
// The header "as" stands for a bearer token. A body brings its content type
// along unless a header says it. Headers and the body of a response that are
// not written down are not looked at. ${name} stands for anything the first
// time, and for the same thing from then on; ${_} for anything always. In JSON
// a string that is nothing but ${name} stands for any value, and a key "..."
// for members that are not written down; in text a line "..." stands for any
// lines. A request with "again: yes" is repeated until its response comes, for
// a while. A section "do" hands its words to the test.
package transcript
