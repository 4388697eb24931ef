package ledger_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/google/go-cmp/cmp"
	"github.com/redis/go-redis/v9"

	"github.com/simshift/simshift/internal/redistest"
	"github.com/simshift/simshift/jobs"
	"github.com/simshift/simshift/ledger"
)

// The suite runs on the demo's embedded Redis and on a real one: both must keep the same books.
func TestLedgerOnMiniredis(t *testing.T) {
	t.Parallel()
	suite(t, func(t *testing.T) redis.UniversalClient {
		t.Helper()
		client := redis.NewClient(&redis.Options{Addr: miniredis.RunT(t).Addr()})
		t.Cleanup(func() { _ = client.Close() })
		return client
	})
}

func TestLedgerOnRedis(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	suite(t, func(t *testing.T) redis.UniversalClient {
		t.Helper()
		client := server.Client(t)
		if err := client.FlushDB(t.Context()).Err(); err != nil {
			t.Fatal(err)
		}
		return client
	})
}

func suite(t *testing.T, client func(*testing.T) redis.UniversalClient) {
	t.Helper()
	for name, test := range map[string]func(*testing.T, *books){
		"a job is nothing before its commit":                         testCommit,
		"an abandoned import can not commit":                         testAbandon,
		"a batch goes from queued to settled":                        testLife,
		"only one run may send a batch":                              testBegin,
		"a stretch is formed once":                                   testFormOnce,
		"callbacks before the answer give the batch its request":     testEarlyCallback,
		"a request id belongs to one batch":                          testAdoptedByOne,
		"no request id is nobody's request id":                       testNoRequestID,
		"a refused batch waits for no callback":                      testRefusedIsKnown,
		"a second run leaves what the first one sent":                testSecondRun,
		"repeated callbacks settle once":                             testRepeatedCallbacks,
		"a fault retries until the attempts are used up":             testRetry,
		"a late success beats every other end":                       testLateSuccess,
		"a late success takes the device out of its next batch":      testLateSuccessWhileQueued,
		"a failure of an earlier attempt decides nothing":            testOutdatedFailure,
		"silence makes a repeat, and already active then is success": testAlreadyActive,
		"the deadline is kept by the batch":                          testDeadline,
		"a refused batch is halved until the bad device is alone":    testSplit,
		"a listed batch is halved, too":                              testSplitListed,
		"a request in doubt is halved when its grace is over":        testSplitInDoubt,
		"a released batch counts no attempt":                         testRelease,
		"a cancelled job settles what is in flight":                  testCancel,
		"outcomes come in the order of rows":                         testRowOrder,
		"devices that moved come with the profile they left":         testMoved,
		"a device is found by each of its identities":                testFind,
		"the gate lets one import in at a time":                      testGate,
		"a deleted job leaves no key behind":                         testDelete,
		"parked callbacks are kept once":                             testPark,
		"it is counted how long devices took":                        testSettleTimes,
		"jobs come in pages":                                         testJobPage,
		"batches come in pages, of either kind":                      testBatchPage,
		"parked callbacks come in pages":                             testParkedPage,
		"the oldest request of all jobs is known":                    testOldestOfAll,
		"a recount puts the counters right":                          testRecount,
		"a recount puts the counts by reason right":                  testRecountReasons,
		"faults are counted as devices come and go":                  testFaultCounts,
		"marks tell what is left":                                    testMarks,
		"a request that Redis has lost is written again":             testRestore,
		"devices that moved on are not written again":                testRestoreLeavesWhatMovedOn,
		"a later request is written again before an earlier's end":   testRestoreGoesBeforeTheEndOfAnEarlierAttempt,
		"a paused job sends nothing":                                 testPause,
		"the brake pauses a job whose answers fail":                  testBrake,
		"a brake on one fault looks at that alone":                   testBrakeByFault,
		"no wave is larger than it was opened":                       testWaves,
		"a window sends its share and no more":                       testQuota,
		"a settled device gets another round":                        testAnotherRound,
		"single devices are cancelled, but not in flight":            testDrop,
		"each herald is told of each entry once":                     testNews,
		"jobs that have ended are recent for a while":                testRecent,
		"the oldest request is the one that waits longest":           testOldestSent,
	} {
		t.Run(name, func(t *testing.T) {
			b := &books{t: t, rdb: client(t), clock: time.Date(2026, 3, 1, 22, 0, 0, 0, time.UTC)}
			b.Ledger = ledger.New(b.rdb, func() time.Time { return b.clock })
			test(t, b)
			b.balance()
		})
	}
}

// books is a ledger under test, and the words in which the tests speak.
type books struct {
	*ledger.Ledger
	t     *testing.T
	rdb   redis.UniversalClient
	clock time.Time
	made  []string // committed jobs
}

func (b *books) check(err error) {
	b.t.Helper()
	if err != nil {
		b.t.Fatal(err)
	}
}

// device is the n-th device of every test's fleet (from 1): its row is n.
func device(n int) jobs.Device {
	eid, _ := jobs.ParseEID(fmt.Sprintf("89049032123451234512%012d", n))
	iccid, _ := jobs.ParseICCID(fmt.Sprintf("89148000%012d", n))
	imei, _ := jobs.ParseIMEI(fmt.Sprintf("35%013d", n))
	return jobs.Device{EID: eid, ICCID: iccid, IMEI: imei, Row: uint32(n)} // small
}

var group = jobs.Group{Account: "0000123456-00001", Plan: "global"}

// job commits a job of one group and one chunk.
func (b *books) job(size int, change ...func(*jobs.Policy)) jobs.Job {
	b.t.Helper()
	job := jobs.Job{
		ID: fmt.Sprintf("job-%d", len(b.made)+1), Name: "test", Target: jobs.Global, Policy: jobs.DefaultPolicy(),
		Groups: []jobs.Group{group}, FileSHA256: fmt.Sprintf("sha-%d", len(b.made)+1), CreatedAt: b.clock,
	}
	for _, c := range change {
		c(&job.Policy)
	}
	ctx := b.t.Context()
	b.check(b.Create(ctx, job))
	devices := make([]jobs.Device, size)
	for i := range devices {
		devices[i] = device(i + 1)
	}
	b.check(b.AddChunk(ctx, job.ID, jobs.Chunk{Size: size}, devices))
	b.check(b.Commit(ctx, job, int64(size), "", jobs.Entry{Act: "imported"}))
	b.made = append(b.made, job.ID)
	return job
}

// batch forms one batch of the whole first chunk.
func (b *books) batch(job string, size int) int64 {
	b.t.Helper()
	n, err := b.Form(b.t.Context(), job, jobs.Chunk{Size: size}, 0, size)
	b.check(err)
	if n == 0 {
		b.t.Fatal("no batch was formed")
	}
	return n
}

// sent takes a queued batch through its request.
func (b *books) sent(job string, n int64, request string) {
	b.t.Helper()
	b.begun(job, n, "run")
	ok, err := b.Accept(b.t.Context(), job, n, "run", request, b.clock.Add(6*time.Hour))
	b.check(err)
	if !ok {
		b.t.Fatal("the batch did not take its request id")
	}
}

func (b *books) begun(job string, n int64, run string) {
	b.t.Helper()
	ok, err := b.Begin(b.t.Context(), job, n, run, b.clock.Add(10*time.Minute), jobs.Quota{})
	b.check(err)
	if !ok {
		b.t.Fatalf("run %s may not send batch %d", run, n)
	}
}

// event is a callback about the n-th device.
func event(batch int64, n int, kind jobs.EventKind, fault ...jobs.Fault) jobs.Event {
	e := jobs.Event{Batch: batch, Place: jobs.PlaceAt(0, n-1), Kind: kind, Due: time.Date(2026, 3, 1, 23, 0, 0, 0, time.UTC)}
	if len(fault) > 0 {
		e.Fault = fault[0]
	}
	return e
}

// settle writes events and compares what they did.
func (b *books) settle(job string, want []jobs.Effect, events ...jobs.Event) jobs.Settlement {
	b.t.Helper()
	got, err := b.Settle(b.t.Context(), job, 3, events)
	b.check(err)
	if diff := cmp.Diff(want, got.Effects); diff != "" {
		b.t.Fatalf("effects (-want +got):\n%s", diff)
	}
	return got
}

// counts compares the states that have devices.
func (b *books) counts(job string, want jobs.Counts) {
	b.t.Helper()
	got, err := b.Job(b.t.Context(), job)
	b.check(err)
	for state, n := range got.Counts {
		if n == 0 {
			delete(got.Counts, state)
		}
	}
	if diff := cmp.Diff(want, got.Counts); diff != "" {
		b.t.Fatalf("counts (-want +got):\n%s", diff)
	}
}

func (b *books) outcomes(job string) []jobs.Outcome {
	b.t.Helper()
	var all []jobs.Outcome
	b.check(b.Outcomes(b.t.Context(), job, func(o *jobs.Outcome) error {
		all = append(all, *o)
		return nil
	}))
	return all
}

func (b *books) outcome(job string, n int) jobs.Outcome {
	b.t.Helper()
	return b.outcomes(job)[n-1]
}

// balance recounts every job from its records: the counters must say the same, and add up to the roster.
func (b *books) balance() {
	b.t.Helper()
	for _, id := range b.made {
		job, err := b.Job(b.t.Context(), id)
		if errors.Is(err, jobs.ErrNotFound) {
			continue
		}
		b.check(err)
		recount := make(jobs.Counts)
		for _, state := range jobs.States {
			recount[state] = 0
		}
		outcomes := b.outcomes(id)
		for _, o := range outcomes {
			recount[o.State]++
		}
		if diff := balanceFaults(b, id, outcomes); diff != "" {
			b.t.Errorf("faults of %s (-records +counters):\n%s", id, diff)
		}
		if diff := cmp.Diff(recount, job.Counts); diff != "" {
			b.t.Errorf("recount of %s (-records +counters):\n%s", id, diff)
		}
		if job.Counts.Total() != job.Devices {
			b.t.Errorf("counts of %s add up to %d, its roster has %d", id, job.Counts.Total(), job.Devices)
		}
	}
}

func testLife(t *testing.T, b *books) {
	job := b.job(3)
	b.counts(job.ID, jobs.Counts{jobs.Pending: 3})
	n := b.batch(job.ID, 3)
	b.counts(job.ID, jobs.Counts{jobs.Queued: 3})
	b.begun(job.ID, n, "run")
	b.counts(job.ID, jobs.Counts{jobs.Submitting: 3})
	b.sent(job.ID, n, "r-1")
	b.counts(job.ID, jobs.Counts{jobs.Submitted: 3})
	fault := jobs.Fault{Code: "X.REQUEST_FAILED.DeviceNotFound", Text: "no such device"}
	got := b.settle(job.ID, []jobs.Effect{jobs.Settled, jobs.Settled, jobs.Noted, jobs.Settled},
		event(n, 1, jobs.Confirmed), event(n, 2, jobs.Rejected, fault), event(n, 3, jobs.Warned), event(n, 3, jobs.Contradictory))
	if diff := cmp.Diff([]int64{n}, got.Closed); diff != "" {
		t.Error(diff)
	}
	b.counts(job.ID, jobs.Counts{jobs.Succeeded: 1, jobs.Failed: 1, jobs.Mismatched: 1})
	if o := b.outcome(job.ID, 2); o.Fault != fault || o.RequestID != "r-1" || o.Attempts != 1 || o.Reason != jobs.Faulted {
		t.Errorf("outcome of the refused device: %+v", o)
	}
	phase, err := b.Finish(t.Context(), job.ID)
	if phase != jobs.Finished || err != nil {
		t.Errorf("the job is %s (%v)", phase, err)
	}
}

func testRepeatedCallbacks(t *testing.T, b *books) {
	job := b.job(2)
	n := b.batch(job.ID, 2)
	b.sent(job.ID, n, "r-1")
	fail := event(n, 2, jobs.Rejected, jobs.Fault{Code: "C", Text: "t"})
	b.settle(job.ID, []jobs.Effect{jobs.Settled, jobs.Repeated, jobs.Settled, jobs.Repeated},
		event(n, 1, jobs.Confirmed), event(n, 1, jobs.Confirmed), fail, fail)
	b.settle(job.ID, []jobs.Effect{jobs.Repeated, jobs.Repeated}, event(n, 1, jobs.Rejected), fail)
	b.counts(job.ID, jobs.Counts{jobs.Succeeded: 1, jobs.Failed: 1})
}

func testRetry(t *testing.T, b *books) {
	ctx := t.Context()
	job := b.job(2, func(p *jobs.Policy) { p.Attempts = 3 })
	n := b.batch(job.ID, 2)
	fault := jobs.Fault{Code: "OFFLINE", Text: "off"}
	for attempt := 1; attempt <= 3; attempt++ {
		b.sent(job.ID, n, fmt.Sprintf("r-%d", attempt))
		if attempt == 1 {
			b.settle(job.ID, []jobs.Effect{jobs.Settled}, event(n, 1, jobs.Confirmed))
		}
		b.settle(job.ID, []jobs.Effect{jobs.Settled}, event(n, 2, jobs.Faltered, fault))
		if attempt == 3 {
			break
		}
		b.counts(job.ID, jobs.Counts{jobs.Succeeded: 1, jobs.Retrying: 1})
		waves, err := b.Waves(ctx, job.ID)
		b.check(err)
		if len(waves) != 1 || waves[0].Attempt != attempt || waves[0].Repeat {
			t.Fatalf("retry waves: %+v", waves)
		}
		var left int
		n, left, err = b.Gather(ctx, job.ID, waves[:1], 10)
		if n == 0 || left != 0 || err != nil {
			t.Fatalf("gathered batch %d, %d left (%v)", n, left, err)
		}
	}
	b.counts(job.ID, jobs.Counts{jobs.Succeeded: 1, jobs.Failed: 1})
	if o := b.outcome(job.ID, 2); o.Attempts != 3 || o.Fault != fault || o.RequestID != "r-3" {
		t.Errorf("outcome: %+v", o)
	}
}

func testLateSuccess(t *testing.T, b *books) {
	job := b.job(3)
	n := b.batch(job.ID, 3)
	b.sent(job.ID, n, "r-1")
	b.settle(job.ID, []jobs.Effect{jobs.Settled, jobs.Settled, jobs.Settled},
		event(n, 1, jobs.Rejected), event(n, 2, jobs.Contradictory), event(n, 3, jobs.Faltered))
	b.settle(job.ID, []jobs.Effect{jobs.Settled, jobs.Settled, jobs.Settled, jobs.Repeated},
		event(n, 1, jobs.Confirmed), event(n, 2, jobs.Confirmed), event(n, 3, jobs.Confirmed), event(n, 3, jobs.Faltered))
	b.counts(job.ID, jobs.Counts{jobs.Succeeded: 3})
	if o := b.outcome(job.ID, 1); o.Reason != jobs.Late || o.Fault.Code != "" {
		t.Errorf("outcome: %+v", o)
	}
}

func testLateSuccessWhileQueued(t *testing.T, b *books) {
	ctx := t.Context()
	job := b.job(2)
	first := b.batch(job.ID, 2)
	b.sent(job.ID, first, "r-1")
	b.settle(job.ID, []jobs.Effect{jobs.Settled, jobs.Settled}, event(first, 1, jobs.Faltered), event(first, 2, jobs.Faltered))
	waves, err := b.Waves(ctx, job.ID)
	b.check(err)
	second, _, err := b.Gather(ctx, job.ID, waves[:1], 10)
	b.check(err)
	b.settle(job.ID, []jobs.Effect{jobs.Settled}, event(first, 1, jobs.Confirmed))
	batch, err := b.Batch(ctx, job.ID, second)
	b.check(err)
	open, err := b.OpenMembers(ctx, batch)
	b.check(err)
	if len(open) != 1 || open[0].EID != device(2).EID || batch.Open != 1 {
		t.Fatalf("open in the second batch: %d of %+v", batch.Open, open)
	}
	b.counts(job.ID, jobs.Counts{jobs.Succeeded: 1, jobs.Queued: 1})
}

func testOutdatedFailure(t *testing.T, b *books) {
	ctx := t.Context()
	job := b.job(1)
	first := b.batch(job.ID, 1)
	b.sent(job.ID, first, "r-1")
	b.settle(job.ID, []jobs.Effect{jobs.Settled}, event(first, 1, jobs.Faltered))
	waves, err := b.Waves(ctx, job.ID)
	b.check(err)
	second, _, err := b.Gather(ctx, job.ID, waves[:1], 10)
	b.check(err)
	b.sent(job.ID, second, "r-2")
	b.settle(job.ID, []jobs.Effect{jobs.Outdated}, event(first, 1, jobs.Rejected))
	b.counts(job.ID, jobs.Counts{jobs.Submitted: 1})
}

func testAlreadyActive(t *testing.T, b *books) {
	ctx := t.Context()
	job := b.job(2)
	first := b.batch(job.ID, 2)
	b.sent(job.ID, first, "r-1")
	b.settle(job.ID, []jobs.Effect{jobs.Settled}, event(first, 1, jobs.Reaffirmed, jobs.Fault{Code: "AA"}))
	b.counts(job.ID, jobs.Counts{jobs.Failed: 1, jobs.Submitted: 1})
	b.clock = b.clock.Add(7 * time.Hour)
	moved, wave, err := b.Close(ctx, job.ID, first, jobs.Ending{
		From: jobs.Submitted, Overdue: true, To: jobs.Unanswered, Reason: jobs.Silent, Retry: true, Doubtful: true,
		Attempts: 3, RetryAt: b.clock,
	})
	if moved != 1 || wave == "" || err != nil {
		t.Fatalf("closed: %d devices to %q (%v)", moved, wave, err)
	}
	waves, err := b.Waves(ctx, job.ID)
	b.check(err)
	if !waves[0].Repeat {
		t.Error("the second attempt is no repeat")
	}
	second, _, err := b.Gather(ctx, job.ID, waves[:1], 10)
	b.check(err)
	b.sent(job.ID, second, "r-2")
	b.settle(job.ID, []jobs.Effect{jobs.Settled}, event(second, 2, jobs.Reaffirmed, jobs.Fault{Code: "AA"}))
	if o := b.outcome(job.ID, 2); o.State != jobs.Succeeded || o.Reason != jobs.AlreadyDone {
		t.Errorf("outcome: %+v", o)
	}
	if got, err := b.Job(ctx, job.ID); err != nil || got.Repeats != 1 {
		t.Errorf("repeats: %d (%v)", got.Repeats, err)
	}
}

func testDeadline(t *testing.T, b *books) {
	ctx := t.Context()
	job := b.job(2)
	n := b.batch(job.ID, 2)
	b.sent(job.ID, n, "r-1")
	ending := jobs.Ending{From: jobs.Submitted, Overdue: true, To: jobs.Unanswered, Reason: jobs.Silent, Attempts: 1}
	if moved, _, err := b.Close(ctx, job.ID, n, ending); moved != -1 || err != nil {
		t.Fatalf("closed before its deadline: %d (%v)", moved, err)
	}
	b.clock = b.clock.Add(6*time.Hour + time.Second)
	due, err := b.Due(ctx, job.ID, 10)
	if diff := cmp.Diff([]int64{n}, due); diff != "" || err != nil {
		t.Fatalf("due: %s %v", diff, err)
	}
	if moved, _, err := b.Close(ctx, job.ID, n, ending); moved != 2 || err != nil {
		t.Fatalf("closed: %d (%v)", moved, err)
	}
	b.counts(job.ID, jobs.Counts{jobs.Unanswered: 2})

	late := jobs.Fault{Code: "OFFLINE", Text: "said too late"}
	b.settle(job.ID, []jobs.Effect{jobs.Repeated, jobs.Settled}, event(n, 1, jobs.Faltered, late), event(n, 2, jobs.Confirmed))
	b.counts(job.ID, jobs.Counts{jobs.Unanswered: 1, jobs.Succeeded: 1})
	if o := b.outcome(job.ID, 1); o.State != jobs.Unanswered || o.Fault != late {
		t.Errorf("a fault that came too late is not shown: %+v", o)
	}
}

func testCancel(t *testing.T, b *books) {
	ctx := t.Context()
	job := b.job(6)
	chunk := jobs.Chunk{Size: 6}
	sent, err := b.Form(ctx, job.ID, chunk, 0, 2)
	b.check(err)
	b.sent(job.ID, sent, "r-1")
	b.settle(job.ID, []jobs.Effect{jobs.Settled}, event(sent, 1, jobs.Faltered))
	queued, err := b.Form(ctx, job.ID, chunk, 2, 2)
	b.check(err)

	b.check(b.Cancel(ctx, job.ID, jobs.Entry{Act: "cancelled", Words: "a person said so"}))
	b.check(b.Withdraw(ctx, job.ID))
	if _, _, err := b.Close(ctx, job.ID, queued, jobs.Ending{From: jobs.Queued, To: jobs.Cancelled, Reason: jobs.Withdrawn}); err != nil {
		t.Fatal(err)
	}
	b.counts(job.ID, jobs.Counts{jobs.Cancelled: 5, jobs.Submitted: 1})
	if phase, err := b.Finish(ctx, job.ID); phase != jobs.Cancelling || err != nil {
		t.Fatalf("the job is %s (%v)", phase, err)
	}
	b.settle(job.ID, []jobs.Effect{jobs.Settled}, event(sent, 2, jobs.Faltered)) // attempts are left, but not for this job
	b.counts(job.ID, jobs.Counts{jobs.Cancelled: 5, jobs.Failed: 1})
	if phase, err := b.Finish(ctx, job.ID); phase != jobs.Stopped || err != nil {
		t.Fatalf("the job is %s (%v)", phase, err)
	}
	if o := b.outcome(job.ID, 3); o.Attempts != 0 || o.Reason != jobs.Withdrawn {
		t.Errorf("a device that was never sent: %+v", o)
	}
}
