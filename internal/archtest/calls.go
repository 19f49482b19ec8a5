package archtest

import (
	"go/ast"
	"go/token"
	"slices"
	"strconv"
	"strings"
)

// selected returns "pkg.Name" if e selects Name from an imported package.
func (s *Source) selected(e ast.Expr) string {
	sel, ok := e.(*ast.SelectorExpr)
	if !ok {
		return ""
	}
	x, ok := sel.X.(*ast.Ident)
	if !ok {
		return ""
	}
	for _, imp := range s.File.Imports {
		path, err := strconv.Unquote(imp.Path.Value)
		if err != nil {
			continue
		}
		name := path[strings.LastIndexByte(path, '/')+1:]
		if imp.Name != nil {
			name = imp.Name.Name
		}
		if name == x.Name {
			return path + "." + sel.Sel.Name
		}
	}
	return ""
}

// ErrorText checks that production code makes no decision by the text of an
// error: it is neither compared nor searched.
func ErrorText(s *Source) []Finding {
	if !s.Go() || s.Test() {
		return nil
	}
	var out []Finding
	find := func(e ast.Expr) {
		if isErrorText(e) {
			out = append(out, s.find(e.Pos(), "decides by the text of an error; use errors.Is or errors.As"))
		}
	}
	ast.Inspect(s.File, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.BinaryExpr:
			if n.Op == token.EQL || n.Op == token.NEQ {
				find(n.X)
				find(n.Y)
			}
		case *ast.SwitchStmt:
			find(n.Tag)
		case *ast.CallExpr:
			if !s.searches(n.Fun) {
				return true
			}
			for _, arg := range n.Args {
				find(arg)
			}
		}
		return true
	})
	return out
}

// isErrorText reports whether e is x.Error(), perhaps made small or trimmed.
func isErrorText(e ast.Expr) bool {
	call, ok := e.(*ast.CallExpr)
	if !ok {
		return false
	}
	sel, ok := call.Fun.(*ast.SelectorExpr)
	if ok && sel.Sel.Name == "Error" && len(call.Args) == 0 {
		return true
	}
	return slices.ContainsFunc(call.Args, isErrorText)
}

// searches reports whether the function looks into a string.
func (s *Source) searches(fun ast.Expr) bool {
	name := s.selected(fun)
	for _, prefix := range []string{
		"strings.Contains", "strings.Has", "strings.Index", "strings.LastIndex", "strings.EqualFold", "strings.Cut", "strings.Count",
		"strings.Split", "regexp.Match", "slices.Contains", "slices.Index",
	} {
		if strings.HasPrefix(name, prefix) {
			return true
		}
	}
	sel, ok := fun.(*ast.SelectorExpr)
	return ok && strings.HasPrefix(sel.Sel.Name, "MatchString")
}

// Sleep checks that nothing waits by sleeping: production code waits with its
// context, a test for what it waits for. Inside synctest.Test a sleep takes no
// time and moves the bubble's clock, which is another thing; and the store that
// is wrong on purpose sleeps to keep its gaps open.
func Sleep(s *Source) []Finding {
	if !s.Go() || s.In("store/storetest/internal/reference") {
		return nil
	}
	var out []Finding
	ast.Inspect(s.File, func(n ast.Node) bool {
		call, ok := n.(*ast.CallExpr)
		if !ok {
			return true
		}
		switch s.selected(call.Fun) {
		case "testing/synctest.Test":
			return false
		case "time.Sleep":
			out = append(out, s.find(call.Pos(), "sleeps; wait for an event, a deadline or a context"))
		}
		return true
	})
	return out
}

// TimeAndIDs checks that the stores take the time from their clock and ids from
// the engine. (pgstore's clock is the database's; its own time serves only for
// waiting.)
func TimeAndIDs(s *Source) []Finding {
	if !s.Go() || s.Test() {
		return nil
	}
	var out []Finding
	ast.Inspect(s.File, func(n ast.Node) bool {
		call, ok := n.(*ast.CallExpr)
		if !ok {
			return true
		}
		switch name := s.selected(call.Fun); {
		case s.In("store", "memstore") && (name == "time.Now" || name == "time.Since" || name == "time.Until"):
			out = append(out, s.find(call.Pos(), "reads the time; the clock is a field"))
		case s.In("store", "memstore", "pgstore") && strings.HasPrefix(name, "github.com/google/uuid.New"):
			out = append(out, s.find(call.Pos(), "makes an id; ids come from the engine"))
		}
		return true
	})
	return out
}

// Globals checks that nothing happens on import and that nobody logs behind the
// host's back: no init function and no global logger outside programs.
func Globals(s *Source) []Finding {
	if !s.Go() || s.Test() || s.File.Name.Name == "main" {
		return nil
	}
	var out []Finding
	for _, d := range s.File.Decls {
		if f, ok := d.(*ast.FuncDecl); ok && f.Recv == nil && f.Name.Name == "init" {
			out = append(out, s.find(f.Pos(), "does something on import"))
		}
	}
	ast.Inspect(s.File, func(n ast.Node) bool {
		sel, ok := n.(*ast.SelectorExpr)
		if !ok {
			return true
		}
		pkg, name, _ := strings.Cut(s.selected(sel), ".")
		switch {
		case pkg == "log":
			out = append(out, s.find(sel.Pos(), "uses the global logger; take a *slog.Logger"))
		case pkg == "log/slog" && slices.Contains(globalSlog, name):
			out = append(out, s.find(sel.Pos(), "uses slog's default logger; take a *slog.Logger"))
		case pkg == "fmt" && strings.HasPrefix(name, "Print"), pkg == "os" && (name == "Stdout" || name == "Stderr" || name == "Exit"):
			out = append(out, s.find(sel.Pos(), "speaks to or ends the host's process"))
		}
		return true
	})
	return out
}

var globalSlog = []string{
	"Default", "SetDefault", "Debug", "DebugContext", "Info", "InfoContext", "Warn", "WarnContext", "Error", "ErrorContext", "Log",
	"LogAttrs", "With",
}
