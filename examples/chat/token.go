package main

import (
	"net/http"
	"regexp"
	"strings"

	"github.com/parley-go/parley/conversation"
	"github.com/parley-go/parley/httpadapter"
)

// tokenPattern is a development token: a tenant, a user, and what is special
// about them.
var tokenPattern = regexp.MustCompile(`^dev\.([A-Za-z0-9_~-]{1,64})\.([A-Za-z0-9_~-]{1,64})((?:\.(?:admin|readonly))*)$`)

// authenticate believes whatever a development token says. A server of your own
// checks a signature here, or looks a session up.
func authenticate(r *http.Request) (conversation.Caller, error) {
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return conversation.Caller{}, httpadapter.ErrUnauthenticated
	}
	m := tokenPattern.FindStringSubmatch(strings.TrimSpace(token))
	if m == nil {
		return conversation.Caller{}, httpadapter.ErrUnauthenticated
	}
	caller := conversation.Caller{Tenant: m[1], User: m[2], Name: m[2], Permissions: conversation.PermReadWrite}
	for _, suffix := range strings.Split(m[3], ".") {
		switch suffix {
		case "admin":
			caller.Admin = true
		case "readonly":
			caller.Permissions = conversation.PermRead
		}
	}
	return caller, nil
}
