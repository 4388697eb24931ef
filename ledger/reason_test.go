package ledger_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/simshift/simshift/jobs"
)

// faults compares how many devices have which fault.
func (b *books) faults(job string, want []jobs.FaultCount) {
	b.t.Helper()
	got, known, err := b.FaultCounts(b.t.Context(), job)
	b.check(err)
	if !known {
		b.t.Error("the faults are not known")
	}
	if diff := cmp.Diff(want, got); diff != "" {
		b.t.Errorf("faults (-want +got):\n%s", diff)
	}
}

// balanceFaults holds the counts of faults against the records.
func balanceFaults(b *books, job string, outcomes []jobs.Outcome) string {
	b.t.Helper()
	recounted, counted := make(map[jobs.FaultCount]int64), make(map[jobs.FaultCount]int64)
	for _, o := range outcomes {
		switch {
		case o.State == jobs.Retrying, o.State.Final() && o.State != jobs.Succeeded:
			recounted[jobs.FaultCount{State: o.State, Reason: o.Reason, Code: o.Fault.Code}]++
		}
	}
	got, _, err := b.FaultCounts(b.t.Context(), job)
	b.check(err)
	for _, f := range got {
		n := f.Devices
		f.Text, f.Devices = "", 0
		counted[f] += n
	}
	return cmp.Diff(recounted, counted)
}

func testFaultCounts(t *testing.T, b *books) {
	ctx := t.Context()
	job := b.job(6)
	n := b.batch(job.ID, 5)
	b.faults(job.ID, nil)
	b.sent(job.ID, n, "r-1")
	offline := jobs.Fault{Code: "OFFLINE", Text: "off since May"}
	b.settle(job.ID, []jobs.Effect{jobs.Settled, jobs.Settled, jobs.Settled, jobs.Settled},
		event(n, 1, jobs.Confirmed), event(n, 2, jobs.Rejected, offline),
		event(n, 3, jobs.Rejected, jobs.Fault{Code: "OFFLINE", Text: "off since June"}), event(n, 4, jobs.Faltered, offline))
	b.faults(job.ID, []jobs.FaultCount{
		{State: jobs.Failed, Reason: jobs.Faulted, Code: "OFFLINE", Text: "off since May", Devices: 2},
		{State: jobs.Retrying, Reason: jobs.Faulted, Code: "OFFLINE", Text: "off since May", Devices: 1},
	})

	b.settle(job.ID, []jobs.Effect{jobs.Settled, jobs.Settled}, event(n, 2, jobs.Confirmed), event(n, 4, jobs.Confirmed)) // late
	b.clock = b.clock.Add(7 * time.Hour)
	_, _, err := b.Close(ctx, job.ID, n, jobs.Ending{From: jobs.Submitted, Overdue: true, To: jobs.Unanswered, Reason: jobs.Silent})
	b.check(err)
	b.settle(job.ID, []jobs.Effect{jobs.Repeated}, event(n, 5, jobs.Rejected, jobs.Fault{Code: "LATE"})) // is kept, and moves nothing
	_, err = b.Drop(ctx, job.ID, []jobs.Place{jobs.PlaceAt(0, 5)}, jobs.Entry{})
	b.check(err)
	b.faults(job.ID, []jobs.FaultCount{
		{State: jobs.Failed, Reason: jobs.Faulted, Code: "OFFLINE", Text: "off since June", Devices: 1},
		{State: jobs.Unanswered, Reason: jobs.Silent, Code: "LATE", Devices: 1},
		{State: jobs.Cancelled, Reason: jobs.Withdrawn, Devices: 1},
	})
}
