package archtest_test

import (
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/parley-go/parley/internal/archtest"
)

// top is the repository, seen from this folder.
const top = "../.."

var sources = sync.OnceValues(func() ([]*archtest.Source, error) { return archtest.Sources(top) })

func list(t *testing.T) map[string]*archtest.Package {
	t.Helper()
	all, err := archtest.List(t.Context(), top)
	require.NoError(t, err)
	for _, name := range []string{"store", "memstore", "conversation"} {
		require.Contains(t, all, archtest.Module+"/"+name)
	}
	return all
}

// clean asserts that a check finds nothing in the repository's files.
func clean(t *testing.T, check func(*archtest.Source) []archtest.Finding) {
	t.Helper()
	all, err := sources()
	require.NoError(t, err)
	require.Greater(t, len(all), 50)
	var found []archtest.Finding
	for _, s := range all {
		found = append(found, check(s)...)
	}
	none(t, found)
}

func none(t *testing.T, found []archtest.Finding) {
	t.Helper()
	for _, f := range found {
		t.Error(f)
	}
}

func TestImportsRunOneWay(t *testing.T) {
	t.Parallel()
	none(t, archtest.Imports(list(t)))
}

func TestPackagesAreNamedForWhatTheyHold(t *testing.T) {
	t.Parallel()
	none(t, archtest.Names(list(t)))
}

func TestFilesAreShort(t *testing.T) {
	t.Parallel()
	clean(t, archtest.Length)
}

func TestNoDecisionByErrorText(t *testing.T) {
	t.Parallel()
	clean(t, archtest.ErrorText)
}

func TestNobodySleeps(t *testing.T) {
	t.Parallel()
	clean(t, archtest.Sleep)
}

func TestTimeAndIDsAreGivenToStores(t *testing.T) {
	t.Parallel()
	clean(t, archtest.TimeAndIDs)
}

func TestNothingGlobal(t *testing.T) {
	t.Parallel()
	clean(t, archtest.Globals)
}

func TestNoBannedText(t *testing.T) {
	t.Parallel()
	clean(t, archtest.Text)
}
