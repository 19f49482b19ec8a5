package pgstore_test

import (
	"testing"

	"go.uber.org/goleak"
)

// TestMain requires that nothing goes on when the tests have ended: the store
// starts no goroutine, and a listener ends with its context.
func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }
