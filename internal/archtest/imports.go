package archtest

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Layer is a folder of the module and what the packages in and below it may use.
// A name stands for that package only, a name with /... for it and those below.
type Layer struct {
	Imports []string // packages of this module that it may import itself
	Links   []string // packages of this module that it may link, all in all
	Modules []string // other modules that it may link
}

const (
	uuid       = "github.com/google/uuid"
	jsonSchema = "github.com/google/jsonschema-go"
)

// pgx is what the PostgreSQL driver needs.
var pgx = []string{
	"github.com/jackc/pgx/v5", "github.com/jackc/pgpassfile", "github.com/jackc/pgservicefile", "github.com/jackc/puddle/v2",
	"golang.org/x/sync", "golang.org/x/text",
}

// Layers says which way imports run:
//
//	examples -> httpadapter -> conversation -> store <- memstore, pgstore
var Layers = map[string]Layer{
	"store": {
		Modules: []string{uuid},
	},
	"memstore": {
		Imports: []string{"store", "memstore/..."},
		Links:   []string{"store", "memstore/..."},
		Modules: []string{uuid},
	},
	"pgstore": {
		Imports: []string{"store", "pgstore/..."},
		Links:   []string{"store", "pgstore/..."},
		Modules: append([]string{uuid}, pgx...),
	},
	"conversation": {
		Imports: []string{"store", "conversation/..."},
		Links:   []string{"store", "conversation/..."},
		Modules: []string{uuid, jsonSchema},
	},
	"httpadapter": {
		Imports: []string{"conversation/...", "httpadapter/..."},
		Links:   []string{"store", "conversation/...", "httpadapter/..."},
		Modules: []string{uuid, jsonSchema},
	},
	"examples": {
		Imports: []string{"memstore", "pgstore", "conversation/...", "httpadapter/...", "examples/..."},
		Links:   []string{"store", "memstore/...", "pgstore/...", "conversation/...", "httpadapter/...", "examples/..."},
		Modules: append([]string{uuid, jsonSchema}, pgx...),
	},
}

// ForTests are the packages that exist for tests and may link what tests use.
var ForTests = []string{"store/storetest/...", "store/storemock", "internal/..."}

// Imports checks Layers on the packages that List returned. A package that is in
// no layer and not in ForTests is a finding too: whoever adds one says what it
// may use.
func Imports(all map[string]*Package) []Finding {
	var out []Finding
	for _, importPath := range slices.Sorted(maps.Keys(all)) {
		name, ok := local(importPath)
		if !ok || covers(ForTests, name) {
			continue
		}
		top, _, _ := strings.Cut(name, "/")
		layer, ok := Layers[top]
		if !ok {
			out = append(out, Finding{importPath, "belongs to no layer; name it in archtest.Layers"})
			continue
		}
		out = append(out, layer.check(all, all[importPath])...)
	}
	return out
}

func (l Layer) check(all map[string]*Package, p *Package) []Finding {
	var out []Finding
	find := func(format string, args ...any) {
		out = append(out, Finding{p.ImportPath, fmt.Sprintf(format, args...)})
	}
	for _, imp := range p.Imports {
		if name, ok := local(imp); ok && !covers(l.Imports, name) {
			find("imports %s, against the direction of imports", imp)
		}
	}
	for _, dep := range p.Deps {
		name, own := local(dep)
		d := all[dep]
		switch {
		case own && !covers(l.Links, name):
			find("links %s", dep)
		case dep == "testing" || strings.HasPrefix(dep, "testing/"):
			find("links %s, which is for tests", dep)
		case !own && d != nil && !d.Standard && (d.Module == nil || !slices.Contains(l.Modules, d.Module.Path)):
			find("links %s of another module", dep)
		}
	}
	return out
}

// covers reports whether one of the names stands for the package.
func covers(names []string, pkg string) bool {
	return slices.ContainsFunc(names, func(name string) bool {
		if below, ok := strings.CutSuffix(name, "/..."); ok {
			return pkg == below || strings.HasPrefix(pkg, below+"/")
		}
		return pkg == name
	})
}

// vague are names that say nothing of what is in a package.
var vague = []string{"util", "utils", "common", "types", "models", "manager", "helpers", "misc", "base", "shared"}

// Names checks that the module's packages are named for what they hold.
func Names(all map[string]*Package) []Finding {
	var out []Finding
	for _, importPath := range slices.Sorted(maps.Keys(all)) {
		if _, ok := local(importPath); ok && slices.Contains(vague, all[importPath].Name) {
			out = append(out, Finding{importPath, "has a name that says nothing"})
		}
	}
	return out
}
