package app

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/simshift/simshift/jobs"
)

// HTML is a page for a browser, complete in itself.
const HTML Format = "html"

// Bounds of a report, so that it stays small whatever the fleet.
const (
	reportTop    = 20   // devices in each list of single devices
	reportKeys   = 1000 // different faults, accounts, and pairs of both; the rest is summed
	reportBars   = 200  // steps of the timeline
	reportLog    = 100  // entries of the log, the newest
	reportActs   = 12   // things that need a person
	reportInside = 20   // accounts beside one fault
)

// report is what there is to know of a job in the morning. Its JSON is the contract of `jobs report -o json`.
type report struct {
	Headline string      `json:"headline"`
	MadeAt   time.Time   `json:"made_at"`
	Job      jobs.Job    `json:"job"` // as in `jobs show -o json`
	Counts   jobs.Counts `json:"counts"`
	Moved    int64       `json:"moved"`
	NotMoved int64       `json:"not_moved"` // settled otherwise
	Open     int64       `json:"open"`      // not settled yet

	NeedsPerson []concern      `json:"needs_a_person"` // the most urgent first
	Faults      []faultCount   `json:"faults"`         // why devices did not move, or wait; the most frequent first
	OtherFaults int64          `json:"other_faults"`   // devices of further faults, beyond the 1,000 that are told apart
	Accounts    []accountCount `json:"accounts"`
	Others      accountCount   `json:"other_accounts"` // the sum of those beyond 1,000
	Waves       []waveCount    `json:"waves"`
	Attempts    []attemptCount `json:"attempts"`
	Settling    settling       `json:"settling"`
	Slowest     []deviceLine   `json:"slowest"`
	MostTried   []deviceLine   `json:"most_tried"`
	Pace        pace           `json:"pace"`
	Timeline    timeline       `json:"timeline"`
	Log         []jobs.Entry   `json:"log"`         // the newest 100 entries, the oldest of them first
	LogOmitted  int            `json:"log_omitted"` // earlier ones
	Next        []command      `json:"next_commands"`
	zone        *time.Location // the job's own: its windows are written in it
}

// concern is something that a person should look at.
type concern struct {
	Title    string   `json:"title"`
	Devices  int64    `json:"devices"` // 0: it is about the job as a whole
	Code     string   `json:"code,omitempty"`
	Meaning  string   `json:"meaning"`
	Advice   string   `json:"advice"`
	Commands []string `json:"commands"`
}

// faultCount is how many devices have one fault in one state.
type faultCount struct {
	State    jobs.State  `json:"state"`
	Reason   jobs.Reason `json:"reason"`
	Code     string      `json:"code"`
	Text     string      `json:"text"` // the carrier's words for the first of them
	Devices  int64       `json:"devices"`
	Accounts []inAccount `json:"accounts"` // the 20 with the most

	Explanation jobs.Explanation `json:"explanation"`
}

type inAccount struct {
	Account string `json:"account_name"`
	Devices int64  `json:"devices"`
}

// accountCount is how an account did.
type accountCount struct {
	Account  string `json:"account_name"`
	Devices  int64  `json:"devices"`
	Moved    int64  `json:"moved"`
	NotMoved int64  `json:"not_moved"`
	Open     int64  `json:"open"`
}

// waveCount is how a wave did. Devices of it that were never put into a request are in none of the counts.
type waveCount struct {
	Wave     int   `json:"wave"` // from 1
	Devices  int64 `json:"devices"`
	Moved    int64 `json:"moved"`
	NotMoved int64 `json:"not_moved"`
	Open     int64 `json:"open"`
}

type attemptCount struct {
	Attempts int   `json:"attempts"` // 0: never sent
	Devices  int64 `json:"devices"`
	Moved    int64 `json:"moved"`
}

// settling is how long devices took from the first request for them to their end; cancelled ones are left out.
type settling struct {
	Devices int64  `json:"devices"` // of which it is known
	Median  int64  `json:"median_seconds"`
	P90     int64  `json:"p90_seconds"`
	P99     int64  `json:"p99_seconds"`
	Longest int64  `json:"longest_seconds"`
	Bands   []band `json:"bands"`
}

// band is the devices that took less than so long, and not less than the band before it.
type band struct {
	Below   int64 `json:"below_seconds"` // 0: the last band has no end
	Devices int64 `json:"devices"`
}

// deviceLine is a single device.
type deviceLine struct {
	Row      uint32      `json:"row"`
	EID      string      `json:"eid"`
	ICCID    string      `json:"iccid"`
	Account  string      `json:"account_name"`
	State    jobs.State  `json:"state"`
	Reason   jobs.Reason `json:"reason"`
	Fault    jobs.Fault  `json:"fault"`
	Attempts int         `json:"attempts"`
	SentAt   *time.Time  `json:"first_sent_at"`
	Settled  *time.Time  `json:"settled_at"`
	Seconds  int64       `json:"seconds"` // between these two, where both are known
}

// pace is how fast the job went.
type pace struct {
	Seconds   int64      `json:"seconds"`            // from the job's start to its end, or until now
	PerMinute int64      `json:"settled_per_minute"` // over the minutes in which any device settled
	Peak      int64      `json:"peak_per_minute"`
	PeakAt    *time.Time `json:"peak_at"`
}

// timeline is the night in at most 200 steps of equal length.
type timeline struct {
	Step int64         `json:"step_seconds"`
	Bars []jobs.Minute `json:"bars"` // how many devices entered each state in the step that begins then; no step is left out
}

// command is something to run next.
type command struct {
	Why  string `json:"why"`
	Line string `json:"command"`
}

// Report tells how a job went, for the morning after: in a terminal, as JSON, or as a page. With a path the report goes into
// that file, whole or not at all.
func Report(ctx context.Context, env *Env, word string, format Format, path string) error {
	d, job, err := openJob(ctx, env, word)
	if err != nil {
		return err
	}
	defer d.Close()
	if !job.State.Open() && !job.State.Ended() {
		return refuse("`simshift jobs list` shows where it stands", "job %s is %s: there is nothing to report", job.ID, job.State)
	}
	r, err := d.report(ctx, job)
	if err != nil {
		return err
	}
	var page bytes.Buffer // a report is small, and nobody wants half of one
	if err := r.write(&page, format); err != nil {
		return err
	}
	if path != "" && path != "-" {
		return writeWhole(path, page.Bytes())
	}
	if _, err := env.Out.Write(page.Bytes()); err != nil {
		return fmt.Errorf("write the report: %w", err)
	}
	return nil
}

// reportTo writes a job's page into a file.
func (d *deployment) reportTo(ctx context.Context, path string, job jobs.Job) error {
	r, err := d.report(ctx, job)
	if err != nil {
		return err
	}
	var page bytes.Buffer
	if err := r.writePage(&page); err != nil {
		return err
	}
	return writeWhole(path, page.Bytes())
}

func (r *report) write(w io.Writer, format Format) error {
	switch format {
	case JSON:
		return printJSON(w, r)
	case HTML:
		return r.writePage(w)
	}
	return r.writeText(w)
}

// writeWhole puts a file in place in one step: whoever looks finds the old one or the new one, whole. It is for its owner
// only, as every file that names devices.
func writeWhole(path string, content []byte) error {
	hint := "choose a folder that can be written with --out"
	file, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*") // 0600
	if err != nil {
		return &Failure{Code: ExitError, Err: fmt.Errorf("write the report: %w", err), Hint: hint}
	}
	_, err = file.Write(content)
	if err == nil {
		err = file.Sync()
	}
	if err = errors.Join(err, file.Close()); err == nil {
		err = os.Rename(file.Name(), path)
	}
	if err != nil {
		_ = os.Remove(file.Name())
		return &Failure{Code: ExitError, Err: fmt.Errorf("write the report: %w", err), Hint: hint}
	}
	return nil
}
