package jobs

import (
	"errors"
	"fmt"
	"iter"
	"strings"
	"sync"
	"time"
	_ "time/tzdata" // a worker on a machine without zone files keeps the windows all the same
)

const maxWindows = 50

// Schedule is when a job may send: from Start on, and inside its windows where it has some. A start that has passed is
// caught up: the job is open at once, or in the next window. The zero Schedule is always open.
//
// Windows go by the clock on the wall of the zone. Where the clock is changed, a window is open from the first moment at
// which that clock reads a time of it, until no time of it is to be read any more, and in between:
//
//   - A begin or an end that the clock jumps over in spring is at the moment of the jump. A window that lies within the
//     jump as a whole does not occur that day.
//   - Of a begin that the clock reads twice in autumn the first counts, of such an end the second: no reading of the window
//     is left out. But of an end at the very time to which the clock is put back (01:00 in Chicago) the first counts: all
//     that the clock then repeats comes after the window.
//   - A window across the change lasts so much less or more than its hours say. Windows that follow each other without
//     a gap, whole days above all, never get one.
type Schedule struct {
	Start   time.Time `json:"start,omitzero"`    // not before; zero: at once
	Zone    string    `json:"tz,omitempty"`      // of the IANA database, like America/Chicago; empty: UTC
	Windows []Window  `json:"windows,omitempty"` // none: at any time
}

// Span is a stretch of time, From inclusive, To exclusive. With a zero To it never ends.
type Span struct{ From, To time.Time }

// Validate tells what is wrong with the schedule, and what to do about it.
func (s Schedule) Validate() error {
	if len(s.Windows) > maxWindows {
		return fmt.Errorf("windows must be at most %d, not %d: put days with the same hours together, like mon-fri 22:00-05:00",
			maxWindows, len(s.Windows))
	}
	_, err := loadZone(s.Zone)
	return err
}

// Span is the span that now is in (open), or else the next one (not open).
//
// Windows that overlap or touch are one span, and a span that began before Start begins at Start. So From names the
// window: it is the same for the same schedule at every instant of the span, and before it. Windows that leave no gap in
// the week are one span from Start without an end, as no windows are; its From is zero if Start is.
//
// A zone that Validate refuses keeps the job closed: the span is then empty, and an hour away, to ask again.
func (s Schedule) Span(now time.Time) (span Span, open bool) {
	at := now
	if at.Before(s.Start) {
		at = s.Start
	}
	zone, err := loadZone(s.Zone)
	if err != nil {
		at = at.Add(time.Hour)
		return Span{From: at, To: at}, false
	}
	if len(s.Windows) > 0 {
		span = calendar{zone, s.Windows}.span(at)
	}
	if span.From.Before(s.Start) {
		span.From = s.Start.In(zone)
	}
	return span, !now.Before(span.From)
}

// Spans are the span that from is in, or else the next one, and those that follow. They go on without end; only a span
// that never ends itself, with a zero To, is the last. The first may have begun before from. A zone that Validate refuses
// has none.
func (s Schedule) Spans(from time.Time) iter.Seq[Span] {
	return func(yield func(Span) bool) {
		if _, err := loadZone(s.Zone); err != nil {
			return
		}
		for {
			span, _ := s.Span(from)
			if !yield(span) || span.To.IsZero() {
				return
			}
			from = span.To
		}
	}
}

// closes tells whether there is a time at which the windows are closed.
func (s Schedule) closes() bool {
	span, _ := Schedule{Zone: s.Zone, Windows: s.Windows}.Span(time.Unix(0, 0))
	return !span.To.IsZero()
}

// ParseStart reads when a job is to start: as RFC 3339, or by the clock on the wall of the zone as 22:00 (the next time it
// is that late, now included), today 22:00 (which may have passed), tomorrow 22:00 or 2026-03-08 22:00. A time that the
// clock jumps over is the moment of the jump, and one that it reads twice is the first.
func ParseStart(text string, now time.Time, zone *time.Location) (time.Time, error) {
	if start, err := time.Parse(time.RFC3339, strings.TrimSpace(text)); err == nil {
		return start.In(zone), nil
	}
	start, err := parseStart(strings.Fields(strings.ToLower(text)), now, zone)
	if err != nil {
		return time.Time{}, fmt.Errorf("start %q: %w; write it like 22:00, tomorrow 22:00, 2026-03-08 22:00 or 2026-03-08T22:00:00-06:00",
			text, err)
	}
	return start, nil
}

func parseStart(words []string, now time.Time, zone *time.Location) (time.Time, error) {
	if len(words) != 1 && len(words) != 2 {
		return time.Time{}, errors.New("it is not one time of day, with or without a day before it")
	}
	minute, err := parseClock(words[len(words)-1])
	if err != nil {
		return time.Time{}, err
	}
	day := dayOf(reading(zone, now.Unix()))
	if len(words) == 2 {
		day, err = parseDate(words[0], day)
		return startAt(zone, day, minute), err
	}
	if start := startAt(zone, day, minute); !start.Before(now) {
		return start, nil
	}
	return startAt(zone, day+1, minute), nil
}

func startAt(zone *time.Location, day int64, minute int) time.Time {
	return time.Unix(firstFrom(zone, day*daySeconds+int64(minute)*60), 0).In(zone)
}

// parseDate reads today, tomorrow or a date as days since 1970.
func parseDate(text string, today int64) (int64, error) {
	switch text {
	case "today":
		return today, nil
	case "tomorrow":
		return today + 1, nil
	}
	date, err := time.Parse(time.DateOnly, text)
	if err != nil {
		return 0, fmt.Errorf("%q is no day", text)
	}
	return dayOf(date.Unix()), nil
}

// zones keeps what LoadLocation gave: it reads files each time.
var zones sync.Map // name to *time.Location

func loadZone(name string) (*time.Location, error) {
	if name == "" {
		return time.UTC, nil
	}
	if zone, ok := zones.Load(name); ok {
		return zone.(*time.Location), nil
	}
	zone, err := time.LoadLocation(name)
	if err != nil || zone == time.Local { // each machine has a Local of its own
		return nil, fmt.Errorf("tz %q is not known: name a zone of the IANA database, like America/Chicago or UTC", name)
	}
	zones.Store(name, zone)
	return zone, nil
}

// calendar is windows in their zone. It counts in Unix seconds, and in readings: what the clock on the wall shows, as the
// Unix seconds at which a clock in UTC shows it. Days are counted from 1970 on, by readings.
type calendar struct {
	zone    *time.Location
	windows []Window
}

const daySeconds = 24 * 60 * 60

// span is the span around a time, or else the next one. There is at least one window.
func (c calendar) span(t time.Time) Span {
	at := t.Unix()
	from, to := c.touching(at)
	if to == at { // none goes on from here
		from = c.next(at)
		return Span{From: c.time(from), To: c.time(c.end(from))}
	}
	if c.endless() {
		return Span{}
	}
	return Span{From: c.time(c.begin(from)), To: c.time(c.end(to))}
}

// begin is how far back from at it goes without a gap.
func (c calendar) begin(at int64) int64 {
	for {
		from, _ := c.touching(at)
		if from == at {
			return at
		}
		at = from
	}
}

// end is how far it goes on from at without a gap.
func (c calendar) end(at int64) int64 {
	for {
		_, to := c.touching(at)
		if to == at {
			return at
		}
		at = to
	}
}

// next is the first begin of a window after a time. A later day's window never begins earlier.
func (c calendar) next(at int64) int64 {
	for day := dayOf(reading(c.zone, at)) - 1; ; day++ {
		next, found := int64(0), false
		for _, w := range c.windows {
			from, to := c.occurrence(w, day)
			if from < to && from > at && (!found || from < next) {
				next, found = from, true
			}
		}
		if found {
			return next
		}
	}
}

// endless tells whether the windows leave no gap in the week. What has none by readings gets none by a change of the clock.
func (c calendar) endless() bool {
	c.zone = time.UTC
	for at := int64(0); at < 7*daySeconds; {
		_, to := c.touching(at)
		if to == at {
			return false
		}
		at = to
	}
	return true
}

// touching is from where to where the windows go that a time is in, or at the begin or the end of. It is at to at if there
// are none.
func (c calendar) touching(at int64) (earliest, latest int64) {
	earliest, latest = at, at
	today := dayOf(reading(c.zone, at))
	for _, w := range c.windows {
		// A window that began the day before yesterday can end now, and one of tomorrow have begun, by a change of the clock.
		for day := today - 2; day <= today+1; day++ {
			if from, to := c.occurrence(w, day); from <= at && at <= to {
				earliest, latest = min(earliest, from), max(latest, to)
			}
		}
	}
	return earliest, latest
}

// occurrence is when the window is that begins on the day. It is empty if there is none.
func (c calendar) occurrence(w Window, day int64) (from, to int64) {
	if !w.beginsOn(weekday(day)) {
		return 0, 0
	}
	begin := day*daySeconds + int64(w.begin)*60
	return firstFrom(c.zone, begin), lastBefore(c.zone, begin+int64(w.minutes())*60)
}

func (c calendar) time(at int64) time.Time {
	return time.Unix(at, 0).In(c.zone)
}

func dayOf(reading int64) int64 {
	return (reading - ((reading%daySeconds)+daySeconds)%daySeconds) / daySeconds
}

func weekday(day int64) time.Weekday {
	return time.Weekday(((day+int64(time.Thursday))%7 + 7) % 7) // 1970 began on a Thursday
}

func reading(zone *time.Location, at int64) int64 {
	return at + offset(zone, at)
}

func offset(zone *time.Location, at int64) int64 {
	_, seconds := time.Unix(at, 0).In(zone).Zone()
	return int64(seconds)
}

// firstFrom is when the clock first reads so much or more.
func firstFrom(zone *time.Location, reading int64) int64 {
	before, after, change := changeAround(zone, reading)
	if at := reading - before; at < change {
		return at
	}
	return max(reading-after, change)
}

// lastBefore is when the clock last ceases to read less.
func lastBefore(zone *time.Location, reading int64) int64 {
	before, after, change := changeAround(zone, reading)
	if at := reading - after; at > change {
		return at
	}
	return min(reading-before, change)
}

// changeAround gives the offsets before and after the change of the clock that may bear on a reading, and when it is. No
// zone is a day or more away from UTC; none changes its clock twice in two days. (ZoneBounds would tell, but is wrong at
// the end of leap years.)
func changeAround(zone *time.Location, reading int64) (before, after, change int64) {
	low, high := reading-daySeconds, reading+daySeconds
	before, after = offset(zone, low), offset(zone, high)
	for before != after && high-low > 1 {
		if middle := low + (high-low)/2; offset(zone, middle) == before {
			low = middle
		} else {
			high = middle
		}
	}
	return before, after, high
}
