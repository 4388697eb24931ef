package csvimport

import (
	"cmp"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"iter"
	"slices"
)

// repeat is a row that says the same as another one, which is the device. It stands in the spool.
type repeat struct{ row, of uint32 }

const (
	repeatSize = 8
	// stretchBits is how many rows share a bucket of rejects or repeats, as a power of two.
	stretchBits = 17
)

func (f *Fleet) addRepeat(r repeat) error {
	p := binary.BigEndian.AppendUint32(make([]byte, 0, repeatSize), r.row)
	return f.repeats.add(r.row>>stretchBits, binary.BigEndian.AppendUint32(p, r.of))
}

func decodeRepeat(src []byte) repeat {
	return repeat{binary.BigEndian.Uint32(src), binary.BigEndian.Uint32(src[4:])}
}

// found is a row of the second reading, and what the first one found out about it.
type found struct {
	record
	reject *reject // nil: not rejected
	of     uint32  // of a duplicate: the row that is the device
}

// again reads the file a second time, in its order. If it is not the same any more, the end is [ErrChanged].
func (f *Fleet) again(ctx context.Context) iter.Seq2[found, error] {
	return func(yield func(found, error) bool) {
		s, err := f.second()
		if err != nil {
			yield(found{}, err)
			return
		}
		for {
			row, err := s.next(ctx)
			if errors.Is(err, io.EOF) {
				return
			}
			if !yield(row, err) || err != nil {
				return
			}
		}
	}
}

// second is the second reading. Rejects and repeats come to it one stretch of rows after another.
type second struct {
	fleet   *Fleet
	framer  *framer
	stretch int64 // the one that the rest is of; -1: none yet
	rejects []reject
	repeats []repeat
}

func (f *Fleet) second() (*second, error) {
	if err := errors.Join(f.rejects.release(), f.repeats.release()); err != nil {
		return nil, err
	}
	raw, err := f.source.again()
	if err != nil {
		return nil, err
	}
	framer, _, err := open(raw)
	if errors.Is(err, ErrFile) { // it was one the first time
		return nil, ErrChanged
	}
	return &second{fleet: f, framer: framer, stretch: -1}, err
}

// next gives the next row; io.EOF when the file has ended as it did the first time.
func (s *second) next(ctx context.Context) (found, error) {
	record, err := s.framer.next()
	if errors.Is(err, io.EOF) && s.framer.row < s.fleet.rows {
		return found{}, ErrChanged
	}
	if err != nil {
		return found{}, err
	}
	if stretch := record.row >> stretchBits; stretch != s.stretch {
		if err := ctx.Err(); err != nil {
			return found{}, err
		}
		if err := s.load(stretch); err != nil {
			return found{}, err
		}
	}
	row := found{record: record}
	if len(s.rejects) > 0 && int64(s.rejects[0].row) == record.row {
		row.reject, s.rejects = &s.rejects[0], s.rejects[1:]
	}
	if len(s.repeats) > 0 && int64(s.repeats[0].row) == record.row {
		row.of, s.repeats = s.repeats[0].of, s.repeats[1:]
	}
	if row.reject != nil { // a duplicate may be rejected later
		row.of = 0
	}
	return row, nil
}

// load reads what was found about one stretch of rows.
func (s *second) load(stretch int64) (err error) {
	s.stretch = stretch
	if s.rejects, err = inStretch(s.fleet.rejects, stretch, decodeReject); err != nil {
		return err
	}
	if s.repeats, err = inStretch(s.fleet.repeats, stretch, decodeRepeat); err != nil {
		return err
	}
	slices.SortFunc(s.rejects, func(a, b reject) int { return cmp.Compare(a.row, b.row) })
	slices.SortFunc(s.repeats, func(a, b repeat) int { return cmp.Compare(a.row, b.row) })
	return nil
}

func inStretch[T any](rows *sorter, stretch int64, decode func([]byte) T) (list []T, err error) {
	for p, err := range rows.records(int(stretch), make([]byte, readSize)) {
		if err != nil {
			return nil, err
		}
		list = append(list, decode(p))
	}
	return list, nil
}
