// Package checker holds what the program says of a fleet against the carrier's own book. It reads the fleet, the
// results and the book, and knows nothing of the program's counters or code: it is the judge of the acceptance tests
// and of the chaos run.
package checker

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"time"
)

// Findings are the verdict. All but Devices and Repeats must be 0.
type Findings struct {
	Devices        int
	Lost           int // a device is missing, or the carrier was thanked for word of it that the results do not know
	DoubleInFlight int // accepts of an EID while an earlier one was in flight
	DoubleSettled  int // a final state that became another one, but for a late success
	Stuck          int // still open at the end
	Unexplained    int // the results say what the book does not, or something was sent without need
	Repeats        int // accepts after one whose outcome nobody was told

	Examples []string // the first few of what is wrong, in words
	told     map[string]int
}

// Wrong tells what must not be, as one error; nil when all is well.
func (f *Findings) Wrong() error {
	if f.Lost+f.DoubleInFlight+f.DoubleSettled+f.Stuck+f.Unexplained == 0 {
		return nil
	}
	errs := []error{fmt.Errorf("lost %d, double_in_flight %d, double_settled %d, stuck %d, unexplained %d",
		f.Lost, f.DoubleInFlight, f.DoubleSettled, f.Stuck, f.Unexplained)}
	for _, example := range f.Examples {
		errs = append(errs, errors.New(example))
	}
	return errors.Join(errs...)
}

// examplesMost is how many wrong things of a kind are told in words.
const examplesMost = 4

func (f *Findings) wrong(count *int, text string, args ...any) {
	*count++
	if f.told[text]++; f.told[text] <= examplesMost {
		f.Examples = append(f.Examples, fmt.Sprintf(text, args...))
	}
}

// Checker judges one job. It belongs to one goroutine.
type Checker struct {
	// Needless is how long after a success was thanked for its device may still arrive in another request: that was
	// read from the ledger before, and takes at most as long as a request may.
	Needless time.Duration

	fleet    []string            // EIDs
	settled  map[string]settling // what an earlier export said
	findings Findings
}

// settling is when and how a device was settled, as the results say.
type settling struct{ state, at string }

// New gives a checker for a job of these EIDs.
func New(eids []string) *Checker {
	return &Checker{
		Needless: 5 * time.Second, fleet: eids, settled: make(map[string]settling, len(eids)),
		findings: Findings{Devices: len(eids), told: make(map[string]int)},
	}
}

// row is one line of the results that the checker looks at.
type row struct{ number, eid, iccid, state, reason, attempts, fault, request, settledAt string }

// Sample reads results that were exported while the job runs: what is final stays final.
func (c *Checker) Sample(results io.Reader) error {
	return each(results, c.settles)
}

func (c *Checker) settles(r row) {
	before, was := c.settled[r.eid]
	now := settling{r.state, r.settledAt}
	if was && before != now && (r.state != "succeeded" || before.state == "succeeded") {
		c.findings.wrong(&c.findings.DoubleSettled, "row %s was %s at %s and is %s at %q", r.number, before.state, before.at,
			now.state, now.at)
	}
	if r.settledAt != "" {
		c.settled[r.eid] = now
	}
}

// Finish reads the results of a job that has ended, and gives the verdict.
func (c *Checker) Finish(results io.Reader, book *Book) (Findings, error) {
	rows := make(map[string]int, len(c.fleet))
	err := each(results, func(r row) {
		rows[r.eid]++
		c.settles(r)
		c.judge(r, book)
	})
	if err != nil {
		return c.findings, err
	}
	f := &c.findings
	for _, eid := range c.fleet {
		if rows[eid] != 1 {
			f.wrong(&f.Lost, "%s has %d rows in the results", eid, rows[eid])
		}
		delete(rows, eid)
	}
	for eid := range rows {
		f.wrong(&f.Unexplained, "%s is in the results, and not in the fleet", eid)
	}
	f.DoubleInFlight = book.DoubleInFlight
	if f.DoubleInFlight > 0 {
		f.Examples = append(f.Examples, book.Doubles...)
	}
	c.repeats(book)
	return *f, nil
}

// each reads a results CSV.
func each(results io.Reader, visit func(row)) error {
	in := csv.NewReader(results)
	in.ReuseRecord = true
	header, err := in.Read()
	if err != nil {
		return fmt.Errorf("read results: %w", err)
	}
	at := make(map[string]int, len(header))
	for i, name := range header {
		at[name] = i
	}
	for _, name := range []string{"row", "eid", "iccid", "state", "reason", "attempts", "fault", "request_id", "settled_at"} {
		if _, there := at[name]; !there {
			return fmt.Errorf("the results have no column %s", name)
		}
	}
	for {
		f, err := in.Read()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("read results: %w", err)
		}
		visit(row{f[at["row"]], f[at["eid"]], f[at["iccid"]], f[at["state"]], f[at["reason"]], f[at["attempts"]],
			f[at["fault"]], f[at["request_id"]], f[at["settled_at"]]})
	}
}
