package csvimport

import (
	"context"
	"fmt"
	"hash/maphash"
	"io"
	"sync"

	"github.com/simshift/simshift/jobs"
)

// Summary is what a file comes to: Rows is always Devices + Duplicates + Rejected.
type Summary struct {
	Name       string         `json:"name"`
	SHA256     string         `json:"sha256"` // of the file's bytes as they came, in hex
	Bytes      int64          `json:"bytes"`
	Rows       int64          `json:"rows"` // records below the header; empty lines are none
	Devices    int64          `json:"devices"`
	Duplicates int64          `json:"duplicates"`
	Rejected   int64          `json:"rejected"`
	ByCode     map[Code]int64 `json:"rejected_by_code"` // adds up to Rejected
	Warnings   map[Code]int64 `json:"warnings"`         // counted over well-formed rows, duplicates among them
	Groups     []GroupSummary `json:"groups"`           // those that have devices, in the order they appear in the file
}

// GroupSummary is a group and how many devices it has.
type GroupSummary struct {
	jobs.Group
	Devices int64 `json:"devices"`
}

// Fleet is a file that was read and checked. Its methods must not be called at the same time. It keeps a spool file open
// until it is closed, and goes back to the input if that can seek.
type Fleet struct {
	options Options
	name    string
	source  *source
	spool   *spool
	seed    maphash.Seed
	header  header

	width                                       int     // bytes of an entry: a file without previous ICCIDs carries none along
	byGroup, byEID, byICCID, byIMEI, byPrevious *sorter // of entries
	rejects, repeats                            *sorter // by stretches of rows

	mu         sync.Mutex // guards what follows: rows are judged by several goroutines
	rows       int64
	devices    int64
	duplicates int64
	refused    tally
	warned     tally
	rounded    rounding
	groups     []GroupSummary
	rejected   bits // well-formed rows that were rejected
	repeated   bits // duplicates; some were rejected later
	originals  bits // the devices that those repeat
	holders    []string
}

// Read reads src to its end and checks every row; nothing but a spool file is written. Name is for people. If src can
// seek it must stay open, and unchanged, until the Fleet is closed. An error is about the file as a whole ([ErrFile]),
// about the spool ([ErrSpool]) or about reading src; bad rows are no error. The caller must close the Fleet.
//
// A cancelled ctx is noticed between two reads of src, not within one.
func Read(ctx context.Context, src io.Reader, name string, options Options) (*Fleet, error) {
	options, err := options.normalise()
	if err != nil {
		return nil, err
	}
	spool, err := newSpool(options.TempDir)
	if err != nil {
		return nil, err
	}
	f := &Fleet{
		options: options, name: name, spool: spool, seed: maphash.MakeSeed(),
		source: newSource(ctx, src, spool),
	}
	spool.forecast = f.forecast
	if err := f.read(ctx); err != nil {
		_ = f.Close()
		if name != "" {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		return nil, err
	}
	return f, nil
}

func (f *Fleet) read(ctx context.Context) error {
	framer, header, err := open(f.source)
	if err != nil {
		return err
	}
	if !header.has(accountColumn) && f.options.Account == "" {
		return header.noAccount()
	}
	f.header = header
	f.open(header.has(previousColumn))
	reading := reading{source: f.source, framer: framer, header: header, fleet: f}
	if err := reading.run(ctx); err != nil {
		return err
	}
	if f.rows == 0 {
		return fmt.Errorf("%w: there are no rows below the header", ErrFile)
	}
	if err := f.settle(); err != nil {
		return err
	}
	return f.sift(ctx)
}

// open makes the sorters, for entries with or without a previous ICCID.
func (f *Fleet) open(previous bool) {
	f.width = entrySize
	if previous {
		f.width += previousSize
	}
	for _, s := range []**sorter{&f.byGroup, &f.byEID, &f.byICCID, &f.byIMEI, &f.byPrevious} {
		*s = newSorter(f.spool, f.width)
	}
	f.rejects, f.repeats = newSorter(f.spool, rejectSize), newSorter(f.spool, repeatSize)
}

// settle ends the taking in: from here on the sorters are read, and need no memory.
func (f *Fleet) settle() error {
	for _, s := range []*sorter{f.byGroup, f.byEID, f.byICCID, f.byIMEI, f.byPrevious, f.rejects} {
		if err := s.release(); err != nil {
			return err
		}
	}
	f.spool.release()
	f.rejected, f.repeated, f.originals = newBits(f.rows), newBits(f.rows), newBits(f.rows)
	return nil
}

// forecast estimates the spool's final size from how far the file is read.
func (f *Fleet) forecast(size int64) int64 {
	if read := f.source.read.Load(); read > 0 && f.source.size > read {
		return int64(float64(size) / float64(read) * float64(f.source.size))
	}
	return size
}

// Summary tells what the file comes to, as far as is known: [Fleet.Held] changes it.
func (f *Fleet) Summary() Summary {
	s := Summary{
		Name: f.name, SHA256: f.source.sum(), Bytes: f.source.read.Load(),
		Rows: f.rows, Devices: f.devices, Duplicates: f.duplicates, Rejected: f.rows - f.devices - f.duplicates,
		ByCode: f.refused.byCode(), Warnings: f.warned.byCode(), Groups: []GroupSummary{},
	}
	for _, group := range f.groups {
		if group.Devices > 0 {
			s.Groups = append(s.Groups, group)
		}
	}
	return s
}

// Close removes the spool file. The input stays open.
func (f *Fleet) Close() error { return f.spool.close() }

// reject refuses a well-formed row, unless it is refused already.
func (f *Fleet) reject(e *entry, r reject) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.rejected.has(e.Row) {
		return nil
	}
	if f.repeated.has(e.Row) {
		f.duplicates--
	} else {
		f.devices--
		f.groups[e.group].Devices--
	}
	f.rejected.set(e.Row)
	return f.addReject(r)
}

// repeat makes a device a duplicate of another row, unless it is refused.
func (f *Fleet) repeat(e *entry, of uint32) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.rejected.has(e.Row) {
		return nil
	}
	f.repeated.set(e.Row)
	f.originals.set(of)
	f.devices--
	f.duplicates++
	f.groups[e.group].Devices--
	return f.addRepeat(repeat{e.Row, of})
}

func (f *Fleet) warn(code Code) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.warned.count(code)
}
