//go:build unix

package crashtest_test

import (
	"os"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/parley-go/parley/conversation"
)

// TestMain runs the tests, or plays one of the processes that they start.
func TestMain(m *testing.M) {
	if os.Getenv(workerVariable) != "" {
		os.Exit(work())
	}
	goleak.VerifyTestMain(m)
}

// patience bounds every wait; a test that passes is far from it.
const patience = time.Minute

// poll is how often a condition is looked at that nothing announces.
const poll = 10 * time.Millisecond

// alice is the caller of all turns.
var alice = conversation.Caller{Tenant: "acme", User: "alice", Permissions: conversation.PermReadWrite}
