package app

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/hibiken/asynq"

	"github.com/simshift/simshift/jobs"
)

// describe adds to a job what only the deployment knows: the hold that keeps it from sending, and when it may end.
func (d *deployment) describe(ctx context.Context, job *jobs.Job) error {
	if !job.State.Open() {
		return nil
	}
	if job.Hold == "" {
		hold, err := d.hold(ctx, job)
		if err != nil {
			return err
		}
		job.Hold = hold
	}
	if job.Counts[jobs.Pending]+job.Counts[jobs.Queued] > 0 {
		job.ETA = eta(job, d.env.Now()) // afterwards the carrier's silence decides, not our pace
	}
	return nil
}

// hold gives the reason why a job sends nothing now, or "".
func (d *deployment) hold(ctx context.Context, job *jobs.Job) (string, error) {
	if working, err := d.working(); err != nil || !working {
		return "no worker is running: start `simshift work`", err
	}
	if closed, err := d.closed(ctx, job); err != nil || closed != "" {
		return closed, err
	}
	if job.Counts[jobs.Pending]+job.Counts[jobs.Queued] == 0 {
		return d.waitsFor(ctx, job)
	}
	if login, err := d.loginHold(ctx); err != nil || login != "" {
		return login, err
	}
	holds, err := d.limiter.Holds(ctx)
	if err != nil {
		return "", err
	}
	for _, hold := range holds {
		mine := hold.Scope == "" || slices.ContainsFunc(job.Groups, func(g jobs.Group) bool { return g.Account == hold.Scope })
		if mine {
			return hold.String(), nil
		}
	}
	return "", nil
}

// closed tells until when a job's windows keep it from sending, or "".
func (d *deployment) closed(ctx context.Context, job *jobs.Job) (string, error) {
	if job.Counts[jobs.Pending]+job.Counts[jobs.Queued]+job.Counts[jobs.Retrying] == 0 {
		return "", nil
	}
	now, schedule := d.env.Now(), job.Policy.Schedule
	span, open := schedule.Span(now)
	if !open {
		return fmt.Sprintf("until %s: it sends nothing before; %s", clock(span.From), scheduleText(schedule)), nil
	}
	if job.Policy.PerWindow == 0 {
		return "", nil
	}
	sent, err := d.ledger.SentIn(ctx, job.ID, span.From)
	if err != nil || sent+min(job.Policy.RequestSize(), job.Counts[jobs.Pending]+job.Counts[jobs.Queued]) <= job.Policy.PerWindow {
		return "", err
	}
	for next := range schedule.Spans(now) {
		if next.From.After(now) {
			return fmt.Sprintf("until %s: this window has sent %d of its %d devices", clock(next.From), sent, job.Policy.PerWindow), nil
		}
	}
	return "", nil
}

// scheduleText is a schedule in words.
func scheduleText(s jobs.Schedule) string {
	if len(s.Windows) == 0 {
		return "it starts then"
	}
	texts := make([]string, len(s.Windows))
	for i, w := range s.Windows {
		texts[i] = w.String()
	}
	return "its windows are " + strings.Join(texts, " and ") + " (" + cmp.Or(s.Zone, "UTC") + ")"
}

// waitsFor tells what a job with nothing left to send waits for.
func (d *deployment) waitsFor(ctx context.Context, job *jobs.Job) (string, error) {
	if flying := job.Counts[jobs.Submitted] + job.Counts[jobs.Submitting]; flying > 0 {
		latest, err := d.ledger.LastDeadline(ctx, job.ID)
		return fmt.Sprintf("until %s at the latest: %d devices await the carrier's callbacks", clock(latest), flying), err
	}
	if job.Counts[jobs.Retrying] == 0 {
		return "", nil
	}
	waves, err := d.ledger.Waves(ctx, job.ID)
	if err != nil || len(waves) == 0 {
		return "", err
	}
	return fmt.Sprintf("until %s: %d devices wait for their next attempt", clock(waves[0].Due), job.Counts[jobs.Retrying]), nil
}

// working tells whether any worker is alive; a dead one is taken for alive for some seconds.
func (d *deployment) working() (bool, error) {
	servers, err := asynq.NewInspectorFromRedisClient(d.rdb).Servers()
	if err != nil {
		return false, fmt.Errorf("ask for workers: %w", err)
	}
	return len(servers) > 0, nil
}

// eta reckons from the pace so far; nil while there is none.
func eta(job *jobs.Job, now time.Time) *time.Time {
	final := job.Counts.Final()
	if job.StartedAt == nil || final == 0 || job.Devices == final {
		return nil
	}
	elapsed := now.Sub(*job.StartedAt)
	end := now.Add(time.Duration(float64(elapsed) * float64(job.Devices-final) / float64(final))).UTC().Truncate(time.Second)
	return &end
}

func clock(at time.Time) string { return at.Local().Format("2006-01-02 15:04:05") }
