package httpadapter

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"os"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/parley-go/parley/conversation"
)

// body reads the request's JSON, and lets read take it apart. With optional an
// absent body is an empty object. All that is wrong with it comes back as one
// conversation.FieldErrors.
func (x *exchange) body(optional bool, read func(d *decoder, v value)) error {
	raw, err := x.readBody(optional)
	if err != nil {
		return err
	}
	d := &decoder{}
	v, err := scanJSON(raw, x.h.opts.MaxDepth)
	if err != nil {
		return err
	}
	if v.kind() != kindObject {
		return fault("", "must be a JSON object")
	}
	read(d, v)
	return d.err()
}

// readBody reads all bytes of a JSON body, within bounds of size and time.
func (x *exchange) readBody(optional bool) ([]byte, error) {
	if optional && x.r.ContentLength == 0 {
		return []byte("{}"), nil
	}
	if x.r.ContentLength > x.h.opts.MaxBodyBytes {
		return nil, errTooLarge
	}
	if err := x.mediaType(); err != nil {
		return nil, err
	}
	raw, err := io.ReadAll(http.MaxBytesReader(&x.w, x.r.Body, x.h.opts.MaxBodyBytes))
	var large *http.MaxBytesError
	switch {
	case errors.As(err, &large):
		return nil, errTooLarge
	case errors.Is(err, os.ErrDeadlineExceeded):
		x.w.Header().Set("Connection", "close")
		return nil, errSlowBody
	case err != nil:
		x.w.Header().Set("Connection", "close")
		return nil, fault("", "ends before it is complete")
	}
	_ = http.NewResponseController(&x.w).SetReadDeadline(time.Time{})
	if len(bytes.TrimSpace(raw)) == 0 && optional {
		return []byte("{}"), nil
	}
	return raw, nil
}

// limitBody says how long the request's body may take. The limit stands until
// the body has been read: net/http reads what nobody read, and would wait for it.
func (x *exchange) limitBody() {
	if x.r.ContentLength != 0 {
		// Writers that know no deadlines (a recorder in a test) need none.
		_ = http.NewResponseController(&x.w).SetReadDeadline(time.Now().Add(x.h.opts.BodyTimeout))
	}
}

// mediaType takes application/json and nothing else: what a page's form can
// send is not taken for JSON.
func (x *exchange) mediaType() error {
	if encoding := x.r.Header.Get("Content-Encoding"); encoding != "" && !strings.EqualFold(encoding, "identity") {
		return errMediaType
	}
	name, params, err := mime.ParseMediaType(x.r.Header.Get("Content-Type"))
	if err != nil || name != "application/json" {
		return errMediaType
	}
	if charset, ok := params["charset"]; ok && !strings.EqualFold(charset, "utf-8") {
		return errMediaType
	}
	return nil
}

// scanJSON checks that raw is one JSON value in UTF-8, not nested too deeply,
// in which no object has a key twice.
func scanJSON(raw []byte, maxDepth int) (value, error) {
	if !utf8.Valid(raw) {
		return value{}, fault("", "must be UTF-8")
	}
	if !json.Valid(raw) {
		return value{}, fault("", syntaxReason(raw))
	}
	s := scanner{b: raw, maxDepth: maxDepth}
	s.value(s.space(0), 0)
	return value{bytes.TrimSpace(raw)}, (&decoder{faults: s.faults}).err()
}

// syntaxReason says where the JSON is broken.
func syntaxReason(raw []byte) string {
	if len(bytes.TrimSpace(raw)) == 0 {
		return "must not be empty: a JSON object is needed"
	}
	var at int64
	var syntax *json.SyntaxError
	if errors.As(json.Unmarshal(raw, new(json.RawMessage)), &syntax) {
		at = syntax.Offset
	}
	dec := json.NewDecoder(bytes.NewReader(raw))
	if dec.Decode(new(json.RawMessage)) == nil {
		return "must be one JSON value: something follows it"
	}
	return fmt.Sprintf("must be valid JSON: it is broken at byte %d", at)
}

// maxFaults bounds how many faults an answer lists: a body of a thousand
// unknown fields says enough with its first.
const maxFaults = 100

// decoder takes a JSON value apart and gathers what is wrong with it.
type decoder struct {
	faults conversation.FieldErrors
}

func (d *decoder) add(path, reason string) {
	if len(d.faults) < maxFaults {
		d.faults = append(d.faults, &conversation.FieldError{Path: path, Reason: reason})
	}
}

func (d *decoder) err() error {
	if len(d.faults) == 0 {
		return nil
	}
	return d.faults
}

// merge adds faults that another check found, but for fields that are known to
// be at fault already.
func (d *decoder) merge(err error) {
	var more conversation.FieldErrors
	if !errors.As(err, &more) {
		return
	}
	for _, f := range more {
		if !d.covers(f.Path) {
			d.add(f.Path, f.Reason)
		}
	}
}

func (d *decoder) covers(path string) bool {
	for _, f := range d.faults {
		rest, ok := strings.CutPrefix(path, f.Path)
		if ok && (rest == "" || rest[0] == '.' || rest[0] == '[') {
			return true
		}
	}
	return false
}
