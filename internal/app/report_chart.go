package app

import (
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/simshift/simshift/jobs"
)

// The pictures of a report, as numbers for the template. Across, everything is in percent of the picture's width, so that it
// fits any screen without a script; downwards it is in pixels.

type box struct {
	X, W  string // percent
	Y, H  string // pixels
	Class string
}

type label struct {
	X, Y       string
	Text, More string
	Anchor     string
}

// mark is a moment that something was decided at.
type mark struct {
	N             int
	X, Y          string
	At, Act, Text string
}

// nightChart is how devices came to their ends over the night, and how the fleet moved.
type nightChart struct {
	Boxes  []box
	Grid   []label
	Ticks  []label
	Marks  []mark
	Legend []stateGroup
	Path   string // of the share that moved, in a field of 1000 by 100
	Step   string
	Peak   string
}

// Where the bars stand.
const (
	nightTop    = 34.0
	nightBottom = 214.0
	nightTicks  = 7
	nightMarks  = 12
)

func percent(part float64) string { return fmt.Sprintf("%.3f%%", 100*part) }
func pixels(y float64) string     { return fmt.Sprintf("%.1f", y) }

func (r *report) night() *nightChart {
	bars := r.Timeline.Bars
	if len(bars) == 0 {
		return nil
	}
	c := &nightChart{Step: span(r.Timeline.Step)}
	most := int64(1)
	shown := make(map[string]bool)
	for _, bar := range bars {
		sum := int64(0)
		for _, group := range timelineStates {
			n := group.of(bar.Entered)
			sum += n
			shown[group.Name] = shown[group.Name] || n > 0
		}
		most = max(most, sum)
	}
	for _, group := range timelineStates {
		if shown[group.Name] {
			c.Legend = append(c.Legend, group)
		}
	}
	c.Peak = thousands(most)
	scale := c.grid(most)
	slot := 1 / float64(len(bars))
	width := min(slot*0.84, 0.05)
	for i, bar := range bars {
		y := nightBottom
		for _, group := range timelineStates {
			n := group.of(bar.Entered)
			if n == 0 {
				continue
			}
			high := max(1, float64(n)*scale)
			y -= high
			left := (float64(i)+0.5)*slot - width/2
			c.Boxes = append(c.Boxes, box{percent(left), percent(width), pixels(y), pixels(high), group.Class})
		}
	}
	c.Path = r.movedPath()
	r.ticks(c)
	r.marks(c)
	return c
}

// grid draws three lines or so at round numbers, and gives how many pixels a device is high.
func (c *nightChart) grid(most int64) float64 {
	step := math.Pow(10, math.Floor(math.Log10(float64(most))))
	for _, finer := range []float64{0.2, 0.5, 1, 2} {
		if float64(most) <= 4*finer*step {
			step *= finer
			break
		}
	}
	step = max(1, math.Floor(step))
	scale := (nightBottom - nightTop) / float64(most)
	for at := step; at <= float64(most); at += step {
		c.Grid = append(c.Grid, label{Y: pixels(nightBottom - at*scale), Text: thousands(int64(at))})
	}
	return scale
}

// movedPath is the outline of the share of the fleet that had moved by the end of each step.
func (r *report) movedPath() string {
	var b strings.Builder
	b.WriteString("M0 100")
	moved, bars := int64(0), r.Timeline.Bars
	for i, bar := range bars {
		moved += bar.Entered[jobs.Succeeded]
		part := float64(min(moved, r.Job.Devices)) / float64(max(1, r.Job.Devices))
		fmt.Fprintf(&b, " L%.1f %.2f", 1000*float64(i+1)/float64(len(bars)), 100-100*part)
	}
	return b.String() + " L1000 100 Z"
}

// within is where in the timeline a moment is, from 0 to 1.
func (r *report) within(at time.Time) (float64, bool) {
	length := float64(r.Timeline.Step) * float64(len(r.Timeline.Bars))
	x := at.Sub(r.Timeline.Bars[0].At).Seconds() / length
	return x, x >= 0 && x <= 1
}

// tickSteps are the distances between ticks, in minutes.
var tickSteps = []int64{
	1, 2, 5, 10, 15, 30, 60, 120, 180, 240, 360, 720, day, 2 * day, 7 * day, 14 * day, 30 * day, 90 * day, 365 * day,
}

// ticks writes round times below the bars, with the date where it is a new one.
func (r *report) ticks(c *nightChart) {
	bars := r.Timeline.Bars
	minutes := r.Timeline.Step / 60 * int64(len(bars))
	step := tickSteps[len(tickSteps)-1]
	for _, s := range tickSteps {
		if minutes/s < nightTicks {
			step = s
			break
		}
	}
	_, offset := bars[0].At.In(r.zone).Zone()
	begin := (bars[0].At.Unix() + int64(offset)) / 60
	date := ""
	for at := (begin + step - 1) / step * step; at <= begin+minutes; at += step {
		x := float64(at-begin) / float64(minutes)
		local := time.Unix(at*60-int64(offset), 0).In(r.zone)
		tick := label{X: percent(x), Text: local.Format("15:04"), Anchor: textAnchor(x)}
		if today := local.Format("2 Jan"); step >= day {
			tick.Text = today
		} else if today != date {
			tick.More, date = today, today
		}
		c.Ticks = append(c.Ticks, tick)
	}
}

func textAnchor(x float64) string {
	switch {
	case x < 0.04:
		return "start"
	case x > 0.96:
		return "end"
	}
	return "middle"
}

// markedActs are what a timeline shows of the log.
var markedActs = map[string]bool{
	jobs.ActPaused: true, jobs.ActResumed: true, jobs.ActCancelled: true, jobs.ActRetried: true, jobs.ActApproved: true,
	jobs.ActWaveOpened: true, jobs.ActGate: true, jobs.ActHeld: true, jobs.ActLimits: true, jobs.ActBraked: true,
}

// marks numbers the decisions, the first ones where there are too many for a picture.
func (r *report) marks(c *nightChart) {
	last, row := -1.0, 0
	for _, e := range r.Log {
		x, inside := r.within(e.At)
		if !inside || !markedActs[e.Act] || len(c.Marks) == nightMarks {
			continue
		}
		if x-last < 0.04 { // beside the one before
			row = 1 - row
		} else {
			row = 0
		}
		last = x
		c.Marks = append(c.Marks, mark{
			N: len(c.Marks) + 1, X: percent(min(0.985, max(0.015, x))), Y: pixels(8 + 15*float64(row)),
			At: e.At.In(r.zone).Format("2 Jan 15:04"), Act: actWords(e), Text: e.Words,
		})
	}
}

// barOf is a bar for a part of a whole.
func barOf(n, of int64) string { return percent(float64(n) / float64(max(1, of))) }

// fleetPart is a part of the fleet's bar.
type fleetPart struct {
	Name, Class, Share string
	Devices            int64
	X, W               string
}

func (r *report) fleet() (parts []fleetPart) {
	total, before := r.Counts.Total(), int64(0)
	for _, group := range fleetStates {
		n := group.of(r.Counts)
		if n == 0 {
			continue
		}
		parts = append(parts, fleetPart{group.Name, group.Class, share(n, total), n, barOf(before, total), barOf(n, total)})
		before += n
	}
	return parts
}
