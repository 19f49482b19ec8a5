package storetest

import (
	"context"
	"time"
)

// pause lets a poll rest between two looks.
func pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}
