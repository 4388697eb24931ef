package csvimport

import (
	"context"
	"encoding/binary"
	"encoding/csv"
	"io"
	"strconv"
	"strings"
	"unicode/utf8"
)

// reject is a refused row, as it stands in the spool.
type reject struct {
	row    uint32
	code   Code
	column column
	args   [3]uint32 // what the hint needs beside the row's text
}

const (
	rejectSize = 18
	// maxRaw is the most bytes of a row's text in the rejects file.
	maxRaw = 1000
)

func (r reject) append(dst []byte) []byte {
	dst = binary.BigEndian.AppendUint32(dst, r.row)
	dst = append(dst, r.code.number(), byte(r.column))
	for _, arg := range r.args {
		dst = binary.BigEndian.AppendUint32(dst, arg)
	}
	return dst
}

func decodeReject(src []byte) (r reject) {
	r = reject{row: binary.BigEndian.Uint32(src), code: codes[src[4]], column: column(src[5])}
	for i := range r.args {
		r.args[i] = binary.BigEndian.Uint32(src[6+4*i:])
	}
	return r
}

// addReject counts a refused row and keeps why.
func (f *Fleet) addReject(r reject) error {
	f.refused.count(r.code)
	return f.rejects.add(r.row>>stretchBits, r.append(make([]byte, 0, rejectSize)))
}

// WriteRejects writes the rejected rows as CSV, in their order: row, line (where the row begins in the file), column,
// code, raw (the row's text, cut at 1,000 bytes), hint. The file is read a second time for that; if it is not the same
// any more, the end is [ErrChanged].
func (f *Fleet) WriteRejects(ctx context.Context, w io.Writer) error {
	out := csv.NewWriter(w)
	if err := out.Write([]string{"row", "line", "column", "code", "raw", "hint"}); err != nil {
		return err
	}
	if f.rows > f.devices+f.duplicates {
		if err := f.writeRejects(ctx, out); err != nil {
			return err
		}
	}
	out.Flush()
	return out.Error()
}

func (f *Fleet) writeRejects(ctx context.Context, out *csv.Writer) error {
	for row, err := range f.again(ctx) {
		if err != nil {
			return err
		}
		if row.reject == nil {
			continue
		}
		if err := out.Write(f.describe(*row.reject, row.record)); err != nil {
			return err
		}
	}
	return nil
}

// describe is the line of the rejects file for a row.
func (f *Fleet) describe(r reject, text record) []string {
	name := ""
	if r.column != unknown {
		name = r.column.String()
	}
	return []string{
		strconv.FormatUint(uint64(r.row), 10),
		strconv.FormatInt(text.line, 10),
		name,
		string(r.code),
		Escape(readable(text.text)),
		Escape(f.hint(r)),
	}
}

// readable cuts a row's text at maxRaw bytes, and shows what is no text as U+FFFD.
func readable(text []byte) string {
	if len(text) > maxRaw {
		end := maxRaw
		for end > maxRaw-utf8.UTFMax && !utf8.RuneStart(text[end]) {
			end--
		}
		text = text[:end]
	}
	return strings.ReplaceAll(strings.ToValidUTF8(string(text), "\uFFFD"), "\x00", "\uFFFD")
}
