package store

import "strings"

// Fold is the one case folding of titles, names and search text: every store
// compares Fold(a) with Fold(b) byte by byte, so that all order and find alike,
// whatever collation a database has.
func Fold(s string) string { return strings.ToLower(s) }
