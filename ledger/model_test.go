package ledger_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/google/go-cmp/cmp"
	"github.com/redis/go-redis/v9"
	"pgregory.net/rapid"

	"github.com/simshift/simshift/jobs"
	"github.com/simshift/simshift/ledger"
)

// Whatever is done to a job, in whatever order, sensible or not: its counters are what its records say, they add up to
// the roster, a batch knows how many of its devices are open, and no success is ever lost.
func TestTheBooksBalanceWhateverHappens(t *testing.T) {
	t.Parallel()
	server := miniredis.RunT(t)
	client := redis.NewClient(&redis.Options{Addr: server.Addr()})
	t.Cleanup(func() { _ = client.Close() })
	rapid.Check(t, func(r *rapid.T) {
		server.FlushAll()
		m := &model{
			books: &books{t: t, rdb: client, clock: time.Date(2026, 3, 1, 22, 0, 0, 0, time.UTC)},
			size:  rapid.IntRange(1, 12).Draw(r, "devices"), succeeded: make(map[jobs.Place]bool),
		}
		m.Ledger = ledger.New(client, func() time.Time { return m.clock })
		m.job = m.books.job(m.size, func(p *jobs.Policy) {
			for range rapid.IntRange(0, 3).Draw(r, "waves") {
				p.Waves = append(p.Waves, jobs.Wave{Devices: 3})
			}
			m.waves = p.WaveEnds(int64(m.size))
		}).ID
		r.Repeat(map[string]func(*rapid.T){
			"": m.balanced, "form": m.form, "begin": m.begin, "accept": m.accept, "adopt": m.adopt, "release": m.release,
			"split": m.split, "close": m.close, "settle": m.settle, "gather": m.gather, "wait": m.wait, "cancel": m.cancel,
			"withdraw": m.withdraw, "restore": m.restore, "reopen": m.reopen, "drop": m.drop, "finish": m.finish,
			"pause": m.pause, "resume": m.resume, "wave": m.wave,
		})
	})
}

// model drives one job and remembers only what must never be lost.
type model struct {
	*books
	job       string
	size      int
	waves     []int64 // after how many devices each ends
	inWave    []int   // by position, as far as batches were formed
	batches   int64
	succeeded map[jobs.Place]bool
}

func (m *model) anyBatch(r *rapid.T) int64 { return rapid.Int64Range(1, m.batches+1).Draw(r, "batch") }
func (m *model) anyRun(r *rapid.T) string {
	return rapid.SampledFrom([]string{"a", "b"}).Draw(r, "run")
}
func (m *model) request(r *rapid.T) string {
	return fmt.Sprintf("r-%d", rapid.IntRange(1, 6).Draw(r, "request"))
}

func (m *model) fault(r *rapid.T) jobs.Fault {
	return rapid.SampledFrom([]jobs.Fault{{Code: "F"}, {Code: "F", Text: "in other words"}, {Code: "G"}}).Draw(r, "fault")
}

func (m *model) formed(n int64) { m.batches = max(m.batches, n) }

func (m *model) form(r *rapid.T) {
	from := rapid.IntRange(0, m.size-1).Draw(r, "from")
	n, err := m.Form(m.t.Context(), m.job, jobs.Chunk{Size: m.size}, from, rapid.IntRange(1, m.size-from).Draw(r, "size"))
	m.check(err)
	m.formed(n)
}

func (m *model) begin(r *rapid.T) {
	_, err := m.Begin(m.t.Context(), m.job, m.anyBatch(r), m.anyRun(r), m.clock.Add(10*time.Minute), jobs.Quota{})
	m.check(err)
}

func (m *model) accept(r *rapid.T) {
	_, err := m.Accept(m.t.Context(), m.job, m.anyBatch(r), m.anyRun(r), m.request(r), m.clock.Add(time.Hour))
	m.check(err)
}

func (m *model) adopt(r *rapid.T) {
	_, err := m.Adopt(m.t.Context(), m.job, m.anyBatch(r), m.request(r), m.clock.Add(time.Hour))
	m.check(err)
}

func (m *model) release(r *rapid.T) {
	_, err := m.Release(m.t.Context(), m.job, m.anyBatch(r), m.anyRun(r), m.clock, "")
	m.check(err)
}

func (m *model) split(r *rapid.T) {
	halves, err := m.Split(m.t.Context(), m.job, m.anyBatch(r), rapid.SampledFrom([]string{"a", "b", ""}).Draw(r, "run"), "")
	m.check(err)
	for _, half := range halves {
		m.formed(half)
	}
}

func (m *model) close(r *rapid.T) {
	ending := rapid.SampledFrom([]jobs.Ending{
		{From: jobs.Submitted, Overdue: true, To: jobs.Unanswered, Reason: jobs.Silent, Retry: true, Doubtful: true, Attempts: 3},
		{From: jobs.Submitting, Overdue: true, To: jobs.Unanswered, Reason: jobs.InDoubt, Retry: true, Doubtful: true, Attempts: 3},
		{From: jobs.Submitting, Run: "a", To: jobs.Failed, Reason: jobs.Refused, Fault: jobs.Fault{Code: "X"}},
		{From: jobs.Queued, To: jobs.Cancelled, Reason: jobs.Withdrawn},
	}).Draw(r, "ending")
	ending.RetryAt = m.clock.Add(time.Minute)
	_, _, err := m.Close(m.t.Context(), m.job, m.anyBatch(r), ending)
	m.check(err)
}

func (m *model) settle(r *rapid.T) {
	events := rapid.SliceOfN(rapid.Custom(func(r *rapid.T) jobs.Event {
		return jobs.Event{
			Batch: m.anyBatch(r), Place: jobs.PlaceAt(0, rapid.IntRange(0, m.size-1).Draw(r, "device")),
			Kind:  jobs.EventKind(rapid.IntRange(int(jobs.Confirmed), int(jobs.Warned)).Draw(r, "kind")),
			Fault: m.fault(r), Due: m.clock.Add(time.Minute),
		}
	}), 1, 5).Draw(r, "events")
	before := m.outcomes(m.job)
	got, err := m.Settle(m.t.Context(), m.job, 3, events)
	m.check(err)
	for i, effect := range got.Effects {
		if effect != jobs.Settled {
			continue
		}
		if events[i].Kind == jobs.Confirmed {
			m.succeeded[events[i].Place] = true
		} else if was := before[events[i].Place.Pos()]; was.Batch != events[i].Batch {
			r.Fatalf("a failure of batch %d settled a device of batch %d", events[i].Batch, was.Batch)
		}
	}
}

func (m *model) gather(r *rapid.T) {
	waves, err := m.Waves(m.t.Context(), m.job)
	m.check(err)
	if len(waves) == 0 {
		r.Skip("no retry waits")
	}
	first := rapid.SampledFrom(waves).Draw(r, "wave")
	waves = slices.DeleteFunc(waves, func(w jobs.RetryWave) bool { return !w.Alike(first) })
	n, _, err := m.Gather(m.t.Context(), m.job, waves, rapid.IntRange(1, 4).Draw(r, "most"))
	m.check(err)
	m.formed(n)
}

func (m *model) wait(r *rapid.T) {
	m.clock = m.clock.Add(time.Duration(rapid.IntRange(1, 120).Draw(r, "minutes")) * time.Minute)
}

func (m *model) cancel(r *rapid.T) {
	if rapid.IntRange(0, 9).Draw(r, "rarely") > 0 {
		r.Skip("a job is cancelled once")
	}
	if err := m.Cancel(m.t.Context(), m.job, jobs.Entry{}); !errors.Is(err, jobs.ErrConflict) {
		m.check(err)
	}
}

func (m *model) restore(r *rapid.T) {
	places := rapid.SliceOfDistinct(rapid.Map(rapid.IntRange(0, m.size-1), func(i int) jobs.Place { return jobs.PlaceAt(0, i) }),
		rapid.ID).Draw(r, "places")
	b := jobs.Batch{Job: m.job, Number: m.anyBatch(r), Attempt: rapid.IntRange(1, 3).Draw(r, "attempt"), SentAt: m.clock}
	n, _, err := m.Restore(m.t.Context(), b, places, m.anyRun(r), m.clock.Add(10*time.Minute))
	m.check(err)
	m.formed(n)
}

// reopen gives settled devices another round; a job that has ended is taken up for it.
func (m *model) reopen(r *rapid.T) {
	ctx := m.t.Context()
	if err := m.TakeUp(ctx, m.job, "", 1, jobs.Entry{}); err != nil && !errors.Is(err, jobs.ErrConflict) {
		m.check(err)
	}
	which := ledger.Selection{Fault: rapid.SampledFrom([]string{"", "F", "G"}).Draw(r, "fault")}
	for _, state := range []jobs.State{jobs.Failed, jobs.Mismatched, jobs.Unanswered, jobs.Cancelled} {
		if rapid.Bool().Draw(r, state.String()) {
			which.States = append(which.States, state)
		}
	}
	_, _, err := m.Reopen(ctx, m.job, jobs.Chunk{Size: m.size}, which, m.clock)
	if err != nil && !errors.Is(err, jobs.ErrConflict) {
		m.check(err)
	}
}

func (m *model) drop(r *rapid.T) {
	place := jobs.PlaceAt(0, rapid.IntRange(0, m.size-1).Draw(r, "device"))
	before := m.outcomes(m.job)[place.Pos()].State
	states, err := m.Drop(m.t.Context(), m.job, []jobs.Place{place}, jobs.Entry{})
	m.check(err)
	if dropped := before.May(jobs.Cancelled); dropped != (states[0] == jobs.Cancelled) && before != jobs.Cancelled {
		r.Fatalf("a device that was %s is %s", before, states[0])
	}
}

func (m *model) finish(*rapid.T) {
	_, err := m.Finish(m.t.Context(), m.job)
	m.check(err)
}

func (m *model) pause(*rapid.T) {
	if err := m.Pause(m.t.Context(), m.job, jobs.ByPerson, 0, "", jobs.Entry{}); !errors.Is(err, jobs.ErrConflict) {
		m.check(err)
	}
}

func (m *model) resume(*rapid.T) {
	if err := m.Resume(m.t.Context(), m.job, jobs.ByPerson, 0, 0, jobs.Entry{}); !errors.Is(err, jobs.ErrConflict) {
		m.check(err)
	}
}

// wave opens the next wave, whatever the present one has come to.
func (m *model) wave(r *rapid.T) {
	job, err := m.Job(m.t.Context(), m.job)
	m.check(err)
	if job.Wave == 0 || job.Wave == len(m.waves) {
		r.Skip("there is no further wave")
	}
	m.check(m.OpenWave(m.t.Context(), m.job, job.Wave, m.waves[job.Wave], jobs.Entry{}))
}

func (m *model) withdraw(*rapid.T) { m.check(m.Withdraw(m.t.Context(), m.job)) }

// balanced is what must hold after every step.
func (m *model) balanced(r *rapid.T) {
	job, err := m.Job(m.t.Context(), m.job)
	m.check(err)
	counted, open := make(jobs.Counts), make(map[int64]int)
	for _, state := range jobs.States {
		counted[state] = 0
	}
	outcomes := m.outcomes(m.job)
	for _, o := range outcomes {
		counted[o.State]++
		if o.State == jobs.Queued || o.State == jobs.Submitting || o.State == jobs.Submitted {
			open[o.Batch]++
		}
		if m.succeeded[o.Place] && o.State != jobs.Succeeded {
			r.Fatalf("the success of device %d was lost: %s", o.Row, o.State)
		}
	}
	if diff := cmp.Diff(counted, job.Counts); diff != "" {
		r.Fatalf("recount (-records +counters):\n%s", diff)
	}
	if diff := balanceFaults(m.books, m.job, outcomes); diff != "" {
		r.Fatalf("recount of faults (-records +counters):\n%s", diff)
	}
	m.balancedWaves(r, job.Wave, outcomes)
	if job.Counts.Total() != int64(m.size) {
		r.Fatalf("the counts add up to %d of %d", job.Counts.Total(), m.size)
	}
	batches, err := m.Batches(m.t.Context(), m.job, 1, m.batches)
	m.check(err)
	var waits time.Time // since when the oldest request waits
	for _, b := range batches {
		if b.State == jobs.Submitted && (waits.IsZero() || b.SentAt.Before(waits)) {
			waits = b.SentAt
		}
		if b.Open != open[b.Number] {
			r.Fatalf("batch %d says %d open, its devices say %d", b.Number, b.Open, open[b.Number])
		}
	}
	if oldest, err := m.OldestSent(m.t.Context(), m.job); err != nil || !oldest.Equal(waits) {
		r.Fatalf("the oldest request is of %v, and one waits since %v (%v)", oldest, waits, err)
	}
}

// balancedWaves holds the counts of waves against where the devices went in which wave.
func (m *model) balancedWaves(r *rapid.T, present int, outcomes []jobs.Outcome) {
	formed, err := m.Formed(m.t.Context(), m.job)
	m.check(err)
	for len(m.inWave) < formed[0] {
		m.inWave = append(m.inWave, present)
	}
	var want []jobs.WaveCount
	before := int64(0)
	for i, end := range m.waves {
		if present == 0 {
			break
		}
		count := jobs.WaveCount{Wave: i + 1, Devices: end - before}
		before = end
		for pos, wave := range m.inWave {
			switch state := outcomes[pos].State; {
			case wave != count.Wave:
			case state == jobs.Succeeded:
				count.Moved++
			case state.Final():
				count.NotMoved++
			default:
				count.Open++
			}
		}
		want = append(want, count)
	}
	got, known, err := m.WaveProgress(m.t.Context(), m.job)
	m.check(err)
	if diff := cmp.Diff(want, got); diff != "" || !known {
		r.Fatalf("waves (-records +counters), known %v:\n%s", known, diff)
	}
	if drift, settled, err := m.Recount(m.t.Context(), m.job); drift != "" || !settled || err != nil {
		r.Fatalf("a recount finds %q, settled %v (%v)", drift, settled, err)
	}
}
