package ledger

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/simshift/simshift/jobs"
)

// Job reads a job as it stands now. Its Hold is what the job itself knows (a pause); holds of the deployment are the
// caller's to add. It fails with [jobs.ErrNotFound].
func (l *Ledger) Job(ctx context.Context, id string) (jobs.Job, error) {
	s, err := l.spec(ctx, id)
	if err != nil {
		return jobs.Job{}, err
	}
	fields, err := l.rdb.HGetAll(ctx, jobKey(id)).Result()
	if err != nil {
		return jobs.Job{}, fmt.Errorf("read job %s: %w", id, err)
	}
	if len(fields) == 0 {
		l.specs.Delete(id)
		return jobs.Job{}, notFound(id)
	}
	return fill(s.job(), fields), nil
}

// fill puts the changing part of a job beside the fixed one.
func fill(job jobs.Job, fields map[string]string) jobs.Job {
	job.State = jobs.Phase(fields["state"])
	job.Hold = fields["hold"]
	job.PausedBy = fields["paused_by"]
	job.Drift = fields["drift"]
	job.Wave, job.Opened, job.Formed = int(number(fields["wave"])), number(fields["opened"]), number(fields["formed"])
	job.Priority, job.Round = int(number(fields["priority"])), int(number(fields["round"]))
	job.Devices = number(fields["devices"])
	job.Attempts = number(fields["attempts"])
	job.Repeats = number(fields["repeats"])
	job.Batches = number(fields["batches"])
	job.Requests = number(fields["requests"])
	job.Callbacks = number(fields["callbacks"])
	job.StartedAt = moment(fields["started_at"])
	job.FinishedAt = moment(fields["finished_at"])
	job.Counts = make(jobs.Counts, len(jobs.States))
	for _, state := range jobs.States {
		job.Counts[state] = number(fields[countField(state)])
	}
	return job
}

// Jobs lists every job, the newest first.
func (l *Ledger) Jobs(ctx context.Context) ([]jobs.Job, error) {
	ids, err := l.rdb.ZRevRange(ctx, indexKey, 0, -1).Result()
	if err != nil {
		return nil, fmt.Errorf("list jobs: %w", err)
	}
	return l.all(ctx, ids)
}

// OpenJobs lists the ids of the jobs that hold devices, the oldest first.
func (l *Ledger) OpenJobs(ctx context.Context) ([]string, error) {
	ids, err := l.rdb.ZRange(ctx, indexKey, 0, -1).Result()
	if err != nil {
		return nil, fmt.Errorf("list open jobs: %w", err)
	}
	phases, err := l.phases(ctx, ids)
	if err != nil {
		return nil, fmt.Errorf("list open jobs: %w", err)
	}
	open := ids[:0]
	for i, id := range ids {
		if phases[i].Open() {
			open = append(open, id)
		}
	}
	return open, nil
}

// Finish ends the job if no device of it is open, and gives the phase it is in now.
func (l *Ledger) Finish(ctx context.Context, id string) (jobs.Phase, error) {
	phase, err := l.run(ctx, finishScript, id, string(jobs.Finished), string(jobs.Stopped), string(jobs.Cancelling),
		string(jobs.Running), string(jobs.Paused), string(jobs.Cancelling)).Text()
	if err != nil {
		return "", fmt.Errorf("finish job %s: %w", id, err)
	}
	return jobs.Phase(phase), nil
}

// move takes a job to another phase, with fields set and an entry written in the same step. To be there already is success.
func (l *Ledger) move(ctx context.Context, id string, to jobs.Phase, from []jobs.Phase, e jobs.Entry, fields ...any) error {
	args := []any{string(to), len(from), l.entryText(e)}
	for _, phase := range from {
		args = append(args, string(phase))
	}
	return l.moved(l.run(ctx, phaseScript, id, append(args, fields...)...), id, to)
}

func number(text string) int64 {
	n, _ := strconv.ParseInt(text, 10, 64) // absent is zero; the scripts write only numbers
	return n
}

func moment(text string) *time.Time {
	if text == "" {
		return nil
	}
	at := time.UnixMilli(number(text)).UTC()
	return &at
}

// none turns "no such key" into no error.
func none(err error, doing string) error {
	if err == nil || errors.Is(err, redis.Nil) {
		return nil
	}
	return fmt.Errorf("%s: %w", doing, err)
}
