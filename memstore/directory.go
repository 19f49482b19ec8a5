package memstore

import (
	"slices"

	"github.com/parley-go/parley/store"
)

// indexedFrom is the size from which a directory is searched by a map. Below
// it, comparing a few names is quicker than hashing one.
const indexedFrom = 12

// directory is a list of people, each once, in the order they came. The list
// is shared with readers and so replaced, never changed.
type directory struct {
	list []store.Participant
	at   map[string]int // positions in list; nil while it is short
}

func (d *directory) find(user string) int {
	if d.at != nil {
		if i, ok := d.at[user]; ok {
			return i
		}
		return -1
	}
	for i := range d.list {
		if d.list[i].UserID == user {
			return i
		}
	}
	return -1
}

func (d *directory) member(user string) bool {
	i := d.find(user)
	return i >= 0 && d.list[i].Member
}

// merge adds or completes people. It returns those who became members, and
// whether anything changed.
func (d *directory) merge(people []store.Participant) (joined []string, changed bool) {
	for i := range people {
		p := &people[i]
		at := d.find(p.UserID)
		if at < 0 {
			d.replace(&changed)
			d.list = append(d.list, *p)
			d.note(len(d.list) - 1)
			if p.Member {
				joined = append(joined, p.UserID)
			}
			continue
		}
		old := d.list[at]
		now := merged(old, *p)
		if now == old {
			continue
		}
		d.replace(&changed)
		d.list[at] = now
		if now.Member && !old.Member {
			joined = append(joined, p.UserID)
		}
	}
	return joined, changed
}

func merged(old, add store.Participant) store.Participant {
	old.Member = old.Member || add.Member
	old.Author = old.Author || add.Author
	if add.Name != "" {
		old.Name = add.Name
	}
	if add.AvatarURL != "" {
		old.AvatarURL = add.AvatarURL
	}
	return old
}

// replace gives the directory a list of its own before its first change.
func (d *directory) replace(changed *bool) {
	if !*changed {
		d.list = slices.Clip(slices.Clone(d.list))
		*changed = true
	}
}

// note enters position i into the index, which begins when the list gets long.
func (d *directory) note(i int) {
	if d.at != nil {
		d.at[d.list[i].UserID] = i
		return
	}
	if len(d.list) >= indexedFrom {
		d.reindex()
	}
}

func (d *directory) reindex() {
	d.at = nil
	if len(d.list) < indexedFrom {
		return
	}
	d.at = make(map[string]int, len(d.list))
	for i := range d.list {
		d.at[d.list[i].UserID] = i
	}
}

// remove erases a person and reports whether they were there.
func (d *directory) remove(user string) bool {
	i := d.find(user)
	if i < 0 {
		return false
	}
	d.list = slices.Delete(slices.Clone(d.list), i, i+1)
	d.reindex()
	return true
}

// mergePeople merges people into the directory and lets new members find the
// conversation. It reports whether anything changed.
func (c *conversation) mergePeople(people []store.Participant) bool {
	joined, changed := c.people.merge(people)
	for _, user := range joined {
		rosterOf(c.shard.users, userKey{c.row.Tenant, user}).add(c)
	}
	return changed
}
