package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/simshift/simshift/console/api"
	"github.com/simshift/simshift/jobs"
)

// Format is how data is printed.
type Format string

// The formats of -o.
const (
	Table Format = "table"
	JSON  Format = "json"
	CSV   Format = "csv"
)

// ListJobs prints every job, the newest first.
func ListJobs(ctx context.Context, env *Env, format Format) error {
	return atDesk(ctx, env, func(desk api.Desk) error {
		list, err := everyJob(ctx, desk)
		if err != nil {
			return err
		}
		if format == JSON {
			return printJSON(env.Out, list)
		}
		mentionParked(ctx, env, desk)
		if len(list) == 0 {
			fmt.Fprintln(env.Err, "no jobs yet: `simshift import FLEET.csv --target global` makes one")
			return nil
		}
		w := tabwriter.NewWriter(env.Out, 0, 0, 2, ' ', 0)
		fmt.Fprintln(w, "JOB\tNAME\tSTATE\tDEVICES\tSUCCEEDED\tNOT OK\tOPEN\tCREATED")
		for _, job := range list {
			fmt.Fprintf(w, "%s\t%s\t%s\t%d\t%d\t%d\t%d\t%s\n", job.ID, job.Name, job.State, job.Devices, job.Counts[jobs.Succeeded],
				job.Counts.Final()-job.Counts[jobs.Succeeded], job.Devices-job.Counts.Final(), clock(job.CreatedAt))
		}
		return w.Flush()
	})
}

// everyJob puts the pages together.
func everyJob(ctx context.Context, desk api.Desk) ([]jobs.Job, error) {
	list := []jobs.Job{}
	for q := (api.JobsQuery{PageQuery: api.PageQuery{Limit: api.MostLimit}}); ; {
		page, err := desk.Jobs(ctx, q)
		if err != nil {
			return nil, err
		}
		list = append(list, page.Jobs...)
		if q.After = page.Next; q.After == "" {
			return list, nil
		}
	}
}

// ShowJob prints one job.
func ShowJob(ctx context.Context, env *Env, word string, format Format) error {
	return atDesk(ctx, env, func(desk api.Desk) error {
		job, err := desk.Job(ctx, word)
		if err != nil {
			return err
		}
		mentionParked(ctx, env, desk)
		return printJob(env.Out, *job, format)
	})
}

// mentionParked tells an operator of callbacks that wait for a request nobody knows: a few are normal, many are not.
func mentionParked(ctx context.Context, env *Env, desk api.Desk) {
	if page, err := desk.Parked(ctx, api.PageQuery{Limit: 1}); err == nil && page.Total > 0 {
		fmt.Fprintf(env.Err, "%d callbacks are parked: `simshift callbacks parked` tells why\n", page.Total)
	}
}

// WatchJob shows a job's progress until it ends. It fails with [ExitIncomplete] where not every device succeeded.
func WatchJob(ctx context.Context, env *Env, word string, every time.Duration, format Format) error {
	return atDesk(ctx, env, func(desk api.Desk) error {
		job, err := watch(ctx, env, desk, word, every)
		if err != nil {
			return err
		}
		if err := printJob(env.Out, *job, format); err != nil {
			return err
		}
		return incomplete(*job)
	})
}

// watch follows a job to its end and shows its progress.
func watch(ctx context.Context, env *Env, desk api.Desk, word string, every time.Duration) (*jobs.Job, error) {
	bar := newProgress(env)
	defer bar.close()
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		job, err := desk.Job(ctx, word)
		if err != nil {
			return nil, err
		}
		word = job.ID // a name may come to mean another
		bar.show(*job)
		if !job.State.Open() {
			return job, nil
		}
		select {
		case <-ctx.Done():
			return nil, &Failure{Code: ExitError, Err: errors.New("stopped watching; the job goes on"),
				Hint: "`simshift jobs watch " + word + "` watches it again"}
		case <-tick.C:
		}
	}
}

// incomplete is the failure of a job that ended with devices that did not succeed.
func incomplete(job jobs.Job) error {
	missed := job.Devices - job.Counts[jobs.Succeeded]
	if missed == 0 {
		return nil
	}
	return &Failure{
		Code: ExitIncomplete, Err: fmt.Errorf("%d of %d devices did not succeed", missed, job.Devices),
		Hint: "`simshift results " + job.ID + " --state failed,unanswered,mismatched,cancelled` lists them, with their reasons",
	}
}

func printJSON(w io.Writer, value any) error {
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	if err := enc.Encode(value); err != nil {
		return fmt.Errorf("print: %w", err)
	}
	return nil
}

// printJob prints a job for a person or a program.
func printJob(out io.Writer, job jobs.Job, format Format) error {
	if format == JSON {
		return printJSON(out, job)
	}
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	line := func(name, text string, args ...any) { fmt.Fprintf(w, "%s\t%s\n", name, fmt.Sprintf(text, args...)) }
	line("job", "%s  %s", job.ID, job.Name)
	line("state", "%s", job.State)
	if job.Hold != "" {
		line("waits", "%s", job.Hold)
	}
	if job.Drift != "" {
		line("drift", "a recount found %s, and put it right: please report it", job.Drift)
	}
	line("target", "%s", job.Target)
	if ends := job.Policy.WaveEnds(job.Devices); job.Wave > 0 {
		line("wave", "%d of %d, up to %d devices; the gate wants %s", job.Wave, len(ends), job.Opened, job.Policy.Gate)
	}
	if job.Priority != 0 {
		line("priority", "%d", job.Priority)
	}
	if job.RevertOf != "" {
		line("revert of", "%s", strings.TrimSpace(job.RevertOf+"  "+job.Reason))
	}
	line("devices", "%d in %d groups", job.Devices, len(job.Groups))
	for _, state := range jobs.States {
		if n := job.Counts[state]; n > 0 {
			line("  "+state.String(), "%9d  %5.1f%%  %s", n, 100*float64(n)/float64(job.Devices), strings.Repeat("▇", int(30*n/job.Devices)))
		}
	}
	line("sent", "%d attempts, %d of them repeats; %d requests in %d batches", job.Attempts, job.Repeats, job.Requests, job.Batches)
	line("callbacks", "%d", job.Callbacks)
	line("rows", "%d duplicates, %d rejected, from %s", job.Duplicates, job.Rejected, job.File)
	line("created", "%s", clock(job.CreatedAt))
	for _, at := range []struct {
		name string
		when *time.Time
	}{{"started", job.StartedAt}, {"finished", job.FinishedAt}, {"may end", job.ETA}} {
		if at.when != nil {
			line(at.name, "%s", clock(*at.when))
		}
	}
	return w.Flush()
}
