package worker

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/simshift/simshift/jobs"
)

// paper is the ledger of one job on paper: what the planner, the submitter and the reaper ask of it, and nothing of how Redis
// keeps it. It holds each move of a device against the table of transitions.
type paper struct {
	t       testing.TB
	now     func() time.Time
	job     jobs.Job
	chunks  []jobs.Chunk
	formed  map[int]int
	devices []leaf // by chunk and position
	batches []*sheet
	waits   map[string]*queueing
	order   []*queueing         // the same by their time, and then by their names
	sent    map[time.Time]int64 // devices, by the window's begin
	counts  tally
	inWave  []tally     // by wave, from 1
	queued  []int64     // batches that were formed and nobody has taken yet
	dues    []time.Time // of retry waves that nobody was told of yet
}

// may is the table of transitions, quick to ask.
var may = func() (table [jobs.Closed][jobs.Closed]bool) {
	for _, from := range jobs.States {
		for _, to := range jobs.States {
			table[from][to] = from.May(to)
		}
	}
	return table
}()

// tally is how many devices are in each state.
type tally [jobs.Closed]int64

func (t *tally) asCounts() jobs.Counts {
	counts := make(jobs.Counts)
	for state, n := range t {
		if n != 0 {
			counts[jobs.State(state)] = n
		}
	}
	return counts
}

// leaf is one device.
type leaf struct {
	batch   int32
	state   jobs.State // of a device in a batch: Queued, whatever its batch's state is
	attempt uint8
	wave    uint8
	settled uint8 // how often
}

// sheet is a batch with its devices.
type sheet struct {
	jobs.Batch
	run      string
	wave     int // in which it was formed
	closedAt time.Time
	places   []jobs.Place
}

// newPaper has a roster of groups of so many devices.
func newPaper(t testing.TB, now func() time.Time, policy jobs.Policy, groups []int64) *paper {
	p := &paper{
		t: t, now: now, formed: make(map[int]int), waits: make(map[string]*queueing), sent: make(map[time.Time]int64),
		job: jobs.Job{ID: "night", State: jobs.Running, Policy: policy, CreatedAt: now()},
	}
	for group, size := range groups {
		p.job.Groups = append(p.job.Groups, jobs.Group{Account: fmt.Sprintf("account-%04d", group), Plan: "plan"})
		p.job.Devices += size
		for left := size; left > 0; left -= jobs.MaxChunk {
			p.chunks = append(p.chunks, jobs.Chunk{Number: len(p.chunks), Group: group, Size: int(min(left, jobs.MaxChunk))})
		}
	}
	p.devices = make([]leaf, len(p.chunks)*jobs.MaxChunk)
	p.counts[jobs.Pending] = p.job.Devices
	p.inWave = make([]tally, 2)
	if len(policy.Waves) > 0 {
		p.job.Wave, p.job.Opened = 1, policy.WaveEnds(p.job.Devices)[0]
	}
	return p
}

func (p *paper) leaf(place jobs.Place) *leaf {
	return &p.devices[place.Chunk()*jobs.MaxChunk+place.Pos()]
}

// move takes a device from one state, which of one in a batch is its batch's, to the next.
func (p *paper) move(d *leaf, from, to jobs.State) {
	if !may[from][to] {
		p.t.Fatalf("a device goes from %v to %v", from, to)
	}
	if from == jobs.Pending {
		d.wave = uint8(len(p.inWave) - 1)
	} else {
		p.inWave[d.wave][d.state]--
	}
	if d.state = to; to == jobs.Submitting || to == jobs.Submitted {
		d.state = jobs.Queued
	}
	p.inWave[d.wave][d.state]++
	if to.Final() {
		d.settled++
	}
	p.count(from, to, 1)
}

func (p *paper) count(from, to jobs.State, n int64) {
	p.counts[from] -= n
	p.counts[to] += n
}

func (p *paper) Job(context.Context, string) (jobs.Job, error) {
	job := p.job
	job.Counts = p.counts.asCounts()
	return job, nil
}

func (p *paper) WaveCounts(context.Context, string) (jobs.Counts, error) {
	return p.inWave[p.job.Wave].asCounts(), nil
}

func (p *paper) Chunks(context.Context, string) ([]jobs.Chunk, error) { return p.chunks, nil }
func (p *paper) Formed(context.Context, string) (map[int]int, error)  { return p.formed, nil }
func (p *paper) OpenBatches(context.Context, string) ([]int64, error) { return nil, nil }
func (p *paper) Withdraw(context.Context, string) error               { return nil }

func (p *paper) Split(context.Context, string, int64, string, string) ([]int64, error) {
	p.t.Fatal("nothing is suspect in this night")
	return nil, nil
}

func (p *paper) Batch(_ context.Context, _ string, batch int64) (jobs.Batch, error) {
	return p.batches[batch-1].Batch, nil
}

func (p *paper) Pause(_ context.Context, _, _ string, _ int, hold string, _ jobs.Entry) error {
	p.job.State, p.job.Hold = jobs.Paused, hold
	return nil
}

func (p *paper) OpenWave(_ context.Context, _ string, present int, upTo int64, _ jobs.Entry) error {
	if p.job.Wave == present {
		p.job.Wave, p.job.Opened = present+1, upTo
		p.inWave = append(p.inWave, tally{})
	}
	return nil
}

func (p *paper) Finish(context.Context, string) (jobs.Phase, error) {
	if counts := p.counts.asCounts(); counts.Final() == p.job.Devices {
		p.job.State = jobs.Finished
	}
	return p.job.State, nil
}

func (p *paper) Form(_ context.Context, _ string, chunk jobs.Chunk, from, size int) (int64, error) {
	if p.job.Wave > 0 && p.job.Formed+int64(size) > p.job.Opened {
		p.t.Fatalf("%d devices more than the waves let go are formed", p.job.Formed+int64(size)-p.job.Opened)
	}
	places := make([]jobs.Place, size)
	for i := range places {
		places[i] = jobs.PlaceAt(chunk.Number, from+i)
	}
	p.formed[chunk.Number] = from + size
	p.job.Formed += int64(size)
	return p.batch(chunk.Group, 1, false, places, jobs.Pending), nil
}

// batch makes one of devices that are in a state.
func (p *paper) batch(group, attempt int, repeat bool, places []jobs.Place, from jobs.State) int64 {
	b := jobs.Batch{
		Job: p.job.ID, Number: int64(len(p.batches) + 1), State: jobs.Queued, Group: group, Attempt: attempt, Repeat: repeat,
		Size: len(places), Open: len(places), FormedAt: p.now(),
	}
	for _, place := range places {
		d := p.leaf(place)
		p.move(d, from, jobs.Queued)
		d.attempt, d.batch = uint8(attempt), int32(b.Number)
	}
	p.batches = append(p.batches, &sheet{Batch: b, wave: p.job.Wave, places: places})
	p.queued = append(p.queued, b.Number)
	p.job.Batches++
	return b.Number
}

// shift takes a batch, and its open devices, to another state.
func (p *paper) shift(b *sheet, to jobs.State, due time.Time) {
	p.count(b.State, to, int64(b.Open))
	b.State, b.DueAt = to, due
}

func (p *paper) Begin(_ context.Context, _ string, batch int64, run string, graceEnds time.Time, quota jobs.Quota) (bool, error) {
	b := p.batches[batch-1]
	if b.State != jobs.Queued || p.job.State != jobs.Running {
		return false, nil
	}
	if quota.Most > 0 && p.sent[quota.Window]+int64(b.Open) > quota.Most {
		return false, jobs.ErrWindowFull
	}
	p.sent[quota.Window] += int64(b.Open)
	b.run, b.SentAt = run, p.now()
	p.job.Requests++
	p.job.Attempts += int64(b.Open)
	p.shift(b, jobs.Submitting, graceEnds)
	return true, nil
}

func (p *paper) Accept(_ context.Context, _ string, batch int64, run, requestID string, deadline time.Time) (bool, error) {
	b := p.batches[batch-1]
	if b.State != jobs.Submitting || b.run != run {
		return false, nil
	}
	b.RequestID = requestID
	p.shift(b, jobs.Submitted, deadline)
	return true, nil
}

// settle writes what a callback says. closed tells whether its batch holds no open device any more.
func (p *paper) settle(e jobs.Event) (closed bool) {
	d, b := p.leaf(e.Place), p.batches[e.Batch-1]
	if int64(d.batch) != e.Batch || d.state != jobs.Queued {
		p.t.Fatalf("a callback of batch %d is about a device that is %v in batch %d", e.Batch, d.state, d.batch)
	}
	switch {
	case e.Kind == jobs.Confirmed:
		p.move(d, b.State, jobs.Succeeded)
	case e.Kind == jobs.Faltered && b.Attempt < p.job.Policy.Attempts:
		p.move(d, b.State, jobs.Retrying)
		p.wait(b, e.Place, b.Repeat, e.Due)
	default:
		p.move(d, b.State, jobs.Failed)
	}
	return p.answered(b)
}

func (p *paper) answered(b *sheet) (closed bool) {
	if b.Open--; b.Open > 0 {
		return false
	}
	b.State, b.DueAt, b.places, b.closedAt = jobs.Closed, time.Time{}, nil, p.now()
	return true
}

func (p *paper) Close(_ context.Context, _ string, batch int64, e jobs.Ending) (moved int, wave string, err error) {
	b := p.batches[batch-1]
	if b.State != e.From || e.Overdue && b.DueAt.After(p.now()) {
		return -1, "", nil
	}
	retry := e.Retry && b.Attempt < e.Attempts
	for _, place := range b.places {
		d := p.leaf(place)
		if d.state != jobs.Queued || int64(d.batch) != batch {
			continue // it has had its answer
		}
		moved++
		if retry {
			p.move(d, e.From, jobs.Retrying)
			wave = p.wait(b, place, b.Repeat || e.Doubtful, e.RetryAt)
		} else {
			p.move(d, e.From, e.To)
		}
	}
	b.Open = 1
	p.answered(b)
	return moved, wave, nil
}
