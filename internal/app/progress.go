package app

import (
	"fmt"
	"time"

	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"

	"github.com/simshift/simshift/jobs"
)

// plainEvery is the least time between two lines of progress where there is no terminal.
const plainEvery = 5 * time.Second

// progress shows how far something is: a bar on a terminal, a line now and then elsewhere.
type progress struct {
	env   *Env
	pool  *mpb.Progress
	bar   *mpb.Bar
	words string    // beside the bar
	last  time.Time // of the last plain line
}

func newProgress(env *Env) *progress { return &progress{env: env} }

// show brings a job's progress up to date.
func (p *progress) show(job jobs.Job) {
	words := fmt.Sprintf("%d ok, %d not, %d in flight", job.Counts[jobs.Succeeded],
		job.Counts.Final()-job.Counts[jobs.Succeeded], job.Counts[jobs.Submitted]+job.Counts[jobs.Submitting])
	if n := job.Counts[jobs.Retrying]; n > 0 {
		words += fmt.Sprintf(", %d retrying", n)
	}
	if job.Hold != "" {
		words += "; waits " + job.Hold
	}
	p.set("devices", job.Counts.Final(), job.Devices, words, !job.State.Open())
}

// set brings any progress up to date; total may be 0 while it is not known.
func (p *progress) set(name string, done, total int64, words string, end bool) {
	p.words = words
	if p.env.Terminal {
		p.draw(name, done, total)
		return
	}
	now := p.env.Now()
	if !end && now.Sub(p.last) < plainEvery {
		return
	}
	p.last = now
	if total > 0 {
		fmt.Fprintf(p.env.Err, "%s: %d of %d (%d%%): %s\n", name, done, total, 100*done/total, words)
	} else {
		fmt.Fprintf(p.env.Err, "%s: %d: %s\n", name, done, words)
	}
}

func (p *progress) draw(name string, done, total int64) {
	if p.bar == nil {
		p.pool = mpb.New(mpb.WithOutput(p.env.Err), mpb.WithWidth(40))
		p.bar = p.pool.AddBar(total,
			mpb.PrependDecorators(decor.Name(name+" "), decor.CountersNoUnit("%d/%d")),
			mpb.AppendDecorators(decor.Percentage(), decor.Any(func(decor.Statistics) string { return "  " + p.words })),
		)
	}
	p.bar.SetTotal(total, false)
	p.bar.SetCurrent(done)
}

// close leaves the terminal as a finished line.
func (p *progress) close() {
	if p.bar == nil {
		return
	}
	p.bar.SetTotal(-1, true)
	p.bar.Abort(false)
	p.pool.Wait()
}
