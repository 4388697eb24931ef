package app

import (
	"context"
	"io"
	"slices"
	"strings"

	"github.com/simshift/simshift/console/api"
	"github.com/simshift/simshift/jobs"
)

// ResultOptions are the flags of results: which devices of a job are written, and how.
type ResultOptions struct {
	States      []string // in these; empty: in any
	Faults      []string // with one of these fault codes, whole or from one of their dots on
	Accounts    []string // of these
	MinAttempts int      // with so many attempts at least
	Join        string   // the job's file: its rows and columns come back with their outcomes; empty: devices only
	Format      Format
}

// WriteResults writes the outcome of every device of a job, or of those that the options choose, in the order of rows.
func WriteResults(ctx context.Context, env *Env, word string, o ResultOptions) error {
	wanted, err := o.filter()
	if err != nil {
		return err
	}
	return atDesk(ctx, env, func(desk api.Desk) error {
		if o.Join != "" {
			return join(ctx, env, desk, word, o.Join, wanted)
		}
		return desk.Results(ctx, word, api.ResultsQuery{
			States: o.States, Faults: o.Faults, Accounts: o.Accounts, MinAttempts: o.MinAttempts, JSON: o.Format == JSON,
		}, env.Out)
	})
}

// Results writes the outcome of every device of a job, or of those that are asked for.
func (d *deployment) Results(ctx context.Context, word string, q api.ResultsQuery, w io.Writer) error {
	o := ResultOptions{States: q.States, Faults: q.Faults, Accounts: q.Accounts, MinAttempts: q.MinAttempts}
	wanted, err := o.filter()
	if err != nil {
		return err
	}
	job, err := d.named(ctx, word)
	if err != nil {
		return err
	}
	if q.JSON {
		return d.exportLines(ctx, w, job.ID, wanted)
	}
	return d.export(ctx, w, job.ID, wanted)
}

// rejected is what stands as the state of a row that never became a device.
const rejected = "rejected"

// filter tells which outcomes are wanted. Its zero value wants all.
type filter struct {
	states      []jobs.State
	rejected    bool // rows that were rejected are asked for by name
	faults      []string
	accounts    []string
	minAttempts int
}

func (o *ResultOptions) filter() (f filter, err error) {
	if o.Join != "" && o.Format == JSON {
		return f, usage("leave one of them out", "--join writes the file's own columns as CSV, and goes without -o json")
	}
	for _, name := range o.States {
		name = strings.TrimSpace(name)
		if name == rejected && o.Join != "" {
			f.rejected = true
			continue
		}
		state, err := jobs.ParseState(name)
		if err != nil {
			return f, usage("the states are "+stateList()+"; with --join also "+rejected, "--state: %w", err)
		}
		f.states = append(f.states, state)
	}
	f.faults, f.accounts, f.minAttempts = o.Faults, o.Accounts, o.MinAttempts
	return f, nil
}

func stateList() string {
	names := make([]string, len(jobs.States))
	for i, state := range jobs.States {
		names[i] = state.String()
	}
	return strings.Join(names, ", ")
}

func (f *filter) wants(o *jobs.Outcome) bool {
	anyState := len(f.states) == 0 && !f.rejected
	return (anyState || slices.Contains(f.states, o.State)) && o.Attempts >= f.minAttempts &&
		(len(f.accounts) == 0 || slices.Contains(f.accounts, o.Account)) &&
		(len(f.faults) == 0 || slices.ContainsFunc(f.faults, func(code string) bool { return isCode(o.Fault.Code, code) }))
}

// wantsRejected tells whether rows that never became devices are wanted: they have no fault, account or attempts of their
// own.
func (f *filter) wantsRejected() bool {
	return f.rejected || len(f.states) == 0 && len(f.faults) == 0 && len(f.accounts) == 0 && f.minAttempts == 0
}

// isCode tells whether a person means a fault code by a word: the whole of it, or what follows one of its dots, as
// DeviceNotFound for REQUEST_FAILED.DeviceNotFound.
func isCode(code, word string) bool {
	return code == word || word != "" && strings.HasSuffix(code, "."+word)
}
