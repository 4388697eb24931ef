package worker

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/simshift/simshift/jobs"
	"github.com/simshift/simshift/ratelimit"
)

// lookahead is how many batches' worth of devices of a job stand in the queue at most. More would only wait there, out
// of reach of a pause.
const lookahead = 32

type planBooks interface {
	Job(ctx context.Context, id string) (jobs.Job, error)
	Chunks(ctx context.Context, job string) ([]jobs.Chunk, error)
	Formed(ctx context.Context, job string) (map[int]int, error)
	WaveCounts(ctx context.Context, job string) (jobs.Counts, error)
	OpenWave(ctx context.Context, job string, present int, upTo int64, e jobs.Entry) error
	Pause(ctx context.Context, job, by string, wave int, hold string, e jobs.Entry) error
	Form(ctx context.Context, job string, chunk jobs.Chunk, from, size int) (int64, error)
	Waves(ctx context.Context, job string) ([]jobs.RetryWave, error)
	Gather(ctx context.Context, job string, waves []jobs.RetryWave, most int) (batch int64, left int, err error)
	OpenBatches(ctx context.Context, job string) ([]int64, error)
	Close(ctx context.Context, job string, batch int64, ending jobs.Ending) (moved int, wave string, err error)
	Withdraw(ctx context.Context, job string) error
	Finish(ctx context.Context, id string) (jobs.Phase, error)
}

// planner decides what of a job is sent next. Any number may plan the same job at once: each step is guarded.
type planner struct {
	books planBooks
	tasks *Tasks
	holds func(ctx context.Context) ([]ratelimit.Hold, error)
	now   func() time.Time
	log   *slog.Logger
}

// Advance takes a job as far as it can go now.
func (p *planner) Advance(ctx context.Context, id string) error {
	job, err := p.books.Job(ctx, id)
	if errors.Is(err, jobs.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	switch job.State {
	case jobs.Running:
		err = p.plan(ctx, job)
	case jobs.Cancelling:
		err = p.withdraw(ctx, job)
	case jobs.Paused:
	default:
		return nil
	}
	if err != nil {
		return fmt.Errorf("advance job %s: %w", id, err)
	}
	phase, err := p.books.Finish(ctx, id)
	if err == nil && phase.Ended() {
		p.log.InfoContext(ctx, "job ended", "job", id, "state", phase)
	}
	return err
}

// plan makes batches, the retries first, until enough of them wait in the queue. Accounts that can not send now are
// passed over, and what waits of them takes no room from the others.
func (p *planner) plan(ctx context.Context, job jobs.Job) error {
	job, err := p.passGate(ctx, job)
	if err != nil || job.State != jobs.Running {
		return err
	}
	if _, open := job.Policy.Schedule.Span(p.now()); !open {
		return nil // what a window does not send should not stand in the queue: it may be paused, limited or cancelled first
	}
	held, err := p.held(ctx, job)
	if err != nil {
		return err
	}
	room := lookahead*int64(job.Policy.BatchSize)*int64(1+len(held)) - job.Counts[jobs.Queued]
	if job.Counts[jobs.Retrying] > 0 {
		if room, err = p.retry(ctx, job, held, room); err != nil {
			return err
		}
	}
	if job.Counts[jobs.Pending] == 0 || room <= 0 {
		return nil
	}
	return p.form(ctx, job, held, room)
}

// held gives the accounts of a job that can not send now.
func (p *planner) held(ctx context.Context, job jobs.Job) (map[string]bool, error) {
	holds, err := p.holds(ctx)
	if err != nil {
		return nil, err
	}
	held := make(map[string]bool, len(holds))
	for _, hold := range holds {
		if slices.ContainsFunc(job.Groups, func(g jobs.Group) bool { return g.Account == hold.Scope }) {
			held[hold.Scope] = true
		}
	}
	return held, nil
}

// company is how long a retry wave that fills no batch waits for others, while full batches are queued before it anyway: a
// request takes its turn whether it moves one device or ten thousand.
const company = 20 * time.Second

// retry makes batches of the retry waves that are due. It gives the room that is left.
func (p *planner) retry(ctx context.Context, job jobs.Job, held map[string]bool, room int64) (int64, error) {
	waves, err := p.books.Waves(ctx, job.ID)
	if err != nil {
		return room, err
	}
	busy := job.Counts[jobs.Queued] >= int64(job.Policy.BatchSize)
	for _, alike := range p.due(waves) {
		if held[job.Groups[alike[0].Group].Account] || busy && p.waits(alike, job.Policy.BatchSize) {
			continue
		}
		for left := 1; left > 0 && room > 0; room -= int64(job.Policy.BatchSize) {
			var batch int64
			if batch, left, err = p.books.Gather(ctx, job.ID, alike, int(job.Policy.RequestSize())); err != nil {
				return room, err
			}
			if err := p.queue(ctx, job.ID, batch); err != nil {
				return room, err
			}
		}
	}
	return room, nil
}

// due puts the waves that are due together with those that are alike, the earliest first. The others each have a task, or
// the next sweep.
func (p *planner) due(waves []jobs.RetryWave) (sets [][]jobs.RetryWave) {
	for _, wave := range waves {
		if wave.Due.After(p.now()) {
			break // they come in the order of their time
		}
		at := slices.IndexFunc(sets, func(set []jobs.RetryWave) bool { return set[0].Alike(wave) })
		if at < 0 {
			sets = append(sets, []jobs.RetryWave{wave})
			continue
		}
		sets[at] = append(sets[at], wave)
	}
	return sets
}

// waits tells whether waves that are due should wait for company.
func (p *planner) waits(alike []jobs.RetryWave, batchSize int) bool {
	devices := 0
	for _, wave := range alike {
		devices += wave.Devices
	}
	return devices < batchSize && p.now().Sub(alike[0].Due) < company
}

// form makes batches of first attempts, a batch of each group in turn.
func (p *planner) form(ctx context.Context, job jobs.Job, held map[string]bool, room int64) error {
	chunks, wave, err := p.unformed(ctx, job, held)
	if err != nil {
		return err
	}
	for room > 0 && len(chunks) > 0 {
		chunks = slices.DeleteFunc(chunks, func(c *stretch) bool { return c.from >= c.Size || wave[c.Group] <= 0 })
		turn := make(map[int]bool, len(job.Groups))
		for _, c := range chunks {
			if turn[c.Group] || room <= 0 {
				continue
			}
			turn[c.Group] = true
			size := int(min(job.Policy.RequestSize(), int64(c.Size-c.from), wave[c.Group]))
			batch, err := p.books.Form(ctx, job.ID, c.Chunk, c.from, size)
			if err != nil {
				return err
			}
			c.from += size
			room -= int64(size)
			wave[c.Group] -= int64(size)
			if err := p.queue(ctx, job.ID, batch); err != nil {
				return err
			}
		}
	}
	return nil
}

// stretch is the part of a chunk, from a position on, that is in no batch yet.
type stretch struct {
	jobs.Chunk
	from int
}

// unformed lists what is left to form, without the accounts that can not send now, and how much of each group the wave lets
// go.
func (p *planner) unformed(ctx context.Context, job jobs.Job, held map[string]bool) ([]*stretch, map[int]int64, error) {
	chunks, err := p.books.Chunks(ctx, job.ID)
	if err != nil {
		return nil, nil, err
	}
	formed, err := p.books.Formed(ctx, job.ID)
	if err != nil {
		return nil, nil, err
	}
	var left []*stretch
	for _, chunk := range chunks {
		if from := formed[chunk.Number]; from < chunk.Size && !held[job.Groups[chunk.Group].Account] {
			left = append(left, &stretch{chunk, from})
		}
	}
	return left, waveRoom(job, chunks, formed), nil
}

// withdraw cancels what a cancelled job has not sent.
func (p *planner) withdraw(ctx context.Context, job jobs.Job) error {
	if job.Counts[jobs.Pending]+job.Counts[jobs.Retrying] > 0 { // else it would go over every chunk for nothing
		if err := p.books.Withdraw(ctx, job.ID); err != nil {
			return err
		}
	}
	if job.Counts[jobs.Queued] == 0 {
		return nil
	}
	open, err := p.books.OpenBatches(ctx, job.ID)
	if err != nil {
		return err
	}
	for _, batch := range open {
		_, _, err := p.books.Close(ctx, job.ID, batch, jobs.Ending{
			From: jobs.Queued, To: jobs.Cancelled, Reason: jobs.Withdrawn, Note: "the job was cancelled",
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func (p *planner) queue(ctx context.Context, job string, batch int64) error {
	if batch == 0 {
		return nil // another process was first, or nothing was left to send
	}
	return p.tasks.Submit(ctx, jobs.BatchID{Job: job, Batch: batch}, 0)
}
