package main

import (
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"net"
	"net/http"
	"strings"
)

// curlLines are commands to begin with.
func curlLines(host string) []string {
	return []string{
		"B=http://" + host + "; A='Authorization: Bearer dev.acme.ada'; J='Content-Type: application/json'",
		`C=$(curl -sS -o /dev/null -w '%header{location}' -H "$A" -H "$J" -d '{"name": "First talk"}' $B/conversations)`,
		`curl -sSN -H "$A" -H "$J" -d '{"content": "I feel stuck"}' $B$C/stream`,
		`curl -sSN -H "$A" -H "$J" -d '{"content": "/slow 20"}' $B$C/stream`,
		`curl -sS -H "$A" -H "$J" -d '{"content": "/help"}' $B$C/messages`,
		`curl -sS -H "$A" "$B$C/messages?since=0"`,
		`curl -sS -H "$A" $B/conversations`,
	}
}

// announce says where to look, and what to beware of.
func announce(w io.Writer, o *options, addr net.Addr) {
	kept := "in memory, until this process ends"
	if o.store != memory {
		kept = "in PostgreSQL"
	}
	reach := "This server must not be reachable by anybody you do not trust. It listens on this machine only."
	if o.expose {
		reach = "AND YOU LET OTHERS REACH THIS SERVER: everything in it is theirs to read, change and erase."
	}
	host := addr.String()
	if tcp, ok := addr.(*net.TCPAddr); ok && tcp.IP.IsUnspecified() {
		host = fmt.Sprintf("localhost:%d", tcp.Port)
	}
	// Nobody needs to read it.
	_, _ = fmt.Fprintf(w, `Parley listens on http://%[1]s and keeps conversations %[2]s.

  !! Development tokens: anybody can write "Bearer dev.<tenant>.<user>" and be that user.
  !! %[3]s

Try these lines in another terminal, or open http://%[1]s in a browser:

  %[4]s
`, host, kept, reach, strings.Join(curlLines(host), "\n  "))
}

//go:embed page.html
var pageSource string

var pageTemplate = template.Must(template.New("page").Parse(pageSource))

// page says what this is.
func page(w http.ResponseWriter, r *http.Request) {
	header := w.Header()
	header.Set("Content-Type", "text/html; charset=utf-8")
	header.Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'")
	header.Set("X-Content-Type-Options", "nosniff")
	header.Set("Referrer-Policy", "no-referrer")
	header.Set("Cache-Control", "no-store")
	// A reader that has left is no error of this side.
	_ = pageTemplate.Execute(w, strings.Join(curlLines(r.Host), "\n"))
}
