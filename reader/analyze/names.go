package analyze

import (
	"cmp"
	"regexp"
	"slices"
	"strings"
)

// Requests name objects by ids and by names. Ids are recognized by their form. A name is
// recognized only by comparison: it follows the name of a collection, and there are other
// requests that differ from this one only in such names.

// collection matches a part of a path that names a collection of objects: a plural. The next
// part names an object.
var collection = regexp.MustCompile(`^[a-z][a-z0-9_-]*[^isu]s$`)

// noNames are words that follow collections and do not name an object.
var noNames = map[string]bool{
	"action": true, "count": true, "default": true, "defaults": true, "detail": true, "details": true, "new": true,
	"preview": true, "search": true, "statistics": true, "stats": true, "summary": true, "uptime": true, "validate": true,
}

// leastNames is how many children of one operation have to differ only in names before the
// names are left out.
const leastNames = 3

// anyName stands for names that are left out.
const anyName = "{name}"

// An objectPath is the call of a request, with the positions of names in it.
type objectPath struct {
	parts  []string // the parts of the URL or path
	query  string
	places []int // the indexes of the names in the parts
}

// objectPathOf finds the names in the call of a request. ok is false if it has no names.
func objectPathOf(what string) (p objectPath, ok bool) {
	path, query, hasQuery := strings.Cut(what, "?")
	p.parts = strings.Split(path, "/")
	if hasQuery {
		p.query = "?" + query
	}
	first := 1
	if strings.Contains(path, "://") {
		first = 4 // parts[2] is the host
	}
	for i := first; i < len(p.parts); i++ {
		name := p.parts[i]
		if collection.MatchString(p.parts[i-1]) && name != "" && !strings.Contains(name, "{id}") && !noNames[name] {
			p.places = append(p.places, i)
		}
	}
	return p, len(p.places) > 0
}

// with returns the call with its names replaced by the results of text.
func (p objectPath) with(text func(place int) string) string {
	parts := slices.Clone(p.parts)
	for _, place := range p.places {
		parts[place] = text(place)
	}
	return strings.Join(parts, "/") + p.query
}

// A family is a set of labels that differ only in the names of objects.
type family struct {
	labels []int32
	paths  []objectPath // the path of each label
}

// families returns the families of two labels or more.
func (l *labeller) families() (all []*family) {
	index := map[label]*family{}
	for i, own := range l.labels {
		if own.kind != Request {
			continue
		}
		path, ok := objectPathOf(own.what)
		if !ok {
			continue
		}
		own.what = path.with(func(int) string { return "\x00" })
		f := index[own]
		if f == nil {
			f = &family{}
			index[own] = f
			all = append(all, f)
		}
		f.labels, f.paths = append(f.labels, int32(i)), append(f.paths, path)
	}
	return slices.DeleteFunc(all, func(f *family) bool { return len(f.labels) < 2 })
}

// joinNames gives one label to requests that differ only in the names of objects. It does so
// if one operation made at least leastNames of them, or if each of two traces has exactly one
// that the other lacks. The slices have the labels of the operations of each trace.
func (l *labeller) joinNames(traces []*trace, labelOf [][]int32) {
	families := l.families()
	if len(families) == 0 {
		return
	}
	familyOf := map[int32]*family{}
	for _, f := range families {
		for _, i := range f.labels {
			familyOf[i] = f
		}
	}
	changed := map[int32]string{} // label to call
	for i, t := range traces {
		for f := range repeatedFamilies(t, labelOf[i], familyOf) {
			f.join(changed, func([]string) string { return anyName })
		}
	}
	if len(traces) == 2 {
		has := [2][]bool{present(labelOf[0], len(l.labels)), present(labelOf[1], len(l.labels))}
		for _, f := range families {
			if _, isDone := changed[f.labels[0]]; isDone {
				continue
			}
			if pair, ok := f.pair(has); ok {
				pair.join(changed, func(names []string) string { return "{" + strings.Join(names, "|") + "}" })
			}
		}
	}
	l.replace(changed, labelOf)
}

// present returns for each label whether an operation has it.
func present(labelOf []int32, count int) []bool {
	has := make([]bool, count)
	for _, l := range labelOf {
		has[l] = true
	}
	return has
}

// pair returns the two labels of the family that only one trace has. ok is false unless each
// trace has exactly one such label.
func (f *family) pair(has [2][]bool) (pair *family, ok bool) {
	pair = &family{}
	counts := [2]int{}
	for i, own := range f.labels {
		if has[0][own] && has[1][own] {
			continue
		}
		pair.labels, pair.paths = append(pair.labels, own), append(pair.paths, f.paths[i])
		if has[0][own] {
			counts[0]++
		} else {
			counts[1]++
		}
	}
	return pair, counts == [2]int{1, 1}
}

// repeatedFamilies returns the families of which the children of one operation have at least
// leastNames labels.
func repeatedFamilies(t *trace, labelOf []int32, familyOf map[int32]*family) map[*family]bool {
	repeated := map[*family]bool{}
	for _, siblings := range t.allChildren().lists() {
		if len(siblings) < leastNames {
			continue
		}
		different := map[*family]map[int32]bool{}
		for _, i := range siblings {
			f := familyOf[labelOf[i]]
			if f == nil || repeated[f] {
				continue
			}
			if different[f] == nil {
				different[f] = map[int32]bool{}
			}
			different[f][labelOf[i]] = true
			repeated[f] = len(different[f]) >= leastNames
		}
	}
	for f, is := range repeated {
		if !is {
			delete(repeated, f)
		}
	}
	return repeated
}

// join sets the calls of the labels to one text, in which the differing names are replaced.
// The order of the names does not depend on the order of the labels.
func (f *family) join(changed map[int32]string, replace func(names []string) string) {
	what := f.paths[0].with(func(place int) string {
		var names []string
		for _, p := range f.paths {
			names = append(names, p.parts[place])
		}
		slices.Sort(names)
		if names = slices.Compact(names); len(names) == 1 {
			return names[0]
		}
		return replace(names)
	})
	for _, i := range f.labels {
		changed[i] = what
	}
}

// replace changes the calls of labels. It renumbers the labels without those that are now
// equal to others.
func (l *labeller) replace(changed map[int32]string, labelOf [][]int32) {
	if len(changed) == 0 {
		return
	}
	old := l.labels
	l.labels, l.index = nil, map[label]int32{}
	numbers := make([]int32, len(old))
	for i, own := range old {
		own.what = cmp.Or(changed[int32(i)], own.what)
		numbers[i] = l.number(own)
	}
	for _, all := range labelOf {
		for i := range all {
			all[i] = numbers[all[i]]
		}
	}
}
