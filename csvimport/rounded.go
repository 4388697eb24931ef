package csvimport

import "context"

// rounded tells whether a packed number looks as if a spreadsheet had rounded it to 15 digits: zeros from the 16th on,
// and not already before. An ICCID can end so by chance, see [Fleet.rejectRounded].
func rounded(bcd []byte) bool {
	for _, b := range bcd[8:] {
		if b != 0 && b != 0xF && b != 0xFF {
			return false
		}
	}
	return bcd[7]&0xF == 0 && (bcd[7]>>4 != 0 || bcd[6] != 0)
}

// rounding counts the entries that have an ICCID which looks rounded, and wrong check digits with it.
type rounding struct{ iccids, previous int64 }

func (r *rounding) note(code Code, e *entry) {
	switch {
	case code == ICCIDCheck && rounded(e.ICCID[:]):
		r.iccids++
	case code == PreviousCheck && rounded(e.Previous[:]):
		r.previous++
	}
}

func (r *rounding) add(other rounding) {
	r.iccids += other.iccids
	r.previous += other.previous
}

// oneIn is the share of ICCIDs that may look rounded and still be taken for chance.
const oneIn = 1000

// rejectRounded rejects the rows with an ICCID that a spreadsheet has rounded. By chance one ICCID in ten thousand ends in
// the zeros that rounding leaves, and some carriers' have no valid check digit; a spreadsheet rounds a whole column. So
// they are rejected where a column has many, and where it has few they keep their warning.
func (f *Fleet) rejectRounded(ctx context.Context) error {
	iccids, previous := f.rounded.iccids*oneIn > f.rows, f.rounded.previous*oneIn > f.rows
	if !iccids && !previous {
		return nil
	}
	return eachBucket(ctx, f.byICCID, func() func(int) error {
		buffer := make([]byte, readSize)
		return func(bucket int) error {
			for p, err := range f.byICCID.records(bucket, buffer) {
				if err != nil {
					return err
				}
				e := decodeEntry(p)
				var found rounding
				checkDigits(&e, func(code Code, _ column) { found.note(code, &e) })
				in := iccidColumn
				switch {
				case iccids && found.iccids > 0:
				case previous && found.previous > 0:
					in = previousColumn
				default:
					continue
				}
				if err := f.reject(&e, reject{row: e.Row, code: Excel, column: in}); err != nil {
					return err
				}
			}
			return nil
		}
	})
}
