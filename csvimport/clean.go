package csvimport

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxName is the most characters of an account or a plan.
const maxName = 100

// formula is what a spreadsheet takes for the beginning of a formula.
const formula = "=+-@\t\r"

// Escape makes a field safe for spreadsheets: one that would be taken for a formula gets an apostrophe in front, and so
// does one that could be taken for an escaped one. Reading takes the apostrophe off again.
func Escape(field string) string {
	bare := strings.TrimLeft(field, "'")
	if bare != "" && strings.IndexByte(formula, bare[0]) >= 0 {
		return "'" + field
	}
	return field
}

// clean takes off a field what came with the file and not from its author: spaces of every kind around it, invisible
// characters anywhere, our own escape, and the ="..." that keeps a spreadsheet from rounding a number.
func clean(field string) string {
	if plain(field) {
		return field
	}
	field = strings.TrimSpace(strings.Map(visible, field))
	if len(field) > 1 && field[0] == '\'' && Escape(field[1:]) != field[1:] {
		field = strings.TrimSpace(field[1:])
	}
	if len(field) > 2 && strings.HasPrefix(field, `="`) && strings.HasSuffix(field, `"`) {
		field = strings.TrimSpace(field[2 : len(field)-1])
	}
	return field
}

// cleanDigits also takes off the apostrophe by which people tell a spreadsheet that a number is text.
func cleanDigits(field string) string {
	field = clean(field)
	if len(field) > 1 && field[0] == '\'' && field[1] >= '0' && field[1] <= '9' {
		return field[1:]
	}
	return field
}

// cleanName is clean for accounts and plans, cut loose from the record's memory.
func cleanName(field string) string { return strings.Clone(clean(field)) }

// plain tells quickly of most fields that there is nothing to clean.
func plain(field string) bool {
	if field == "" {
		return true
	}
	first, last := field[0], field[len(field)-1]
	if first <= ' ' || last <= ' ' || first == '\'' || first == '=' {
		return false
	}
	for i := range len(field) {
		if field[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// visible drops what has no width: zero-width spaces and joiners, soft hyphens, byte order marks, and the direction marks
// that spreadsheets put around copied cells.
func visible(r rune) rune {
	switch {
	case r == 0xAD, r == 0xFEFF, r >= 0x200B && r <= 0x200F, r >= 0x202A && r <= 0x202E, r >= 0x2060 && r <= 0x2069:
		return -1
	}
	return r
}

// validName tells whether an account or plan is one: no control characters, none lost by a wrong encoding, not too long.
func validName(name string) bool {
	return utf8.RuneCountInString(name) <= maxName && !strings.ContainsFunc(name, func(r rune) bool {
		return unicode.IsControl(r) || r == utf8.RuneError
	})
}
