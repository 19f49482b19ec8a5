package archtest

import (
	"bufio"
	"bytes"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Source is one file of the repository, named by its path from the top.
type Source struct {
	Name string
	Text []byte

	// Of Go files.
	Fset *token.FileSet
	File *ast.File
}

// Go reports whether it is a Go file.
func (s *Source) Go() bool { return s.File != nil }

// Generated reports whether a program wrote it.
func (s *Source) Generated() bool { return s.Go() && ast.IsGenerated(s.File) }

// Test reports whether it serves tests: a test file, or one of a package in ForTests.
func (s *Source) Test() bool {
	return strings.HasSuffix(s.Name, "_test.go") || covers(ForTests, filepath.ToSlash(filepath.Dir(s.Name)))
}

// In reports whether the file is in or below one of the folders.
func (s *Source) In(folders ...string) bool {
	return slices.ContainsFunc(folders, func(f string) bool { return strings.HasPrefix(s.Name, f+"/") })
}

// find returns a finding at a place in the file.
func (s *Source) find(pos token.Pos, what string) Finding {
	return Finding{fmt.Sprintf("%s:%d", s.Name, s.Fset.Position(pos).Line), what}
}

// Parse reads a file given as text.
func Parse(name, text string) (*Source, error) {
	s := &Source{Name: name, Text: []byte(text)}
	if !strings.HasSuffix(name, ".go") {
		return s, nil
	}
	s.Fset = token.NewFileSet()
	var err error
	s.File, err = parser.ParseFile(s.Fset, name, text, parser.ParseComments)
	return s, err
}

// Sources reads the text files below dir, but for what git does not keep and
// what tests feed on.
func Sources(dir string) ([]*Source, error) {
	var out []*Source
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			if slices.Contains([]string{".git", ".cache", "bin", "testdata"}, d.Name()) {
				return filepath.SkipDir
			}
			return nil
		}
		if !d.Type().IsRegular() || d.Name() == "go.sum" {
			return nil
		}
		text, err := os.ReadFile(path)
		if err != nil || bytes.IndexByte(text, 0) >= 0 {
			return err
		}
		name, err := filepath.Rel(dir, path)
		if err != nil {
			return err
		}
		s, err := Parse(filepath.ToSlash(name), string(text))
		if err != nil {
			return err
		}
		out = append(out, s)
		return nil
	})
	return out, err
}

// maxLines is where a file is more than a reader takes in; most are far below.
const maxLines = 600

// Length checks that no file written by hand is too long.
func Length(s *Source) []Finding {
	if !s.Go() || s.Generated() {
		return nil
	}
	lines := 0
	for sc := bufio.NewScanner(bytes.NewReader(s.Text)); sc.Scan(); {
		lines++
	}
	if lines <= maxLines {
		return nil
	}
	return []Finding{{s.Name, fmt.Sprintf("has %d lines, more than %d", lines, maxLines)}}
}
