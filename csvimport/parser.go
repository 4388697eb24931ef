package csvimport

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/gocarina/gocsv"

	"github.com/simshift/simshift/jobs"
)

const (
	blockBytes = 256 << 10 // of text in a block, about
	blockRows  = 8 << 10   // most rows in a block
)

// block is a stretch of the file on its way through the pipeline: the framer fills in the text, a parser the entries.
// Blocks are parsed several at once and taken in their order; their number bounds the memory.
type block struct {
	text []byte   // a header of canonical names, then whole records
	ends []int64  // where each record ends in text
	rows []uint32 // the row of each record
	last int64    // the last row, refused ones included
	read int64    // how much of the input had been read

	entries []byte // packed, with groups numbered as in groups
	groups  []jobs.Group
	rejects []reject
	warned  tally
	rounded rounding
	err     error
	done    chan struct{} // receives one value when the block is parsed
}

// row is what gocsv makes of a record.
type row struct {
	EID      string `csv:"eid"`
	ICCID    string `csv:"iccid"`
	IMEI     string `csv:"imei"`
	Account  string `csv:"account_name"`
	Plan     string `csv:"service_plan"`
	Previous string `csv:"previous_iccid"`
}

// parser turns the text of blocks into entries. Each goroutine has its own.
type parser struct {
	options  Options
	header   header
	previous bool // the header has that column
	buffer   *bufio.Reader
	named    map[jobs.Group]*naming // by the fields as they are written
}

// naming is what an account and a plan come to. There are few of them, so they are cleaned and checked only once.
type naming struct {
	group  jobs.Group
	flaw   flaw
	block  *block // the last one that it has a number in
	number uint16
}

// maxNamed bounds what a parser remembers.
const maxNamed = 2 * maxGroups

func newParser(options Options, header header) *parser {
	return &parser{
		options: options, header: header, previous: header.has(previousColumn),
		buffer: bufio.NewReaderSize(nil, 64<<10),
		named:  make(map[jobs.Group]*naming),
	}
}

// errMisframed would be a record that the framer and encoding/csv cut differently: rows would get wrong numbers.
var errMisframed = errors.New("internal error: a row was read in two different ways; please report this file")

// reset empties a block and gives its text the header that gocsv finds the columns by.
func (b *block) reset(h header) {
	b.text = append(b.text[:0], h.canonical()...)
	b.ends, b.rows, b.entries, b.groups, b.rejects = b.ends[:0], b.rows[:0], b.entries[:0], b.groups[:0], b.rejects[:0]
	b.warned, b.rounded, b.err = tally{}, rounding{}, nil
}

// canonical is the header with our own names; a column that we do not know is called "x".
func (h header) canonical() string {
	names := make([]string, len(h.columns))
	for i, column := range h.columns {
		names[i] = "x"
		if column != unknown {
			names[i] = column.String()
		}
	}
	return strings.Join(names, string(h.comma)) + "\n"
}

// parse fills in what a block's text holds.
func (p *parser) parse(b *block) error {
	p.forget()
	p.buffer.Reset(bytes.NewReader(b.text))
	reader := csv.NewReader(p.buffer)
	reader.Comma, reader.LazyQuotes, reader.ReuseRecord = p.header.comma, true, true
	reader.FieldsPerRecord = len(p.header.columns)
	rows, err := gocsv.NewUnmarshaller(reader, &row{})
	if err != nil {
		return fmt.Errorf("%w: %w", errMisframed, err)
	}
	for i, number := range b.rows {
		next, err := rows.Read()
		if reader.InputOffset() != b.ends[i] {
			return errMisframed
		}
		switch record, ok := next.(*row); {
		case err == nil && ok:
			p.check(b, number, record)
		case errors.Is(err, csv.ErrFieldCount):
			b.refuse(number, p.ragged(b, i))
		default:
			return fmt.Errorf("%w: %w", errMisframed, err)
		}
	}
	if _, err := rows.Read(); !errors.Is(err, io.EOF) {
		return errMisframed
	}
	return nil
}

// ragged counts the fields of the i-th record.
func (p *parser) ragged(b *block, i int) flaw {
	from := int64(len(p.header.canonical()))
	if i > 0 {
		from = b.ends[i-1]
	}
	return flaw{
		code: Ragged,
		arg:  uint32(len(fieldsOf(b.text[from:b.ends[i]], p.header.comma))), //nolint:gosec // at most maxRecord
	}
}

// check makes a row an entry or a reject.
func (p *parser) check(b *block, number uint32, r *row) {
	e := entry{Device: jobs.Device{Row: number}}
	if f := r.identify(&e); f.code != "" {
		b.refuse(number, f)
		return
	}
	group, f := p.group(b, r)
	if f.code != "" {
		b.refuse(number, f)
		return
	}
	e.group = group
	if f := p.weigh(b, &e); f.code != "" {
		b.refuse(number, f)
		return
	}
	if b.groups[e.group].Plan == "" {
		b.warned.count(NoPlan)
	}
	if p.previous {
		b.warnOfPrevious(&e)
	}
	b.entries = e.append(b.entries, p.previous)
}

// weigh makes wrong check digits warnings or, if strict, a flaw.
func (p *parser) weigh(b *block, e *entry) (first flaw) {
	checkDigits(e, func(code Code, in column) {
		switch {
		case !p.options.Strict:
			b.warned.count(code)
			b.rounded.note(code, e)
		case first.code == "":
			first = flaw{code: code, column: in}
		}
	})
	return first
}

// group finds the group of a row's account and plan, numbered within the block.
func (p *parser) group(b *block, r *row) (number uint16, f flaw) {
	name, known := p.named[jobs.Group{Account: r.Account, Plan: r.Plan}]
	if !known {
		written := jobs.Group{Account: strings.Clone(r.Account), Plan: strings.Clone(r.Plan)}
		name = &naming{}
		name.group, name.flaw = p.name(written)
		p.named[written] = name
	}
	if name.flaw.code == "" && name.block != b {
		name.block, name.number = b, uint16(len(b.groups)) //nolint:gosec // at most blockRows
		b.groups = append(b.groups, name.group)
	}
	return name.number, name.flaw
}

// forget makes the numbers of the block before void, and all names when they have become too many.
func (p *parser) forget() {
	if len(p.named) > maxNamed {
		clear(p.named)
	}
	for _, name := range p.named {
		name.block = nil
	}
}

// name cleans and checks an account and a plan, and puts the general ones in where the row has none.
func (p *parser) name(written jobs.Group) (jobs.Group, flaw) {
	group := jobs.Group{Account: cleanName(written.Account), Plan: cleanName(written.Plan)}
	if group.Account == "" {
		group.Account = p.options.Account
	}
	if group.Plan == "" {
		group.Plan = p.options.Plan
	}
	switch {
	case group.Account == "":
		return group, flaw{code: Missing, column: accountColumn}
	case !validName(group.Account):
		return group, flaw{code: BadName, column: accountColumn}
	case !validName(group.Plan):
		return group, flaw{code: BadName, column: planColumn}
	}
	return group, flaw{}
}

func (b *block) refuse(number uint32, f flaw) {
	b.rejects = append(b.rejects, reject{row: number, code: f.code, column: f.column, args: [3]uint32{f.arg}})
}
