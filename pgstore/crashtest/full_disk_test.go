//go:build linux

package crashtest_test

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/stretchr/testify/require"

	"github.com/parley-go/parley/internal/pgtest"
	"github.com/parley-go/parley/store"
)

// diskVariable makes the test binary fill a disk of its own, which it mounts at
// this directory.
const diskVariable = "PARLEY_CRASHTEST_DISK"

// diskSize is enough for an empty server and some megabytes of messages.
const diskSize = "size=160m"

// The disk of the server is full: writes are refused with an error that says
// so, nothing that was acknowledged is lost, and with room there is all is well.
//
// The disk is a tmpfs in a mount namespace of a process of its own. So it goes
// with that process, however it ends. Root may do that; who is not root gets a
// user namespace for it.
func TestCrash_FullDisk(t *testing.T) {
	if dir := os.Getenv(diskVariable); dir != "" {
		fillDisk(t, dir)
		return
	}
	attr := &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNS}
	if os.Geteuid() != 0 {
		const mayMount = 21 // CAP_SYS_ADMIN
		attr.Cloneflags |= syscall.CLONE_NEWUSER
		attr.UidMappings = []syscall.SysProcIDMap{{ContainerID: os.Getuid(), HostID: os.Getuid(), Size: 1}}
		attr.GidMappings = []syscall.SysProcIDMap{{ContainerID: os.Getgid(), HostID: os.Getgid(), Size: 1}}
		attr.AmbientCaps = []uintptr{mayMount}
	}
	self, err := os.Executable()
	require.NoError(t, err)
	dir := place(t)
	p := spawn(t, "full disk", attr, []string{diskVariable + "=" + dir, "TMPDIR=" + dir}, self,
		"-test.run=^TestCrash_FullDisk$", "-test.v", "-test.timeout="+(2*patience).String())
	said, err := io.ReadAll(p)
	require.NoError(t, err)
	t.Logf("%s", said)
	require.Contains(t, string(said), "--- PASS: TestCrash_FullDisk")
}

func fillDisk(t *testing.T, dir string) {
	t.Helper()
	require.NoError(t, syscall.Mount("", "/", "", syscall.MS_PRIVATE|syscall.MS_REC, ""), "keep what is mounted here to this process")
	require.NoError(t, syscall.Mount("tmpfs", dir, "tmpfs", 0, diskSize+",mode=1777"),
		"mount a small disk: run this test as root, or allow user namespaces")
	s := bare(t, pgtest.New(t))
	scope := store.Scope{Tenant: alice.Tenant, User: alice.User}
	id := newID(t)
	_, err := s.CreateConversation(t.Context(), &store.NewConversation{Conversation: store.Conversation{
		Tenant: scope.Tenant, ID: id, Owner: scope.User, Mode: "standard", Channel: "web", Surface: "web",
	}})
	require.NoError(t, err)

	var kept []uuid.UUID
	appendOne := func() error {
		m := store.Message{ID: newID(t), Role: "user", Parts: incompressible(t, 50<<10)}
		_, err := s.Append(t.Context(), &store.Append{Scope: scope, ConversationID: id, Tail: store.Tail{Messages: []store.Message{m}}})
		if err == nil {
			kept = append(kept, m.ID)
		}
		return err
	}
	for range 20 {
		require.NoError(t, appendOne())
	}
	ballast := fill(t, dir)

	refused := 0
	for tries := 0; refused < 10; tries++ {
		require.Less(t, tries, 10000, "the disk does not get full")
		err := appendOne()
		if err == nil {
			continue
		}
		require.ErrorIs(t, err, store.ErrUnavailable)
		require.NotErrorIs(t, err, store.ErrOutcomeUnknown, "a refusal is an answer")
		var state *pgconn.PgError
		require.ErrorAs(t, err, &state)
		require.Equal(t, "53100", state.Code, "the error says that the disk is full")
		refused++
	}
	t.Logf("%d appends fitted, then %d were refused", len(kept), refused)
	require.Equal(t, kept, stored(t, s, scope, id))
	_, err = s.StartRun(t.Context(), &store.StartRun{
		Scope: scope, ConversationID: id, ID: newID(t), Spec: incompressible(t, 100<<10), Timeout: patience, Busy: store.BusyReject,
	})
	require.ErrorIs(t, err, store.ErrUnavailable)
	c, err := s.GetConversation(t.Context(), scope, id)
	require.NoError(t, err, "what is there can be read")
	require.EqualValues(t, len(kept), c.Version)
	require.Zero(t, c.Active, "a start that was refused left nothing")

	require.NoError(t, os.Remove(ballast))
	for range 20 {
		require.NoError(t, appendOne(), "there is room again")
	}
	require.Equal(t, kept, stored(t, s, scope, id))
	require.NoError(t, s.Check(t.Context()))
}

// fill leaves little of the disk, and returns the file that takes it.
func fill(t *testing.T, dir string) string {
	t.Helper()
	f, err := os.Create(filepath.Join(dir, "ballast"))
	require.NoError(t, err)
	defer f.Close()
	for {
		_, err := f.Write(make([]byte, 64<<10))
		if errors.Is(err, syscall.ENOSPC) {
			break
		}
		require.NoError(t, err)
	}
	info, err := f.Stat()
	require.NoError(t, err)
	// Less than what the log of writes has room for in its present file, so that
	// it is a table that finds none.
	require.NoError(t, f.Truncate(info.Size()-2<<20))
	return f.Name()
}

// stored returns the ids of a log.
func stored(t *testing.T, s store.Store, scope store.Scope, id uuid.UUID) []uuid.UUID {
	t.Helper()
	page, err := s.Messages(t.Context(), scope, id, &store.MessageQuery{Limit: 1 << 20})
	require.NoError(t, err)
	require.Len(t, page.Messages, int(page.Version))
	ids := make([]uuid.UUID, len(page.Messages))
	for i := range ids {
		ids[i] = page.Messages[i].ID
	}
	return ids
}
