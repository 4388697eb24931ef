package app

import (
	"cmp"
	"fmt"
	"io"
	"strconv"
	"text/tabwriter"

	"github.com/simshift/simshift/console/api"
	"github.com/simshift/simshift/ratelimit"
)

// printLimits prints the limits for a person.
func printLimits(out io.Writer, r *api.Limits) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	line := func(name, text string, args ...any) { fmt.Fprintf(w, "%s\t%s\n", name, fmt.Sprintf(text, args...)) }
	if r.Job != "" {
		line("job", "%s  %s", r.Job, r.Name)
	}
	line("requests", "%s", r.Limits.Requests)
	line("devices", "%s", r.Limits.Devices)
	line("max in flight", "%s", bound(r.Limits.MaxInFlight))
	line("from", "%s", limitsFrom(r))
	if r.Job == "" && r.Stored && r.Limits != r.Settings {
		line("settings here", "%s; not heeded until `simshift jobs limits` sets default", inWords(r.Settings))
	}
	if r.Deployment != nil {
		line("deployment", "%s", inWords(*r.Deployment))
	}
	line("share", "%s", limitsShare(r))
	line("in flight", "%d devices", r.InFlight)
	if len(r.Holds) == 0 {
		line("holds", "none")
	}
	for _, hold := range r.Holds {
		line("hold", "%s: %s", cmp.Or(hold.Scope, "everything"), hold)
	}
	for _, job := range r.Jobs {
		line("job", "%s  %s: %s", job.Job, job.Name, inWords(job.Limits))
	}
	return w.Flush()
}

// limitsShare tells how much of the deployment's rates slow-downs leave.
func limitsShare(r *api.Limits) string {
	if r.Share == 1 {
		return "100% of the deployment's rates"
	}
	return fmt.Sprintf("%.0f%% of the deployment's rates: the carrier asked to slow down; it rises by 10%% a minute", 100*r.Share)
}

func inWords(l ratelimit.Limits) string {
	return fmt.Sprintf("requests %s, devices %s, max in flight %s", l.Requests, l.Devices, bound(l.MaxInFlight))
}

func bound(most int64) string {
	if most == 0 {
		return "none"
	}
	return strconv.FormatInt(most, 10)
}
