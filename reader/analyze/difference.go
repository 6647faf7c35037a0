package analyze

// A Difference describes how a second trace (B) differs from a first one (A).
type Difference struct {
	Format int       `json:"format"`
	A      DiffTrace `json:"a"`
	B      DiffTrace `json:"b"`
	// Delta is the duration of B minus the duration of A.
	Delta Duration `json:"delta_us"`
	// Changes are the calls with different times, counts or failures. Those that fail in one
	// trace only come first, then those with the greatest difference of time.
	Changes []Change `json:"changes"`
	// Calls are the differences between all operations with one label, wherever they are in
	// the trees. A call that moved, for example below another operation, is in this list only
	// if its times or its count are different. Under is empty, and Depth is 0.
	Calls []Change `json:"calls"`
}

// A DiffTrace is one of two traces.
type DiffTrace struct {
	BaseID     string   `json:"base_id"`
	Duration   Duration `json:"duration_us"`
	Exact      bool     `json:"exact"`
	Count      int      `json:"count"`
	Failed     int      `json:"failed"`
	Incomplete int      `json:"incomplete"`
}

// A Change is a difference between the operations with one label in one place of the trees.
type Change struct {
	Change  ChangeKind `json:"change"`
	Project string     `json:"project"`
	Service string     `json:"service"`
	Name    string     `json:"name"`
	Kind    Kind       `json:"kind"`
	What    string     `json:"what"`  // at most 1,000 bytes
	Under   []string   `json:"under"` // the nearest ancestors by service, name and call, at most 8, the outermost first
	Depth   int        `json:"depth"` // the depth of the operations in their trees
	A       ChangeSide `json:"a"`
	B       ChangeSide `json:"b"`
	// Delta is the self time in B minus that in A. For operations that came or went, it
	// includes the self time of all operations below them.
	Delta Duration `json:"delta_us"`
}

// A ChangeKind is the kind of a Change.
type ChangeKind string

// The kinds of changes. If several apply, the first one counts. Slower and Faster refer to
// the self time.
const (
	Came         ChangeKind = "came"            // A does not have such operations
	Went         ChangeKind = "went"            // B does not have such operations
	NowFails     ChangeKind = "now fails"       // more of them failed in B
	NoLongerFail ChangeKind = "no longer fails" // fewer of them failed in B
	Slower       ChangeKind = "slower"
	Faster       ChangeKind = "faster"
	Changed      ChangeKind = "changed" // the duration, the count or the number of incomplete operations is different
)

// A ChangeSide sums up the operations of one trace in a Change.
type ChangeSide struct {
	Count      int      `json:"count"`
	Failed     int      `json:"failed"`
	Incomplete int      `json:"incomplete"`
	Total      Duration `json:"total_us"`
	Self       Duration `json:"self_us"`
	Below      int      `json:"below"` // how many operations below them came or went with them
	Op         int      `json:"op"`    // the first of the operations, or None
}
