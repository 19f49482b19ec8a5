package eliza

// maxMemory bounds what is remembered; the oldest goes first. Nobody waits in a
// short talk for the seventeenth thing to be come back to.
const maxMemory = 16

// rest is how many turns pass before a statement is come back to: at once it
// would be an echo, not a memory.
const rest = 3

// memory holds statements of the user, oldest first.
type memory []remembered

type remembered struct {
	statement string // with the persons turned round: "your sister never calls"
	turn      int
}

func (m *memory) put(statement string, turn int) {
	for _, old := range *m {
		if old.statement == statement {
			return
		}
	}
	*m = append(*m, remembered{statement, turn})
	if len(*m) > maxMemory {
		*m = (*m)[1:]
	}
}

// ripe reports whether the oldest statement is old enough to come back to.
func (m memory) ripe(turn int) bool {
	return len(m) > 0 && turn-m[0].turn >= rest
}

// take removes the oldest statement. The memory must not be empty.
func (m *memory) take() string {
	oldest := (*m)[0].statement
	*m = (*m)[1:]
	return oldest
}
