package storetest

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/parley-go/parley/store"
)

// plain writes a value in a form that two stores share: a time is only there or
// not, a fencing number too, and nothing is the same as an empty slice.
func plain(v any) string {
	var b strings.Builder
	flatten(&b, "", reflect.ValueOf(v))
	return b.String()
}

// unlike are fields in which two good stores may differ.
var unlike = []string{"Fence"}

func flatten(b *strings.Builder, name string, v reflect.Value) {
	switch {
	case !v.IsValid():
		fmt.Fprintf(b, "%s: none\n", name)
		return
	case slices.Contains(unlike, name[strings.LastIndexByte(name, '.')+1:]):
		fmt.Fprintf(b, "%s: %t\n", name, !v.IsZero())
		return
	}
	switch x := v.Interface().(type) {
	case time.Time:
		fmt.Fprintf(b, "%s: %t\n", name, !x.IsZero())
		return
	case uuid.UUID, []byte:
		fmt.Fprintf(b, "%s: %s\n", name, x)
		return
	}
	switch v.Kind() {
	case reflect.Pointer, reflect.Interface:
		if v.IsNil() {
			fmt.Fprintf(b, "%s: none\n", name)
			return
		}
		flatten(b, name, v.Elem())
	case reflect.Struct:
		for i := range v.NumField() {
			flatten(b, name+"."+v.Type().Field(i).Name, v.Field(i))
		}
	case reflect.Slice:
		fmt.Fprintf(b, "%s: %d\n", name, v.Len())
		for i := range v.Len() {
			flatten(b, fmt.Sprintf("%s[%d]", name, i), v.Index(i))
		}
	case reflect.Map:
		keys := v.MapKeys()
		slices.SortFunc(keys, func(a, b reflect.Value) int { return strings.Compare(fmt.Sprint(a), fmt.Sprint(b)) })
		for _, k := range keys {
			flatten(b, fmt.Sprintf("%s[%v]", name, k), v.MapIndex(k))
		}
	default:
		fmt.Fprintf(b, "%s: %v\n", name, v)
	}
}

// sentinels are the errors that a store may answer with.
var sentinels = []error{
	store.ErrNotFound, store.ErrExists, store.ErrVersionConflict, store.ErrRunActive, store.ErrIdempotencyMismatch,
	store.ErrDeleted, store.ErrToolOutputsPending, store.ErrQueueFull, store.ErrFenced,
}

// describeError names the sentinel and the number that the caller acts on.
func describeError(err error) string {
	var conflict *store.VersionConflictError
	if errors.As(err, &conflict) {
		return fmt.Sprintf("version conflict with %d", conflict.Current)
	}
	return describeClass(err)
}

// describeClass names the sentinel alone.
func describeClass(err error) string {
	for _, s := range sentinels {
		if errors.Is(err, s) {
			return s.Error()
		}
	}
	return "unexpected: " + err.Error()
}

func byRef(a, b store.RunRef) int { return bytes.Compare(a.RunID[:], b.RunID[:]) }

func byID(a, b store.Run) int { return bytes.Compare(a.ID[:], b.ID[:]) }

// shared is the picture as two good stores share it. Its runs are by id: two
// that began in one microsecond have no order. And a nudge that was taken waits
// again at the next claim, or at once when its attempt is released.
func (p picture) shared() picture {
	p.Runs = slices.SortedFunc(slices.Values(p.Runs), byID)
	p.Nudges = maps.Clone(p.Nudges)
	for _, r := range p.Runs {
		if r.Status != store.RunPending {
			continue
		}
		nudges := slices.Clone(p.Nudges[r.ID])
		for i := range nudges {
			if nudges[i].State == store.NudgeTaken {
				nudges[i].State = store.NudgeWaiting
			}
		}
		p.Nudges[r.ID] = nudges
	}
	return p
}
