package csvimport

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
)

// delimiters are tried in this order; among equals the first wins.
const delimiters = ",;\t|"

// header is the first record, understood.
type header struct {
	text    string // as it is written
	comma   rune
	columns []column // what each field of a row is
}

// open prepares the text of raw for reading: it finds the delimiter and the columns, and leaves the framer before the
// first row.
func open(raw io.Reader) (*framer, header, error) {
	text, err := newText(raw)
	if err != nil {
		return nil, header{}, err
	}
	f := newFramer(text)
	comma, err := f.delimiter()
	if err != nil {
		return nil, header{}, err
	}
	f.comma = comma
	first, err := f.next()
	if errors.Is(err, io.EOF) {
		return nil, header{}, fmt.Errorf("%w: the file is empty", ErrFile)
	}
	if err != nil {
		return nil, header{}, err
	}
	h, err := newHeader(first, rune(comma))
	return f, h, err
}

// delimiter finds what separates the fields: a spreadsheet's "sep=;" line says so (and is left out), else the one that
// yields the most columns we know.
func (f *framer) delimiter() (byte, error) {
	window, err := f.window()
	if err != nil {
		return 0, err
	}
	blank := len(window) - len(bytes.TrimLeft(window, "\n"))
	f.from, f.line = f.from+blank, f.line+int64(blank)
	window = window[blank:]
	line, _, _ := bytes.Cut(window, []byte{'\n'})
	if comma, said := saidDelimiter(line); said {
		f.from, f.line = min(f.from+len(line)+1, f.to), f.line+1
		return comma, nil
	}
	best, most := byte(0), -1
	for _, comma := range []byte(delimiters) {
		known := 0
		for _, name := range headerFields(window, comma) {
			if columnOf(name) != unknown {
				known++
			}
		}
		if known > most {
			best, most = comma, known
		}
	}
	return best, nil
}

// saidDelimiter understands "sep=;", quoted or not.
func saidDelimiter(line []byte) (comma byte, said bool) {
	line = bytes.Trim(line, `"`)
	if len(line) != len("sep=;") || !bytes.EqualFold(line[:4], []byte("sep=")) {
		return 0, false
	}
	return line[4], strings.IndexByte(delimiters, line[4]) >= 0
}

// headerFields reads the first record of text with one delimiter, as far as it can be read.
func headerFields(text []byte, comma byte) []string {
	if end, ok := extentOf(text, comma); ok {
		text = text[:end]
	}
	return fieldsOf(text[:min(len(text), maxRecord)], rune(comma))
}

// fieldsOf reads one record.
func fieldsOf(text []byte, comma rune) []string {
	reader := csv.NewReader(strings.NewReader(string(text)))
	reader.Comma, reader.LazyQuotes = comma, true
	fields, _ := reader.Read() // what can be read of it is wanted, and no more
	return fields
}

// newHeader understands the first record, or says what is wrong with it.
func newHeader(first record, comma rune) (header, error) {
	switch first.fault {
	case BadEncoding:
		return header{}, fmt.Errorf("%w: the header is neither UTF-8 nor UTF-16; save the file as CSV in UTF-8", ErrFile)
	case TooLong:
		return header{}, fmt.Errorf("%w: the first line is over %d bytes long", ErrFile, maxRecord)
	case BadQuote:
		return header{}, fmt.Errorf("%w: a quote in the header is not closed", ErrFile)
	}
	names := fieldsOf(first.text, comma)
	h := header{text: string(first.text), comma: comma, columns: make([]column, len(names))}
	for i, name := range names {
		h.columns[i] = columnOf(name)
	}
	if err := h.twice(names); err != nil {
		return header{}, err
	}
	return h, h.missing(names)
}

// twice refuses two columns for one field: only their author knows which is meant.
func (h header) twice(names []string) error {
	for i, column := range h.columns {
		if first := slices.Index(h.columns, column); column != unknown && first < i {
			return fmt.Errorf("%w: columns %d (%s) and %d (%s) of the header both mean %s; rename or remove one of them",
				ErrFile, first+1, show(names[first]), i+1, show(names[i]), column)
		}
	}
	return nil
}

// missing refuses a header without eid or iccid.
func (h header) missing(names []string) error {
	var lacking []string
	for _, column := range []column{eidColumn, iccidColumn} {
		if !h.has(column) {
			lacking = append(lacking, accepted(column))
		}
	}
	switch {
	case len(lacking) == 0:
		return nil
	case slices.ContainsFunc(names, likeData):
		return fmt.Errorf("%w: the first line is data, not a header; put a line like "+
			"\"eid,iccid,imei,account_name,service_plan\" before it", ErrFile)
	}
	return fmt.Errorf("%w: the header lacks %s; it has %s", ErrFile, strings.Join(lacking, " and "), list(names))
}

func (h header) has(c column) bool { return slices.Contains(h.columns, c) }

// accepted names a column with a few of the names it may have.
func accepted(c column) string {
	return fmt.Sprintf("a column %s (or: %s, ...)", c, strings.Join(aliases[c][1:min(5, len(aliases[c]))], ", "))
}

// noAccount is a file without accounts where none was given for all rows.
func (h header) noAccount() error {
	return fmt.Errorf("%w: there is no account; add %s, or give one account for all rows", ErrFile, accepted(accountColumn))
}

// likeData tells a number from a name.
func likeData(field string) bool {
	return len(field) >= 14 && strings.Trim(cleanDigits(field), "0123456789") == ""
}

// list shows the names of a header, a reasonable number of them.
func list(names []string) string {
	const most = 20
	shown := make([]string, 0, most)
	for _, name := range names[:min(most, len(names))] {
		shown = append(shown, show(name))
	}
	if more := len(names) - most; more > 0 {
		return fmt.Sprintf("%s and %d more", strings.Join(shown, ", "), more)
	}
	return strings.Join(shown, ", ")
}

func show(name string) string { return fmt.Sprintf("%.40q", clean(name)) }
