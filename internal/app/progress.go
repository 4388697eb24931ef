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

// sameEvery is the same for a line that says what the last one said.
const sameEvery = time.Minute

// progress shows how far something is: a bar on a terminal, a line now and then elsewhere.
type progress struct {
	env   *Env
	pool  *mpb.Progress
	bar   *mpb.Bar
	words string    // beside the bar
	line  string    // the last plain one
	last  time.Time // when it was written
	full  bool      // it has come to its end
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
	p.words, p.full = words, total > 0 && done == total
	if p.env.Terminal {
		p.draw(name, done, total)
		return
	}
	line := fmt.Sprintf("%s: %d: %s", name, done, words)
	if total > 0 {
		line = fmt.Sprintf("%s: %d of %d (%d%%): %s", name, done, total, 100*done/total, words)
	}
	wait := plainEvery
	if line == p.line {
		wait = sameEvery
	}
	if now := p.env.Now(); end && line != p.line || now.Sub(p.last) >= wait {
		p.line, p.last = line, now
		fmt.Fprintln(p.env.Err, line)
	}
}

func (p *progress) draw(name string, done, total int64) {
	if p.bar == nil {
		p.pool = mpb.New(mpb.WithOutput(p.env.Err), mpb.WithWidth(40))
		p.bar = p.pool.AddBar(total,
			mpb.PrependDecorators(decor.Name(name+" "), decor.CountersNoUnit("%d/%d")),
			mpb.AppendDecorators(decor.Any(func(s decor.Statistics) string {
				// Rounded down: 100% is the end, and nothing else.
				return fmt.Sprintf(" %d%%  %s", 100*s.Current/max(1, s.Total), p.words)
			})),
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
	if p.full {
		p.bar.SetTotal(-1, true)
	}
	p.bar.Abort(false) // a bar that is stopped stays where it was
	p.pool.Wait()
}
