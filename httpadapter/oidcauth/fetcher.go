package oidcauth

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"
)

// Errors of fetching from the issuer.
var (
	errTooSoon = errors.New("the issuer was asked a moment ago")
	errUnsafe  = errors.New("the issuer's address is not https")
	errStatus  = errors.New("the issuer did not answer 200")
	errLong    = errors.New("the issuer's answer is longer than is taken")
)

// maxAnswer bounds what is read from the issuer. Key sets have a few KiB.
const maxAnswer = 1 << 20

// fetcher stands between go-oidc and the issuer. It sees to what go-oidc does
// not: that keys are not fetched again for every made-up token, that nothing
// comes over plain http, and that an answer has a bound.
type fetcher struct {
	next     http.RoundTripper
	interval time.Duration // least time between two fetches of keys; 0 for none
	now      func() time.Time

	mu     sync.Mutex
	asked  time.Time // the last fetch; zero before
	failed bool      // it brought nothing
}

// client returns one that fetches through f.
func (f *fetcher) client(host *http.Client) *http.Client {
	c := *host
	if f.next = c.Transport; f.next == nil {
		f.next = http.DefaultTransport
	}
	c.Transport = f
	return &c
}

// RoundTrip implements http.RoundTripper.
func (f *fetcher) RoundTrip(r *http.Request) (*http.Response, error) {
	if !safe(r.URL) {
		return nil, errUnsafe
	}
	if r.Response == nil && !f.mayAsk() { // a redirect belongs to the fetch that led to it
		return nil, errTooSoon
	}
	res, err := f.next.RoundTrip(r)
	if err == nil && res.StatusCode == http.StatusOK {
		res.Body = &boundedBody{ReadCloser: res.Body, left: maxAnswer}
		return res, nil
	}
	if err == nil && isRedirect(res.StatusCode) {
		return res, nil
	}
	if err == nil {
		err = fmt.Errorf("%w: %s", errStatus, res.Status)
		_ = res.Body.Close()
	}
	f.note()
	return nil, err
}

func isRedirect(status int) bool {
	return status >= http.StatusMultipleChoices && status < http.StatusBadRequest && status != http.StatusNotModified
}

func (f *fetcher) mayAsk() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	now := f.now()
	if !f.asked.IsZero() && now.Sub(f.asked) < f.interval {
		return false
	}
	f.asked, f.failed = now, false
	return true
}

// note says that a fetch brought no keys.
func (f *fetcher) note() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.failed = true
}

// down reports whether the last fetch brought nothing.
func (f *fetcher) down() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.failed
}

// boundedBody fails a reader that goes beyond the bound.
type boundedBody struct {
	io.ReadCloser
	left int
}

func (b *boundedBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if b.left -= n; b.left < 0 {
		return 0, errLong
	}
	return n, err
}
