package jobs

import (
	"iter"
	"time"
)

// Batches are the requests in which a fleet is sent once, in their order: the group of each and its devices. groups is how
// many devices each group has. A batch is of one wave, one group and one chunk, so there can be more of them than the
// devices alone would need.
func (p Policy) Batches(groups []int64) iter.Seq2[int, int64] {
	return func(yield func(int, int64) bool) {
		var devices int64
		for _, size := range groups {
			devices += size
		}
		taken := make([]int64, len(groups))
		for _, end := range p.WaveEnds(devices) {
			room := WaveRoom(groups, taken, end)
			for more := true; more; {
				more = false
				for group := range groups { // a batch of each in turn
					size := min(p.RequestSize(), room[group], MaxChunk-taken[group]%MaxChunk)
					if size <= 0 {
						continue
					}
					if !yield(group, size) {
						return
					}
					taken[group] += size
					room[group] -= size
					more = true
				}
			}
		}
	}
}

// Forecast is when a fleet is sent once, at the earliest. Waves wait for answers, and further attempts come after that:
// nobody knows before how long that takes.
type Forecast struct {
	Starts  time.Time     // the first moment at which anything is sent
	Ends    time.Time     // when the last request is sent; zero: beyond the horizon
	Windows int           // how many it takes until then
	Least   time.Duration // between the first request and the last, if the windows never closed
}

// forecastFor is how far ahead a forecast looks for windows.
const forecastFor = 10 * 365 * 24 * time.Hour

// Forecast lays batches into the windows from now on, in their order: the group of each, which does not matter, and its
// devices. gap is what the limits want between a batch of so many devices and the next one.
func (p Policy) Forecast(now time.Time, batches iter.Seq2[int, int64], gap func(devices int64) time.Duration) Forecast {
	var f Forecast
	w := windowWalk{schedule: p.Schedule, most: p.PerWindow, horizon: now.Add(forecastFor)}
	at, within := w.send(now, 0)
	f.Starts, f.Ends, f.Windows = at, at, w.number
	var before time.Duration
	for _, size := range batches {
		f.Least += before
		if within {
			at, within = w.send(at.Add(before), size)
			f.Ends, f.Windows = at, w.number
		}
		before = gap(size)
	}
	if !within {
		f.Ends = time.Time{}
	}
	return f
}

// windowWalk goes from window to window.
type windowWalk struct {
	schedule Schedule
	most     int64 // devices in one window; 0: no bound
	horizon  time.Time
	span     Span
	number   int   // of the window, from 1
	sent     int64 // in it
}

// send sends a batch at a time, or as soon after it as a window takes it. It tells when, and whether that is before the
// horizon.
func (w *windowWalk) send(at time.Time, size int64) (time.Time, bool) {
	for {
		if w.number == 0 || !w.span.To.IsZero() && !at.Before(w.span.To) {
			w.span, _ = w.schedule.Span(at)
			w.number++
			w.sent = 0
		}
		if at.Before(w.span.From) {
			at = w.span.From
		}
		if at.After(w.horizon) {
			return at, false
		}
		open := w.span.To.IsZero() || at.Before(w.span.To)
		if full := w.most > 0 && w.sent > 0 && w.sent+size > w.most; open && !full {
			w.sent += size
			return at, true
		}
		at = w.span.To
	}
}
