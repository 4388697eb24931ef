package csvimport

import (
	"bytes"
	"context"
	"iter"
	"strings"
)

// Row is a row of the file, and what the file alone tells about its fate: it is a device unless it has a code or an
// original.
type Row struct {
	Number   uint32 // 1 is the first one below the header
	Text     []byte // its fields as they are written, without the line end; valid until the next row
	Original uint32 // of a duplicate: the row that is the device; 0: it is none
	Code     Code   // why it was rejected; empty: it was not
	Hint     string // what is wrong with a rejected row, and what to do
}

// Header is the first record of the file.
type Header struct {
	Text  string   // as it is written
	Names []string // its fields
	Comma rune     // what stands between the fields of this file
}

// Header gives the file's header.
func (f *Fleet) Header() Header {
	return Header{Text: f.header.text, Names: fieldsOf([]byte(f.header.text), f.header.comma), Comma: f.header.comma}
}

// IsOriginal tells whether another row is a duplicate of this one.
func (f *Fleet) IsOriginal(row uint32) bool {
	return int64(row) <= f.rows && f.originals.has(row)
}

// Rows gives every row in the file's order, as UTF-8. The file is read a second time for that; if it is not the same any
// more, the last thing that comes is [ErrChanged]. A row with too few fields is filled up with empty ones; one that no
// reader of CSV would understand (an unclosed quote, a line of over 64 KiB, of which the beginning is kept) is one field.
func (f *Fleet) Rows(ctx context.Context) iter.Seq2[Row, error] {
	return func(yield func(Row, error) bool) {
		for found, err := range f.again(ctx) {
			if err != nil {
				yield(Row{}, err)
				return
			}
			row := Row{Number: uint32(found.row), Text: found.text, Original: found.of} //nolint:gosec // checked by fill
			if found.reject != nil {
				row.Code, row.Hint = found.reject.code, f.hint(*found.reject)
				row.Text = f.presentable(found)
			}
			if !yield(row, nil) {
				return
			}
		}
	}
}

// presentable is a rejected row's text as a line of CSV.
func (f *Fleet) presentable(row found) []byte {
	text, fields := row.text, 1
	switch row.reject.code {
	case BadQuote, TooLong:
		text = append(append([]byte{'"'}, bytes.ReplaceAll(text, []byte(`"`), []byte(`""`))...), '"')
	default:
		fields = len(fieldsOf(text, f.header.comma))
	}
	missing := max(0, len(f.header.columns)-fields)
	return append(bytes.Clone(text), strings.Repeat(string(f.header.comma), missing)...)
}
