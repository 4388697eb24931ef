package csvimport

import (
	"fmt"
	"strings"
)

// hints say what is wrong with a row and what to do, where that takes no figures.
var hints = map[Code]string{
	BadEncoding: "the row holds bytes that are not UTF-8, or a NUL; save the file as CSV in UTF-8",
	TooLong:     "the line is over 65536 bytes long; remove what does not belong there",
	BadQuote:    "a quoted field is not closed, or goes on after its closing quote; write a quote within quotes twice",
	IMEISV: "16 digits are an IMEISV, not an IMEI; its last two digits are a software version: " +
		"use the 15-digit IMEI, or leave it empty",
	Excel: "a spreadsheet has rounded this number to 15 digits, and what was cut off can not be recovered; " +
		"export the list anew from its source, with this column formatted as text",
	EIDCheck:   "the check digits are wrong: the EID modulo 97 must be 1; compare it with its source",
	ICCIDCheck: "the check digit is wrong (Luhn); compare the ICCID with its source",
	PreviousCheck: "the check digit is wrong (Luhn); compare the previous ICCID with its source, or leave it empty: " +
		"the device can not be reverted then",
	IMEICheck: "the check digit is wrong (Luhn); compare the IMEI with its source, or leave it empty",
}

// wanted is the form of each number.
var wanted = map[column]string{
	eidColumn: "an EID has 32 digits", iccidColumn: "an ICCID has 19 or 20 digits", imeiColumn: "an IMEI has 15 digits",
	previousColumn: "a previous ICCID has 19 or 20 digits",
}

// hint says what is wrong with a row and what to do.
func (f *Fleet) hint(r reject) string {
	switch r.code {
	case Ragged:
		return fmt.Sprintf("the row has %d fields, but the header %d; quote fields that hold the delimiter %q",
			r.args[0], len(f.header.columns), f.header.comma)
	case Missing:
		return fmt.Sprintf("there is no %s; fill it in", r.column)
	case NotDigits:
		return wanted[r.column] + " and nothing else" + orEmpty(r.column)
	case BadLength:
		return fmt.Sprintf("%s, but this has %d%s", wanted[r.column], r.args[0], orEmpty(r.column))
	case Excel:
		return hints[r.code] + orEmpty(r.column)
	case BadName:
		return fmt.Sprintf("the %s is over %d characters long, or holds control characters", r.column, maxName)
	case Conflict:
		return fmt.Sprintf("%s with the same EID %s something else; keep one of them", rowsOf(r.args), plural(r.args, "says", "say"))
	case SharedICCID:
		return fmt.Sprintf("%s with another EID %s the same ICCID; a profile is on one eUICC only",
			rowsOf(r.args), plural(r.args, "names", "name"))
	case HeldByJob:
		return fmt.Sprintf("the unfinished job %s holds this EID; wait for its end, or cancel it", f.holders[r.args[0]])
	}
	return hints[r.code]
}

// orEmpty tells the other way out of a field that need not be there for the move itself.
func orEmpty(c column) string {
	if c == previousColumn {
		return "; or leave it empty: the device can not be reverted then"
	}
	return ""
}

// rowsOf lists rows, as many as are given.
func rowsOf(rows [3]uint32) string {
	var list []string
	for _, row := range rows {
		if row != 0 {
			list = append(list, fmt.Sprint(row))
		}
	}
	return plural(rows, "row ", "rows ") + strings.Join(list, ", ")
}

func plural(rows [3]uint32, one, several string) string {
	if rows[1] == 0 {
		return one
	}
	return several
}
