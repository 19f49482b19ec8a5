package pgstore

import "github.com/parley-go/parley/store"

// peopleArgs are the arguments of sqlPeople: a directory as columns. A statement
// may name a row only once, so doubles are merged before.
func peopleArgs(people []store.Participant) []any {
	people = merged(people)
	n := len(people)
	users, names, pictures := make([]string, n), make([]string, n), make([]string, n)
	member, author := make([]bool, n), make([]bool, n)
	for i, p := range people {
		users[i], names[i], pictures[i], member[i], author[i] = p.UserID, p.Name, p.AvatarURL, p.Member, p.Author
	}
	return []any{users, names, pictures, member, author}
}

// merged returns the people with each of them once, in the order they came.
func merged(people []store.Participant) []store.Participant {
	at := make(map[string]int, len(people))
	out := make([]store.Participant, 0, len(people))
	for _, p := range people {
		i, known := at[p.UserID]
		if !known {
			at[p.UserID] = len(out)
			out = append(out, p)
			continue
		}
		q := &out[i]
		q.Member, q.Author = q.Member || p.Member, q.Author || p.Author
		if p.Name != "" {
			q.Name = p.Name
		}
		if p.AvatarURL != "" {
			q.AvatarURL = p.AvatarURL
		}
	}
	return out
}

// sqlMerge merges the people it is put behind an insert of into a directory:
// flags are or-ed, names and pictures that are not empty replace. Who brings
// nothing new is not written. The primary key of participant serves it.
const sqlMerge = `on conflict (tenant, conversation_id, user_id) do update set
		name = case when excluded.name = '' then participant.name else excluded.name end,
		avatar_url = case when excluded.avatar_url = '' then participant.avatar_url else excluded.avatar_url end,
		member = participant.member or excluded.member,
		author = participant.author or excluded.author
	where excluded.name not in ('', participant.name) or excluded.avatar_url not in ('', participant.avatar_url)
		or excluded.member and not participant.member or excluded.author and not participant.author`
