package app

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/simshift/simshift/console/api"
	"github.com/simshift/simshift/internal/madeup"
	"github.com/simshift/simshift/internal/redistest"
	"github.com/simshift/simshift/jobs"
)

// liveNight is a job of ten devices on a real Redis, in waves of four and six: the first wave's first request is refused and
// halved, one device fails for good, one is tried twice, and the second wave is not sent yet.
func liveNight(t *testing.T, env *Env, now *time.Time) string {
	t.Helper()
	ctx := t.Context()
	d, err := open(ctx, env)
	must := func(errs ...error) {
		t.Helper()
		for _, err := range errs {
			if err != nil {
				t.Fatal(err)
			}
		}
	}
	must(err)
	defer d.Close()
	books := d.ledger
	policy := jobs.DefaultPolicy()
	policy.Schedule.Zone = "Europe/Berlin"
	policy.Waves, err = jobs.ParseWaves("4,100%")
	must(err)
	job := jobs.Job{ID: "0198c5a2-night", Name: "night", Target: jobs.Global, Policy: policy, Devices: 10, CreatedAt: *now,
		Groups: []jobs.Group{{Account: "0000123456-00001", Plan: "Global IoT 5MB"}}}
	chunk := jobs.Chunk{Size: 10}
	must(books.Create(ctx, job), books.AddChunk(ctx, job.ID, chunk, roster(t, chunk.Size)),
		books.Commit(ctx, job, 10, "", jobs.Entry{Who: "ann", From: "ops", Act: jobs.ActImported, Words: "10 devices"}))

	send := func(batch int64) {
		t.Helper()
		*now = now.Add(time.Minute)
		ok, err := books.Begin(ctx, job.ID, batch, "run", now.Add(time.Hour), jobs.Quota{})
		if must(err); !ok {
			t.Fatalf("batch %d was not begun", batch)
		}
	}
	answer := func(batch int64, kind jobs.EventKind, fault jobs.Fault, positions ...int) {
		t.Helper()
		*now = now.Add(90 * time.Second)
		events := make([]jobs.Event, len(positions))
		for i, pos := range positions {
			events[i] = jobs.Event{Batch: batch, Place: jobs.PlaceAt(0, pos), Kind: kind, Fault: fault, Due: now.Add(time.Minute)}
		}
		_, err := books.Settle(ctx, job.ID, policy.Attempts, events)
		must(err)
	}
	batch, err := books.Form(ctx, job.ID, chunk, 0, 4)
	must(err)
	send(batch)
	halves, err := books.Split(ctx, job.ID, batch, "run", "refused and halved")
	must(err)
	send(halves[0])
	send(halves[1])
	answer(halves[0], jobs.Confirmed, jobs.Fault{}, 0)
	answer(halves[0], jobs.Rejected, jobs.Fault{Code: "UnifiedWebService.REQUEST_FAILED.DeviceNotFound", Text: "gone"}, 1)
	answer(halves[1], jobs.Confirmed, jobs.Fault{}, 2)
	answer(halves[1], jobs.Faltered, jobs.Fault{Code: "UnifiedWebService.REQUEST_FAILED.DeviceOffline", Text: "off"}, 3)
	*now = now.Add(time.Hour)
	waves, err := books.Waves(ctx, job.ID)
	must(err)
	again, _, err := books.Gather(ctx, job.ID, waves, 10)
	must(err)
	send(again)
	answer(again, jobs.Confirmed, jobs.Fault{}, 3)
	return job.ID
}

// roster is a chunk of made-up devices.
func roster(t *testing.T, size int) []jobs.Device {
	t.Helper()
	devices := make([]jobs.Device, size)
	for i := range devices {
		identity := madeup.Device(i)
		devices[i].Row = uint32(i + 1)
		var errs [2]error
		devices[i].EID, errs[0] = jobs.ParseEID(identity.EID)
		devices[i].ICCID, errs[1] = jobs.ParseICCID(identity.ICCID)
		if err := errors.Join(errs[:]...); err != nil {
			t.Fatal(err)
		}
	}
	return devices
}

func TestAReportOfALiveJob(t *testing.T) {
	t.Parallel()
	var out, talk bytes.Buffer
	now := nightfall
	address := redistest.Start(t).URL()
	env := &Env{Out: &out, Err: &talk, Flags: map[string]string{"REDIS_URL": address}, Now: func() time.Time { return now },
		Getenv: func(string) string { return "" }}
	id := liveNight(t, env, &now)
	d, job, err := openJob(t.Context(), env, "night")
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	r, err := d.report(t.Context(), job)
	if err != nil {
		t.Fatal(err)
	}
	if r.Headline != "3 of 10 devices moved; 1 did not; 6 not settled yet" || r.Job.ID != id || len(r.Log) == 0 {
		t.Errorf("%s, job %s, a log of %d", r.Headline, r.Job.ID, len(r.Log))
	}
	if len(r.Faults) != 1 || r.Faults[0].Explanation.Title != "the carrier does not know the device" || r.Faults[0].Text != "gone" {
		t.Errorf("faults: %+v", r.Faults)
	}
	waves := []api.WaveCount{{Wave: 1, Devices: 4, Moved: 3, NotMoved: 1}, {Wave: 2, Devices: 6}}
	if !slices.Equal(r.Waves, waves) {
		t.Errorf("waves: %+v", r.Waves)
	}
	if len(r.MostTried) != 1 || r.MostTried[0].Row != 4 || r.MostTried[0].Attempts != 2 || r.MostTried[0].SentAt == nil {
		t.Fatalf("most tried: %+v", r.MostTried)
	}
	// From the request that was refused, at 1 minute, over the halves and an hour, to its success.
	slowest := r.Slowest[0]
	if slowest.Row != 4 || slowest.Seconds < 3600 || slowest.Seconds != int64(slowest.Settled.Sub(*slowest.SentAt)/time.Second) {
		t.Errorf("slowest: %+v", slowest)
	}
	if len(r.Timeline.Bars) < 2 || r.Settling.Devices != 4 {
		t.Errorf("timeline of %d, settling %+v", len(r.Timeline.Bars), r.Settling)
	}
	for _, format := range []Format{Table, HTML} {
		out.Reset()
		err := ShowReport(t.Context(), env, id, format, "")
		if err != nil || !strings.Contains(strings.ToLower(out.String()), "3 of 10 devices moved") {
			t.Errorf("%s: %v\n%s", format, err, out.String())
		}
	}
	path := filepath.Join(t.TempDir(), "report.json")
	if err := ShowReport(t.Context(), env, "night", JSON, path); err != nil {
		t.Fatal(err)
	}
	var told struct{ Headline string }
	if text, err := os.ReadFile(path); err != nil || json.Unmarshal(text, &told) != nil || told.Headline != r.Headline {
		t.Errorf("%v\n%s", err, text)
	}
	if err := ShowReport(context.Background(), env, "nobody", Table, ""); ExitCode(err) != ExitError || Hint(err) == "" {
		t.Errorf("a job that is not there: %v", err)
	}
}
