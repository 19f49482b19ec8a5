package memstore

// chunkRows is the number of rows in a full chunk, fanOut the number of
// children of a full inner node: what an append allocates is bounded by them.
const (
	chunkRows = 64
	fanOut    = 64
	firstRows = 4 // rows the first chunk of a series has room for
)

// series is a sequence that only grows at its end. Full chunks hang in a tree
// of bounded nodes, the newest chunk is at hand. No allocation depends on its
// length, and a written row never moves or changes while somebody may read it.
type series[T any] struct {
	n     int
	tail  []T // the newest rows; full or not, not in the tree
	root  *node[T]
	depth int // levels of inner nodes under root; 0 when root is a leaf
}

// node is an inner node (kids) or a leaf (rows).
type node[T any] struct {
	kids []*node[T]
	rows []T
}

func (s *series[T]) push(v T) {
	if len(s.tail) == chunkRows {
		s.hang(s.tail)
		s.tail = make([]T, 0, chunkRows)
	}
	if len(s.tail) == cap(s.tail) {
		grown := make([]T, len(s.tail), min(chunkRows, max(firstRows, 2*len(s.tail))))
		copy(grown, s.tail)
		s.tail = grown
	}
	s.tail = append(s.tail, v)
	s.n++
}

// hang puts a full chunk behind the last leaf.
func (s *series[T]) hang(rows []T) {
	leaf := &node[T]{rows: rows}
	if s.root == nil {
		s.root = leaf
		return
	}
	if s.root.add(leaf, s.depth) {
		return
	}
	s.root = &node[T]{kids: []*node[T]{s.root, branch(leaf, s.depth)}}
	s.depth++
}

// add reports whether there was room below this node, depth levels above the leaves.
func (d *node[T]) add(leaf *node[T], depth int) bool {
	if depth == 0 {
		return false
	}
	if d.kids[len(d.kids)-1].add(leaf, depth-1) {
		return true
	}
	if len(d.kids) == fanOut {
		return false
	}
	d.kids = append(d.kids, branch(leaf, depth-1))
	return true
}

// branch puts depth inner nodes on top of a leaf.
func branch[T any](leaf *node[T], depth int) *node[T] {
	for range depth {
		leaf = &node[T]{kids: []*node[T]{leaf}}
	}
	return leaf
}

// chunk returns the chunk that row i lies in and the index of its first row.
func (s *series[T]) chunk(i int) (rows []T, first int) {
	if start := s.n - len(s.tail); i >= start {
		return s.tail, start
	}
	leaf := i / chunkRows
	d := s.root
	span := 1
	for range s.depth - 1 {
		span *= fanOut
	}
	for range s.depth {
		d = d.kids[leaf/span%fanOut]
		span /= fanOut
	}
	return d.rows, leaf * chunkRows
}

// at returns row i, counted from 0.
func (s *series[T]) at(i int) T {
	rows, first := s.chunk(i)
	return rows[i-first]
}

// slice returns rows from to to-1. It shares the series' memory where they lie
// in one chunk and else copies the rows, not what they point to.
func (s *series[T]) slice(from, to int) []T {
	if from >= to {
		return nil
	}
	rows, first := s.chunk(from)
	if end := to - first; end <= len(rows) {
		return rows[from-first : end : end]
	}
	out := make([]T, 0, to-from)
	for from < to {
		rows, first = s.chunk(from)
		end := min(to-first, len(rows))
		out = append(out, rows[from-first:end]...)
		from = first + end
	}
	return out
}

// backward returns rows to-1 down to from, copied.
func (s *series[T]) backward(from, to int) []T {
	if from >= to {
		return nil
	}
	out := make([]T, 0, to-from)
	for to > from {
		rows, first := s.chunk(to - 1)
		for to > from && to > first {
			out = append(out, rows[to-1-first])
			to--
		}
	}
	return out
}

// prefix returns a series of the first n rows that shares their chunks. The two
// grow apart: what one writes behind the prefix the other never sees.
func (s *series[T]) prefix(n int) series[T] {
	var p series[T]
	if n == 0 {
		return p
	}
	p.n = n
	rows, first := s.chunk(n - 1)
	p.tail = rows[: n-first : n-first]
	if first > 0 {
		p.root, p.depth = s.root.firstLeaves(first/chunkRows, s.depth)
	}
	return p
}

// firstLeaves returns a tree of the first n leaves and its depth. Nodes whole in
// it are shared, those at its edge are copied.
func (d *node[T]) firstLeaves(n, depth int) (*node[T], int) {
	span := 1
	for range depth - 1 {
		span *= fanOut
	}
	for depth > 0 && n <= span { // all of it is below the first child
		d = d.kids[0]
		depth--
		span /= fanOut
	}
	return d.cut(n, depth), depth
}

// cut copies the edge. A child that is whole is full, and so never added to.
func (d *node[T]) cut(n, depth int) *node[T] {
	if depth == 0 {
		return d
	}
	span := 1
	for range depth - 1 {
		span *= fanOut
	}
	full := n / span
	kids := make([]*node[T], full, full+1)
	copy(kids, d.kids)
	if rest := n % span; rest > 0 {
		kids = append(kids, d.kids[full].cut(rest, depth-1))
	}
	return &node[T]{kids: kids}
}
