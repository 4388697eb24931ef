package csvimport

import (
	"context"
	"errors"
	"sync/atomic"

	"golang.org/x/sync/errgroup"

	"github.com/simshift/simshift/jobs"
)

// claim is what the rows say that share an identity.
type claim struct {
	sample entry     // a row that speaks for all; the device, if they agree
	rows   [4]uint32 // the first row, and the first that contradict it; 0 is none
	torn   bool      // they contradict each other
}

// meet adds another row to the claim.
func (c *claim) meet(e *entry, agree func(a, b *entry) bool) {
	if !agree(&c.sample, e) {
		c.torn = true
		c.note(e.Row)
		return
	}
	if !c.sample.IMEI.Known() && e.IMEI.Known() {
		c.sample = *e
	}
}

func (c *claim) note(row uint32) {
	for i := range c.rows {
		if c.rows[i] == 0 {
			c.rows[i] = row
			return
		}
	}
}

// others are up to three rows beside this one that make the contradiction.
func (c *claim) others(row uint32) (others [3]uint32) {
	n := 0
	for _, other := range c.rows {
		if other != 0 && other != row && n < len(others) {
			others[n] = other
			n++
		}
	}
	return others
}

// sift finds rows that repeat or contradict each other. Rounded numbers come first, because they would be found to
// contradict each other, which is not what is wrong with them.
func (f *Fleet) sift(ctx context.Context) error {
	if err := f.rejectRounded(ctx); err != nil {
		return err
	}
	err := sift(ctx, f.byEID, func(e *entry) jobs.EID { return e.EID }, sameDevice, func(e *entry, c *claim) error {
		if c.torn {
			return f.reject(e, reject{row: e.Row, code: Conflict, column: eidColumn, args: c.others(e.Row)})
		}
		if e.Row == c.sample.Row {
			return nil
		}
		return f.repeat(e, c.sample.Row)
	})
	if err != nil {
		return err
	}
	err = sift(ctx, f.byICCID, func(e *entry) jobs.ICCID { return e.ICCID }, sameEID, func(e *entry, c *claim) error {
		if !c.torn {
			return nil
		}
		return f.reject(e, reject{row: e.Row, code: SharedICCID, column: iccidColumn, args: c.others(e.Row)})
	})
	if err != nil {
		return err
	}
	err = sift(ctx, f.byIMEI, func(e *entry) jobs.IMEI { return e.IMEI }, sameEID, func(_ *entry, c *claim) error {
		if c.torn {
			f.warn(SharedIMEI)
		}
		return nil
	})
	if err != nil {
		return err
	}
	err = sift(ctx, f.byPrevious, func(e *entry) jobs.ICCID { return e.Previous }, sameEID, func(_ *entry, c *claim) error {
		if c.torn {
			f.warn(SharedPrevious)
		}
		return nil
	})
	if err != nil {
		return err
	}
	f.spool.release()
	return errors.Join(f.rejects.release(), f.repeats.release())
}

func sameEID(a, b *entry) bool { return a.EID == b.EID }

// sameDevice tells whether two rows of one EID say the same. An IMEI left out agrees with any.
func sameDevice(a, b *entry) bool {
	return a.ICCID == b.ICCID && a.group == b.group && a.Previous == b.Previous &&
		(a.IMEI == b.IMEI || !a.IMEI.Known() || !b.IMEI.Known())
}

// sift goes over all buckets, some at once, and has judge look at each row of a bucket in which rows have met. Judge is
// called from several goroutines.
func sift[K comparable](
	ctx context.Context, rows *sorter, key func(*entry) K, agree func(a, b *entry) bool, judge func(*entry, *claim) error,
) error {
	return eachBucket(ctx, rows, func() func(int) error {
		s := &siever[K]{
			rows: rows, key: key, agree: agree, judge: judge,
			index: make(map[K]int32), buffer: make([]byte, readSize),
		}
		return s.bucket
	})
}

// readSize is how much of a bucket is read at once.
const readSize = 64 << 10

// eachBucket shares the buckets between goroutines, each of which gets its own visitor.
func eachBucket(ctx context.Context, rows *sorter, visitor func() func(bucket int) error) error {
	var next atomic.Int64
	group, ctx := errgroup.WithContext(ctx)
	for range min(parallel(), rows.count()) {
		group.Go(func() error {
			visit := visitor()
			for {
				bucket := int(next.Add(1)) - 1
				if bucket >= rows.count() {
					return nil
				}
				if err := ctx.Err(); err != nil {
					return err
				}
				if err := visit(bucket); err != nil {
					return err
				}
			}
		})
	}
	return group.Wait()
}

// siever sifts one bucket after another. What it remembers is one claim for each key of the bucket, however often a row
// is repeated.
type siever[K comparable] struct {
	rows  *sorter
	key   func(*entry) K
	agree func(a, b *entry) bool
	judge func(*entry, *claim) error

	index  map[K]int32
	claims []claim
	buffer []byte
}

func (s *siever[K]) bucket(bucket int) error {
	clear(s.index)
	s.claims = s.claims[:0]
	met := false
	for p, err := range s.rows.records(bucket, s.buffer) {
		if err != nil {
			return err
		}
		e := decodeEntry(p)
		key := s.key(&e)
		if at, known := s.index[key]; known {
			met = true
			s.claims[at].meet(&e, s.agree)
			continue
		}
		s.index[key] = int32(len(s.claims)) //nolint:gosec // rows of a bucket
		s.claims = append(s.claims, claim{sample: e, rows: [4]uint32{e.Row}})
	}
	if !met {
		return nil
	}
	return s.again(bucket)
}

// again judges the rows of a bucket in which rows have met.
func (s *siever[K]) again(bucket int) error {
	for p, err := range s.rows.records(bucket, s.buffer) {
		if err != nil {
			return err
		}
		e := decodeEntry(p)
		if err := s.judge(&e, &s.claims[s.index[s.key(&e)]]); err != nil {
			return err
		}
	}
	return nil
}
