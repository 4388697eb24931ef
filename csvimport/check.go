package csvimport

import (
	"errors"
	"regexp"

	"github.com/simshift/simshift/jobs"
)

// flaw is what is wrong with a row; the zero value is nothing.
type flaw struct {
	code   Code
	column column
	arg    uint32 // digits found (BadLength), fields found (Ragged)
}

// scientific is how a spreadsheet shows a long number, with either decimal mark.
var scientific = regexp.MustCompile(`^[0-9]+([.,][0-9]+)?[eE]\+?[0-9]+$`)

// identity reads one of the numbers. Most fields are nothing but digits, so that is tried before any cleaning.
func identity[T any](field string, in column, parse func(string) (T, error)) (T, flaw) {
	id, err := parse(field)
	if err == nil {
		return id, flaw{}
	}
	digits := cleanDigits(field)
	switch {
	case digits == "" && in == previousColumn:
		return id, flaw{} // not known
	case digits == "" && in != imeiColumn:
		return id, flaw{code: Missing, column: in}
	}
	id, err = parse(digits)
	if err != nil {
		return id, misread(digits, in, err)
	}
	return id, flaw{}
}

// misread tells why digits are no identity.
func misread(digits string, in column, err error) flaw {
	switch {
	case scientific.MatchString(digits):
		return flaw{code: Excel, column: in}
	case !errors.Is(err, jobs.ErrLength):
		return flaw{code: NotDigits, column: in}
	case in == imeiColumn && len(digits) == 16:
		return flaw{code: IMEISV, column: in}
	}
	return flaw{code: BadLength, column: in, arg: uint32(len(digits))} //nolint:gosec // at most maxRecord
}

// identify reads the numbers of a row into e.
func (r *row) identify(e *entry) (f flaw) {
	if e.EID, f = identity(r.EID, eidColumn, jobs.ParseEID); f.code != "" {
		return f
	}
	if e.ICCID, f = identity(r.ICCID, iccidColumn, jobs.ParseICCID); f.code != "" {
		return f
	}
	if e.IMEI, f = identity(r.IMEI, imeiColumn, jobs.ParseIMEI); f.code != "" {
		return f
	}
	if r.Previous != "" {
		if e.Previous, f = identity(r.Previous, previousColumn, jobs.ParseICCID); f.code != "" {
			return f
		}
	}
	if rounded(e.EID[:]) && !e.EID.Valid() {
		return flaw{code: Excel, column: eidColumn}
	}
	return flaw{}
}

// checkDigits lists the check digits of an entry that are wrong.
func checkDigits(e *entry, report func(Code, column)) {
	if !e.EID.Valid() {
		report(EIDCheck, eidColumn)
	}
	if !e.ICCID.Valid() {
		report(ICCIDCheck, iccidColumn)
	}
	if !e.IMEI.Valid() {
		report(IMEICheck, imeiColumn)
	}
	if e.Previous.Known() && !e.Previous.Valid() {
		report(PreviousCheck, previousColumn)
	}
}

// warnOfPrevious warns of a device that could not be moved back, in a file that is meant to say how.
func (b *block) warnOfPrevious(e *entry) {
	switch e.Previous {
	case jobs.ICCID{}:
		b.warned.count(NoPrevious)
	case e.ICCID:
		b.warned.count(SamePrevious)
	}
}
