package worker

import (
	"context"
	"fmt"

	"github.com/simshift/simshift/jobs"
)

// passGate opens the next wave of a job when the present one is settled and enough of it succeeded; where too little did,
// or a person wants to look each time, it pauses the job. It gives the job as it is then.
//
// A wave is judged when nothing of the job is with the carrier: what waits for another attempt has had its answer, or its
// deadline is over. Too few successes are final only when nothing waits for another attempt any more.
func (p *planner) passGate(ctx context.Context, job jobs.Job) (jobs.Job, error) {
	ends := job.Policy.WaveEnds(job.Devices)
	inAir := job.Counts[jobs.Queued] + job.Counts[jobs.Submitting] + job.Counts[jobs.Submitted]
	if job.Wave == 0 || job.Wave >= len(ends) || job.Formed < job.Opened || inAir > 0 {
		return job, nil
	}
	counts, err := p.books.WaveCounts(ctx, job.ID)
	if err != nil {
		return job, err
	}
	wave := weighWave(job.Policy, counts)
	if wave.open {
		return job, nil
	}
	words := fmt.Sprintf("wave %d of %d: %d of %d devices succeeded (%s), and the gate wants %s", job.Wave, len(ends),
		wave.succeeded, wave.judged, wave.share, job.Policy.Gate)
	if wave.passed && !job.Policy.GateByHand {
		err = p.books.OpenWave(ctx, job.ID, job.Wave, ends[job.Wave], jobs.Entry{Who: jobs.ByGate, Act: jobs.ActWaveOpened, Words: words})
	} else {
		err = p.stopAtGate(ctx, job, words)
	}
	if err != nil {
		return job, err
	}
	return p.books.Job(ctx, job.ID)
}

func (p *planner) stopAtGate(ctx context.Context, job jobs.Job, words string) error {
	hold := fmt.Sprintf("the gate: %s; `simshift jobs resume %s` opens the next wave, `simshift jobs cancel %s` ends the job",
		words, job.ID, job.ID)
	err := p.books.Pause(ctx, job.ID, jobs.ByGate, job.Wave, hold, jobs.Entry{Who: jobs.ByGate, Act: jobs.ActGate, Words: words})
	return ignoreConflict(err) // somebody else paused or cancelled it, or another planner was first
}

// waveVerdict is how a wave did.
type waveVerdict struct {
	succeeded, judged int64
	share             jobs.Share
	passed            bool // enough of it succeeded
	open              bool // it may still change: wait
}

func weighWave(policy jobs.Policy, counts jobs.Counts) waveVerdict {
	v := waveVerdict{succeeded: counts[jobs.Succeeded], judged: counts.Total() - counts[jobs.Cancelled], share: 1}
	if v.judged > 0 {
		v.share = jobs.Share(float64(v.succeeded) / float64(v.judged))
	}
	v.passed = v.share >= policy.Gate
	v.open = counts[jobs.Queued] > 0 || !v.passed && counts[jobs.Retrying] > 0
	return v
}

// waveRoom tells how many devices of each group the present wave lets go into batches. A job without waves has no such bound.
func waveRoom(job jobs.Job, chunks []jobs.Chunk, formed map[int]int) map[int]int64 {
	sizes, taken := make([]int64, len(job.Groups)), make([]int64, len(job.Groups))
	for _, chunk := range chunks {
		sizes[chunk.Group] += int64(chunk.Size)
		taken[chunk.Group] += int64(formed[chunk.Number])
	}
	upTo := job.Devices
	if job.Wave > 0 {
		upTo = job.Opened
	}
	room := make(map[int]int64, len(sizes))
	for group, n := range jobs.WaveRoom(sizes, taken, upTo) {
		room[group] = n
	}
	return room
}
