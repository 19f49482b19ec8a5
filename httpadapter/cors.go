package httpadapter

import (
	"net/http"
	"slices"
)

// cors lets the pages of allowed origins read answers, and reports whether the
// request was a preflight and is answered. Credentials are never allowed:
// tokens come in a header that the page sets itself.
func (x *exchange) cors() bool {
	origin := x.r.Header.Get("Origin")
	if len(x.h.opts.AllowedOrigins) == 0 {
		return false
	}
	header := x.w.Header()
	header.Add("Vary", "Origin")
	if !slices.Contains(x.h.opts.AllowedOrigins, origin) {
		return false
	}
	header.Set("Access-Control-Allow-Origin", origin)
	if x.r.Method != http.MethodOptions || x.r.Header.Get("Access-Control-Request-Method") == "" {
		header.Set("Access-Control-Expose-Headers", "ETag, Location, Idempotent-Replay, Retry-After, Log-Id")
		return false
	}
	header.Set("Access-Control-Allow-Methods", "GET, HEAD, POST, PUT, DELETE, OPTIONS")
	header.Set("Access-Control-Allow-Headers",
		"Authorization, Content-Type, Idempotency-Key, If-Match, If-None-Match, Last-Event-ID")
	header.Set("Access-Control-Max-Age", "600")
	x.w.WriteHeader(http.StatusNoContent)
	return true
}
