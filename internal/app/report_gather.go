package app

import (
	"context"
	"sort"
	"time"

	"github.com/simshift/simshift/console/api"
	"github.com/simshift/simshift/jobs"
)

// report gathers all there is to know of a job, in one pass over its devices and in memory that does not grow with them.
func (d *deployment) report(ctx context.Context, job jobs.Job) (*report, error) {
	if err := d.describe(ctx, &job); err != nil {
		return nil, err
	}
	ends := job.Policy.WaveEnds(job.Devices)
	sends, err := d.firstSendings(ctx, job, ends)
	if err != nil {
		return nil, err
	}
	g := newGathering(sends)
	if job.Wave > 0 {
		g.wave(ends)
	}
	if err := d.ledger.Outcomes(ctx, job.ID, g.add); err != nil {
		return nil, err
	}
	minutes, err := d.ledger.Timeline(ctx, job.ID)
	if err != nil {
		return nil, err
	}
	log, err := d.ledger.Log(ctx, job.ID, 0)
	if err != nil {
		return nil, err
	}
	return g.report(job, minutes, log, d.env.Now()), nil
}

// sending is when a stretch of a chunk was sent for the first time, and in which wave.
type sending struct {
	from, to int // positions
	at       time.Time
	wave     int // index
}

// sendings are the first sendings of every chunk, in the order of their positions.
type sendings [][]sending

// of finds the first sending of a place.
func (s sendings) of(place jobs.Place) (sending, bool) {
	chunk, pos := place.Chunk(), place.Pos()
	if chunk >= len(s) {
		return sending{}, false
	}
	at := sort.Search(len(s[chunk]), func(i int) bool { return s[chunk][i].to > pos })
	if at == len(s[chunk]) || s[chunk][at].from > pos {
		return sending{}, false
	}
	return s[chunk][at], true
}

// firstSendings reads when which devices were sent first. Batches of first attempts are stretches of a chunk, formed in the
// order of its positions, each in the wave that was open then; so a batch that begins before the end of an earlier one is
// half of one that was refused, and was sent later.
func (d *deployment) firstSendings(ctx context.Context, job jobs.Job, ends []int64) (sendings, error) {
	var s sendings
	formed, wave := int64(0), 0
	for first := int64(1); first <= job.Batches; first += 1000 {
		page, err := d.ledger.Batches(ctx, job.ID, first, min(first+999, job.Batches))
		if err != nil {
			return nil, err
		}
		for _, b := range page {
			if b.Listed || b.Attempt != 1 {
				continue
			}
			for len(s) <= b.Chunk {
				s = append(s, nil)
			}
			end := 0
			if n := len(s[b.Chunk]); n > 0 {
				end = s[b.Chunk][n-1].to
			}
			if b.From < end {
				continue
			}
			formed += int64(b.From - end + b.Size) // what was dropped before it was formed counts for the wave
			for wave < len(ends)-1 && formed > ends[wave] {
				wave++
			}
			s[b.Chunk] = append(s[b.Chunk], sending{b.From, b.From + b.Size, b.SentAt, wave})
		}
	}
	return s, nil
}

// faultKey tells faults apart.
type faultKey struct {
	state  jobs.State
	reason jobs.Reason
	code   string
}

type faultIn struct {
	faultKey
	account string
}

// gathering is the pass over the devices.
type gathering struct {
	sends    sendings
	counts   jobs.Counts
	faults   map[faultKey]*api.FaultCount
	within   map[faultIn]int64
	accounts map[string]*api.AccountCount
	waves    []api.WaveCount
	attempts map[int]*api.AttemptCount
	took     durations

	otherFaults   int64
	otherAccounts api.AccountCount
	slowest       top
	tried         top
}

func newGathering(sends sendings) *gathering {
	return &gathering{
		sends: sends, counts: make(jobs.Counts), faults: make(map[faultKey]*api.FaultCount), within: make(map[faultIn]int64),
		accounts: make(map[string]*api.AccountCount), attempts: make(map[int]*api.AttemptCount), took: make(durations),
		waves: []api.WaveCount{},
	}
}

// wave makes room for the waves that end after so many devices.
func (g *gathering) wave(ends []int64) {
	before := int64(0)
	for i, end := range ends {
		g.waves = append(g.waves, api.WaveCount{Wave: i + 1, Devices: end - before})
		before = end
	}
}

// add takes a device in.
func (g *gathering) add(o *jobs.Outcome) error {
	moved, final := o.State == jobs.Succeeded, o.State.Final()
	g.counts[o.State]++
	if !moved && (final || o.Fault != (jobs.Fault{})) {
		g.addFault(o)
	}
	account := g.account(o.Account)
	account.Devices++
	note(moved, final, &account.Moved, &account.NotMoved, &account.Open)

	tries := g.attempts[o.Attempts]
	if tries == nil { // attempts are a byte: there are few
		tries = &api.AttemptCount{Attempts: o.Attempts}
		g.attempts[o.Attempts] = tries
	}
	tries.Devices++
	if moved {
		tries.Moved++
	}
	first, sent := g.sends.of(o.Place)
	if sent && len(g.waves) > 0 {
		wave := &g.waves[first.wave]
		note(moved, final, &wave.Moved, &wave.NotMoved, &wave.Open)
	}
	seconds := int64(-1)
	if sent && final && o.State != jobs.Cancelled && !first.at.IsZero() {
		seconds = max(0, int64(o.ChangedAt.Sub(first.at)/time.Second))
		g.took[coarse(seconds)]++
	}
	g.slowest.offer(seconds, 0, o, first.at)
	if o.Attempts > 1 {
		g.tried.offer(int64(o.Attempts), max(0, seconds), o, first.at)
	}
	return nil
}

// note counts a device as one of three.
func note(moved, final bool, movedTo, notMoved, open *int64) {
	switch {
	case moved:
		*movedTo++
	case final:
		*notMoved++
	default:
		*open++
	}
}

func (g *gathering) addFault(o *jobs.Outcome) {
	key := faultKey{o.State, o.Reason, o.Fault.Code}
	fault := g.faults[key]
	if fault == nil {
		if len(g.faults) >= reportKeys {
			g.otherFaults++
			return
		}
		fault = &api.FaultCount{State: o.State, Reason: o.Reason, Code: o.Fault.Code, Text: o.Fault.Text,
			Explanation: jobs.Explain(o.State, o.Reason, o.Fault)}
		g.faults[key] = fault
	}
	fault.Devices++
	in := faultIn{key, o.Account}
	if n, known := g.within[in]; known || len(g.within) < reportKeys {
		g.within[in] = n + 1
	}
}

func (g *gathering) account(name string) *api.AccountCount {
	account := g.accounts[name]
	if account == nil {
		if len(g.accounts) >= reportKeys {
			return &g.otherAccounts
		}
		account = &api.AccountCount{Account: name}
		g.accounts[name] = account
	}
	return account
}
