package httpadapter

import (
	"net/http"
	"net/url"
	"strings"
)

// StripPrefix is http.StripPrefix for a prefix with wildcards: it cuts as many
// segments off a request's path as the pattern has and hands it on. It is for a
// Handler below such a pattern:
//
//	const prefix = "/tenants/{tenant}/api/v2"
//	mux.Handle(prefix+"/", httpadapter.StripPrefix(prefix, handler))
//
// The path values that the router found stay readable in Authenticate.
func StripPrefix(prefix string, h http.Handler) http.Handler {
	segments := strings.Count(strings.TrimSuffix(prefix, "/"), "/")
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		inner := r.WithContext(r.Context())
		inner.URL = new(url.URL)
		*inner.URL = *r.URL
		inner.URL.Path = cutSegments(r.URL.EscapedPath(), segments)
		inner.URL.RawPath = ""
		if unescaped, err := url.PathUnescape(inner.URL.Path); err == nil && unescaped != inner.URL.Path {
			inner.URL.RawPath, inner.URL.Path = inner.URL.Path, unescaped
		}
		h.ServeHTTP(w, inner)
	})
}

// cutSegments cuts the first n segments off an escaped path.
func cutSegments(path string, n int) string {
	for range n {
		next := strings.IndexByte(strings.TrimPrefix(path, "/"), '/')
		if next < 0 {
			return ""
		}
		path = strings.TrimPrefix(path, "/")[next:]
	}
	return path
}
