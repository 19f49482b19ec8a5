package archtest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"strings"
)

// Module is the path of the module that is checked.
const Module = "github.com/parley-go/parley"

// Package is what `go list` says of one package without its tests.
type Package struct {
	ImportPath string
	Name       string
	Standard   bool
	Module     *struct{ Path string }
	Imports    []string // direct
	Deps       []string // all
}

// List runs `go list -deps` on every package of the module at dir and returns
// those and all that they link, by import path.
func List(ctx context.Context, dir string) (map[string]*Package, error) {
	cmd := exec.CommandContext(ctx, "go", "list", "-buildvcs=false", "-deps",
		"-json=ImportPath,Name,Standard,Module,Imports,Deps", "./...")
	cmd.Dir = dir
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("go list: %w: %s", err, stderr.String())
	}
	all := make(map[string]*Package)
	for dec := json.NewDecoder(bytes.NewReader(out)); ; {
		p := &Package{}
		if err := dec.Decode(p); errors.Is(err, io.EOF) {
			return all, nil
		} else if err != nil {
			return nil, fmt.Errorf("go list: %w", err)
		}
		all[p.ImportPath] = p
	}
}

// local returns the package's path inside the module, and whether it is in it.
func local(importPath string) (string, bool) {
	if importPath == Module {
		return ".", true
	}
	return strings.CutPrefix(importPath, Module+"/")
}
