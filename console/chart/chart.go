// Package chart makes the pictures of a job, as numbers for templates that draw them in SVG. Across, everything is in percent
// of the picture's width, so that it fits any screen without a script; downwards it is in pixels.
package chart

import (
	_ "embed"
	"fmt"
	"math"
	"strings"
	"time"
)

// Templates draw the pictures: "night-chart" a [Night], "settle-chart" a [Settle].
//
//go:embed chart.html
var Templates string

// Style has the colours of states, and what the pictures need beside a page's own --paper, --ink, --soft and --rule.
//
//go:embed chart.css
var Style string

// Pen is how a picture is written.
type Pen struct {
	Zone   *time.Location
	Number func(int64) string
}

// Shape is rectangles of one colour, in a field that is [wide] across whatever the picture's width, and has its pixels
// downwards.
type Shape struct {
	Class string
	path  strings.Builder
}

// wide is how far a field goes across.
const wide = 1000

// add adds a rectangle; x and w are parts of the whole width.
func (s *Shape) add(x, w, y, h float64) {
	fmt.Fprintf(&s.path, "M%.2f %.1fh%.2fv%.1fh-%.2fz", wide*x, y, wide*w, h, wide*w)
}

// Path is its outline.
func (s *Shape) Path() string { return s.path.String() }

// Label is a text in a picture.
type Label struct {
	X, Y       string
	Text, More string
	Anchor     string
}

func percent(part float64) string { return fmt.Sprintf("%.3f%%", 100*part) }
func pixels(y float64) string     { return fmt.Sprintf("%.1f", y) }

// Bar is the width of a bar for a part of a whole.
func Bar(n, of int64) string { return percent(float64(n) / float64(max(1, of))) }

const day = 24 * 60

// tickSteps are the distances between ticks, in minutes.
var tickSteps = []int64{
	1, 2, 5, 10, 15, 30, 60, 120, 180, 240, 360, 720, day, 2 * day, 7 * day, 14 * day, 30 * day, 90 * day, 365 * day,
}

// mostTicks is how many times are written below a picture at most.
const mostTicks = 7

// ticks are round times of so many minutes, with the date where it is a new one.
func (p Pen) ticks(from time.Time, minutes int64) (ticks []Label) {
	step := tickSteps[len(tickSteps)-1]
	for _, s := range tickSteps {
		if minutes/s < mostTicks {
			step = s
			break
		}
	}
	_, offset := from.In(p.Zone).Zone()
	begin := (from.Unix() + int64(offset)) / 60
	date := ""
	for at := (begin + step - 1) / step * step; at <= begin+minutes; at += step {
		x := float64(at-begin) / float64(max(1, minutes))
		local := time.Unix(at*60-int64(offset), 0).In(p.Zone)
		tick := Label{X: percent(x), Text: local.Format("15:04"), Anchor: anchor(x)}
		if today := local.Format("2 Jan"); step >= day {
			tick.Text = today
		} else if today != date {
			tick.More, date = today, today
		}
		ticks = append(ticks, tick)
	}
	return ticks
}

func anchor(x float64) string {
	switch {
	case x < 0.04:
		return "start"
	case x > 0.96:
		return "end"
	}
	return "middle"
}

// grid draws three lines or so at round numbers between top and bottom, and gives how many pixels one is high.
func (p Pen) grid(most int64, top, bottom float64) (lines []Label, scale float64) {
	step := math.Pow(10, math.Floor(math.Log10(float64(most))))
	for _, finer := range []float64{0.2, 0.5, 1, 2} {
		if float64(most) <= 4*finer*step {
			step *= finer
			break
		}
	}
	step = max(1, math.Floor(step))
	scale = (bottom - top) / float64(most)
	for at := step; at <= float64(most); at += step {
		lines = append(lines, Label{Y: pixels(bottom - at*scale), Text: p.Number(int64(at))})
	}
	return lines, scale
}
