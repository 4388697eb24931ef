package jobs_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/simshift/simshift/jobs"
)

// days is how far the model sees to either side of a change of the clock.
const days = 25

// modelZone is what the clock on the wall reads in every minute around an instant.
type modelZone struct {
	name     string
	begin    time.Time
	readings []wall
}

// wall is a date, as a number that goes up by one from day to day, and the minutes since midnight.
type wall struct{ day, minute int }

func newModelZone(location *time.Location, change time.Time) modelZone {
	m := modelZone{name: location.String(), begin: change.Add(-days * 24 * time.Hour)}
	day := 700 + int(m.begin.In(location).Weekday()) // so that day%7 is the weekday
	for minute := range 2 * days * 24 * 60 {
		local := m.begin.Add(time.Duration(minute) * time.Minute).In(location)
		switch (int(local.Weekday()) - day%7 + 7) % 7 {
		case 1:
			day++
		case 6: // put back over midnight
			day--
		}
		m.readings = append(m.readings, wall{day, local.Hour()*60 + local.Minute()})
	}
	return m
}

// modelWindow is a window with the weekdays on which it begins.
type modelWindow struct {
	text       string
	begin, end int // the end above the begin, perhaps above 24 hours
	days       [7]bool
}

func drawWindow(t *rapid.T) modelWindow {
	// Half of all boundaries are where clocks change.
	changes := []int{0, 1, 30, 60, 75, 90, 105, 119, 120, 121, 135, 150, 180, 1380, 1381, 1410}
	minutes := rapid.OneOf(rapid.IntRange(0, 24*60-1), rapid.SampledFrom(changes))
	w := modelWindow{begin: minutes.Draw(t, "begin")}
	w.end = minutes.Draw(t, "end")
	hours := fmt.Sprintf("%02d:%02d-%02d:%02d", w.begin/60, w.begin%60, w.end/60, w.end%60)
	if w.end <= w.begin {
		w.end += 24 * 60
	}
	var names []string
	for day := range w.days {
		if w.days[day] = rapid.Bool().Draw(t, "on"); w.days[day] {
			names = append(names, strings.ToLower(time.Weekday(day).String()[:3]))
		}
	}
	if w.text = strings.Join(names, ",") + " " + hours; len(names) == 0 {
		w.text, w.days = hours, [7]bool{true, true, true, true, true, true, true}
	}
	return w
}

// open marks the minutes in which some window is open: from the first reading of it to the last.
func (m modelZone) open(list []modelWindow) []bool {
	open := make([]bool, len(m.readings))
	for _, w := range list {
		first, last := map[int]int{}, map[int]int{} // by the day on which it begins
		for minute, r := range m.readings {
			for back := range 2 {
				if begins := r.day - back; w.days[begins%7] && r.minute+back*24*60 >= w.begin && r.minute+back*24*60 < w.end {
					if _, seen := first[begins]; !seen {
						first[begins] = minute
					}
					last[begins] = minute
				}
			}
		}
		for begins, from := range first {
			for minute := from; minute <= last[begins]; minute++ {
				open[minute] = true
			}
		}
	}
	return open
}

// gapless tells whether the windows cover each minute of a week.
func gapless(list []modelWindow) bool {
	for minute := range 7 * 24 * 60 {
		if !slices.ContainsFunc(list, func(w modelWindow) bool {
			for day, on := range w.days {
				if since := (minute - day*24*60 - w.begin + 7*24*60*2) % (7 * 24 * 60); on && since < w.end-w.begin {
					return true
				}
			}
			return false
		}) {
			return false
		}
	}
	return true
}

// span is the model's answer, in minutes: the run of open minutes around one, or the next. known is false where the model
// does not see so far.
func span(open []bool, minute int) (from, to int, known bool) {
	for from = minute; from < len(open) && !open[from]; from++ {
	}
	for to = from; to < len(open) && open[to]; to++ {
	}
	for from > 0 && from < len(open) && open[from-1] {
		from--
	}
	return from, to, from > 0 && to < len(open)
}

func TestSpanAgreesWithAClockReadMinuteByMinute(t *testing.T) {
	t.Parallel()
	var zones []modelZone
	for _, c := range []struct{ zone, change string }{
		{chicago, "2026-03-08T08:00Z"}, {chicago, "2026-11-01T07:00Z"}, {chicago, "2027-03-14T08:00Z"}, {chicago, "2027-11-07T07:00Z"},
		{berlin, "2026-03-29T01:00Z"}, {berlin, "2026-10-25T01:00Z"}, {berlin, "2027-03-28T01:00Z"}, {berlin, "2027-10-31T01:00Z"},
		{"America/Santiago", "2026-04-05T03:00Z"}, {"America/Santiago", "2026-09-06T04:00Z"},
		{"America/St_Johns", "2010-03-14T03:31Z"}, {"America/St_Johns", "2010-11-07T02:31Z"},
		{"America/Havana", "2026-03-08T05:00Z"}, {"America/Havana", "2026-11-01T05:00Z"},
		{"Australia/Lord_Howe", "2026-04-04T15:00Z"}, {"Australia/Lord_Howe", "2026-10-03T15:30Z"},
		{"Asia/Kathmandu", "2028-12-31T12:00Z"}, {"America/New_York", "2028-12-31T12:00Z"},
	} {
		zones = append(zones, newModelZone(zone(t, c.zone), at(t, c.change)))
	}
	rapid.Check(t, func(t *rapid.T) {
		m := rapid.SampledFrom(zones).Draw(t, "zone")
		list := rapid.SliceOfN(rapid.Custom(drawWindow), 1, 4).Draw(t, "windows")
		s := jobs.Schedule{Zone: m.name}
		for _, w := range list {
			s.Windows = append(s.Windows, windows(t, w.text)...)
		}
		open := m.open(list)
		start := 0
		if rapid.Bool().Draw(t, "starts") {
			// Before Start nothing is open.
			start = rapid.IntRange((days-3)*24*60, (days+3)*24*60).Draw(t, "start")
			s.Start = m.begin.Add(time.Duration(start) * time.Minute)
			clear(open[:start])
		}
		instant := rapid.IntRange((days-4)*24*60, (days+4)*24*60)
		if gapless(list) {
			now := m.begin.Add(time.Duration(instant.Draw(t, "minute")) * time.Minute)
			if got, isOpen := s.Span(now); !same(got, (jobs.Span{From: s.Start})) || isOpen == now.Before(s.Start) {
				t.Fatalf("without a gap, at %v: %s", now, show(got, isOpen))
			}
			return
		}
		for range 5 {
			minute := instant.Draw(t, "minute")
			from, to, known := span(open, minute)
			if !known {
				continue
			}
			want := jobs.Span{From: m.begin.Add(time.Duration(from) * time.Minute), To: m.begin.Add(time.Duration(to) * time.Minute)}
			inside := rapid.IntRange(from, to-1).Draw(t, "inside")
			for _, minute := range []int{minute, from, inside, to - 1} {
				now := m.begin.Add(time.Duration(minute)*time.Minute + time.Duration(rapid.Int64Range(0, int64(time.Minute-1)).Draw(t, "fraction")))
				if got, isOpen := s.Span(now); !same(got, want) || isOpen != open[minute] {
					t.Fatalf("at %v: %s\nwant %s", now, show(got, isOpen), show(want, open[minute]))
				}
			}
		}
	})
}

func TestSpansFollowEachOtherWithAGapBetween(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		s := jobs.Schedule{Zone: rapid.SampledFrom([]string{"", chicago, berlin, "America/Havana"}).Draw(t, "zone")}
		for _, w := range rapid.SliceOfN(rapid.Custom(drawWindow), 0, 3).Draw(t, "windows") {
			s.Windows = append(s.Windows, windows(t, w.text)...)
		}
		from := time.Unix(rapid.Int64Range(1767225600, 1830297600).Draw(t, "from"), 0) // 2026 and 2027
		var last jobs.Span
		n := 0
		for span := range s.Spans(from) {
			if n > 0 && !span.From.After(last.To) || n == 0 && !span.To.IsZero() && !span.To.After(from) {
				t.Fatalf("%s follows %s", show(span, n == 0), show(last, true))
			}
			last = span
			if n++; n == 20 {
				break
			}
		}
		if n < 20 && !last.To.IsZero() {
			t.Fatalf("%d spans only, the last %s", n, show(last, true))
		}
	})
}
