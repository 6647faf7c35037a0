package reader

// statSums sums up operations by name, in order of first appearance.
type statSums struct {
	stats []Stat
	index map[string]int
}

func newStatSums() *statSums { return &statSums{index: map[string]int{}} }

// add adds an operation. The duration of an operation that stops before it starts
// does not count as known.
func (s *statSums) add(n *Node) {
	i, ok := s.index[n.Name]
	if !ok {
		i = len(s.stats)
		s.index[n.Name] = i
		s.stats = append(s.stats, Stat{Name: n.Name})
	}
	stat := &s.stats[i]
	stat.Count++
	if ms, ok := n.Duration(); ok && ms >= 0 {
		stat.Duration += ms
	} else {
		stat.Incomplete++
	}
}
