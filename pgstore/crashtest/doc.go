// Package crashtest holds no code but tests, which prove what package pgstore
// and an engine on it promise, with real servers, real processes and real
// crashes:
//
//	go test -run Crash ./pgstore/...
//
// Processes that run an engine are the test binary itself, started again (see
// worker_test.go). They are killed, stopped and let go on, their server is
// crashed and its disk filled, and the network in between is spoiled by package
// faultproxy. Whatever a test starts ends with it, also when it is killed.
//
// The tests need PostgreSQL and PgBouncer as package pgtest finds them. The one
// that fills a disk mounts one for itself and therefore exists on Linux only, and
// needs root there or the right to make user namespaces.
package crashtest
