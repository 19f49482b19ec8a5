package conversation_test

import (
	"context"
	"runtime"

	"github.com/parley-go/parley/conversation"
)

// exits ends its goroutine, as a failed assertion of a test does.
func exits(context.Context, *conversation.Turn) error {
	runtime.Goexit()
	return nil
}
