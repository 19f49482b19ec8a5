// Package testreport reads what `go test -json` prints and says what happened:
// the output of tests that failed or were skipped, go test's own summary line
// of every package, and the counts. A skipped test counts against the run, as a
// failed one does, because a check that did not happen proves nothing.
package testreport

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strings"
)

// Tally counts tests and subtests, examples and fuzz seeds among them.
type Tally struct {
	Passed  int
	Failed  int // also packages that failed without a failing test, such as one that does not build
	Skipped int
}

// OK reports whether something ran and all of it passed.
func (t Tally) OK() bool { return t.Passed > 0 && t.Failed == 0 && t.Skipped == 0 }

func (t Tally) String() string {
	return fmt.Sprintf("%d passed, %d failed, %d skipped", t.Passed, t.Failed, t.Skipped)
}

// event is a line of `go test -json`; see `go doc test2json`.
type event struct {
	Action     string
	Package    string
	ImportPath string // of a build, instead of Package
	Test       string
	Output     string
}

// Write reads events from r until its end and writes the report to w, the
// summary lines and the counts last. Lines that are not events are copied.
func Write(w io.Writer, r io.Reader) (Tally, error) {
	out := bufio.NewWriter(w)
	rep := &reporter{out: out, open: make(map[string]*pkg)}
	in := bufio.NewReader(r)
	for {
		line, err := in.ReadBytes('\n')
		rep.line(line)
		if err == io.EOF {
			break
		}
		if err != nil {
			return rep.tally, fmt.Errorf("read test events: %w", err)
		}
	}
	rep.end()
	return rep.tally, out.Flush()
}

type reporter struct {
	out     *bufio.Writer
	open    map[string]*pkg // packages that have not ended
	order   []string        // of their first event
	summary []string        // go test's last line of each package
	tally   Tally
}

func (r *reporter) line(line []byte) {
	if len(bytes.TrimSpace(line)) == 0 {
		return
	}
	var e event
	if err := json.Unmarshal(line, &e); err != nil || e.Action == "" {
		r.out.Write(line)
		return
	}
	if e.Action == "build-output" {
		r.out.WriteString(e.Output)
		return
	}
	if e.Package == "" {
		return
	}
	p, ok := r.open[e.Package]
	if !ok {
		p = &pkg{name: e.Package, tests: make(map[string]*strings.Builder)}
		r.open[e.Package] = p
		r.order = append(r.order, e.Package)
	}
	if p.event(&e, &r.tally) {
		r.close(p)
	}
}

// close prints what there is to say of a package that has ended.
func (r *reporter) close(p *pkg) {
	delete(r.open, p.name)
	if p.shown.Len() > 0 {
		fmt.Fprintf(r.out, "# %s\n%s", p.name, p.shown.String())
	}
	r.summary = append(r.summary, p.summary)
}

// end closes packages whose end never came, as failed, and prints the summary.
func (r *reporter) end() {
	for _, name := range r.order {
		if p, ok := r.open[name]; ok {
			p.event(&event{Action: "fail", Package: name}, &r.tally)
			r.close(p)
		}
	}
	for _, line := range r.summary {
		fmt.Fprintln(r.out, line)
	}
	fmt.Fprintln(r.out, r.tally)
}
