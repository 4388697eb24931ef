package chart

import (
	"math"

	"github.com/simshift/simshift/console/api"
	"github.com/simshift/simshift/console/words"
)

// Settle is how long devices took over the night, from their request to their end.
type Settle struct {
	Shapes []*Shape // from half to 90% of the devices of each stretch, and the time within which half of them had settled
	Grid   []Label
	Ticks  []Label
	Last   string // the latest stretch in words
}

// Where the times stand.
const (
	settleTop    = 16.0
	settleBottom = 150.0
)

// settleLines are times that may have a line of their own, in seconds.
var settleLines = []int64{1, 10, 60, 300, 1200, 3600, 4 * 3600, 12 * 3600, 86400, 3 * 86400, 7 * 86400, 30 * 86400}

// Settle draws how long devices took, over the time of a timeline; nil where none has settled.
func (p Pen) Settle(t api.Timeline, settled []api.SettledIn) *Settle {
	if len(settled) == 0 || len(t.Bars) == 0 {
		return nil
	}
	length := float64(t.Step) * float64(len(t.Bars)) // in seconds
	low, high := bounds(settled)
	y := func(seconds int64) float64 {
		part := (math.Log(float64(max(1, seconds))) - math.Log(float64(low))) / (math.Log(float64(high)) - math.Log(float64(low)))
		return settleBottom - (settleBottom-settleTop)*min(1, max(0, part))
	}
	s := &Settle{Ticks: p.ticks(t.Bars[0].At, t.Step/60*int64(len(t.Bars)))}
	for _, line := range settleLines {
		if line >= low && line <= high {
			s.Grid = append(s.Grid, Label{Y: pixels(y(line)), Text: words.Span(line)})
		}
	}
	spread, middle := &Shape{Class: "spread"}, &Shape{Class: "half"}
	s.Shapes = []*Shape{spread, middle}
	for _, in := range settled {
		begin := in.At.Sub(t.Bars[0].At).Seconds() // a stretch may begin before the first bar, and end after the last
		from := max(0, begin/length)
		width := min(1, (begin+float64(in.Seconds))/length) - from
		if width <= 0 {
			continue
		}
		half, most := y(in.Median), y(in.P90)
		spread.add(from, width*0.9, most, max(1, half-most))
		middle.add(from, width*0.9, half-1.5, 3)
	}
	last := settled[len(settled)-1]
	s.Last = "half within " + words.Span(last.Median) + ", 90% within " + words.Span(last.P90)
	return s
}

// bounds are lines below and above all times.
func bounds(settled []api.SettledIn) (low, high int64) {
	least, most := int64(math.MaxInt64), int64(1)
	for _, in := range settled {
		least, most = min(least, in.Median), max(most, in.P90)
	}
	low, high = settleLines[0], settleLines[len(settleLines)-1]
	for _, line := range settleLines {
		if line <= least {
			low = line
		}
		if line >= most {
			high = line
			break
		}
	}
	if high <= low {
		high = low * 2
	}
	return low, high
}
