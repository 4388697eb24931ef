package app

import (
	"fmt"
	"testing"
	"time"

	"github.com/simshift/simshift/internal/madeup"
	"github.com/simshift/simshift/jobs"
	"github.com/simshift/simshift/thingspace"
	"github.com/simshift/simshift/worker"
)

// offline is the carrier's word that an attempt for a device failed, under a request id that nobody knows.
func offline(t *testing.T, request string, device int, at time.Time) worker.Received {
	t.Helper()
	raw := fmt.Appendf(nil, `{"requestId":%q,"status":"FAILURE","faultResponse":{"faultcode":"UnifiedWebService.REQUEST_FAILED.DeviceOffline"},
		"deviceIds":[{"kind":"Eid","id":%q}]}`, request, madeup.Device(device).EID)
	c, err := thingspace.DecodeCallback(raw)
	if err != nil {
		t.Fatal(err)
	}
	return worker.Received{Callback: c, Raw: raw, At: at}
}

// A callback of an unknown request is parked. When its device is sent, later, it stays parked while that request waits for its
// answer: it can not be about it. What comes after the request went out is, and settles the device.
func TestWordFromBeforeARequestDoesNotEndIt(t *testing.T) {
	t.Parallel()
	const id = "0198c5a2"
	ctx := t.Context()
	now := time.Now()
	d, _ := onRedis(t, func() time.Time { return now })
	settler := d.settler()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	standing := func(want jobs.Counts, parked int64) {
		t.Helper()
		got, err := d.ledger.Job(ctx, id)
		must(err)
		n, err := d.ledger.ParkedCount(ctx)
		must(err)
		for state, count := range want {
			if got.Counts[state] != count || n != parked {
				t.Fatalf("%v and %d parked, instead of %v and %d", got.Counts, n, want, parked)
			}
		}
	}

	d.smallJob(t, id, 2)
	must(settler.Settle(ctx, []worker.Received{offline(t, "nobody-knows", 0, now)}))

	now = now.Add(time.Second)
	batch, err := d.ledger.Form(ctx, id, jobs.Chunk{Size: 2}, 0, 2)
	must(err)
	begun, err := d.ledger.Begin(ctx, id, batch, "run", now.Add(time.Hour), jobs.Quota{})
	if must(err); !begun {
		t.Fatal("the batch was not begun")
	}
	_, err = settler.Rematch(ctx, 0)
	must(err)
	standing(jobs.Counts{jobs.Submitting: 2, jobs.Retrying: 0}, 1)

	now = now.Add(time.Second)
	must(settler.Settle(ctx, []worker.Received{offline(t, "before-its-answer", 1, now)}))
	standing(jobs.Counts{jobs.Submitted: 1, jobs.Retrying: 1}, 1)
}
