package conversation

import "github.com/parley-go/parley/store"

// Caller is who asks. A host makes it from its own authentication, never from
// the body of a request.
type Caller struct {
	Tenant string // required
	User   string // required, unique within the tenant

	// Name and AvatarURL are shown in directories; they may be empty. What of
	// them cannot be stored is replaced or left out, and a long name is cut.
	Name      string
	AvatarURL string

	Admin       bool       // may use ViewAdmin, and erase for others
	Permissions Permission // what the caller may do at all

	// Channel is the channel the caller speaks for, for a connector ("slack").
	// Empty for a person at a web page or an extension (rule L3).
	Channel Channel
}

// Permission is a set of verbs.
type Permission uint8

// The verbs (rule A3).
const (
	PermRead      Permission = 1 << iota // look at conversations, messages, runs, events, files
	PermWrite                            // create, run, rename, delete
	PermReadWrite = PermRead | PermWrite
)

// may decides before anything is looked up.
func (c Caller) may(verb Permission) error {
	if c.Tenant == "" || c.User == "" || c.Permissions&verb != verb {
		return ErrForbidden
	}
	if textFault(c.Tenant, 0) != "" || textFault(c.User, 0) != "" {
		return ErrForbidden // nothing can be stored for such a user
	}
	return nil
}

// View is how much of the tenant a read may show (rule A4).
type View string

// The views.
const (
	// ViewParticipant shows the conversations the caller takes part in.
	ViewParticipant View = "participant"
	// ViewAdmin shows the whole tenant to an administrator, and to anyone else
	// what ViewParticipant shows.
	ViewAdmin View = "admin"
)

// in returns the view that really applies and the scope it reads through.
func (c Caller) in(v View) (View, store.Scope) {
	wide := v == ViewAdmin && c.Admin
	scope := store.Scope{Tenant: c.Tenant, User: c.User, Wide: wide}
	if wide {
		return ViewAdmin, scope
	}
	return ViewParticipant, scope
}

// scope is the caller's own view, the only one that writes.
func (c Caller) scope() store.Scope {
	return store.Scope{Tenant: c.Tenant, User: c.User}
}

// participant is the caller's own entry in a directory.
func (c Caller) participant() store.Participant {
	name, picture := c.profile()
	return store.Participant{UserID: c.User, Name: name, AvatarURL: picture, Member: true}
}

// profile is how the caller is shown.
func (c Caller) profile() (name, picture string) {
	if textFault(c.AvatarURL, maxPartName) == "" {
		picture = c.AvatarURL
	}
	return cutRunes(safeText(c.Name), maxName), picture
}
