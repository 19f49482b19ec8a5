package mixed

import "testing"

func TestPasses(t *testing.T) { t.Log("passing output") }

func TestSkips(t *testing.T) { t.Skip("no database here") }

func TestFails(t *testing.T) {
	t.Run("good", func(t *testing.T) { t.Log("good output") })
	t.Run("bad", func(t *testing.T) { t.Error("one is not two") })
}
