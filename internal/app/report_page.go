package app

import (
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"fmt"
	"html/template"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/simshift/simshift/console/api"
	"github.com/simshift/simshift/console/chart"
	"github.com/simshift/simshift/console/words"
)

// The page: everything in it that comes from elsewhere is text to html/template, which escapes it where it stands. Nothing
// may run or be fetched: the policy in its head allows its one style sheet, by its sum, and nothing else.
var (
	//go:embed page/report.css
	pageOwnStyle string
	pageStyle    = chart.Style + pageOwnStyle
	//go:embed page/report.html
	pageText     string
	pageTemplate = template.Must(template.Must(template.New("report").Parse(chart.Templates)).Parse(pageText))
)

// Rows that the page shows; -o json has the others.
const (
	pageFaults   = 40
	pageAccounts = 40
	pageAttempts = 12
	pageInside   = 4
)

// page is a report as the template sees it.
type page struct {
	*report

	Style  template.CSS
	Policy string
	Fleet  []chart.Part
	Night  *chart.Night
}

func (r *report) writePage(w io.Writer) error {
	sum := sha256.Sum256([]byte(pageStyle))
	p := page{
		report: r, Fleet: r.fleet(),
		Night:  chart.Pen{Zone: r.zone, Number: thousands}.Night(r.Timeline, r.Job.Devices, r.Log),
		Style:  template.CSS(pageStyle), //nolint:gosec // our own file
		Policy: "default-src 'none'; style-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'; base-uri 'none'; form-action 'none'",
	}
	if err := pageTemplate.Execute(w, p); err != nil {
		return fmt.Errorf("write the report: %w", err)
	}
	return nil
}

// What the template asks for.

func (p page) N(n int64) string          { return thousands(n) }
func (p page) Devices(n int64) string    { return devices(n) }
func (p page) Span(seconds int64) string { return words.Span(seconds) }
func (p page) Share(n, of int64) string  { return words.Share(n, of) }
func (p page) Bar(n, of int64) string    { return chart.Bar(n, of) }
func (p page) When() string              { return strings.TrimPrefix(p.when(), "; ") }
func (p page) Total() int64              { return p.Counts.Total() }

// At writes a moment; none is a dash.
func (p page) At(t *time.Time) string {
	if t == nil {
		return "–"
	}
	return p.at(*t)
}

// Day is the date that the report is of.
func (p page) Day() string { return p.MadeAt.In(p.zone).Format("Monday, 2 January 2006") }

// Made is when the report was made.
func (p page) Made() string { return p.at(p.MadeAt) }

// Clock is a moment of the log.
func (p page) Clock(t time.Time) string { return p.at(t) }

// ShownFaults are the faults that the page has room for.
func (p page) ShownFaults() []api.FaultCount { return p.Faults[:min(len(p.Faults), pageFaults)] }

// HiddenFaults is how many devices the others are of.
func (p page) HiddenFaults() (n int64) {
	for _, f := range p.Faults[min(len(p.Faults), pageFaults):] {
		n += f.Devices
	}
	return n + p.OtherFaults
}

// Most is the number of devices of the most frequent fault.
func (p page) Most() int64 {
	if len(p.Faults) == 0 {
		return 1
	}
	return p.Faults[0].Devices
}

// Where tells which accounts have a fault, in words.
func (p page) Where(f api.FaultCount) string {
	var parts []string
	left := f.Devices
	for _, in := range f.Accounts[:min(len(f.Accounts), pageInside)] {
		parts = append(parts, fmt.Sprintf("%s (%s)", in.Account, thousands(in.Devices)))
		left -= in.Devices
	}
	if left > 0 {
		parts = append(parts, fmt.Sprintf("others (%s)", thousands(left)))
	}
	return strings.Join(parts, ", ")
}

// Advice is what to do about a fault, where it is not said above already.
func (p page) Advice(f api.FaultCount) string {
	if !f.State.Final() {
		return "Nothing yet."
	}
	for _, c := range p.NeedsPerson {
		if c.Title == f.Explanation.Title && c.Code == f.Code {
			return ""
		}
	}
	return f.Explanation.Advice
}

// Class is the colour of a state.
func (p page) Class(f api.FaultCount) string { return chart.Class(f.State) }

// ShownAccounts are the accounts that the page has room for; HiddenAccounts is how many it has not.
func (p page) ShownAccounts() []api.AccountCount {
	return p.Accounts[:min(len(p.Accounts), pageAccounts)]
}

// HiddenAccounts tells of the accounts beyond.
func (p page) HiddenAccounts() int { return len(p.Accounts) - len(p.ShownAccounts()) }

// bar is a line of a picture with lying bars.
type bar struct {
	Name    string
	Devices int64
	W       string
}

// AttemptBars is how many attempts devices took.
func (p page) AttemptBars() (bars []bar) {
	most := int64(1)
	for _, a := range p.Attempts {
		most = max(most, a.Devices)
	}
	rest := int64(0)
	for i, a := range p.Attempts {
		if i >= pageAttempts {
			rest += a.Devices
			continue
		}
		name := fmt.Sprintf("%d attempts", a.Attempts)
		switch a.Attempts {
		case 0:
			name = "never sent"
		case 1:
			name = "1 attempt"
		}
		bars = append(bars, bar{name, a.Devices, chart.Bar(a.Devices, most)})
	}
	if rest > 0 {
		bars = append(bars, bar{"more", rest, chart.Bar(min(rest, most), most)})
	}
	return bars
}

// TimeBars is how long devices took, without the empty bands at both ends.
func (p page) TimeBars() (bars []bar) {
	most := int64(1)
	first, last := -1, -1
	for i, b := range p.Settling.Bands {
		most = max(most, b.Devices)
		if b.Devices > 0 {
			if first < 0 {
				first = i
			}
			last = i
		}
	}
	if first < 0 {
		return nil
	}
	for _, b := range p.Settling.Bands[first : last+1] {
		name := "under " + words.Span(b.Below)
		if b.Below == 0 {
			name = "a day or more"
		}
		bars = append(bars, bar{name, b.Devices, chart.Bar(b.Devices, most)})
	}
	return bars
}

// fleet is the fleet by state, without the states that no device is in.
func (r *report) fleet() []chart.Part {
	return slices.DeleteFunc(chart.Parts(r.Counts), func(p chart.Part) bool { return p.Devices == 0 })
}
