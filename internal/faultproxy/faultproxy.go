// Package faultproxy stands between a program and PostgreSQL and spoils their
// connections, in a test: requests that never arrive, answers that get lost,
// delays, and a network that carries nothing for a while. What it does can be
// changed while it runs.
//
// It knows nothing of the protocol. What it reads from the program in one piece
// counts as a request: pgx sends each of its own in one piece, unless it is
// long, and waits for the answer.
package faultproxy

import (
	"context"
	"math/rand/v2"
	"net"
	"net/url"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
)

// Faults are the chances, from 0 to 1, of what may happen to a request.
type Faults struct {
	Cut     float64 // it is not delivered, and the connection is reset
	Swallow float64 // it is delivered, and the connection is reset when the answer comes

	// Delay is the longest time that a request is held up, drawn anew for each.
	Delay time.Duration
}

// Counts says how often each fault happened.
type Counts struct {
	Cuts, Swallows int64
}

// Proxy listens on the loopback interface. Its methods are safe for concurrent
// use.
type Proxy struct {
	url      string
	network  string // where the server is
	address  string
	listener net.Listener

	cuts, swallows atomic.Int64

	mu     sync.Mutex
	faults Faults
	held   chan struct{} // closed when things flow again; nil while they do
	links  map[*link]struct{}
	closed bool
	work   sync.WaitGroup
}

// New starts a proxy before the server with this URL; it ends with the test.
// Without orders it passes everything on.
func New(tb testing.TB, server string) *Proxy {
	tb.Helper()
	config, err := pgconn.ParseConfig(server)
	if err != nil {
		tb.Fatalf("faultproxy: %v", err)
	}
	p := &Proxy{links: map[*link]struct{}{}}
	p.network, p.address = pgconn.NetworkAddress(config.Host, config.Port)
	var listen net.ListenConfig
	if p.listener, err = listen.Listen(context.Background(), "tcp", "127.0.0.1:0"); err != nil {
		tb.Fatalf("faultproxy: %v", err)
	}
	at := url.URL{
		Scheme: "postgres", User: url.UserPassword(config.User, config.Password), Host: p.listener.Addr().String(),
		Path: "/" + config.Database, RawQuery: "sslmode=disable",
	}
	p.url = at.String()
	p.work.Go(p.accept)
	tb.Cleanup(p.close)
	return p
}

// URL is the connection string of the server by way of the proxy.
func (p *Proxy) URL() string { return p.url }

// Set orders faults for the requests to come, in place of those before.
func (p *Proxy) Set(f Faults) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.faults = f
}

// Counts returns how much went wrong so far.
func (p *Proxy) Counts() Counts {
	return Counts{Cuts: p.cuts.Load(), Swallows: p.swallows.Load()}
}

// CutAll resets every connection there is.
func (p *Proxy) CutAll() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for l := range p.links {
		p.cuts.Add(1)
		l.reset()
	}
}

// Hold stops the traffic on every connection, new ones too, without ending any:
// a black hole. At release what was sent meanwhile is delivered, as a network
// does that comes back. Release may be called again.
func (p *Proxy) Hold() (release func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.held == nil {
		p.held = make(chan struct{})
	}
	held := p.held
	return func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		if p.held == held {
			p.held = nil
			close(held)
		}
	}
}

func (p *Proxy) accept() {
	for {
		client, err := p.listener.Accept()
		if err != nil {
			return // closed
		}
		p.work.Go(func() { p.serve(client) })
	}
}

// serve connects a client to the server until either goes away.
func (p *Proxy) serve(client net.Conn) {
	defer client.Close()
	var dialer net.Dialer
	server, err := dialer.DialContext(context.Background(), p.network, p.address)
	if err != nil {
		return // there is no server at the moment, and the client sees as much
	}
	l := &link{client: client, server: server, over: make(chan struct{})}
	defer l.end()
	p.mu.Lock()
	p.links[l] = struct{}{}
	closed := p.closed
	p.mu.Unlock()
	defer func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		delete(p.links, l)
	}()
	if closed {
		return
	}
	var answers sync.WaitGroup
	answers.Go(func() {
		defer l.end()
		pump(l.server, l.client, func() bool { return p.answer(l) })
	})
	pump(l.client, l.server, func() bool { return p.request(l) })
	l.end()
	answers.Wait()
}

// pump carries data until one side ends or pass says no.
func pump(from, to net.Conn, pass func() bool) {
	buffer := make([]byte, 64<<10)
	for {
		n, err := from.Read(buffer)
		if n > 0 {
			if !pass() {
				return
			}
			if _, err := to.Write(buffer[:n]); err != nil {
				return
			}
		}
		if err != nil {
			return
		}
	}
}

// request decides what becomes of a request, and reports whether it is delivered.
func (p *Proxy) request(l *link) bool {
	p.mu.Lock()
	f := p.faults
	p.mu.Unlock()
	if f.Delay > 0 && !l.wait(rand.N(f.Delay)) {
		return false
	}
	switch n := rand.Float64(); {
	case n < f.Cut:
		p.cuts.Add(1)
		l.reset()
		return false
	case n < f.Cut+f.Swallow:
		l.deaf.Store(true)
	}
	return p.flows(l)
}

// answer decides about an answer.
func (p *Proxy) answer(l *link) bool {
	if l.deaf.Load() {
		p.swallows.Add(1)
		l.reset()
		return false
	}
	return p.flows(l)
}

// flows waits while the traffic is held, and reports whether the link outlived it.
func (p *Proxy) flows(l *link) bool {
	p.mu.Lock()
	held := p.held
	p.mu.Unlock()
	if held == nil {
		return true
	}
	select {
	case <-held:
		return true
	case <-l.over:
		return false
	}
}

func (p *Proxy) close() {
	p.listener.Close()
	p.mu.Lock()
	p.closed = true
	for l := range p.links {
		l.end()
	}
	p.mu.Unlock()
	p.work.Wait()
}

// link is one connection of a client.
type link struct {
	client, server net.Conn
	deaf           atomic.Bool // the next answer is swallowed
	once           sync.Once
	over           chan struct{}
}

// reset ends the link so that the client gets a reset, not an end.
func (l *link) reset() {
	if tcp, ok := l.client.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0) // fails when it is closed already
	}
	l.end()
}

func (l *link) end() {
	l.once.Do(func() {
		close(l.over)
		l.client.Close()
		l.server.Close()
	})
}

// wait reports whether the link outlived the time.
func (l *link) wait(d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-l.over:
		return false
	}
}
