package app

import (
	"bufio"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"slices"
	"strconv"
	"strings"

	"github.com/simshift/simshift/console/api"
	"github.com/simshift/simshift/csvimport"
	"github.com/simshift/simshift/jobs"
)

// joinColumns stand before the columns of the joined file. They come first because a rejected row may have more fields
// than its header: what stands behind it would stand in the wrong column.
var joinColumns = []string{
	"row", "state", "reason", "attempts", "fault", "fault_text", "request_id", "settled_at", "duplicate_of",
}

// join writes the rows of the file that a job was imported from, each behind what became of it.
func join(ctx context.Context, env *Env, desk api.Desk, word, path string, wanted filter) (err error) {
	job, err := desk.Job(ctx, word)
	if err != nil {
		return err
	}
	source, err := openSource(env, path)
	if err != nil {
		return err
	}
	defer func() { _ = source.Close() }()
	fleet, err := readFleet(ctx, env, source, path, job.Reading)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, fleet.Close()) }()
	if fleet.Summary().SHA256 != job.FileSHA256 {
		return usage("give the file as it was when it was imported; `simshift results "+job.ID+"` needs none",
			"%s is not the file that job %s was imported from (%s): their SHA-256 differ", path, job.ID, job.File)
	}
	j := joint{
		fleet: fleet, outcomes: outcomes(ctx, desk, job.ID), wanted: wanted, line: newResultLine(fleet.Header().Comma),
		out: bufio.NewWriterSize(env.Out, 1<<16),
	}
	if fleet.Summary().Duplicates > 0 {
		if err := j.findOriginals(); err != nil {
			return err
		}
		defer func() { err = errors.Join(err, j.originals.close()) }()
	}
	if err := cmp.Or(j.write(ctx), j.out.Flush()); err != nil {
		return fmt.Errorf("write results: %w", err)
	}
	return nil
}

// errEnough ends a sequence that nobody takes more of.
var errEnough = errors.New("enough")

// outcomes are those of all devices of a job. An outcome is valid until the next one.
func outcomes(ctx context.Context, desk api.Desk, job string) iter.Seq2[*jobs.Outcome, error] {
	return func(yield func(*jobs.Outcome, error) bool) {
		err := eachOutcome(ctx, desk, job, func(o *jobs.Outcome) error {
			if !yield(o, nil) {
				return errEnough
			}
			return nil
		})
		if err != nil && !errors.Is(err, errEnough) {
			yield(nil, err)
		}
	}
}

// eachOutcome takes the outcomes from the books where they are at hand, and else from lines of JSON.
func eachOutcome(ctx context.Context, desk api.Desk, job string, yield func(*jobs.Outcome) error) error {
	if d, here := desk.(*deployment); here {
		return d.ledger.Outcomes(ctx, job, yield)
	}
	reader, writer := io.Pipe()
	go func() { _ = writer.CloseWithError(desk.Results(ctx, job, api.ResultsQuery{JSON: true}, writer)) }()
	defer func() { _ = reader.Close() }() // lets the other end go
	var line api.Result
	for lines := json.NewDecoder(reader); ; {
		line = api.Result{}
		if err := lines.Decode(&line); err != nil {
			if errors.Is(err, io.EOF) {
				return nil
			}
			return err
		}
		o := jobs.Outcome{
			Group: jobs.Group{Account: line.Account, Plan: line.Plan}, State: line.State, Reason: line.Reason,
			Attempts: line.Attempts, Fault: jobs.Fault{Code: line.Fault, Text: line.FaultText}, RequestID: line.RequestID,
		}
		o.Row = line.Row
		if line.SettledAt != nil {
			o.ChangedAt = *line.SettledAt
		}
		if err := yield(&o); err != nil {
			return err
		}
	}
}

// joint is where the rows of a file and the outcomes of a job meet. Both come in the order of rows; what the ledger has
// of a row counts, and the file explains the rows that it does not have.
type joint struct {
	fleet     *csvimport.Fleet
	outcomes  iter.Seq2[*jobs.Outcome, error]
	originals *shelf // what became of the devices that stand in several rows
	wanted    filter
	line      *resultLine
	out       *bufio.Writer
	buffer    []byte
}

// findOriginals goes over the outcomes once before the joining: a duplicate may stand before its device.
func (j *joint) findOriginals() (err error) {
	if j.originals, err = newShelf(); err != nil {
		return err
	}
	for o, err := range j.outcomes {
		if err != nil {
			return err
		}
		if !j.fleet.IsOriginal(o.Row) {
			continue
		}
		j.buffer = j.buffer[:0]
		if j.wanted.wants(o) {
			j.buffer = j.line.outcome(j.buffer, o)
		}
		if err := j.originals.put(o.Row, j.buffer); err != nil {
			return err
		}
	}
	return j.originals.flush()
}

// write writes the header and the rows.
func (j *joint) write(ctx context.Context) error {
	_, _ = j.out.WriteString(j.header()) // the writer keeps its error
	next, stop := iter.Pull2(j.outcomes)
	defer stop()
	device, err, more := next()
	for row, rowErr := range j.fleet.Rows(ctx) {
		if err := cmp.Or(rowErr, err); err != nil {
			return err
		}
		if !more || device.Row != row.Number {
			if err := j.other(&row); err != nil {
				return err
			}
			continue
		}
		if j.wanted.wants(device) {
			j.begin(&row)
			j.buffer = j.line.outcome(j.buffer, device)
			j.end(&row)
		}
		device, err, more = next()
	}
	switch {
	case err != nil:
		return err
	case more:
		return fmt.Errorf("the job has a device of row %d, but the file ends before it: please report this", device.Row)
	}
	return nil
}

// other writes a row that is no device of the job.
func (j *joint) other(row *csvimport.Row) error {
	if row.Original > 0 {
		outcome, known, err := j.originals.get(row.Original)
		if err != nil || known && len(outcome) == 0 {
			return err // of a device that is not wanted
		}
		if known {
			j.begin(row)
			j.buffer = append(j.buffer, outcome...)
			j.end(row)
			return nil
		}
	}
	if !j.wanted.wantsRejected() {
		return nil
	}
	code, hint := row.Code, row.Hint
	if code == "" { // well formed, and yet it did not become a device
		code, hint = csvimport.HeldByJob, "another unfinished job held this EID when the file was imported; import the row again"
	}
	j.begin(row)
	for i, text := range []string{rejected, "", "", string(code), hint, "", ""} { // from state to settled_at
		if i > 0 {
			j.buffer = j.line.next(j.buffer)
		}
		j.buffer = append(j.buffer, j.line.quote(text)...)
	}
	j.end(row)
	return nil
}

// begin starts a line: up to its state.
func (j *joint) begin(row *csvimport.Row) {
	j.buffer = j.line.next(strconv.AppendUint(j.buffer[:0], uint64(row.Number), 10))
}

// end writes a line whose outcome is in the buffer.
func (j *joint) end(row *csvimport.Row) {
	j.buffer = j.line.next(j.buffer)
	if row.Original > 0 {
		j.buffer = strconv.AppendUint(j.buffer, uint64(row.Original), 10)
	}
	j.buffer = append(j.line.next(j.buffer), row.Text...)
	_, _ = j.out.Write(append(j.buffer, '\n')) // the writer keeps its error
}

// header is that of the file behind ours. A name of ours that the file has already gets a prefix.
func (j *joint) header() string {
	header := j.fleet.Header()
	taken := func(name string) bool {
		return slices.ContainsFunc(header.Names, func(other string) bool { return strings.EqualFold(strings.TrimSpace(other), name) })
	}
	var b strings.Builder
	for _, name := range joinColumns {
		for taken(name) {
			name = "simshift_" + name
		}
		b.WriteString(name)
		b.WriteRune(header.Comma)
	}
	return b.String() + header.Text + "\n"
}
