package storetest

import (
	"fmt"
	"runtime"
	"slices"
	"sync"
)

// Recorder is a testT, and what rapid needs of a test, that remembers instead
// of failing.
type Recorder struct {
	name     string
	mu       sync.Mutex
	words    []string
	cleanups []func()
}

func (r *Recorder) Helper()              {}
func (r *Recorder) Name() string         { return r.name }
func (r *Recorder) Log(...any)           {}
func (r *Recorder) Logf(string, ...any)  {}
func (r *Recorder) Skip(...any)          { r.SkipNow() }
func (r *Recorder) Skipf(string, ...any) { r.SkipNow() }
func (r *Recorder) Error(args ...any)    { r.Errorf("%s", fmt.Sprint(args...)) }
func (r *Recorder) Fail()                { r.Errorf("Fail") }

func (r *Recorder) Errorf(format string, args ...any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.words = append(r.words, fmt.Sprintf(format, args...))
}

func (r *Recorder) Fatal(args ...any) {
	r.Error(args...)
	r.FailNow()
}

func (r *Recorder) Fatalf(format string, args ...any) {
	r.Errorf(format, args...)
	r.FailNow()
}

func (r *Recorder) FailNow() {
	if !r.Failed() {
		r.Errorf("FailNow")
	}
	runtime.Goexit()
}

// SkipNow is a failure too: nothing in the suite skips.
func (r *Recorder) SkipNow() { r.Fatal("skipped") }

func (r *Recorder) Failed() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.words) > 0
}

func (r *Recorder) Cleanup(f func()) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.cleanups = append(r.cleanups, f)
}

func (r *Recorder) clean() {
	for _, f := range slices.Backward(r.cleanups) {
		f()
	}
}
