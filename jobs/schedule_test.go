package jobs_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/simshift/simshift/jobs"
)

const (
	chicago = "America/Chicago"
	berlin  = "Europe/Berlin"
)

// at reads an instant with its offset, as in 2026-03-08T01:30-06:00.
func at(t interface{ Fatal(...any) }, text string) time.Time {
	if text == "" {
		return time.Time{}
	}
	instant, err := time.Parse("2006-01-02T15:04Z07:00", text)
	if err != nil {
		t.Fatal(err)
	}
	return instant
}

func show(span jobs.Span, open bool) string {
	side := func(t time.Time) string {
		if t.IsZero() {
			return "ever"
		}
		return t.Format("2006-01-02T15:04:05.999Z07:00")
	}
	return fmt.Sprintf("%s to %s, open %t", side(span.From), side(span.To), open)
}

func same(a, b jobs.Span) bool { return a.From.Equal(b.From) && a.To.Equal(b.To) }

func zone(t interface{ Fatal(...any) }, name string) *time.Location {
	location, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return location
}

// In 2026 and 2027 the clocks of Chicago change on 8 March, 1 November, 14 March and 7 November, at 02:00; those of Berlin
// on 29 March and 28 March at 02:00, on 25 October and 31 October at 03:00.
func TestWindowsOverChangesOfTheClock(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, zone, windows, asked, from, to string
		lasts                                time.Duration
	}{
		// Across midnight and across the change.
		{"spring night", chicago, "22:00-05:00",
			"2026-03-07T12:00-06:00", "2026-03-07T22:00-06:00", "2026-03-08T05:00-05:00", 6 * time.Hour},
		{"spring night", chicago, "22:00-05:00",
			"2027-03-13T12:00-06:00", "2027-03-13T22:00-06:00", "2027-03-14T05:00-05:00", 6 * time.Hour},
		{"autumn night", chicago, "22:00-05:00",
			"2026-10-31T12:00-05:00", "2026-10-31T22:00-05:00", "2026-11-01T05:00-06:00", 8 * time.Hour},
		{"autumn night", chicago, "22:00-05:00",
			"2027-11-06T12:00-05:00", "2027-11-06T22:00-05:00", "2027-11-07T05:00-06:00", 8 * time.Hour},
		{"spring night", berlin, "22:00-05:00",
			"2026-03-28T12:00+01:00", "2026-03-28T22:00+01:00", "2026-03-29T05:00+02:00", 6 * time.Hour},
		{"spring night", berlin, "22:00-05:00",
			"2027-03-27T12:00+01:00", "2027-03-27T22:00+01:00", "2027-03-28T05:00+02:00", 6 * time.Hour},
		{"autumn night", berlin, "22:00-05:00",
			"2026-10-24T12:00+02:00", "2026-10-24T22:00+02:00", "2026-10-25T05:00+01:00", 8 * time.Hour},
		{"autumn night", berlin, "22:00-05:00",
			"2027-10-30T12:00+02:00", "2027-10-30T22:00+02:00", "2027-10-31T05:00+01:00", 8 * time.Hour},
		{"the night before", chicago, "22:00-05:00",
			"2026-03-06T12:00-06:00", "2026-03-06T22:00-06:00", "2026-03-07T05:00-06:00", 7 * time.Hour},
		{"the night after", berlin, "22:00-05:00",
			"2026-10-25T12:00+01:00", "2026-10-25T22:00+01:00", "2026-10-26T05:00+01:00", 7 * time.Hour},

		// Boundaries that the clock jumps over.
		{"begin in the gap", chicago, "02:30-05:00",
			"2026-03-08T00:00-06:00", "2026-03-08T03:00-05:00", "2026-03-08T05:00-05:00", 2 * time.Hour},
		{"begin in the gap", berlin, "02:30-05:00",
			"2027-03-28T00:00+01:00", "2027-03-28T03:00+02:00", "2027-03-28T05:00+02:00", 2 * time.Hour},
		{"begin at the gap", berlin, "02:00-05:00",
			"2026-03-29T00:00+01:00", "2026-03-29T03:00+02:00", "2026-03-29T05:00+02:00", 2 * time.Hour},
		{"end in the gap", chicago, "22:00-02:30",
			"2027-03-13T12:00-06:00", "2027-03-13T22:00-06:00", "2027-03-14T03:00-05:00", 4 * time.Hour},
		{"end in the gap", berlin, "22:00-02:30",
			"2026-03-28T12:00+01:00", "2026-03-28T22:00+01:00", "2026-03-29T03:00+02:00", 4 * time.Hour},
		{"end at the gap", chicago, "22:00-02:00",
			"2026-03-07T12:00-06:00", "2026-03-07T22:00-06:00", "2026-03-08T03:00-05:00", 4 * time.Hour},
		{"end behind the gap", chicago, "01:00-03:00",
			"2026-03-08T00:00-06:00", "2026-03-08T01:00-06:00", "2026-03-08T03:00-05:00", time.Hour},
		{"the gap itself", chicago, "02:00-03:00",
			"2026-03-07T12:00-06:00", "2026-03-09T02:00-05:00", "2026-03-09T03:00-05:00", time.Hour},
		{"inside the gap", berlin, "sun 02:15-02:45",
			"2026-03-28T12:00+01:00", "2026-04-05T02:15+02:00", "2026-04-05T02:45+02:00", 30 * time.Minute},
		{"inside the gap, asked a week before", chicago, "sun 02:15-02:45",
			"2027-03-07T02:45-06:00", "2027-03-21T02:15-05:00", "2027-03-21T02:45-05:00", 30 * time.Minute},
		{"a break that the gap skips", chicago, "03:00-02:00",
			"2026-03-08T12:00-05:00", "2026-03-07T03:00-06:00", "2026-03-09T02:00-05:00", 46 * time.Hour},

		// Boundaries that the clock reads twice.
		{"begin in the fold", chicago, "01:30-05:00",
			"2026-11-01T00:00-05:00", "2026-11-01T01:30-05:00", "2026-11-01T05:00-06:00", 4*time.Hour + 30*time.Minute},
		{"begin in the fold, asked in the second hour", berlin, "02:30-05:00",
			"2026-10-25T02:15+01:00", "2026-10-25T02:30+02:00", "2026-10-25T05:00+01:00", 3*time.Hour + 30*time.Minute},
		{"begin at the fold", berlin, "02:00-05:00",
			"2027-10-31T00:00+02:00", "2027-10-31T02:00+02:00", "2027-10-31T05:00+01:00", 4 * time.Hour},
		{"begin behind the fold", chicago, "02:00-05:00",
			"2027-11-07T01:59-05:00", "2027-11-07T02:00-06:00", "2027-11-07T05:00-06:00", 3 * time.Hour},
		{"end in the fold", chicago, "22:00-01:30",
			"2027-11-06T12:00-05:00", "2027-11-06T22:00-05:00", "2027-11-07T01:30-06:00", 4*time.Hour + 30*time.Minute},
		{"end in the fold", berlin, "22:00-02:30",
			"2026-10-24T12:00+02:00", "2026-10-24T22:00+02:00", "2026-10-25T02:30+01:00", 5*time.Hour + 30*time.Minute},
		{"end at the fold", chicago, "22:00-01:00",
			"2026-10-31T12:00-05:00", "2026-10-31T22:00-05:00", "2026-11-01T01:00-05:00", 3 * time.Hour},
		{"end at the fold", berlin, "22:00-02:00",
			"2027-10-30T12:00+02:00", "2027-10-30T22:00+02:00", "2027-10-31T02:00+02:00", 4 * time.Hour},
		{"end behind the fold", berlin, "22:00-03:00",
			"2026-10-24T12:00+02:00", "2026-10-24T22:00+02:00", "2026-10-25T03:00+01:00", 6 * time.Hour},
		{"inside the fold", chicago, "01:15-01:45",
			"2026-11-01T01:10-06:00", "2026-11-01T01:15-05:00", "2026-11-01T01:45-06:00", 90 * time.Minute},
		{"the fold itself", berlin, "02:00-03:00",
			"2027-10-31T00:00+02:00", "2027-10-31T02:00+02:00", "2027-10-31T03:00+01:00", 2 * time.Hour},
		{"a break within the fold", chicago, "22:00-01:15; 01:30-05:00",
			"2026-10-31T12:00-05:00", "2026-10-31T22:00-05:00", "2026-11-01T05:00-06:00", 8 * time.Hour},

		// Whole days.
		{"whole spring day", chicago, "sun 00:00-24:00",
			"2026-03-08T12:00-05:00", "2026-03-08T00:00-06:00", "2026-03-09T00:00-05:00", 23 * time.Hour},
		{"whole autumn day", berlin, "sun 00:00-00:00",
			"2026-10-25T12:00+01:00", "2026-10-25T00:00+02:00", "2026-10-26T00:00+01:00", 25 * time.Hour},
		{"days that meet in the gap", chicago, "sat,sun 02:30-02:30",
			"2026-03-08T12:00-05:00", "2026-03-07T02:30-06:00", "2026-03-09T02:30-05:00", 47 * time.Hour},
		{"days that meet in the fold", berlin, "sat,sun 02:30-02:30",
			"2027-10-31T12:00+01:00", "2027-10-30T02:30+02:00", "2027-11-01T02:30+01:00", 49 * time.Hour},
		{"a fortnight, for the week's only break is skipped", chicago, "mon-sat 00:00-24:00; sun 00:00-02:00; sun 03:00-24:00",
			"2026-03-08T12:00-05:00", "2026-03-01T03:00-06:00", "2026-03-15T02:00-05:00", (14*24 - 2) * time.Hour},

		// Elsewhere the clock changes at midnight, by half an hour, or not at all.
		{"no midnight", "Africa/Cairo", "fri 00:00-24:00",
			"2026-04-23T12:00+02:00", "2026-04-24T01:00+03:00", "2026-04-25T00:00+03:00", 23 * time.Hour},
		{"no midnight to end at", "Africa/Cairo", "thu 20:00-24:00",
			"2026-04-23T12:00+02:00", "2026-04-23T20:00+02:00", "2026-04-24T01:00+03:00", 4 * time.Hour},
		{"midnight comes late", "America/Santiago", "sat 22:00-24:00",
			"2026-04-04T12:00-03:00", "2026-04-04T22:00-03:00", "2026-04-05T00:00-04:00", 3 * time.Hour},
		{"midnight comes twice", "America/Havana", "sat 22:00-00:30",
			"2026-10-31T12:00-04:00", "2026-10-31T22:00-04:00", "2026-11-01T00:30-05:00", 3*time.Hour + 30*time.Minute},
		{"half an hour", "Australia/Lord_Howe", "01:45-04:00",
			"2026-04-05T01:40+10:30", "2026-04-05T01:45+11:00", "2026-04-05T04:00+10:30", 2*time.Hour + 45*time.Minute},
		{"a begin of tomorrow's that has been", "America/St_Johns", "sun 00:00-05:00",
			"2010-11-06T23:30-03:30", "2010-11-07T00:00-02:30", "2010-11-07T05:00-03:30", 6 * time.Hour},
		{"an end on a day that was left out", "Pacific/Apia", "thu 12:00-12:00; sat 00:00-10:00",
			"2011-12-31T05:00+14:00", "2011-12-29T12:00-10:00", "2011-12-31T10:00+14:00", 22 * time.Hour},
		{"no change", "Asia/Kolkata", "22:00-05:00",
			"2026-03-08T12:00+05:30", "2026-03-08T22:00+05:30", "2026-03-09T05:00+05:30", 7 * time.Hour},
		{"leap year's end", chicago, "22:00-05:00",
			"2028-12-31T12:00-06:00", "2028-12-31T22:00-06:00", "2029-01-01T05:00-06:00", 7 * time.Hour},
		{"no zone is UTC", "", "22:00-05:00",
			"2026-03-08T23:00Z", "2026-03-08T22:00Z", "2026-03-09T05:00Z", 7 * time.Hour},
		{"long ago", "", "22:00-05:00",
			"1969-07-20T20:17Z", "1969-07-20T22:00Z", "1969-07-21T05:00Z", 7 * time.Hour},
	} {
		s := jobs.Schedule{Zone: c.zone, Windows: windows(t, strings.Split(c.windows, ";")...)}
		want := jobs.Span{From: at(t, c.from), To: at(t, c.to)}
		if length := want.To.Sub(want.From); length != c.lasts {
			t.Errorf("%s, %s: the case itself lasts %v, not %v", c.name, c.windows, length, c.lasts)
		}
		asked := at(t, c.asked)
		for _, now := range []time.Time{asked, want.From, want.From.Add(c.lasts / 2), want.To.Add(-1)} {
			got, open := s.Span(now)
			if !same(got, want) || open != !now.Before(want.From) {
				t.Errorf("%s, %s in %s at %v: %s\nwant %s", c.name, c.windows, c.zone, now, show(got, open), show(want, !open))
			}
		}
		if got, open := s.Span(want.To); open || !got.From.After(want.To) {
			t.Errorf("%s, %s: after its end %s", c.name, c.windows, show(got, open))
		}
	}
}

// 2026-06-01 is a Monday.
func TestSpansOfAWeek(t *testing.T) {
	t.Parallel()
	const weekNights = "Mon 22-Tue 05, Tue 22-Wed 05, Wed 22-Thu 05, Thu 22-Fri 05, Fri 22-Sat 05"
	for texts, want := range map[string]string{
		"22:00-05:00":                          weekNights + ", Sat 22-Sun 05, Sun 22-Mon 05",
		"mon-fri 22:00-05:00":                  weekNights,
		"sat,sun 10:00-14:00":                  "Sat 10-Sat 14, Sun 10-Sun 14",
		"fri-mon 23:00-01:00":                  "Mon 23-Tue 01, Fri 23-Sat 01, Sat 23-Sun 01, Sun 23-Mon 01",
		"sat-mon,wed 20:00-24:00":              "Mon 20-Tue 00, Wed 20-Thu 00, Sat 20-Sun 00, Sun 20-Mon 00",
		"sun 23:00-01:00":                      "Sun 23-Mon 01",
		"mon 08:00-12:00; mon 10:00-14:00":     "Mon 08-Mon 14",
		"mon 10:00-14:00; mon 08:00-12:00":     "Mon 08-Mon 14",
		"mon 08:00-12:00; mon 12:00-14:00":     "Mon 08-Mon 14",
		"mon 08:00-20:00; mon 09:00-10:00":     "Mon 08-Mon 20",
		"mon 08:00-12:00; mon 13:00-14:00":     "Mon 08-Mon 12, Mon 13-Mon 14",
		"mon 22:00-05:00; tue 05:00-06:00":     "Mon 22-Tue 06",
		"tue 08:00-09:00; tue 08:00-09:00":     "Tue 08-Tue 09",
		"tue,wed 08:00-08:00":                  "Tue 08-Thu 08",
		"mon-fri 00:00-24:00":                  "Mon 00-Sat 00",
		"mon-fri 22:00-05:00;sat 00:00-24:00":  "Mon 22-Tue 05, Tue 22-Wed 05, Wed 22-Thu 05, Thu 22-Fri 05, Fri 22-Sun 00",
		"thu-tue 00:00-24:00; wed 00:00-12:00": "Thu 00-Wed 12",
		"tue 12:00-12:00; wed-fri 11:00-12:00": "Tue 12-Wed 12, Thu 11-Thu 12, Fri 11-Fri 12",
	} {
		s := jobs.Schedule{Zone: chicago, Windows: windows(t, strings.Split(texts, ";")...)}
		var list []string
		for span := range s.Spans(at(t, "2026-06-01T05:00-05:00").Add(-5 * time.Hour)) {
			if !span.From.Before(at(t, "2026-06-08T00:00-05:00")) {
				break
			}
			if span.From.Before(at(t, "2026-06-01T00:00-05:00")) {
				continue // Sunday's, under way
			}
			list = append(list, span.From.Format("Mon 15-")+span.To.Format("Mon 15"))
		}
		if got := strings.Join(list, ", "); got != want {
			t.Errorf("%s: %s\nwant %s", texts, got, want)
		}
	}
}

func TestAJobStartsAtItsStartOrInTheNextWindow(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, start, windows, now, from, to string
		open                                bool
	}{
		{"nothing given", "", "",
			"2026-06-01T12:00-05:00", "", "", true},
		{"start to come", "2026-06-01T22:00-05:00", "",
			"2026-06-01T12:00-05:00", "2026-06-01T22:00-05:00", "", false},
		{"start now", "2026-06-01T22:00-05:00", "",
			"2026-06-01T22:00-05:00", "2026-06-01T22:00-05:00", "", true},
		{"missed start", "2026-06-01T22:00-05:00", "",
			"2026-06-09T12:00-05:00", "2026-06-01T22:00-05:00", "", true},
		{"missed start in a window", "2026-06-01T12:00-05:00", "22:00-05:00",
			"2026-06-02T23:00-05:00", "2026-06-02T22:00-05:00", "2026-06-03T05:00-05:00", true},
		{"missed start out of the windows", "2026-06-01T12:00-05:00", "22:00-05:00",
			"2026-06-02T12:00-05:00", "2026-06-02T22:00-05:00", "2026-06-03T05:00-05:00", false},
		{"start inside a window, before", "2026-06-02T01:30-05:00", "22:00-05:00",
			"2026-06-01T12:00-05:00", "2026-06-02T01:30-05:00", "2026-06-02T05:00-05:00", false},
		{"start inside a window, in it but early", "2026-06-02T01:30-05:00", "22:00-05:00",
			"2026-06-01T23:00-05:00", "2026-06-02T01:30-05:00", "2026-06-02T05:00-05:00", false},
		{"start inside a window, at it", "2026-06-02T01:30-05:00", "22:00-05:00",
			"2026-06-02T01:30-05:00", "2026-06-02T01:30-05:00", "2026-06-02T05:00-05:00", true},
		{"start inside a window, after", "2026-06-02T01:30-05:00", "22:00-05:00",
			"2026-06-02T03:00-05:00", "2026-06-02T01:30-05:00", "2026-06-02T05:00-05:00", true},
		{"start inside a window, next night", "2026-06-02T01:30-05:00", "22:00-05:00",
			"2026-06-02T23:00-05:00", "2026-06-02T22:00-05:00", "2026-06-03T05:00-05:00", true},
		{"start between windows", "2026-06-04T12:00-05:00", "22:00-05:00",
			"2026-06-01T23:00-05:00", "2026-06-04T22:00-05:00", "2026-06-05T05:00-05:00", false},
		{"start at a window's begin", "2026-06-02T22:00-05:00", "22:00-05:00",
			"2026-06-02T12:00-05:00", "2026-06-02T22:00-05:00", "2026-06-03T05:00-05:00", false},
		{"start at a window's end", "2026-06-02T05:00-05:00", "22:00-05:00",
			"2026-06-02T01:00-05:00", "2026-06-02T22:00-05:00", "2026-06-03T05:00-05:00", false},
		{"start in another zone's words", "2026-06-02T08:30+02:00", "22:00-05:00",
			"2026-06-02T03:00-05:00", "2026-06-02T01:30-05:00", "2026-06-02T05:00-05:00", true},
		{"all day", "", "00:00-24:00",
			"2026-06-01T12:00-05:00", "", "", true},
		{"all day, missed start", "2026-06-01T12:00-05:00", "00:00-24:00",
			"2026-11-09T12:00-06:00", "2026-06-01T12:00-05:00", "", true},
		{"all day, start to come", "2026-06-01T12:00-05:00", "07:00-07:00",
			"2026-01-09T12:00-06:00", "2026-06-01T12:00-05:00", "", false},
		{"all day in two halves", "", "02:30-14:30; 14:30-02:30",
			"2026-03-08T12:00-05:00", "", "", true},
		{"all week in parts", "2026-06-01T12:00-05:00", "mon-fri 00:00-24:00; sat,sun 00:00-12:00; sat,sun 11:00-24:00",
			"2026-11-01T01:30-05:00", "2026-06-01T12:00-05:00", "", true},
	} {
		s := jobs.Schedule{Start: at(t, c.start), Zone: chicago}
		if c.windows != "" {
			s.Windows = windows(t, strings.Split(c.windows, ";")...)
		}
		got, open := s.Span(at(t, c.now))
		if want := (jobs.Span{From: at(t, c.from), To: at(t, c.to)}); !same(got, want) || open != c.open {
			t.Errorf("%s: %s\nwant %s", c.name, show(got, open), show(want, c.open))
		}
	}
}

func TestAFractionOfASecondBelongsToTheSpanItIsIn(t *testing.T) {
	t.Parallel()
	begin, end := at(t, "2026-06-01T22:00-05:00"), at(t, "2026-06-02T05:00-05:00")
	s := jobs.Schedule{Zone: chicago, Windows: windows(t, "22:00-05:00")}
	if _, open := s.Span(begin.Add(-1)); open {
		t.Error("open a moment before its begin")
	}
	if span, open := s.Span(end.Add(-1)); !open || !span.From.Equal(begin) {
		t.Error("closed a moment before its end: ", show(span, open))
	}
	s.Start = begin.Add(300 * time.Millisecond)
	if span, open := s.Span(begin.Add(299 * time.Millisecond)); open || !span.From.Equal(s.Start) {
		t.Error("open a moment before its start: ", show(span, open))
	}
	if span, open := s.Span(s.Start); !open || !span.From.Equal(s.Start) || !span.To.Equal(end) {
		t.Error("closed at its start: ", show(span, open))
	}
}

func TestASpanThatNeverEndsIsTheLast(t *testing.T) {
	t.Parallel()
	start := at(t, "2026-06-01T12:00-05:00")
	for _, s := range []jobs.Schedule{{Start: start}, {Start: start, Zone: berlin, Windows: windows(t, "0:00-24:00", "sun 1:00-2:00")}} {
		if list := slices.Collect(s.Spans(start.AddDate(0, 0, 9))); len(list) != 1 || !same(list[0], (jobs.Span{From: start})) {
			t.Errorf("%v has the spans %v", s, list)
		}
	}
}

func TestSchedulesAreValidated(t *testing.T) {
	t.Parallel()
	many := func(n int) []jobs.Window { return slices.Repeat(windows(t, "22:00-05:00"), n) }
	for _, s := range []jobs.Schedule{{}, {Zone: "UTC"}, {Zone: chicago, Start: time.Unix(0, 0), Windows: many(50)}} {
		if err := s.Validate(); err != nil {
			t.Errorf("%v: %v", s, err)
		}
	}
	for want, s := range map[string]jobs.Schedule{
		`tz "Chicago" is not known`:            {Zone: "Chicago"},
		`tz "Local" is not known`:              {Zone: "Local"},
		`tz "../etc/passwd" is not known`:      {Zone: "../etc/passwd"},
		"windows must be at most 50, not 51: ": {Windows: many(51)},
	} {
		if err := s.Validate(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %s", err, want)
		}
	}
}

func TestAnUnknownZoneKeepsTheJobClosed(t *testing.T) {
	t.Parallel()
	now := at(t, "2026-06-01T12:00Z")
	for _, s := range []jobs.Schedule{{Zone: "Mars/Olympus"}, {Zone: "Mars/Olympus", Windows: windows(t, "0:00-24:00")}} {
		if span, open := s.Span(now); open || !span.From.Equal(now.Add(time.Hour)) || span.To.After(span.From) {
			t.Error(show(span, open))
		}
		for span := range s.Spans(now) {
			t.Fatal("has a span: ", show(span, false))
		}
	}
}

func TestStartsAreRead(t *testing.T) {
	t.Parallel()
	const (
		noon   = "2026-06-01T12:00-05:00"
		spring = "2026-03-07T12:00-06:00"
		autumn = "2026-10-31T12:00-05:00"
	)
	for _, c := range []struct{ text, zone, now, want string }{
		{"22:00", chicago, noon, "2026-06-01T22:00-05:00"},
		{"11:59", chicago, noon, "2026-06-02T11:59-05:00"},
		{"12:00", chicago, noon, noon},
		{"9:30", chicago, noon, "2026-06-02T09:30-05:00"},
		{"today 22:00", chicago, noon, "2026-06-01T22:00-05:00"},
		{"today 06:00", chicago, noon, "2026-06-01T06:00-05:00"},
		{"tomorrow 06:00", chicago, noon, "2026-06-02T06:00-05:00"},
		{" Tomorrow   22:00 ", chicago, noon, "2026-06-02T22:00-05:00"},
		{"2026-03-08 22:00", chicago, noon, "2026-03-08T22:00-05:00"},
		{"2026-03-07 22:00", chicago, noon, "2026-03-07T22:00-06:00"},
		{"2028-02-29 00:00", chicago, noon, "2028-02-29T00:00-06:00"},
		{"2026-03-08T22:00:00-06:00", chicago, noon, "2026-03-08T22:00-06:00"},
		{"2026-03-08T22:00:00Z", berlin, noon, "2026-03-08T22:00Z"},
		{"22:00", berlin, noon, "2026-06-01T22:00+02:00"},
		{"06:00", "Asia/Tokyo", noon, "2026-06-02T06:00+09:00"}, // there it is 02:00 on the 2nd
		{"today 01:00", "Asia/Tokyo", noon, "2026-06-02T01:00+09:00"},
		{"tomorrow 01:00", "Asia/Tokyo", noon, "2026-06-03T01:00+09:00"},
		{"tomorrow 22:00", chicago, "2026-12-31T12:00-06:00", "2027-01-01T22:00-06:00"},

		{"tomorrow 02:30", chicago, spring, "2026-03-08T03:00-05:00"}, // jumped over
		{"02:30", chicago, spring, "2026-03-08T03:00-05:00"},
		{"2027-03-28 02:00", berlin, spring, "2027-03-28T03:00+02:00"},
		{"tomorrow 01:30", chicago, autumn, "2026-11-01T01:30-05:00"}, // the first of two
		{"2026-10-25 02:30", berlin, autumn, "2026-10-25T02:30+02:00"},
		{"01:30", chicago, "2026-11-01T01:30-05:00", "2026-11-01T01:30-05:00"},
		{"01:30", chicago, "2026-11-01T01:10-06:00", "2026-11-02T01:30-06:00"},
		{"22:00", chicago, "2026-10-31T23:00-05:00", "2026-11-01T22:00-06:00"}, // 24 hours later it is 21:00
	} {
		got, err := jobs.ParseStart(c.text, at(t, c.now), zone(t, c.zone))
		if err != nil || !got.Equal(at(t, c.want)) || got.Location().String() != c.zone {
			t.Errorf("%q in %s at %s is %v (%v), want %s", c.text, c.zone, c.now, got, err, c.want)
		}
	}
	late, err := jobs.ParseStart("12:00", at(t, noon).Add(time.Nanosecond), zone(t, chicago))
	if err != nil || !late.Equal(at(t, "2026-06-02T12:00-05:00")) {
		t.Errorf("12:00, a moment later, is %v (%v)", late, err)
	}
}

func TestWhatIsNoStartIsToldWithExamples(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"":                     "not one time of day",
		"today at 22:00":       "not one time of day",
		"22":                   `"22" is no time of day`,
		"24:00":                `"24:00" is no time of day`,
		"2026-03-08":           `"2026-03-08" is no time of day`,
		"tomorrow":             `"tomorrow" is no time of day`,
		"yesterday 22:00":      `"yesterday" is no day`,
		"2026-02-29 22:00":     `"2026-02-29" is no day`,
		"mon 22:00":            `"mon" is no day`,
		"2026-03-08T22:00":     "is no time of day",
		"2026-03-08T22:00:00":  "is no time of day",
		"2026-13-08T22:00:00Z": "is no time of day",
	} {
		got, err := jobs.ParseStart(text, at(t, "2026-06-01T12:00Z"), time.UTC)
		if err == nil || !got.IsZero() || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "like 22:00, tomorrow") {
			t.Errorf("%q is %v (%v), want %s", text, got, err, want)
		}
	}
}

func BenchmarkSpan(b *testing.B) {
	for name, texts := range map[string][]string{
		"night":    {"22:00-05:00"},
		"weekdays": {"mon-fri 22:00-05:00", "sat,sun 10:00-14:00"},
		"most":     slices.Repeat([]string{"fri-mon 23:00-01:00"}, 50),
	} {
		s := jobs.Schedule{Zone: chicago, Windows: windows(b, texts...)}
		now := at(b, "2026-06-05T23:30-05:00")
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				s.Span(now)
			}
		})
	}
}
