package csvimport

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"unicode/utf8"
)

// maxRecord is the most bytes of one record, its line end not counted.
const maxRecord = 64 << 10

// framer cuts text into records, so that one that is broken can be put aside before encoding/csv sees it: an unclosed
// quote would swallow all rows up to the next quote.
type framer struct {
	text  io.Reader
	comma byte

	buffer   []byte
	from, to int   // what of the buffer is not cut yet
	end      error // what the text ended in; nil: there is more

	row  int64 // of the last record; 0 is the header
	line int64 // of the next record, from 1
}

// record is one record of the text. Its text is valid until the next one is asked for.
type record struct {
	text  []byte // without the line end; of a broken record the first line, at most maxRecord bytes of it
	row   int64
	line  int64
	fault Code // empty: csv can read it
}

func newFramer(text io.Reader) *framer {
	return &framer{text: text, buffer: make([]byte, 4*maxRecord), row: -1, line: 1}
}

// window is the text that is not cut yet: more than maxRecord bytes, or all that is left.
func (f *framer) window() ([]byte, error) {
	if f.to-f.from <= maxRecord && f.end == nil {
		f.to = copy(f.buffer, f.buffer[f.from:f.to])
		f.from = 0
		for f.to < len(f.buffer) && f.end == nil {
			var n int
			n, f.end = f.text.Read(f.buffer[f.to:])
			f.to += n
		}
	}
	if f.end != nil && !errors.Is(f.end, io.EOF) {
		return nil, fmt.Errorf("read the file: %w", f.end)
	}
	return f.buffer[f.from:f.to], nil
}

// next cuts off one record. Empty lines are none. It ends in io.EOF.
func (f *framer) next() (record, error) {
	for {
		window, err := f.window()
		if err != nil {
			return record{}, err
		}
		if len(window) == 0 {
			return record{}, io.EOF
		}
		if window[0] != '\n' {
			return f.cut(window)
		}
		f.from++
		f.line++
	}
}

func (f *framer) cut(window []byte) (record, error) {
	f.row++
	r := record{row: f.row, line: f.line}
	end := bytes.IndexByte(window[:min(len(window), maxRecord+1)], '\n')
	switch {
	case end < 0 && len(window) > maxRecord:
		r.text, r.fault = bytes.Clone(window[:maxRecord]), TooLong
		return r, f.skipLine()
	case end < 0:
		end = len(window)
	}
	if bytes.IndexByte(window[:end], '"') >= 0 {
		if whole, ok := extentOf(window, f.comma); ok {
			end = whole
		} else {
			r.fault = BadQuote
		}
	}
	r.text = window[:end]
	if r.fault == "" && (!utf8.Valid(r.text) || bytes.IndexByte(r.text, 0) >= 0) {
		r.fault = BadEncoding
	}
	f.line += int64(bytes.Count(r.text, []byte{'\n'})) + 1
	f.from = min(f.from+end+1, f.to)
	return r, nil
}

// skipLine leaves out everything up to the next line.
func (f *framer) skipLine() error {
	for {
		window, err := f.window()
		if err != nil || len(window) == 0 {
			return err
		}
		if at := bytes.IndexByte(window, '\n'); at >= 0 {
			f.from += at + 1
			f.line++
			return nil
		}
		f.from = f.to
	}
}

// extentOf finds the end of the record that text begins with: quoted fields may hold line ends, and a field that does not
// begin with a quote may hold quotes (="123", 5" long), as with csv.Reader's LazyQuotes. Not ok is a quote that is never
// closed, or not followed by a delimiter or line end, or a record of more than maxRecord bytes.
//
// Looking for the end costs no more than the text is long, however many quotes are left open: a line that leaves a quote
// open has an odd number of them, and such a line always ends the search that an earlier one has begun.
func extentOf(text []byte, comma byte) (end int, ok bool) {
	field := 0
	for {
		if field < len(text) && text[field] == '"' {
			end = closingQuote(text, field+1)
		} else {
			for end = field; end < len(text) && text[end] != comma && text[end] != '\n'; {
				end++
			}
		}
		switch {
		case end < 0 || end > maxRecord:
			return 0, false
		case end == len(text) || text[end] == '\n':
			return end, true
		case text[end] != comma:
			return 0, false
		}
		field = end + 1
	}
}

// closingQuote returns what is behind the quote that closes a field, or -1.
func closingQuote(text []byte, at int) int {
	for at <= maxRecord {
		quote := bytes.IndexByte(text[at:], '"')
		if quote < 0 {
			return -1
		}
		at += quote + 1
		if at == len(text) || text[at] != '"' {
			return at
		}
		at++
	}
	return -1
}
