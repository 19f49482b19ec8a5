package main

import (
	"net"
	"net/http"
	"net/url"
	"strings"
)

// mount serves the routes wherever clients of other systems look for them.
func mount(routes http.Handler) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", page)
	mux.Handle("/", routes)

	// Conversations of an agent: /agents/{agent_id}/conversations, below / as
	// below every other mount. Whatever else is below /agents is a mount of its own.
	mux.Handle("/agents/{agent_id}/conversations", routes)
	mux.Handle("/agents/{agent_id}/conversations/", routes)
	for _, prefix := range []string{"/agents", "/api", "/v1/api"} {
		mux.Handle(prefix, below(prefix, routes))
		mux.Handle(prefix+"/", below(prefix, routes))
	}
	const tenant = "/tenants/{tenant}/api/v2"
	mux.Handle(tenant, ofTenant(below(tenant, routes), routes))
	mux.Handle(tenant+"/", ofTenant(below(tenant, routes), routes))
	return mux
}

// below hands requests on without the segments of the prefix, however the
// request spells them.
func below(prefix string, h http.Handler) http.Handler {
	segments := strings.Count(prefix, "/")
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h.ServeHTTP(w, at(r, cutSegments(r.URL.Path, segments), cutSegments(r.URL.RawPath, segments)))
	})
}

// at is the request with another path.
func at(r *http.Request, path, rawPath string) *http.Request {
	moved := r.WithContext(r.Context())
	moved.URL = new(url.URL)
	*moved.URL = *r.URL
	moved.URL.Path, moved.URL.RawPath = path, rawPath
	return moved
}

// cutSegments cuts the first n segments off a path.
func cutSegments(path string, n int) string {
	for range n {
		next := strings.IndexByte(strings.TrimPrefix(path, "/"), '/')
		if next < 0 {
			return ""
		}
		path = path[next+1:]
	}
	return path
}

// ofTenant lets nobody into the path of another tenant: it looks as if nothing
// were there. Who does not say who asks is told so by the routes themselves.
func ofTenant(tenants, routes http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		caller, err := authenticate(r)
		if err == nil && caller.Tenant != r.PathValue("tenant") {
			routes.ServeHTTP(w, at(r, "/tenants", "")) // a path that no route has
			return
		}
		tenants.ServeHTTP(w, r)
	})
}

// onlyLocal refuses requests that were not addressed to this machine by a name
// that only it can have: a web page may let a name of its own point here, and
// write development tokens as well as anybody.
func onlyLocal(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		host := r.Host
		if name, _, err := net.SplitHostPort(host); err == nil {
			host = name
		}
		ip := net.ParseIP(strings.Trim(host, "[]"))
		if !strings.EqualFold(host, "localhost") && (ip == nil || !ip.IsLoopback()) {
			http.Error(w, "this server answers to localhost only", http.StatusMisdirectedRequest)
			return
		}
		h.ServeHTTP(w, r)
	})
}
