package conversation_test

import (
	"testing"

	"go.uber.org/goleak"
)

// TestMain fails the package when any test left a goroutine behind (rule R9).
func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }
