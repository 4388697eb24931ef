package csvimport

import (
	"context"
	"iter"

	"github.com/simshift/simshift/jobs"
)

// Held rejects every row whose EID is among eids, which another unfinished job holds: its name stands in the hints. It
// returns how many rows that were; a row that is rejected already keeps its first reason. The eids may come in any order
// and number, and repeated; an error among them ends it. It can be called for one job after another.
func (f *Fleet) Held(ctx context.Context, holder string, eids iter.Seq2[jobs.EID, error]) (rows int64, err error) {
	held := newSorter(f.spool, len(jobs.EID{}))
	for eid, err := range eids {
		if err != nil {
			return 0, err
		}
		if err := held.add(bucketOf(f.seed, eid[:]), eid[:]); err != nil {
			return 0, err
		}
	}
	if err := held.release(); err != nil {
		return 0, err
	}
	f.holders = append(f.holders, holder)
	before := f.refused[HeldByJob.number()]
	err = eachBucket(ctx, held, func() func(int) error {
		buffer, set := make([]byte, readSize), make(map[jobs.EID]struct{})
		return func(bucket int) error {
			if !held.holds(bucket) {
				return nil
			}
			return f.holdBucket(held, bucket, buffer, set)
		}
	})
	if err == nil {
		err = f.rejects.release()
	}
	f.spool.release()
	return f.refused[HeldByJob.number()] - before, err
}

// holdBucket rejects the rows of one bucket whose EID is in the same bucket of held.
func (f *Fleet) holdBucket(held *sorter, bucket int, buffer []byte, set map[jobs.EID]struct{}) error {
	clear(set)
	for p, err := range held.records(bucket, buffer) {
		if err != nil {
			return err
		}
		set[jobs.EID(p)] = struct{}{}
	}
	holder := uint32(len(f.holders) - 1) //nolint:gosec // one a job
	for p, err := range f.byEID.records(bucket, buffer) {
		if err != nil {
			return err
		}
		if _, is := set[jobs.EID(p[:16])]; !is {
			continue
		}
		e := decodeEntry(p)
		if err := f.reject(&e, reject{row: e.Row, code: HeldByJob, column: eidColumn, args: [3]uint32{holder}}); err != nil {
			return err
		}
	}
	return nil
}
