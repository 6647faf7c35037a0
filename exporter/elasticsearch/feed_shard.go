package elasticsearch

import (
	"context"
	"iter"
	"strconv"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/internal/gaps"
	"github.com/osprofiler-otel/osprofiler/internal/paging"
	"github.com/osprofiler-otel/osprofiler/internal/pyjson"
)

// A shardFeed is one poll of one shard.
type shardFeed struct {
	*feed
	*shardPosition

	index string
	shard int
	now   int64 // in gaps.Period
	yield func(osprofiler.Notification, error) bool
	left  bool // whether the caller left the loop
}

func (s *shardFeed) poll(ctx context.Context) error {
	if err := s.readLate(ctx); err != nil || s.left {
		return err
	}
	if s.number > 0 {
		if err := s.check(ctx); err != nil {
			return err
		}
	}
	behind := s.number
	return s.read(ctx, &behind, nil)
}

// request returns a search of the shard for the documents with larger numbers.
func (s *shardFeed) request(behind int64, condition object) search {
	after := object{"range": object{sequenceNumber: object{"gte": behind}}} // the number is the sequence number plus 1
	return search{
		index: s.index, preference: "_shards:" + strconv.Itoa(s.shard) + "|_local",
		query: allOf(after, condition), sort: []object{ascending(sequenceNumber)}, versions: true,
	}
}

// pagesBehind yields the documents with larger numbers for which a condition holds.
func (s *shardFeed) pagesBehind(ctx context.Context, behind int64, condition object) iter.Seq2[[]hit, error] {
	return func(yield func([]hit, error) bool) {
		for pager := s.pager(); ; {
			r := s.request(behind, condition)
			r.size = pager.Next()
			a, err := s.search(ctx, &r)
			if err != nil || len(a.hits) == 0 {
				if err != nil {
					yield(nil, err)
				}
				return
			}
			pager.Add(len(a.hits), a.bytes)
			behind = a.hits[len(a.hits)-1].number + 1
			if !yield(a.hits, nil) || len(a.hits) < r.size {
				return
			}
		}
	}
}

// read yields the documents with larger numbers than behind for which a condition
// holds, and moves behind and the position to each.
func (s *shardFeed) read(ctx context.Context, behind *int64, condition object) error {
	from := *behind
	pages := func(ctx context.Context) iter.Seq2[[]hit, error] { return s.pagesBehind(ctx, from, condition) }
	for hits, err := range paging.Ahead(ctx, pages) {
		if err != nil {
			return err
		}
		for i := range hits {
			h := &hits[i]
			isNew := s.replaced.isNew(h)
			s.pass(h, s.now)
			*behind = h.number + 1
			if isNew && !s.yield(h.notification("")) {
				s.left = true
				return nil
			}
		}
	}
	return nil
}

// A latePass is one reading of the gaps. It goes on in the next poll if the loop
// over a poll is left, so that the next poll yields the next document.
type latePass struct {
	grown   gaps.List // those that are still to be read
	counted gaps.List // the joined gaps with what they contained when the pass began
	behind  int64     // the number of the last document that was yielded of the gaps that are read now
}

// gapsAtOnce is how many gaps one request reads.
const gapsAtOnce = 100

// readLate yields the documents that became visible late.
func (s *shardFeed) readLate(ctx context.Context) error {
	if s.late == nil {
		s.gaps = s.gaps.Recent(s.now, s.number).WithoutSteps()
		grown, counted, err := s.grown(ctx)
		if err != nil {
			return err
		}
		s.late = &latePass{grown: grown, counted: counted}
	}
	p := s.late
	for len(p.grown) > 0 {
		chunk := p.grown[:min(len(p.grown), gapsAtOnce)]
		ranges := make([]object, len(chunk))
		for i := range chunk {
			ranges[i] = inGap(&chunk[i])
		}
		if err := s.read(ctx, &p.behind, anyOf(ranges...)); err != nil || s.left {
			return err
		}
		p.grown, p.behind = p.grown[len(chunk):], 0
	}
	s.gaps = s.gaps.Counted(p.counted)
	s.late = nil
	return nil
}

// inGap returns a condition for the documents in a gap.
func inGap(g *gaps.Gap) object {
	return object{"range": object{sequenceNumber: object{"gte": g.From - 1, "lte": g.To - 1}}}
}

// grown returns the gaps in which there may be new documents, and the joined ones
// among the gaps with what they contain now.
func (s *shardFeed) grown(ctx context.Context) (grown, counted gaps.List, err error) {
	var joined gaps.List
	for _, g := range s.gaps {
		if g.Joined {
			joined = append(joined, g)
		}
	}
	for len(joined) > 0 {
		chunk := joined[:min(len(joined), gapsAtOnce)]
		counts, err := s.count(ctx, chunk)
		if err != nil {
			return nil, nil, err
		}
		counted, joined = append(counted, counts...), joined[len(chunk):]
	}
	for _, g := range s.gaps {
		if !contains(counted, g) {
			grown = append(grown, g)
		}
	}
	return grown, counted, nil
}

func contains(all gaps.List, g gaps.Gap) bool {
	for _, other := range all {
		if other == g {
			return true
		}
	}
	return false
}

// exactSum is the largest sum that the server computes exactly, because it computes
// with floating-point numbers.
const exactSum = 1 << 53

// count returns joined gaps with what they contain now.
func (s *shardFeed) count(ctx context.Context, joined gaps.List) (counted gaps.List, err error) {
	filters := object{}
	for i := range joined {
		filters[strconv.Itoa(i)] = inGap(&joined[i])
	}
	r := s.request(0, nil)
	r.sort, r.versions, r.fields = nil, false, []string{}
	r.aggregations = object{"gaps": object{
		"filters": object{"filters": filters},
		"aggs":    object{"sum": object{"sum": object{"field": sequenceNumber}}},
	}}
	a, err := s.search(ctx, &r)
	if err != nil {
		return nil, err
	}
	for name, bucket := range pyjson.Members(member(a.aggregations, "gaps", "buckets")) {
		i, err := strconv.Atoi(name)
		if err != nil || i < 0 || i >= len(joined) {
			continue
		}
		g := joined[i]
		g.Rows, g.Sum = number(member(bucket, "doc_count")), 0
		if g.Rows == 0 || g.To < exactSum/g.Rows {
			g.Sum = number(member(bucket, "sum", "value")) + g.Rows - g.Rows*g.From
		}
		counted = append(counted, g)
	}
	return counted, nil
}
