package ledger_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/simshift/simshift/jobs"
	"github.com/simshift/simshift/ledger"
)

func (b *books) phase(job string) jobs.Job {
	b.t.Helper()
	got, err := b.Job(b.t.Context(), job)
	b.check(err)
	return got
}

// effects is the same effect so many times.
func effects(n int, effect jobs.Effect) []jobs.Effect {
	list := make([]jobs.Effect, n)
	for i := range list {
		list[i] = effect
	}
	return list
}

func testPause(t *testing.T, b *books) {
	ctx := t.Context()
	job := b.job(4)
	n, err := b.Form(ctx, job.ID, jobs.Chunk{Size: 4}, 0, 2)
	b.check(err)
	b.check(b.Pause(ctx, job.ID, jobs.ByPerson, 0, "paused by ann", jobs.Entry{Who: "ann", Act: jobs.ActPaused, Words: "to look"}))
	if ok, err := b.Begin(ctx, job.ID, n, "run", b.clock, jobs.Quota{}); ok || err != nil {
		t.Errorf("a paused job may send (%v)", err)
	}
	if n, err := b.Form(ctx, job.ID, jobs.Chunk{Size: 4}, 2, 2); n != 0 || err != nil {
		t.Errorf("a paused job formed batch %d (%v)", n, err)
	}
	if err := b.Resume(ctx, job.ID, jobs.ByApproval, 0, 0, jobs.Entry{}); !errors.Is(err, jobs.ErrConflict) {
		t.Errorf("what a person paused, an approval let go: %v", err)
	}
	if got := b.phase(job.ID); got.State != jobs.Paused || got.Hold != "paused by ann" || got.PausedBy != jobs.ByPerson {
		t.Errorf("%+v", got)
	}
	b.check(b.Resume(ctx, job.ID, jobs.ByPerson, 0, 0, jobs.Entry{Who: "bob", Act: jobs.ActResumed}))
	b.begun(job.ID, n, "run")
	entries, err := b.Log(ctx, job.ID, 0)
	b.check(err)
	var acts []string
	for _, e := range entries {
		acts = append(acts, e.Act)
	}
	if got := strings.Join(acts, ", "); got != "imported, paused, resumed" || entries[1].Words != "to look" || !entries[1].At.Equal(b.clock) {
		t.Errorf("%+v", entries)
	}
}

func testBrake(t *testing.T, b *books) {
	job := b.job(100, func(p *jobs.Policy) { p.Brake = jobs.Brake{Share: 0.1, Last: 40, Least: 20} })
	n := b.batch(job.ID, 100)
	b.sent(job.ID, n, "r")
	at := 1
	answer := func(good, bad int) {
		var events []jobs.Event
		for range good {
			events = append(events, event(n, at, jobs.Confirmed))
			at++
		}
		for range bad {
			events = append(events, event(n, at, jobs.Faltered, jobs.Fault{Code: "Device Busy", Text: "try later"}))
			at++
		}
		b.settle(job.ID, effects(good+bad, jobs.Settled), events...)
	}
	answer(2, 10) // too few to judge
	if got := b.phase(job.ID); got.State != jobs.Running {
		t.Fatalf("the brake judged 12 answers: %s", got.Hold)
	}
	answer(40, 0) // the bad ones have left the sight of the brake
	answer(30, 3)
	if got := b.phase(job.ID); got.State != jobs.Running {
		t.Fatalf("3 of the last 40 set off a brake at 10%%: %s", got.Hold)
	}
	answer(0, 7)
	got := b.phase(job.ID)
	if got.State != jobs.Paused || got.PausedBy != jobs.ByBrake || !strings.Contains(got.Hold, "Device_Busy") ||
		!strings.Contains(got.Hold, "the brake is at 10.0%") {
		t.Fatalf("%s by %q: %s", got.State, got.PausedBy, got.Hold)
	}
	b.check(b.Resume(t.Context(), job.ID, jobs.ByBrake, 0, 0, jobs.Entry{}))
	answer(5, 0)
	if got := b.phase(job.ID); got.State != jobs.Running {
		t.Fatalf("it braked for what was answered for: %s", got.Hold)
	}
}

// Silence and refusals brake as callbacks do; a brake on one fault leaves the others alone.
func testBrakeByFault(t *testing.T, b *books) {
	job := b.job(30, func(p *jobs.Policy) {
		p.Brake = jobs.Brake{Faults: map[string]jobs.Share{"A": 0.2}, Last: 30, Least: 5}
	})
	ctx := t.Context()
	first, err := b.Form(ctx, job.ID, jobs.Chunk{Size: 30}, 0, 15)
	b.check(err)
	second, err := b.Form(ctx, job.ID, jobs.Chunk{Size: 30}, 15, 15)
	b.check(err)
	for i, n := range []int64{first, second} {
		b.sent(job.ID, n, fmt.Sprint("r", i))
	}
	close := func(n int64, code string) {
		moved, _, err := b.Close(ctx, job.ID, n, jobs.Ending{From: jobs.Submitted, To: jobs.Failed, Fault: jobs.Fault{Code: code}})
		b.check(err)
		if moved != 15 {
			t.Fatalf("moved %d", moved)
		}
	}
	close(first, "B")
	if got := b.phase(job.ID); got.State != jobs.Running {
		t.Fatalf("a brake on A was set off by B: %s", got.Hold)
	}
	close(second, "A")
	if got := b.phase(job.ID); got.State != jobs.Paused || !strings.Contains(got.Hold, "15 of the last 30 answers were A") {
		t.Fatalf("%s: %s", got.State, got.Hold)
	}
}

func testWaves(t *testing.T, b *books) {
	ctx := t.Context()
	job := b.job(10, func(p *jobs.Policy) { p.Waves = []jobs.Wave{{Devices: 2}, {Share: 0.3}} })
	whole := jobs.Chunk{Size: 10}
	if n, err := b.Form(ctx, job.ID, whole, 0, 3); n != 0 || err != nil {
		t.Fatalf("3 devices went in a wave of 2 (%v)", err)
	}
	first, err := b.Form(ctx, job.ID, whole, 0, 2)
	b.check(err)
	b.check(b.OpenWave(ctx, job.ID, 1, 5, jobs.Entry{}))
	b.check(b.OpenWave(ctx, job.ID, 1, 9, jobs.Entry{})) // another planner, a moment later
	if got := b.phase(job.ID); got.Wave != 2 || got.Opened != 5 || got.Formed != 2 {
		t.Fatalf("wave %d up to %d, formed %d", got.Wave, got.Opened, got.Formed)
	}
	second, err := b.Form(ctx, job.ID, whole, 2, 3)
	b.check(err)
	if n, err := b.Form(ctx, job.ID, whole, 5, 1); n != 0 || err != nil {
		t.Fatalf("more went than the wave lets go (%v)", err)
	}
	for i, n := range []int64{first, second} {
		b.sent(job.ID, n, fmt.Sprint("r", i))
	}
	b.settle(job.ID, effects(2, jobs.Settled), event(first, 1, jobs.Rejected), event(second, 3, jobs.Confirmed))
	counts, err := b.WaveCounts(ctx, job.ID)
	b.check(err)
	if counts[jobs.Succeeded] != 1 || counts[jobs.Queued] != 2 || counts.Total() != 3 {
		t.Fatalf("the second wave has %v", counts)
	}
	b.check(b.Pause(ctx, job.ID, jobs.ByGate, 2, "at the gate", jobs.Entry{}))
	b.check(b.Resume(ctx, job.ID, jobs.ByGate, 3, 10, jobs.Entry{}))
	if got := b.phase(job.ID); got.Wave != 3 || got.Opened != 10 {
		t.Fatalf("wave %d up to %d", got.Wave, got.Opened)
	}
}

func testQuota(t *testing.T, b *books) {
	ctx := t.Context()
	job := b.job(6)
	var batches []int64
	for from := 0; from < 6; from += 2 {
		n, err := b.Form(ctx, job.ID, jobs.Chunk{Size: 6}, from, 2)
		b.check(err)
		batches = append(batches, n)
	}
	quota := jobs.Quota{Window: b.clock, Most: 4}
	begin := func(n int64) error {
		ok, err := b.Begin(ctx, job.ID, n, "run", b.clock.Add(time.Minute), quota)
		if err == nil && !ok {
			t.Errorf("batch %d may not be sent", n)
		}
		return err
	}
	b.check(begin(batches[0]))
	b.check(begin(batches[0])) // asked again: counted once
	b.check(begin(batches[1]))
	if err := begin(batches[2]); !errors.Is(err, jobs.ErrWindowFull) {
		t.Fatalf("the third of two batches a window: %v", err)
	}
	if sent, err := b.SentIn(ctx, job.ID, quota.Window); sent != 4 || err != nil {
		t.Fatalf("sent %d (%v)", sent, err)
	}
	if _, err := b.Release(ctx, job.ID, batches[1], "run", b.clock, "not taken"); err != nil {
		t.Fatal(err)
	}
	b.check(begin(batches[2])) // what was not taken leaves its room
	quota.Window = b.clock.Add(24 * time.Hour)
	b.check(begin(batches[1]))
}

func testAnotherRound(t *testing.T, b *books) {
	ctx := t.Context()
	job := b.job(4)
	n := b.batch(job.ID, 4)
	b.sent(job.ID, n, "r")
	busy, gone := jobs.Fault{Code: "busy"}, jobs.Fault{Code: "gone"}
	b.settle(job.ID, effects(5, jobs.Settled)[:4], event(n, 1, jobs.Confirmed), event(n, 2, jobs.Rejected, busy),
		event(n, 3, jobs.Rejected, gone), event(n, 4, jobs.Contradictory))
	phase, err := b.Finish(ctx, job.ID)
	b.check(err)
	if phase != jobs.Finished {
		t.Fatal(phase)
	}
	which := ledger.Selection{States: []jobs.State{jobs.Failed}, Fault: "busy"}
	whole := jobs.Chunk{Size: 4}
	if _, _, err := b.Reopen(ctx, job.ID, whole, which, b.clock); !errors.Is(err, jobs.ErrConflict) {
		t.Fatalf("a job that has ended was reopened without being taken up: %v", err)
	}
	b.check(b.TakeUp(ctx, job.ID, "being prepared", 1, jobs.Entry{Act: jobs.ActRetried}))
	if phase, err := b.Finish(ctx, job.ID); phase != jobs.Paused || err != nil {
		t.Fatalf("it ended again while it was taken up: %s (%v)", phase, err)
	}
	moved, waves, err := b.Reopen(ctx, job.ID, whole, which, b.clock)
	b.check(err)
	if moved != 1 || len(waves) != 1 {
		t.Fatalf("reopened %d into %v", moved, waves)
	}
	b.counts(job.ID, jobs.Counts{jobs.Succeeded: 1, jobs.Retrying: 1, jobs.Failed: 1, jobs.Mismatched: 1})
	b.check(b.Resume(ctx, job.ID, jobs.ByPerson, 0, 0, jobs.Entry{}))

	list, err := b.Waves(ctx, job.ID)
	b.check(err)
	again, _, err := b.Gather(ctx, job.ID, list, 10)
	b.check(err)
	b.sent(job.ID, again, "r2")
	b.settle(job.ID, effects(1, jobs.Settled), event(again, 2, jobs.Faltered, busy)) // it has three attempts again
	o := b.outcome(job.ID, 2)
	if o.State != jobs.Retrying || o.Attempts != 2 {
		t.Fatalf("%s after %d attempts", o.State, o.Attempts)
	}
	story, err := b.Story(ctx, &o, job.ID)
	b.check(err)
	var told []string
	for _, c := range story {
		told = append(told, fmt.Sprintf("%s %s %s %d", c.State, c.Reason, c.RequestID, c.Attempt))
	}
	if got := strings.Join(told, "; "); got != "failed faulted r 1; retrying reopened r 1; retrying faulted r2 2" {
		t.Error(got)
	}
	first := b.outcome(job.ID, 1)
	story, err = b.Story(ctx, &first, job.ID)
	if err != nil || len(story) != 1 || story[0].State != jobs.Succeeded || story[0].RequestID != "r" {
		t.Errorf("%+v (%v)", story, err)
	}
}

func testDrop(t *testing.T, b *books) {
	ctx := t.Context()
	job := b.job(6)
	sent, err := b.Form(ctx, job.ID, jobs.Chunk{Size: 6}, 0, 2)
	b.check(err)
	b.sent(job.ID, sent, "r")
	queued, err := b.Form(ctx, job.ID, jobs.Chunk{Size: 6}, 2, 2)
	b.check(err)
	drop := func(n ...int) string {
		var places []jobs.Place
		for _, one := range n {
			places = append(places, jobs.PlaceAt(0, one-1))
		}
		states, err := b.Drop(ctx, job.ID, places, jobs.Entry{Act: jobs.ActDropped})
		b.check(err)
		return fmt.Sprintf("%v", states)
	}
	if got := drop(1, 3, 4, 5); got != "[submitted cancelled cancelled cancelled]" {
		t.Error(got)
	}
	if got, err := b.Batch(ctx, job.ID, queued); err != nil || got.State != jobs.Closed {
		t.Errorf("the emptied batch is %s (%v)", got.State, err)
	}
	rest, err := b.Form(ctx, job.ID, jobs.Chunk{Size: 6}, 4, 2)
	b.check(err)
	if got, err := b.Batch(ctx, job.ID, rest); err != nil || got.Open != 1 {
		t.Errorf("a cancelled device went into a batch of %d (%v)", got.Open, err)
	}
	b.counts(job.ID, jobs.Counts{jobs.Submitted: 2, jobs.Cancelled: 3, jobs.Queued: 1})
}

func testNews(t *testing.T, b *books) {
	ctx := context.Background()
	job := b.job(1) // its log begins with the import
	for _, words := range []string{"one", "two", "three"} {
		b.check(b.Note(ctx, job.ID, jobs.Entry{Act: jobs.ActHeld, Words: words}))
	}
	untold := func(want int64) {
		t.Helper()
		if news, err := b.Untold(ctx, "webhook"); err != nil || news[job.ID] != want || len(news) != 1 {
			t.Fatalf("untold from %v (%v), want %d", news, err, want)
		}
	}
	untold(0)
	b.check(b.Told(ctx, "webhook", job.ID, 2))
	untold(0)
	b.check(b.Told(ctx, "webhook", job.ID, 0, 2))
	untold(1)
	for entry, want := range []bool{true, false, true, false} {
		if told, err := b.IsTold(ctx, "webhook", job.ID, int64(entry)); err != nil || told != want {
			t.Errorf("entry %d is told: %t (%v)", entry, told, err)
		}
	}
	b.check(b.Told(ctx, "webhook", job.ID, 1))
	untold(3)
	b.check(b.Told(ctx, "webhook", job.ID, 0, 3))
	if news, err := b.Untold(ctx, "webhook"); err != nil || len(news) != 0 {
		t.Errorf("%v is untold (%v)", news, err)
	}
	if news, err := b.Untold(ctx, "command"); err != nil || len(news) != 1 {
		t.Errorf("what one herald was told, the other was too: %v (%v)", news, err)
	}
	b.check(b.Told(ctx, "webhook", "nobody", 1))
	if _, err := b.Job(ctx, "nobody"); !errors.Is(err, jobs.ErrNotFound) {
		t.Error("a job came to be by being told of")
	}
}
