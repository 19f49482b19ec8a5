package storetest_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"strconv"
	"testing"

	"github.com/parley-go/parley/store"
	"github.com/parley-go/parley/store/storetest"
	"github.com/parley-go/parley/store/storetest/internal/reference"
	"github.com/stretchr/testify/require"
)

// tries is how often a check may overlook a mutant that errs only in a race.
const tries = 40

// Every mutant is rejected by each of the checks named for it.
func TestMutants_AreRejected(t *testing.T) {
	t.Parallel()
	for _, m := range mutants {
		t.Run(string(m.mutation), func(t *testing.T) {
			t.Parallel()
			require.NotEmpty(t, m.rejectedBy)
			for _, rule := range m.rejectedBy {
				require.NotEmpty(t, rejections(m.mutation, rule), "%s accepts the mutant %s", rule, m.mutation)
			}
		})
	}
}

func rejections(m reference.Mutation, rule string) (failed map[string]string) {
	for range tries {
		failed = storetest.Failures(func() (a, b store.Store) {
			s := reference.New(m)
			return s, s
		}, rule)
		if len(failed) > 0 {
			break
		}
	}
	return failed
}

// The checks that reject mutants accept the store without a mutation, in the
// very same way of performing them.
func TestMutants_ControlIsAccepted(t *testing.T) {
	t.Parallel()
	require.Empty(t, storetest.Failures(func() (a, b store.Store) {
		s := reference.New("")
		return s, s
	}))
}

// No check is there that cannot fail, but those that guard the suite's tables.
func TestMutants_NameEveryCheck(t *testing.T) {
	t.Parallel()
	named := map[string]bool{"Scope/A2_EveryMethodHasAnEntry": true, "Context/EveryMethodHasAnEntry": true}
	for _, m := range mutants {
		for _, rule := range m.rejectedBy {
			named[rule] = true
		}
	}
	for _, rule := range storetest.RuleNames() {
		require.True(t, named[rule], "no mutant is rejected by %s", rule)
		delete(named, rule)
	}
	require.Empty(t, named, "there are no such checks")
}

// No mutation is there without a check that rejects it.
func TestMutants_AreListed(t *testing.T) {
	t.Parallel()
	file, err := parser.ParseFile(token.NewFileSet(), "internal/reference/mutation.go", nil, 0)
	require.NoError(t, err)
	declared := map[reference.Mutation]bool{}
	ast.Inspect(file, func(n ast.Node) bool {
		if spec, ok := n.(*ast.ValueSpec); ok {
			name, err := strconv.Unquote(spec.Values[0].(*ast.BasicLit).Value)
			require.NoError(t, err)
			declared[reference.Mutation(name)] = true
		}
		return true
	})
	require.NotEmpty(t, declared)
	for _, m := range mutants {
		require.True(t, declared[m.mutation], "%s is listed twice or not declared", m.mutation)
		delete(declared, m.mutation)
	}
	require.Empty(t, declared)
}
