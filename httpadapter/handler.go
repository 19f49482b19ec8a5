package httpadapter

import (
	"errors"
	"fmt"
	"net/http"
	"path"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"github.com/parley-go/parley/conversation"
)

// Handler serves an engine over HTTP. Make one with New. It is safe for
// concurrent use, starts nothing in the background and needs no closing.
type Handler struct {
	engine  *conversation.Engine
	opts    Options
	mux     *http.ServeMux
	cross   *http.CrossOriginProtection
	streams streamBounds
	openAPI document
}

// New makes the handler of all routes, to be mounted wherever the host likes.
// Its error names every option that cannot be what it is.
func New(engine *conversation.Engine, opts *Options) (*Handler, error) {
	if engine == nil {
		return nil, errors.New("httpadapter: an engine is needed")
	}
	if opts == nil {
		opts = &Options{}
	}
	h := &Handler{engine: engine, opts: opts.withDefaults(), cross: http.NewCrossOriginProtection()}
	if err := h.opts.validate(); err != nil {
		return nil, err
	}
	for _, origin := range opts.AllowedOrigins {
		if err := h.cross.AddTrustedOrigin(origin); err != nil {
			return nil, fmt.Errorf("httpadapter: Options.AllowedOrigins: %w", err)
		}
	}
	var err error
	if h.openAPI, err = newDocument(routes); err != nil {
		return nil, err
	}
	h.streams.perUser, h.streams.total = h.opts.MaxStreamsPerUser, h.opts.MaxStreams
	h.mux = h.newMux()
	return h, nil
}

// newMux registers every route, and for each path what answers other methods.
func (h *Handler) newMux() *http.ServeMux {
	mux := http.NewServeMux()
	allow := make(map[string][]string)
	for i := range routes {
		rt := &routes[i]
		for _, p := range rt.paths() {
			mux.Handle(rt.method+" "+p, h.serve(rt))
			allow[p] = append(allow[p], rt.method)
		}
	}
	for p, methods := range allow {
		mux.Handle(p, h.otherMethod(methods))
	}
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		h.exchange(w, r, nil, func(*exchange) error { return conversation.ErrNotFound })
	})
	return mux
}

// ServeHTTP answers a request.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	routed := r.WithContext(withOriginal(r.Context(), r))
	if !clean(r.URL.Path) { // where ServeMux would redirect, and not know the prefix
		h.exchange(w, routed, nil, func(*exchange) error { return conversation.ErrNotFound })
		return
	}
	h.mux.ServeHTTP(w, routed)
}

// clean reports whether a path has no empty, "." or ".." segment.
func clean(p string) bool {
	cleaned := path.Clean(p)
	if cleaned != "/" && strings.HasSuffix(p, "/") {
		cleaned += "/"
	}
	return strings.HasPrefix(p, "/") && cleaned == p
}

// serve makes the handler of one route: everything that is done for every
// request stands here, in its order.
func (h *Handler) serve(rt *route) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h.exchange(w, r, rt, func(x *exchange) error {
			if rt.public {
				return rt.handle(h, x)
			}
			caller, err := h.opts.Authenticate(x.original())
			if err != nil {
				return authError(err)
			}
			x.caller = caller
			if caller.Tenant == "" || caller.User == "" || caller.Permissions&rt.verb != rt.verb {
				return conversation.ErrForbidden
			}
			return rt.handle(h, x)
		})
	})
}

// exchange runs one request between its first and its last line.
func (h *Handler) exchange(w http.ResponseWriter, r *http.Request, rt *route, handle func(*exchange) error) {
	x := &exchange{h: h, r: r, route: rt, logID: h.opts.NewLogID(), began: time.Now()}
	x.w.ResponseWriter = w
	defer x.logAccess(r.Context())
	defer func() {
		v := recover()
		if v == nil {
			return
		}
		if err, ok := v.(error); ok && errors.Is(err, http.ErrAbortHandler) {
			panic(v)
		}
		h.opts.Logger.Error("handler panicked", "log_id", x.logID, "route", x.pattern(),
			"panic", fmt.Sprint(v), "stack", string(debug.Stack()))
		if x.w.status != 0 {
			panic(http.ErrAbortHandler) // the answer has begun: break it off visibly
		}
		x.fail(errPanicked)
	}()
	header := w.Header()
	header.Set("X-Content-Type-Options", "nosniff")
	header.Set("Cache-Control", "no-store")
	header.Set("Log-Id", x.logID)
	x.limitBody()
	if x.cors() {
		return
	}
	err := h.cross.Check(r)
	if err != nil {
		err = errCrossOrigin
	} else {
		err = handle(x)
	}
	if err != nil {
		x.fail(err)
	}
}

// otherMethod answers the methods a path does not have.
func (h *Handler) otherMethod(methods []string) http.Handler {
	if slices.Contains(methods, http.MethodGet) {
		methods = append(methods, http.MethodHead)
	}
	slices.Sort(methods)
	allow := strings.Join(append(slices.Compact(methods), http.MethodOptions), ", ")
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h.exchange(w, r, nil, func(x *exchange) error {
			x.w.Header().Set("Allow", allow)
			if r.Method == http.MethodOptions {
				x.w.WriteHeader(http.StatusNoContent)
				return nil
			}
			return errMethod
		})
	})
}
