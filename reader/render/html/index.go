package html

import (
	"strconv"
	"time"
)

// An index is the JSON document of the element "data". Times are microseconds
// since the trace began, with up to three decimals, unless they are ticks.
type index struct {
	Format      int           `json:"format"`
	Generator   string        `json:"generator"`
	Title       string        `json:"title"`
	BaseID      string        `json:"baseId"`
	Began       *int64        `json:"began"` // microseconds since 1970; null if it is not known
	Duration    microseconds  `json:"duration"`
	LastStarted *microseconds `json:"lastStarted"`
	Warnings    []string      `json:"warnings"`
	Strings     []string      `json:"strings"` // the texts that columns refer to; the first is ""
	IDs         []byte        `json:"ids"`     // 16 bytes for each UUID; columns refer to number n as -1-n
	Ticks       ticks         `json:"ticks"`   // ticks in a microsecond
	Ops         columns       `json:"ops"`
	Stats       []stat        `json:"stats"`
	Report      reportSize    `json:"report"`
}

// columns hold the operations, in the order of the tree, each before its children. An int32
// is the index of a text, except that Parent is the index of an operation or -1. A negative
// ID or ParentID refers to a UUID.
type columns struct {
	Parent    []int32        `json:"parent"`
	Name      []int32        `json:"name"`
	Service   []int32        `json:"service"`
	Project   []int32        `json:"project"`
	Host      []int32        `json:"host"`
	Kind      []int32        `json:"kind"`
	ID        []int32        `json:"id"` // each number minus the one before
	ParentID  []int32        `json:"parentId"`
	Detail    []int32        `json:"detail"`
	Exception []int32        `json:"exception"`
	Status    []int32        `json:"status"`
	Begin     []int64        `json:"begin"`  // ticks since the operation before began
	Length    []int64        `json:"length"` // ticks from the begin to the end
	Flags     []flags        `json:"flags"`
	Self      []microseconds `json:"self"`
	Critical  []microseconds `json:"critical"`
	Call      []int          `json:"call"`            // equal for calls that the analysis counts together
	Shift     []microseconds `json:"shift,omitempty"` // the correction that the analysis added to the times; empty without corrections
	At        []int64        `json:"at"`              // the number of bytes in the report between the info before and this info
	Size      []int64        `json:"size"`
}

// newColumns returns columns whose JSON is [] as long as they are empty.
func newColumns() columns {
	return columns{
		Parent: []int32{}, Name: []int32{}, Service: []int32{}, Project: []int32{}, Host: []int32{}, Kind: []int32{},
		ID: []int32{}, ParentID: []int32{}, Detail: []int32{}, Exception: []int32{}, Status: []int32{},
		Begin: []int64{}, Length: []int64{}, Flags: []flags{},
		Self: []microseconds{}, Critical: []microseconds{}, Call: []int{}, At: []int64{}, Size: []int64{},
	}
}

// flags are the marks of an operation.
type flags uint16

const (
	flagFailed flags = 1 << iota
	flagNoStart
	flagNoStop
	flagOrphan      // it is at the top, but its parent id is not the base id
	flagCritical    // on the critical path
	flagRepeated    // one of several equal calls
	flagRootFailure // the root of a failure
	flagNoTime      // a timestamp cannot be read
	flagWholeMS     // only whole milliseconds are known
)

// A stat sums up the operations of one name.
type stat struct {
	Name       int32        `json:"name"`
	Count      int64        `json:"count"`
	Total      microseconds `json:"total"`
	Incomplete int64        `json:"incomplete"`
}

type reportSize struct {
	Length int64 `json:"length"`
	Chunk  int   `json:"chunk"`
}

// microseconds is a duration as a JSON number of microseconds.
type microseconds time.Duration

// MarshalJSON implements json.Marshaler.
func (m microseconds) MarshalJSON() ([]byte, error) {
	if m%1000 == 0 {
		return strconv.AppendInt(nil, int64(m/1000), 10), nil
	}
	return strconv.AppendFloat(nil, float64(m)/1000, 'f', -1, 64), nil
}
