package app

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/simshift/simshift/console/api"
	"github.com/simshift/simshift/internal/madeup"
	"github.com/simshift/simshift/jobs"
)

var update = flag.Bool("update", false, "write the golden files anew")

// hostile is what a carrier could say to whoever opens the report, or runs what it prints.
const hostile = `<script src="http://evil.example/x.js">alert(1)</script>"'><img src=//evil.example/a onerror=alert(2)>`

var nightfall = time.Date(2026, 3, 8, 4, 0, 0, 0, time.UTC) // 22:00 in Chicago, and the clock changes in this night

// nightJob is a job of 20,000 devices after a night with everything in it.
func nightJob() jobs.Job {
	started, finished := nightfall, nightfall.Add(6*time.Hour+12*time.Minute)
	policy := jobs.DefaultPolicy()
	policy.Schedule.Zone = "America/Chicago"
	policy.Waves, _ = jobs.ParseWaves("100,5%,100%")
	return jobs.Job{
		ID: "0198c5a2-7d1e-7c31-9a42-3f5b8a1c2d4e", Name: "spring <b>migration</b>", State: jobs.Finished, Target: jobs.Global,
		Devices: 20_000, Attempts: 21_544, Requests: 31, Repeats: 12, Callbacks: 21_902, Batches: 31, Wave: 3, Opened: 20_000,
		Policy: policy, File: "fleet.csv", Duplicates: 14, CreatedAt: nightfall.Add(-time.Hour), StartedAt: &started, FinishedAt: &finished,
	}
}

// nightFaults are who does not move, in shares of ten thousand devices.
var nightFaults = []struct {
	of     int
	state  jobs.State
	reason jobs.Reason
	fault  jobs.Fault
}{
	{90, jobs.Failed, jobs.Faulted, jobs.Fault{Code: carrier + "DeviceOffline", Text: "The device is not connected to the network."}},
	{47, jobs.Failed, jobs.Faulted, jobs.Fault{Code: carrier + "DeviceNotFound", Text: "The device was not found."}},
	{31, jobs.Failed, jobs.Refused, jobs.Fault{Code: carrier + "Global IoT 5MB.NotFound", Text: "The service plan was not found."}},
	{15, jobs.Unanswered, jobs.Silent, jobs.Fault{}},
	{6, jobs.Failed, jobs.Faulted, jobs.Fault{Code: hostile, Text: hostile}},
	{3, jobs.Mismatched, jobs.Contradicted, jobs.Fault{}},
	{2, jobs.Cancelled, jobs.Withdrawn, jobs.Fault{}},
}

const carrier = "UnifiedWebService.REQUEST_FAILED."

// nightGathering takes in a made-up night.
func nightGathering(t *testing.T) *gathering {
	t.Helper()
	job := nightJob()
	ends := job.Policy.WaveEnds(job.Devices)
	g := newGathering(sendings{
		{{0, 100, nightfall, 0}, {100, 1095, nightfall.Add(20 * time.Minute), 1}, {1095, 10_000, nightfall.Add(70 * time.Minute), 2}},
		{{0, 10_000, nightfall.Add(90 * time.Minute), 2}},
	})
	g.wave(ends)
	for i := range int(job.Devices) {
		place := jobs.PlaceAt(i/10_000, i%10_000)
		identity := madeup.Device(i)
		eid, err := jobs.ParseEID(identity.EID)
		iccid, err2 := jobs.ParseICCID(identity.ICCID)
		if err := errors.Join(err, err2); err != nil {
			t.Fatal(err)
		}
		first, _ := g.sends.of(place)
		o := jobs.Outcome{
			Member: jobs.Member{Place: place, Device: jobs.Device{EID: eid, ICCID: iccid, Row: uint32(i + 1)}},
			Group:  jobs.Group{Account: fmt.Sprintf("0000123456-0000%d", 1+i%3), Plan: "Global IoT 5MB"},
			State:  jobs.Succeeded, Attempts: 1, ChangedAt: first.at.Add(time.Duration(5+i*i%1700) * time.Second),
		}
		at := 0
		for _, f := range nightFaults {
			if spot := i * 7919 % 10_000; spot >= at && spot < at+f.of {
				o.State, o.Reason, o.Fault, o.Attempts = f.state, f.reason, f.fault, 1
				if f.fault.Verdict() == jobs.Transient && f.state != jobs.Mismatched {
					o.Attempts, o.ChangedAt = 5, first.at.Add(time.Duration(4*3600+i%4000)*time.Second)
				}
			}
			at += f.of
		}
		if o.State == jobs.Succeeded && i%40 == 7 {
			o.Attempts, o.ChangedAt = 2+i%3, o.ChangedAt.Add(time.Hour)
		}
		if err := g.add(&o); err != nil {
			t.Fatal(err)
		}
	}
	return g
}

func nightReport(t *testing.T) *report {
	t.Helper()
	var minutes []jobs.Minute
	for i := range int64(372) {
		counts := jobs.Counts{jobs.Succeeded: max(0, 186-(i-130)*(i-130)/54), jobs.Retrying: max(0, 30-(i-110)*(i-110)/90)}
		switch {
		case i < 20:
			counts = jobs.Counts{jobs.Succeeded: 5}
		case i < 70: // the gate
			continue
		case i > 150 && i < 158: // the brake
			continue
		case i > 240:
			counts[jobs.Failed] = 2 + i%2
		}
		minutes = append(minutes, jobs.Minute{At: nightfall.Add(time.Duration(i) * time.Minute), Entered: counts})
	}
	var log []jobs.Entry
	for _, e := range []struct {
		minute               int
		who, from, act, said string
	}{
		{-60, "ann", "ops-1", jobs.ActImported, "20000 devices from fleet.csv"},
		{20, "gate", "", jobs.ActWaveOpened, "wave 1 of 3: 96 of 100 devices succeeded (96%), and the gate wants 95%"},
		{68, "gate", "", jobs.ActGate, "wave 2 of 3: 930 of 995 devices succeeded (93.4673%), and the gate wants 95%"},
		{70, "ann", "ops-1", jobs.ActResumed, "opens wave 3 of 3: scrapped cars " + hostile},
		{150, "brake", "", "braked", "101 of the last 1000 answers were failures (10.1%; the brake is at 10.0%): 90 DeviceOffline"},
		{158, "bob", "ops-2", jobs.ActResumed, "lets go of the brake: it was the storm"},
		{372, "simshift", "", "finished", "every device is final: the job is finished"},
	} {
		at := nightfall.Add(time.Duration(e.minute) * time.Minute)
		log = append(log, jobs.Entry{At: at, Who: e.who, From: e.from, Act: e.act, Words: e.said})
	}
	return nightGathering(t).report(nightJob(), minutes, log, nightfall.Add(9*time.Hour))
}

func TestAReportIsWrittenAsBefore(t *testing.T) {
	t.Parallel()
	r := nightReport(t)
	for format, name := range map[Format]string{Table: "night.txt", HTML: "night.html", JSON: "night.json"} {
		var out bytes.Buffer
		if err := r.write(&out, format); err != nil {
			t.Fatal(err)
		}
		path := filepath.Join("testdata", "report", name)
		if *update {
			if err := os.WriteFile(path, out.Bytes(), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(want), out.String()); diff != "" {
			t.Errorf("%s differs (go test ./internal/app -run Report -update writes it anew):\n%s", name, diff)
		}
	}
}

func TestAReportAddsUp(t *testing.T) {
	t.Parallel()
	r := nightReport(t)
	if r.Headline != "19,612 of 20,000 devices moved; 388 did not" {
		t.Errorf("the headline: %s", r.Headline)
	}
	var faults, accounts, waves, attempts, bands int64
	for _, f := range r.Faults {
		faults += f.Devices
	}
	for _, a := range r.Accounts {
		accounts += a.Moved + a.NotMoved + a.Open
	}
	for _, w := range r.Waves {
		waves += w.Moved + w.NotMoved + w.Open
	}
	for _, a := range r.Attempts {
		attempts += a.Devices
	}
	for _, b := range r.Settling.Bands {
		bands += b.Devices
	}
	if faults != r.NotMoved || accounts != 20_000 || waves != 20_000 || attempts != 20_000 ||
		bands != r.Settling.Devices || bands != 20_000-r.Counts[jobs.Cancelled] {
		t.Errorf("faults %d, accounts %d, waves %d, attempts %d, bands %d of %d", faults, accounts, waves, attempts, bands, r.Settling.Devices)
	}
	if got := []int64{r.Waves[0].Devices, r.Waves[1].Devices, r.Waves[2].Devices}; !cmp.Equal(got, []int64{100, 1000, 18_900}) {
		t.Errorf("the waves have %v devices", got)
	}
	if len(r.Slowest) != reportTop || len(r.MostTried) != reportTop || r.Slowest[0].Seconds != r.Settling.Longest ||
		r.MostTried[0].Attempts != 5 {
		t.Errorf("slowest %+v, most tried %+v", r.Slowest[0], r.MostTried[0])
	}
	if r.NeedsPerson[0].Title != "moved to the wrong network" {
		t.Errorf("first comes %q", r.NeedsPerson[0].Title)
	}
}

func TestTheTextOfAReportFitsATallTerminal(t *testing.T) {
	t.Parallel()
	r := nightReport(t)
	r.Open, r.Job.State, r.Job.Hold = 300, jobs.Paused, "the brake: "+strings.Repeat("a long story ", 50)
	for _, state := range jobs.States {
		r.Counts[state] += 50
	}
	r.Accounts, r.Waves = make([]api.AccountCount, 30), make([]api.WaveCount, 30)
	r.NeedsPerson, r.Next = concernsOf(&r.Job, r.Faults), r.next()
	var out bytes.Buffer
	if err := r.write(&out, Table); err != nil {
		t.Fatal(err)
	}
	if lines := strings.Count(out.String(), "\n"); lines > 60 {
		t.Errorf("%d lines:\n%s", lines, out.String())
	}
}

func TestAReportStaysSmall(t *testing.T) {
	t.Parallel()
	g := newGathering(nil)
	const devices = 50_000
	for i := range devices {
		o := jobs.Outcome{State: jobs.Failed, Reason: jobs.Faulted, Fault: jobs.Fault{Code: fmt.Sprint("code", i)},
			Group: jobs.Group{Account: fmt.Sprint("account", i)}, Attempts: i % 100}
		if err := g.add(&o); err != nil {
			t.Fatal(err)
		}
	}
	minutes := make([]jobs.Minute, 0, 40_000)
	for i := range 40_000 {
		minutes = append(minutes, jobs.Minute{At: nightfall.Add(time.Duration(i) * time.Minute), Entered: jobs.Counts{jobs.Failed: 1}})
	}
	r := g.report(jobs.Job{Devices: devices, Policy: jobs.DefaultPolicy()}, minutes, make([]jobs.Entry, 5000), nightfall)
	if len(r.Faults) != reportKeys || r.OtherFaults != devices-reportKeys || len(r.Accounts) != reportKeys ||
		r.Others.Devices != devices-reportKeys || len(r.Timeline.Bars) > reportBars || len(r.Log) != reportLog || r.LogOmitted != 4900 {
		t.Errorf("%d faults and %d others, %d accounts and %d others, %d bars, %d entries", len(r.Faults), r.OtherFaults,
			len(r.Accounts), r.Others.Devices, len(r.Timeline.Bars), len(r.Log))
	}
	total := int64(0)
	for _, bar := range r.Timeline.Bars {
		total += bar.Entered[jobs.Failed]
	}
	if total != 40_000 {
		t.Errorf("the api.Timeline has %d of 40000", total)
	}
	for _, format := range []Format{Table, HTML, JSON} {
		var out bytes.Buffer
		if err := r.write(&out, format); err != nil || out.Len() > 2_000_000 {
			t.Errorf("%s: %d bytes, %v", format, out.Len(), err)
		}
	}
}

func TestAReportOfNothingIsStillOne(t *testing.T) {
	t.Parallel()
	for _, format := range []Format{Table, HTML, JSON} {
		var out bytes.Buffer
		r := newGathering(nil).report(jobs.Job{ID: "x", Policy: jobs.DefaultPolicy(), State: jobs.Running}, nil, nil, nightfall)
		if err := r.write(&out, format); err != nil {
			t.Errorf("%s: %v", format, err)
		}
		if format == JSON {
			var fields map[string]json.RawMessage
			if err := json.Unmarshal(out.Bytes(), &fields); err != nil {
				t.Fatal(err)
			}
			for name, value := range fields {
				if string(value) == "null" {
					t.Errorf("%s is null: readers want an empty list", name)
				}
			}
		}
	}
}

func TestAReportsFileIsThereWholeOrNotAtAll(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	path := filepath.Join(folder, "report.html")
	for _, text := range []string{"old", "new"} {
		if err := writeWhole(path, []byte(text), reportHint); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(path)
	info, errStat := os.Stat(path)
	entries, errDir := os.ReadDir(folder)
	if err != nil || errStat != nil || errDir != nil || string(got) != "new" || info.Mode().Perm() != 0o600 || len(entries) != 1 {
		t.Errorf("%q, %v, %v", got, info.Mode(), entries)
	}
	if err := writeWhole(filepath.Join(folder, "missing", "report.html"), nil, reportHint); ExitCode(err) != ExitError || Hint(err) == "" {
		t.Errorf("a folder that is not there: %v", err)
	}
}
