package pages

import (
	"html/template"
	"strings"
	"time"

	"github.com/simshift/simshift/console/access"
	"github.com/simshift/simshift/console/chart"
	"github.com/simshift/simshift/console/words"
	"github.com/simshift/simshift/jobs"
)

// helpers are what templates may call.
var helpers = template.FuncMap{
	"asset": func(name string) string { return "/static/" + assetNames[name] },
	"n":     words.Number, "devices": words.Devices, "share": words.Share, "span": words.Span,
	"int": func(n int) int64 { return int64(n) },
	"at":  at, "clock": clock, "day": day, "prose": prose, "nav": nav, "zone": zoneWords, "icon": icon, "role": role, "offset": offset,
	"network": network, "sentence": sentence, "several": several, "flying": flying, "unsent": unsent, "dict": dict, "bar": chart.Bar,
	"list": func(list ...string) []string { return list }, "join": strings.Join,
	"seconds": func(d time.Duration) int64 { return int64(d / time.Second) },
	"tone":    stateClass, "eta": shortly, "percent": percent, "toint": func(n int64) int { return int(n) },
	"minus": func(a, b int) int64 { return int64(a - b) }, "add": func(a, b int64) int64 { return a + b },
	"succeeded": func() jobs.State { return jobs.Succeeded }, "missed": missed,
}

// moment is a time as a person reads it, and as a machine does.
type moment struct{ Machine, Words string }

func momentOf(t time.Time, zone *time.Location, layout string) *moment {
	if t.IsZero() {
		return nil
	}
	return &moment{t.UTC().Format(time.RFC3339), t.In(zone).Format(layout)}
}

// at is a moment with its date and zone.
func at(zone *time.Location, t any) *moment {
	return momentOf(timeOf(t), zone, "2 Jan 2006, 15:04:05 MST")
}

// clock is a moment of a day that is known.
func clock(zone *time.Location, t any) *moment { return momentOf(timeOf(t), zone, "15:04:05") }

// day is a moment without its year and seconds.
func day(zone *time.Location, t any) *moment {
	return momentOf(timeOf(t), zone, "Mon 2 Jan, 15:04 MST")
}

// shortly is a moment of these days, as short as it can be.
func shortly(zone *time.Location, t any) *moment {
	return momentOf(timeOf(t), zone, "Mon 2 Jan, 15:04")
}

// timeOf takes a time with or without a pointer; none is zero.
func timeOf(t any) time.Time {
	switch t := t.(type) {
	case time.Time:
		return t
	case *time.Time:
		if t != nil {
			return *t
		}
	}
	return time.Time{}
}

// prose is a text of ours in which `commands` stand out.
func prose(text string) template.HTML {
	var b strings.Builder
	for i, part := range strings.Split(text, "`") {
		if i%2 == 1 {
			part = "<code>" + template.HTMLEscapeString(part) + "</code>"
		} else {
			part = template.HTMLEscapeString(part)
		}
		b.WriteString(part)
	}
	return template.HTML(b.String()) //nolint:gosec // every part of it is escaped above
}

// entry is an entry of the navigation.
type entry struct {
	Path, Name string
	Here       bool
}

func nav(path, name, here string) entry { return entry{path, name, path == here} }

// zoneWords tells which zone times are in.
func zoneWords(zone *time.Location, now time.Time) string {
	short := now.In(zone).Format("MST")
	switch name := zone.String(); name {
	case "UTC", "":
		return "in UTC"
	case "Local":
		return "in the server’s zone (" + short + ")"
	default:
		return "in " + name + " (" + short + ")"
	}
}

func role(r access.Role) string {
	switch r {
	case access.Viewer:
		return "viewer"
	case access.Operator:
		return "operator"
	case access.Approver:
		return "approver"
	case access.Anyone:
	}
	return ""
}

// offset is how many seconds east of Greenwich a zone is at a moment: scripts write times of the zone with it.
func offset(zone *time.Location, t any) int {
	_, seconds := timeOf(t).In(zone).Zone()
	return seconds
}

// dict is several values for a template that takes one.
func dict(pairs ...any) map[string]any {
	d := make(map[string]any, len(pairs)/2)
	for i := 0; i+1 < len(pairs); i += 2 {
		d[pairs[i].(string)] = pairs[i+1] // our own templates hold to it
	}
	return d
}
