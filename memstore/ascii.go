package memstore

import (
	"encoding/binary"
	"unicode/utf8"
)

// Eight bytes at a time: the same value in each of them.
const (
	each = 0x0101010101010101
	high = 0x80 * each
)

// appendFolded appends Fold(text) if text is plain ASCII; else it reports false.
func appendFolded(to []byte, text string) (folded []byte, ascii bool) {
	from := len(to)
	to = append(to, text...)
	rest := to[from:]
	for ; len(rest) >= 8; rest = rest[8:] {
		w := binary.LittleEndian.Uint64(rest)
		if w&high != 0 {
			return to, false
		}
		// The high bit of a byte tells whether it is at least 'A', above 'Z'.
		upper := (w + (0x80-'A')*each) &^ (w + (0x7f-'Z')*each) & high
		binary.LittleEndian.PutUint64(rest, w|upper>>2) // 0x80>>2 is 'a'-'A'
	}
	for i, b := range rest {
		switch {
		case b >= utf8.RuneSelf:
			return to, false
		case 'A' <= b && b <= 'Z':
			rest[i] = b + 'a' - 'A'
		}
	}
	return to, true
}
