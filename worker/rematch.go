package worker

import (
	"context"
	"time"

	"github.com/simshift/simshift/jobs"
	"github.com/simshift/simshift/thingspace"
)

const (
	// rematchMost is how many parked callbacks one sweep looks at.
	rematchMost = 2000
	// parkRetention is how long a callback stays parked.
	parkRetention = 7 * 24 * time.Hour
)

// Rematch tries parked callbacks again, from an offset: their requests may have become known. It forgets those that are
// too old, and gives the offset to go on from.
func (s *Settler) Rematch(ctx context.Context, from int64) (next int64, err error) {
	if err := s.forgetOld(ctx); err != nil {
		return 0, err
	}
	parked, err := s.books.Parked(ctx, from, rematchMost)
	if err != nil || len(parked) == 0 {
		return 0, err
	}
	matched, err := s.match(ctx, parked)
	if len(parked) == rematchMost {
		next = from + rematchMost - int64(matched)
	}
	return next, err
}

// Replay tries parked callbacks again, by a person's wish: those of the given ids, or all of them. It gives how many were
// matched, of how many.
func (s *Settler) Replay(ctx context.Context, ids []string) (matched, tried int, err error) {
	if len(ids) > 0 {
		parked, err := s.books.ParkedByID(ctx, ids)
		if err != nil {
			return 0, 0, err
		}
		matched, err = s.match(ctx, parked)
		return matched, len(parked), err
	}
	for from := int64(0); ; {
		parked, err := s.books.Parked(ctx, from, rematchMost)
		if err != nil || len(parked) == 0 {
			return matched, tried, err
		}
		n, err := s.match(ctx, parked)
		if err != nil {
			return matched, tried, err
		}
		matched, tried, from = matched+n, tried+len(parked), from+int64(len(parked)-n)
	}
}

// match settles the parked callbacks whose request is known by now, and forgets them. It gives how many.
func (s *Settler) match(ctx context.Context, parked []jobs.Parked) (int, error) {
	var ids []string
	var group []Received
	for _, p := range parked {
		c, err := thingspace.DecodeCallback([]byte(p.Raw))
		if err != nil {
			continue // it stays until it is too old, for a person to see
		}
		ids = append(ids, p.ID)
		group = append(group, Received{Callback: c, Raw: []byte(p.Raw), At: p.At})
	}
	verdicts, err := s.weigh(ctx, group)
	if err != nil {
		return 0, err
	}
	// Settled first and forgotten after: a callback that is settled twice does nothing the second time.
	if _, err := s.write(ctx, verdicts); err != nil {
		return 0, err
	}
	var matched []string
	for i, v := range verdicts {
		if v.park == "" {
			matched = append(matched, ids[i])
		}
	}
	if len(matched) > 0 {
		s.log.InfoContext(ctx, "parked callbacks matched", "count", len(matched))
	}
	return len(matched), s.books.Unpark(ctx, matched...)
}

func (s *Settler) forgetOld(ctx context.Context) error {
	old, err := s.books.OldParked(ctx, s.now().Add(-parkRetention).UnixMilli())
	if err != nil || len(old) == 0 {
		return err
	}
	s.log.WarnContext(ctx, "parked callbacks forgotten: nothing claimed them in time", "count", len(old))
	return s.books.Unpark(ctx, old...)
}
