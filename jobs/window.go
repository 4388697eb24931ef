package jobs

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

const dayMinutes = 24 * 60

// Window is the hours in which a job may send, of every day or of some days of the week: what the clock on the wall
// reads, in whatever zone the [Schedule] says. The zero Window is the whole of every day. Windows compare with ==.
type Window struct {
	begin, end int   // minutes after midnight, below dayMinutes; an end that is not after the begin is on the next day
	days       uint8 // the weekdays on which it begins, a bit each, Sunday's first; none: every day
}

// ParseWindow reads hours like 22:00-05:00, with or without the days on which they begin before them: mon-fri 22:00-05:00,
// sat,sun 10:00-14:00, fri-mon 23:00-01:00. The begin belongs to the window, the end does not. Hours that end where they
// begin are a whole day; 24:00 may stand as an end. Letters may be of either case.
func ParseWindow(text string) (Window, error) {
	w, err := parseWindow(strings.Fields(strings.ToLower(text)))
	if err != nil {
		return Window{}, fmt.Errorf("window %q: %w; write it like 22:00-05:00 or mon-fri 22:00-05:00", text, err)
	}
	return w, nil
}

func parseWindow(words []string) (w Window, err error) {
	switch len(words) {
	case 0:
		return w, errors.New("it is empty")
	case 1:
	case 2:
		if w.days, err = parseDays(words[0]); err != nil {
			return w, err
		}
	default:
		return w, errors.New("it has more than days and hours")
	}
	begin, end, ok := strings.Cut(words[len(words)-1], "-")
	if !ok {
		return w, errors.New("the hours have no end")
	}
	if w.begin, err = parseClock(begin); err != nil {
		return w, err
	}
	if end == "24:00" {
		end = "0:00"
	}
	w.end, err = parseClock(end)
	return w, err
}

// parseClock reads a time of day like 22:00 or 9:30 as minutes after midnight.
func parseClock(text string) (int, error) {
	hour, minute, _ := strings.Cut(text, ":")
	h, fitsHour := parseDigits(hour, 24)
	m, fitsMinute := parseDigits(minute, 60)
	if !fitsHour || !fitsMinute || len(minute) != 2 {
		return 0, fmt.Errorf("%q is no time of day", text)
	}
	return 60*h + m, nil
}

// parseDigits reads one or two digits that make a number below the bound.
func parseDigits(text string, bound int) (n int, ok bool) {
	if len(text) < 1 || len(text) > 2 {
		return 0, false
	}
	for _, c := range []byte(text) {
		if c < '0' || c > '9' {
			return 0, false
		}
		n = 10*n + int(c-'0')
	}
	return n, n < bound
}

const weekdays = "sunmontuewedthufrisat"

// allDays is every day, which a Window has as none, so that equal windows have one value.
const allDays = 1<<7 - 1

// parseDays reads days and ranges of days, like mon-fri or sat,sun; a range may go over the week's end.
func parseDays(text string) (days uint8, err error) {
	for item := range strings.SplitSeq(text, ",") {
		from, to, ranged := strings.Cut(item, "-")
		if !ranged {
			to = from
		}
		day, err := parseDay(from)
		if err != nil {
			return 0, err
		}
		last, err := parseDay(to)
		if err != nil {
			return 0, err
		}
		for days |= 1 << day; day != last; days |= 1 << day {
			day = (day + 1) % 7
		}
	}
	if days == allDays {
		return 0, nil
	}
	return days, nil
}

func parseDay(text string) (time.Weekday, error) {
	if at := strings.Index(weekdays, text); len(text) == 3 && at >= 0 && at%3 == 0 {
		return time.Weekday(at / 3), nil
	}
	return 0, fmt.Errorf("%q is no day: they are mon, tue, wed, thu, fri, sat and sun", text)
}

// String gives the text by which all equal windows go: days from Monday on, three or more in a row as a range, every day
// as none, and midnight as an end as 24:00.
func (w Window) String() string {
	end := w.end
	if end == 0 {
		end = dayMinutes
	}
	hours := fmt.Sprintf("%02d:%02d-%02d:%02d", w.begin/60, w.begin%60, end/60, end%60)
	if w.days == 0 {
		return hours
	}
	return formatDays(w.days) + " " + hours
}

func formatDays(days uint8) string {
	var items []string
	for day := time.Monday; day < time.Monday+7; day++ {
		if days&(1<<(day%7)) == 0 || days&(1<<((day+6)%7)) != 0 {
			continue // not the first of a row
		}
		last := day
		for days&(1<<((last+1)%7)) != 0 {
			last++
		}
		items = append(items, formatDay(day))
		switch {
		case last == day+1:
			items = append(items, formatDay(last))
		case last > day:
			items[len(items)-1] += "-" + formatDay(last)
		}
	}
	return strings.Join(items, ",")
}

func formatDay(day time.Weekday) string {
	at := 3 * (day % 7)
	return weekdays[at : at+3]
}

// MarshalText gives the text of String.
func (w Window) MarshalText() ([]byte, error) {
	return []byte(w.String()), nil
}

// UnmarshalText reads what ParseWindow reads.
func (w *Window) UnmarshalText(text []byte) (err error) {
	*w, err = ParseWindow(string(text))
	return err
}

// beginsOn tells whether a window begins on such days.
func (w Window) beginsOn(day time.Weekday) bool {
	return w.days == 0 || w.days&(1<<day) != 0
}

// minutes is how long the clock on the wall counts from begin to end: 1 to dayMinutes.
func (w Window) minutes() int {
	if w.end <= w.begin {
		return w.end + dayMinutes - w.begin
	}
	return w.end - w.begin
}
