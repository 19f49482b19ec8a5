package dies

import (
	"os"
	"testing"
)

func TestExits(t *testing.T) {
	t.Log("before the end")
	os.Exit(3)
}
