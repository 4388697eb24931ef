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

	"github.com/simshift/simshift/console/api"
	"github.com/simshift/simshift/jobs"
)

// HTML is a page for a browser, complete in itself.
const HTML Format = "html"

// Bounds of a report, so that it stays small whatever the fleet.
const (
	reportTop    = 20   // devices in each list of single devices
	reportKeys   = 1000 // different faults, accounts, and pairs of both; the rest is summed
	reportBars   = 200  // steps of the api.Timeline
	reportLog    = 100  // entries of the log, the newest
	reportActs   = 12   // things that need a person
	reportInside = 20   // accounts beside one fault
)

// report is a job's report, and the zone its times are written in: the job's own, as its windows.
type report struct {
	api.Report

	zone *time.Location
}

// ShowReport tells how a job went, for the morning after: in a terminal, as JSON, or as a page. With a path the report goes
// into that file, whole or not at all.
func ShowReport(ctx context.Context, env *Env, word string, format Format, path string) error {
	var page bytes.Buffer // a report is small, and nobody wants half of one
	err := atDesk(ctx, env, func(desk api.Desk) error {
		told, err := desk.Report(ctx, word)
		if err != nil {
			return err
		}
		return (&report{*told, zoneOf(&told.Job)}).write(&page, format)
	})
	if err != nil {
		return err
	}
	if path != "" && path != "-" {
		return writeWhole(path, page.Bytes(), reportHint)
	}
	if _, err := env.Out.Write(page.Bytes()); err != nil {
		return fmt.Errorf("write the report: %w", err)
	}
	return nil
}

// Report tells how a job went.
func (d *deployment) Report(ctx context.Context, word string) (*api.Report, error) {
	job, err := d.named(ctx, word)
	if err != nil {
		return nil, err
	}
	if !job.State.Open() && !job.State.Ended() {
		return nil, refuse("`simshift jobs list` shows where it stands", "job %s is %s: there is nothing to report", job.ID, job.State)
	}
	r, err := d.report(ctx, job)
	if err != nil {
		return nil, err
	}
	return &r.Report, nil
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
	return writeWhole(path, page.Bytes(), reportHint)
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

const reportHint = "choose a folder that can be written with --out"

// writeWhole puts a file in place in one step: whoever looks finds the old one or the new one, whole. It is for its owner
// only, as every file that names devices.
func writeWhole(path string, content []byte, hint string) error {
	file, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*") // 0600
	if err != nil {
		return &Failure{Code: ExitError, Err: fmt.Errorf("write %s: %w", path, err), Hint: hint}
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
		return &Failure{Code: ExitError, Err: fmt.Errorf("write %s: %w", path, err), Hint: hint}
	}
	return nil
}
