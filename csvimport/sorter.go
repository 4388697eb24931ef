package csvimport

import (
	"fmt"
	"iter"
)

// slabSize is how many bytes of records a sorter gathers in memory before it writes them to the spool.
const slabSize = 2 << 20

// sorter distributes records of one size over buckets: records of a bucket come out together, in the order they went in.
// What has been added is gathered in a slab; a full slab is put in order of its buckets and written as one run. A bucket
// then is one stretch of each run.
//
//	run 0  | bucket 0 | bucket 1 | bucket 2 | ...
//	run 1  | bucket 0 | bucket 1 | bucket 2 | ...
type sorter struct {
	spool *spool
	width int // bytes of a record

	slab    []byte
	buckets []uint32 // of the slab's records
	highest uint32
	runs    []run
}

// run is where one slab went.
type run struct {
	at   int64
	ends []uint32 // by bucket: how many records this one and those before it hold
}

func newSorter(spool *spool, width int) *sorter { return &sorter{spool: spool, width: width} }

// add puts a record into a bucket.
func (s *sorter) add(bucket uint32, record []byte) error {
	s.slab = append(s.slab, record...)
	s.buckets = append(s.buckets, bucket)
	s.highest = max(s.highest, bucket)
	if len(s.slab)+s.width > slabSize {
		return s.flush()
	}
	return nil
}

// flush writes the slab. It must have been called before anything is read.
func (s *sorter) flush() error {
	if len(s.buckets) == 0 {
		return nil
	}
	ends := make([]uint32, s.highest+1)
	for _, bucket := range s.buckets {
		ends[bucket]++
	}
	next := make([]uint32, len(ends))
	for i := 1; i < len(ends); i++ {
		next[i] = ends[i-1]
		ends[i] += ends[i-1]
	}
	at, err := s.spool.appendMade(len(s.slab), func(sorted []byte) {
		for i, bucket := range s.buckets {
			copy(sorted[int(next[bucket])*s.width:], s.slab[i*s.width:(i+1)*s.width])
			next[bucket]++
		}
	})
	if err != nil {
		return err
	}
	s.runs = append(s.runs, run{at, ends})
	s.slab, s.buckets = s.slab[:0], s.buckets[:0]
	return nil
}

// release flushes, and gives back the memory that only adding needs. More can be added all the same.
func (s *sorter) release() error {
	err := s.flush()
	s.slab, s.buckets = nil, nil
	return err
}

// count is how many buckets there may be records in.
func (s *sorter) count() int {
	if len(s.runs) == 0 {
		return 0
	}
	return int(s.highest) + 1
}

// holds tells whether there is a record in the bucket.
func (s *sorter) holds(bucket int) bool {
	for _, run := range s.runs {
		if from, to := run.bucket(bucket); from < to {
			return true
		}
	}
	return false
}

func (r run) bucket(bucket int) (from, to int64) {
	if bucket >= len(r.ends) {
		return 0, 0
	}
	if bucket > 0 {
		from = int64(r.ends[bucket-1])
	}
	return from, int64(r.ends[bucket])
}

// records goes over a bucket. A record is valid until the next one; an error is the last thing that comes. Buffer is what
// it reads into, and must hold one record at least.
func (s *sorter) records(bucket int, buffer []byte) iter.Seq2[[]byte, error] {
	width := int64(s.width)
	piece := int64(len(buffer)) / width
	return func(yield func([]byte, error) bool) {
		for _, run := range s.runs {
			for from, to := run.bucket(bucket); from < to; from += piece {
				part := buffer[:min(piece, to-from)*width]
				if _, err := s.spool.file.ReadAt(part, run.at+from*width); err != nil {
					yield(nil, fmt.Errorf("%w in %s: %w", ErrSpool, s.spool.dir, err))
					return
				}
				for ; len(part) > 0; part = part[width:] {
					if !yield(part[:width:width], nil) {
						return
					}
				}
			}
		}
	}
}
