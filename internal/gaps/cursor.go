package gaps

import "github.com/osprofiler-otel/osprofiler/internal/cursor"

// The forms of a gap in a cursor.
const (
	simpleGap = iota
	repeatedGap
	joinedGap
)

// Write writes the gaps. It writes each id as the distance from the id before.
func (all List) Write(w *cursor.Writer) {
	w.Uint(uint64(len(all)))
	behind := int64(0)
	for i := range all {
		g := &all[i]
		w.Uint(uint64(g.From - behind))
		w.Uint(uint64(g.To - g.From))
		w.Uint(uint64(g.Since))
		behind = g.To
		switch {
		case g.Joined:
			w.Uint(joinedGap)
			w.Int(g.Rows)
			w.Int(g.Sum)
		case g.Step != g.Width:
			w.Uint(repeatedGap)
			w.Uint(uint64(g.Step))
			w.Uint(uint64(g.Width))
		default:
			w.Uint(simpleGap)
		}
	}
}

// Read reads the gaps that Write wrote.
func Read(r *cursor.Reader) (all List, ok bool) {
	behind := int64(0)
	for range r.Count(InCursor) {
		g := readGap(r, behind)
		if !r.OK() || !g.isSound(behind) {
			return nil, false
		}
		behind = g.To
		all = append(all, g)
	}
	return all, r.OK()
}

func readGap(r *cursor.Reader, behind int64) (g Gap) {
	g.From = behind + int64(r.Uint())
	g.To = g.From + int64(r.Uint())
	g.Since = int64(r.Uint())
	g.Step, g.Width = g.To-g.From+1, g.To-g.From+1
	switch r.Count(joinedGap) {
	case joinedGap:
		g.Joined, g.Rows, g.Sum = true, r.Int(), r.Int()
	case repeatedGap:
		g.Step, g.Width = int64(r.Uint()), int64(r.Uint())
	}
	return g
}

// isSound reports whether a gap is valid and lies behind the given id.
func (g *Gap) isSound(behind int64) bool {
	repeats := g.Width > 0 && g.Width < g.Step && g.Step <= g.last()-g.From && (g.last()-g.From)%g.Step == 0
	ids := g.To - g.From + 1
	return g.From > behind && g.To >= g.From && ids > 0 && g.Since > 0 && g.Rows >= -1 && g.Sum >= -1 &&
		(repeats || g.Step == g.Width && g.Width == ids)
}
