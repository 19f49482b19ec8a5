// Package archtest holds the rules of this repository that a compiler does not
// check: which way imports run, what a host links, how long a file is, that no
// decision is made by the text of an error. It consists of checks that return
// findings; its tests run each of them on the repository and, so that no check
// is one that cannot fail, on code that breaks it.
package archtest

import "fmt"

// Finding is a place that breaks a rule.
type Finding struct {
	Where string // a package path, or file:line from the top of the repository
	What  string
}

func (f Finding) String() string { return fmt.Sprintf("%s: %s", f.Where, f.What) }
