package ledger_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/simshift/simshift/jobs"
	"github.com/simshift/simshift/ledger"
)

// fullChunk is a chunk of the largest size.
func fullChunk() (jobs.Chunk, []jobs.Device) {
	devices := make([]jobs.Device, jobs.MaxChunk)
	for i := range devices {
		devices[i] = device(i + 1)
	}
	return jobs.Chunk{Size: len(devices)}, devices
}

// bench is a ledger on a real Redis, for benchmarks.
type bench struct {
	*ledger.Ledger
	*testing.B
	jobs int
}

func newBench(b *testing.B) *bench {
	b.Helper()
	b.ReportAllocs()
	return &bench{Ledger: ledger.New(realRedis.Client(b), time.Now), B: b}
}

func (b *bench) check(err error) {
	b.Helper()
	if err != nil {
		b.Fatal(err)
	}
}

// job makes a job, which has no devices yet.
func (b *bench) job() jobs.Job {
	b.Helper()
	b.jobs++
	job := jobs.Job{ID: fmt.Sprintf("job-%d", b.jobs), Policy: jobs.DefaultPolicy(), Groups: []jobs.Group{group}, CreatedAt: time.Now()}
	job.FileSHA256 = job.ID
	b.check(b.Create(b.Context(), job))
	return job
}

// inFlight makes a job of one full chunk whose devices are all in flight in one batch.
func (b *bench) inFlight() (job jobs.Job, batch int64) {
	b.Helper()
	ctx := b.Context()
	job = b.job()
	chunk, devices := fullChunk()
	b.check(b.AddChunk(ctx, job.ID, chunk, devices))
	b.check(b.Commit(ctx, job, int64(chunk.Size), "", jobs.Entry{}))
	batch, err := b.Form(ctx, job.ID, chunk, 0, chunk.Size)
	b.check(err)
	_, err = b.Begin(ctx, job.ID, batch, "run", time.Now().Add(time.Hour), jobs.Quota{})
	b.check(err)
	_, err = b.Accept(ctx, job.ID, batch, "run", "request-"+job.ID, time.Now().Add(time.Hour))
	b.check(err)
	return job, batch
}

// BenchmarkAddChunk writes ten thousand devices of a roster.
func BenchmarkAddChunk(tb *testing.B) {
	b := newBench(tb)
	job := b.job()
	chunk, devices := fullChunk()
	for b.Loop() {
		b.check(b.AddChunk(b.Context(), job.ID, chunk, devices))
	}
	b.ReportMetric(float64(chunk.Size)*float64(b.N)/b.Elapsed().Seconds(), "devices/s")
}

// BenchmarkSettle writes groups of a thousand callbacks, each of a device that is in flight.
func BenchmarkSettle(tb *testing.B) {
	const together = 1000
	b := newBench(tb)
	var job jobs.Job
	var batch int64
	from := jobs.MaxChunk
	for b.Loop() {
		if from == jobs.MaxChunk {
			b.StopTimer()
			job, batch = b.inFlight()
			from = 0
			b.StartTimer()
		}
		events := make([]jobs.Event, together)
		for i := range events {
			events[i] = event(batch, from+i+1, jobs.Confirmed)
		}
		settled, err := b.Settle(b.Context(), job.ID, job.Policy.Attempts, events)
		if err != nil || settled.Effects[0] != jobs.Settled {
			b.Fatalf("%v, %v", settled.Effects[0], err)
		}
		from += together
	}
	b.ReportMetric(together*float64(b.N)/b.Elapsed().Seconds(), "callbacks/s")
}

// BenchmarkOutcomes reads ten thousand results.
func BenchmarkOutcomes(tb *testing.B) {
	b := newBench(tb)
	job, _ := b.inFlight()
	for b.Loop() {
		read := 0
		err := b.Outcomes(b.Context(), job.ID, func(*jobs.Outcome) error { read++; return nil })
		if err != nil || read != jobs.MaxChunk {
			b.Fatalf("%d outcomes, %v", read, err)
		}
	}
	b.ReportMetric(jobs.MaxChunk*float64(b.N)/b.Elapsed().Seconds(), "devices/s")
}
