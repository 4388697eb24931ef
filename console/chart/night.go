package chart

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/simshift/simshift/console/api"
	"github.com/simshift/simshift/console/words"
	"github.com/simshift/simshift/jobs"
)

// Night is how devices came to their ends over the night, and how the fleet moved.
type Night struct {
	Shapes []*Shape
	Grid   []Label
	Ticks  []Label
	Marks  []Mark
	Legend []Group
	Rows   []Row
	Path   string // of the share that moved, in a field of 1000 by 100
	Step   string
	Peak   string
	Moved  string // the share at the end
}

// Row is a stretch of the night in figures.
type Row struct {
	From    string
	Devices []string // of each group of the legend
}

// Mark is a moment that something was decided at.
type Mark struct {
	N             int
	X, Y          string
	At, Act, Text string
}

// Where the bars stand, and how many decisions are marked.
const (
	nightTop    = 34.0
	nightBottom = 214.0
	nightMarks  = 12
	nightRows   = 24
)

// Night draws a timeline of a fleet of so many devices, with what the log says was decided; nil where nothing happened yet.
func (p Pen) Night(t api.Timeline, devices int64, log []jobs.Entry) *Night {
	if len(t.Bars) == 0 {
		return nil
	}
	n := &Night{Step: words.Span(t.Step)}
	most := n.measure(t)
	n.Peak = p.Number(most)
	var scale float64
	n.Grid, scale = p.grid(most, nightTop, nightBottom)
	n.stack(t, scale)
	p.rows(n, t)
	n.moved(t, devices)
	n.Ticks = p.ticks(t.Bars[0].At, t.Step/60*int64(len(t.Bars)))
	p.marks(n, t, log)
	return n
}

// measure finds the groups that occur, and the highest bar.
func (n *Night) measure(t api.Timeline) (most int64) {
	most = 1
	for _, bar := range t.Bars {
		sum := int64(0)
		for _, group := range Timeline {
			sum += group.Of(bar.Entered)
		}
		most = max(most, sum)
	}
	for _, group := range Timeline {
		for _, bar := range t.Bars {
			if group.Of(bar.Entered) > 0 {
				n.Legend = append(n.Legend, group)
				break
			}
		}
	}
	return most
}

// stack draws the bars, scale pixels a device.
func (n *Night) stack(t api.Timeline, scale float64) {
	slot := 1 / float64(len(t.Bars))
	width := min(slot*0.84, 0.05)
	for _, group := range n.Legend {
		n.Shapes = append(n.Shapes, &Shape{Class: group.Class})
	}
	for i, bar := range t.Bars {
		y := nightBottom
		for k, group := range n.Legend {
			if devices := group.Of(bar.Entered); devices > 0 {
				high := max(1, float64(devices)*scale)
				y -= high
				n.Shapes[k].add((float64(i)+0.5)*slot-width/2, width, y, high)
			}
		}
	}
}

// rows tell the same in figures, a few steps together.
func (p Pen) rows(n *Night, t api.Timeline) {
	several := (len(t.Bars) + nightRows - 1) / nightRows
	for bars := range slices.Chunk(t.Bars, several) {
		row := Row{From: bars[0].At.In(p.Zone).Format("2 Jan 15:04")}
		for _, group := range n.Legend {
			devices := int64(0)
			for _, bar := range bars {
				devices += group.Of(bar.Entered)
			}
			row.Devices = append(row.Devices, p.Number(devices))
		}
		n.Rows = append(n.Rows, row)
	}
}

// moved is the outline of the share of the fleet that had moved by the end of each step.
func (n *Night) moved(t api.Timeline, devices int64) {
	var b strings.Builder
	b.WriteString("M0 100")
	moved := int64(0)
	for i, bar := range t.Bars {
		moved += bar.Entered[jobs.Succeeded]
		part := float64(min(moved, devices)) / float64(max(1, devices))
		fmt.Fprintf(&b, " L%.1f %.2f", 1000*float64(i+1)/float64(len(t.Bars)), 100-100*part)
	}
	n.Path = b.String() + " L1000 100 Z"
	n.Moved = words.Share(min(moved, devices), devices)
}

// within is where in a timeline a moment is, from 0 to 1.
func within(t api.Timeline, at time.Time) (float64, bool) {
	length := float64(t.Step) * float64(len(t.Bars))
	x := at.Sub(t.Bars[0].At).Seconds() / length
	return x, x >= 0 && x <= 1
}

// markedActs are what a timeline shows of the log.
var markedActs = map[string]bool{
	jobs.ActPaused: true, jobs.ActResumed: true, jobs.ActCancelled: true, jobs.ActRetried: true, jobs.ActApproved: true,
	jobs.ActWaveOpened: true, jobs.ActGate: true, jobs.ActHeld: true, jobs.ActLimits: true, jobs.ActBraked: true,
}

// marks numbers the decisions, the first ones where there are too many for a picture.
func (p Pen) marks(n *Night, t api.Timeline, log []jobs.Entry) {
	last, row := -1.0, 0
	for _, e := range log {
		x, inside := within(t, e.At)
		if !inside || !markedActs[e.Act] || len(n.Marks) == nightMarks {
			continue
		}
		if x-last < 0.04 { // beside the one before
			row = 1 - row
		} else {
			row = 0
		}
		last = x
		n.Marks = append(n.Marks, Mark{
			N: len(n.Marks) + 1, X: percent(min(0.985, max(0.015, x))), Y: pixels(8 + 15*float64(row)),
			At: e.At.In(p.Zone).Format("2 Jan 15:04"), Act: Deed(e), Text: e.Words,
		})
	}
}

// Deed is what an entry of a log tells, with the person who did it.
func Deed(e jobs.Entry) string {
	if e.From == "" {
		return e.Act
	}
	return e.Act + " by " + e.Who
}
