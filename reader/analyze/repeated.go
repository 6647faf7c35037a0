package analyze

import (
	"cmp"
	"slices"
)

// A Repeat is a call that several children of one operation make.
type Repeat struct {
	Parent   int      `json:"parent"` // None if the operations are at the top
	Under    string   `json:"under"`  // the call of the parent, short and safe to print; empty at the top
	Project  string   `json:"project"`
	Service  string   `json:"service"`
	Name     string   `json:"name"`
	Kind     Kind     `json:"kind"`
	What     string   `json:"what"` // at most 1,000 bytes
	Count    int      `json:"count"`
	Total    Duration `json:"total_us"`    // the sum of the durations
	Wall     Duration `json:"wall_us"`     // the time in which any of them ran
	Critical Duration `json:"critical_us"` // on the critical path, with the operations below them
	Ops      []int    `json:"ops"`
}

// leastRepeated is how often a call has to occur to count as repeated.
const leastRepeated = 3

// repeated returns the repeated calls. Those that take most of the critical path come
// first.
func (a *Analysis) repeated() []Repeat {
	repeats := []Repeat{}
	children := a.trace.allChildren()
	counts := make([]int32, len(a.labels)) // the number of children of one parent, by label
	at := make([]int32, len(a.labels))     // the index of the Repeat plus 1
	for _, siblings := range children.lists() {
		for _, i := range siblings {
			counts[a.labelOf[i]]++
		}
		for _, i := range siblings {
			l := a.labelOf[i]
			if counts[l] < leastRepeated {
				continue
			}
			if at[l] == 0 {
				repeats = append(repeats, a.newRepeat(i, int(counts[l])))
				at[l] = int32(len(repeats))
			}
			repeats[at[l]-1].Ops = append(repeats[at[l]-1].Ops, int(i))
		}
		for _, i := range siblings {
			counts[a.labelOf[i]], at[a.labelOf[i]] = 0, 0
		}
	}
	for i := range repeats {
		a.sumUp(&repeats[i])
	}
	slices.SortStableFunc(repeats, func(x, y Repeat) int {
		return cmp.Or(cmp.Compare(y.Critical, x.Critical), cmp.Compare(y.Wall, x.Wall), cmp.Compare(y.Count, x.Count))
	})
	return repeats
}

func (a *Analysis) newRepeat(i int32, count int) Repeat {
	l := a.labels[a.labelOf[i]]
	under := ""
	if p := a.trace.parent[i]; p != None {
		under = a.Named(int(p))
	}
	return Repeat{
		Parent: int(a.trace.parent[i]), Under: under, Project: l.project, Service: l.service, Name: l.name, Kind: l.kind, What: l.shortWhat(),
		Count: count, Ops: make([]int, 0, count),
	}
}

// sumUp computes the times of a Repeat.
func (a *Analysis) sumUp(r *Repeat) {
	byBegin := slices.DeleteFunc(slices.Clone(r.Ops), func(i int) bool { return !a.trace.hasTime[i] })
	slices.SortFunc(byBegin, func(x, y int) int { return cmp.Compare(a.Begin[x], a.Begin[y]) })
	covered := -longest
	for _, i := range r.Ops {
		a.InRepeated[i] = true
		if d, ok := a.trace.duration(int32(i)); ok {
			r.Total.add(d)
		}
		r.Critical.add(a.CriticalBelow[i])
	}
	for _, i := range byBegin {
		from := max(covered, a.Begin[i])
		r.Wall.add(max(a.End[i]-from, 0))
		covered = max(covered, a.End[i])
	}
}

// siblings lists operations by their parent.
type siblings struct {
	first []int32
	all   []int32
}

// allChildren lists all operations by their parent, also those without an interval.
func (t *trace) allChildren() siblings {
	s := siblings{make([]int32, len(t.nodes)+2), make([]int32, len(t.nodes))}
	for _, p := range t.parent {
		s.first[p+2]++
	}
	for i := range s.first[1:] {
		s.first[i+1] += s.first[i]
	}
	next := slices.Clone(s.first)
	for i, p := range t.parent {
		s.all[next[p+1]] = int32(i)
		next[p+1]++
	}
	return s
}

// lists returns the children of the trace and of each operation that has children.
func (s siblings) lists() [][]int32 {
	var all [][]int32
	for i := range len(s.first) - 1 {
		if s.first[i] < s.first[i+1] {
			all = append(all, s.all[s.first[i]:s.first[i+1]])
		}
	}
	return all
}
