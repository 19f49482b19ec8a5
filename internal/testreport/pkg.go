package testreport

import (
	"slices"
	"strings"
)

// pkg is one package while its tests run.
type pkg struct {
	name    string
	tests   map[string]*strings.Builder // output of tests that have not ended
	own     strings.Builder             // output that belongs to no test
	shown   strings.Builder             // what will be printed
	bad     int                         // failed tests
	summary string
}

// event takes in one event and reports whether it ended the package.
func (p *pkg) event(e *event, tally *Tally) bool {
	if e.Test == "" {
		return p.packageEvent(e, tally)
	}
	switch e.Action {
	case "run":
		p.test(e.Test)
	case "output":
		if !isProgress(e.Output) {
			p.test(e.Test).WriteString(e.Output)
		}
	case "pass":
		tally.Passed++
		delete(p.tests, e.Test)
	case "fail":
		tally.Failed++
		p.bad++
		p.show(e.Test)
	case "skip":
		tally.Skipped++
		p.show(e.Test)
	}
	return false
}

func (p *pkg) packageEvent(e *event, tally *Tally) bool {
	switch e.Action {
	case "output":
		if isSummary(e.Output) {
			p.summary = strings.TrimRight(e.Output, "\n")
		} else {
			p.own.WriteString(e.Output)
		}
		return false
	case "pass", "skip": // a package is skipped when it has no test files
		if p.summary == "" {
			p.summary = "ok  \t" + p.name
		}
		return true
	case "fail":
		// A panic or a timeout ends the process without a word on the tests
		// that were running.
		running := make([]string, 0, len(p.tests))
		for name := range p.tests {
			running = append(running, name)
		}
		slices.Sort(running)
		for _, name := range running {
			tally.Failed++
			p.bad++
			p.shown.WriteString("--- UNFINISHED: " + name + "\n")
			p.show(name)
		}
		if p.bad == 0 {
			tally.Failed++
		}
		p.shown.WriteString(p.own.String())
		if p.summary == "" {
			p.summary = "FAIL\t" + p.name
		}
		return true
	}
	return false
}

func (p *pkg) test(name string) *strings.Builder {
	b, ok := p.tests[name]
	if !ok {
		b = &strings.Builder{}
		p.tests[name] = b
	}
	return b
}

// show moves a test's output to what will be printed.
func (p *pkg) show(name string) {
	if b, ok := p.tests[name]; ok {
		p.shown.WriteString(b.String())
		delete(p.tests, name)
	}
}

// isProgress reports whether the line says only that a test began, paused or went on.
func isProgress(line string) bool {
	line = strings.TrimLeft(line, " ")
	for _, prefix := range []string{"=== RUN ", "=== PAUSE ", "=== CONT ", "=== NAME "} {
		if strings.HasPrefix(line, prefix) {
			return true
		}
	}
	return false
}

// isSummary reports whether the line is go test's verdict on a package. Its
// columns are parted by tabs, which sets it apart from a test's own output.
func isSummary(line string) bool {
	return strings.HasPrefix(line, "ok  \t") || strings.HasPrefix(line, "FAIL\t") || strings.HasPrefix(line, "?   \t")
}
