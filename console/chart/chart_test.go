package chart_test

import (
	"strings"
	"testing"
	"time"

	"github.com/simshift/simshift/console/api"
	"github.com/simshift/simshift/console/chart"
	"github.com/simshift/simshift/console/words"
	"github.com/simshift/simshift/jobs"
)

var (
	begin = time.Date(2026, time.June, 10, 3, 0, 0, 0, time.UTC)
	pen   = chart.Pen{Zone: time.UTC, Number: words.Number}
)

// timeline has a bar every five minutes, with so many devices that moved, and a tenth that did not.
func timeline(moved ...int64) api.Timeline {
	t := api.Timeline{Step: 300}
	for i, n := range moved {
		t.Bars = append(t.Bars, jobs.Minute{
			At: begin.Add(time.Duration(i) * 5 * time.Minute), Entered: jobs.Counts{jobs.Succeeded: n, jobs.Failed: n / 10},
		})
	}
	return t
}

func TestANightIsDrawnToItsHighestBar(t *testing.T) {
	t.Parallel()
	log := []jobs.Entry{
		{At: begin.Add(-time.Hour), Act: jobs.ActPaused, Who: "before it"}, {At: begin.Add(time.Minute), Act: jobs.ActImported},
		{At: begin.Add(10 * time.Minute), Act: jobs.ActPaused, Who: "jonas", From: "here", Words: "wait"},
	}
	n := pen.Night(timeline(100, 1000, 0, 500), 2000, log)
	if n.Peak != words.Number(1100) || n.Step != "5 min" || n.Moved != "80.0%" {
		t.Errorf("highest %s, every %s, %s moved", n.Peak, n.Step, n.Moved)
	}
	if len(n.Shapes) != 2 || n.Shapes[0].Class != "ok" || n.Shapes[1].Class != "bad" {
		t.Fatalf("the shapes are %+v", n.Shapes)
	}
	if bars := strings.Count(n.Shapes[0].Path(), "z"); bars != 3 {
		t.Errorf("%d bars of devices that moved, in a night with 3", bars)
	}
	if len(n.Marks) != 1 || n.Marks[0].Act != "paused by jonas" || n.Marks[0].X != "50.000%" {
		t.Errorf("the marks are %+v", n.Marks)
	}
	if len(n.Rows) != 4 || n.Rows[1].From != "10 Jun 03:05" || strings.Join(n.Rows[1].Devices, " ") != words.Number(1000)+" 100" {
		t.Errorf("in figures it is %+v", n.Rows)
	}
	if pen.Night(api.Timeline{Step: 60}, 10, nil) != nil {
		t.Error("a night in which nothing happened is drawn")
	}
}

func TestALongNightHasFewRowsAndTicks(t *testing.T) {
	t.Parallel()
	n := pen.Night(timeline(make([]int64, 200)...), 2000, nil)
	if len(n.Rows) > 24 || len(n.Ticks) > 8 || len(n.Ticks) < 3 {
		t.Errorf("%d rows and %d ticks", len(n.Rows), len(n.Ticks))
	}
	if n.Ticks[0].More != "10 Jun" {
		t.Errorf("the first tick does not tell the day: %+v", n.Ticks[0])
	}
}

func TestTimesAreDrawnWhereTheirStretchIs(t *testing.T) {
	t.Parallel()
	s := pen.Settle(timeline(10, 10, 10, 10), []api.SettledIn{
		{At: begin.Add(-5 * time.Minute), Seconds: 600, Devices: 10, Median: 60, P90: 300},  // begins before it
		{At: begin.Add(15 * time.Minute), Seconds: 600, Devices: 10, Median: 20, P90: 7200}, // ends after it
		{At: begin.Add(20 * time.Hour), Seconds: 600, Devices: 10, Median: 20, P90: 7200},   // beyond it
	})
	if s.Last != "half within 20 s, 90% within 2 h" {
		t.Errorf("lately %s", s.Last)
	}
	for _, shape := range s.Shapes {
		n, path := strings.Count(shape.Path(), "z"), shape.Path()
		if n != 2 || !strings.HasPrefix(path, "M0.00 ") || !strings.Contains(path, "M750.00 ") || strings.Count(path, "h225.00v") != 2 {
			t.Errorf("%s is %s", shape.Class, shape.Path())
		}
	}
	if pen.Settle(timeline(10), nil) != nil || pen.Settle(api.Timeline{}, []api.SettledIn{{At: begin}}) != nil {
		t.Error("what is not known is drawn")
	}
}

func TestPartsFillTheBar(t *testing.T) {
	t.Parallel()
	counts := jobs.Counts{}
	for i, state := range jobs.States {
		counts[state] = int64(i + 1)
	}
	total, states := int64(0), 0
	for _, part := range chart.Parts(counts) {
		total += part.Devices
		states += len(strings.Split(part.States, ","))
	}
	if total != counts.Total() || states != len(jobs.States) {
		t.Errorf("%d of %d devices, %d of %d states", total, counts.Total(), states, len(jobs.States))
	}
}
