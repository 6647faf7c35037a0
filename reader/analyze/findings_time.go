package analyze

import (
	"cmp"
	"fmt"
	"slices"
	"time"
)

// repeatedFindings returns sentences about the repeated calls that take the most time.
func (a *Analysis) repeatedFindings() (found []Finding) {
	for _, r := range a.Repeated {
		part := share(time.Duration(r.Wall), a.trace.total())
		if (r.Count < leastRepeats || part < leastWall) && (r.Count < manyRepeats || part < leastWallOfMany) {
			continue
		}
		under := "at the top of the trace"
		if r.Parent != None {
			under = "under one " + a.named(r.Parent)
		}
		found = append(found, a.newFinding(FoundRepeated, r.Wall, r.Ops, "%s ran %d times %s, for %s", a.named(r.Ops[0]), r.Count, under, a.part(r.Wall)))
	}
	slices.SortStableFunc(found, func(x, y Finding) int { return cmp.Compare(y.Time, x.Time) })
	return found[:min(len(found), mostTimes)]
}

// gapFindings returns a sentence about the longest time in which no operation ran.
func (a *Analysis) gapFindings() []Finding {
	for _, g := range a.Gaps {
		if g.Op != None {
			continue
		}
		length := Duration(g.length())
		if share(g.length(), a.trace.total()) < leastGap || g.Before == None || g.After == None {
			return nil
		}
		return []Finding{a.newFinding(FoundGap, length, []int{g.Before, g.After}, "No operation ran for %s, between %s and %s", a.part(length), a.named(g.Before), a.named(g.After))}
	}
	return nil
}

// criticalFindings returns sentences about the calls that take most of the critical
// path by themselves. The calls of other findings are left out.
func (a *Analysis) criticalFindings(others []Finding) (found []Finding) {
	if a.Count < 2 {
		return nil // a single operation takes all the time, which is not worth a sentence
	}
	told := map[int32]bool{}
	for _, f := range others {
		told[a.labelOf[f.Ops[0]]] = f.Kind == FoundRepeated || told[a.labelOf[f.Ops[0]]]
	}
	sums := make([]Duration, len(a.labels))
	ops := make([][]int, len(a.labels))
	for i, took := range a.Critical {
		if l := a.labelOf[i]; took > 0 {
			sums[l].add(took)
			ops[l] = append(ops[l], i)
		}
	}
	for l, took := range sums {
		if !told[int32(l)] && share(time.Duration(took), a.trace.total()) >= leastCritical {
			found = append(found, a.criticalFinding(took, ops[l]))
		}
	}
	slices.SortStableFunc(found, func(x, y Finding) int { return cmp.Compare(y.Time, x.Time) })
	return found[:min(len(found), mostTimes)]
}

// criticalFinding returns the sentence about operations with one label.
func (a *Analysis) criticalFinding(took Duration, ops []int) Finding {
	if len(ops) > 1 {
		return a.newFinding(FoundCritical, took, ops, "%s took %s in %d calls", a.named(ops[0]), a.part(took), len(ops))
	}
	op := ops[0]
	if len(a.trace.childrenOf(int32(op))) == 0 {
		return a.newFinding(FoundCritical, took, ops, "%s took %s", a.named(op), a.part(took))
	}
	text := fmt.Sprintf("%s itself took %s", a.named(op), a.part(took))
	for _, g := range a.Gaps {
		if g.Op == op && 2*g.length() >= time.Duration(took) {
			text += fmt.Sprintf("; %s of that in one piece%s", a.time(Duration(g.length())), a.between(g))
			break
		}
	}
	return a.newFinding(FoundCritical, took, ops, "%s", text)
}

// between describes where in an operation a gap is.
func (a *Analysis) between(g Gap) string {
	switch {
	case g.Before == None && g.After == None:
		return ""
	case g.Before == None:
		return " before " + a.named(g.After)
	case g.After == None:
		return " after " + a.named(g.Before)
	}
	return " between " + a.named(g.Before) + " and " + a.named(g.After)
}
