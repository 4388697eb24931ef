package app

import (
	"strings"
	"time"

	"github.com/simshift/simshift/jobs"
)

// Rollout is how a fleet is let go: when, in which parts, and what stops it. Texts are as the user wrote them.
type Rollout struct {
	Start    string
	Windows  []string
	Zone     string
	Waves    string
	Gate     string
	Brakes   []string
	Priority int
}

// apply reads the texts into the policy.
func (r *Rollout) apply(p *jobs.Policy, now time.Time) error {
	if err := checkPriority(r.Priority); err != nil {
		return err
	}
	if err := r.schedule(p, now); err != nil {
		return err
	}
	var err error
	if r.Waves != "" {
		if p.Waves, err = jobs.ParseWaves(r.Waves); err != nil {
			return usage("as in --waves 100,5%,100%", "--waves: %w", err)
		}
	}
	if r.Gate != "" {
		if p.Gate, err = jobs.ParseShare(r.Gate); err != nil {
			return usage("as in --gate 95%", "--gate: %w", err)
		}
	}
	if len(p.Waves) == 0 && (r.Gate != "" || p.GateByHand) {
		return usage("say how large the waves are, as in --waves 100,5%,100%", "a gate stands between waves, and there are none")
	}
	for _, text := range r.Brakes {
		if err := p.Brake.Set(text); err != nil {
			return usage("as in --brake 10%", "--brake: %w", err)
		}
	}
	return nil
}

// silent tells whether nothing was said about when to send.
func (r *Rollout) silent() bool { return r.Start == "" && len(r.Windows) == 0 && r.Zone == "" }

func (r *Rollout) schedule(p *jobs.Policy, now time.Time) error {
	if r.silent() && p.Schedule.Zone != "" { // the policy is another job's, and keeps what it says
		return nil
	}
	zone := time.Local
	if r.Zone != "" {
		var err error
		if zone, err = time.LoadLocation(r.Zone); err != nil {
			return usage("name it as in --tz America/Chicago", "--tz: %w", err)
		}
	}
	p.Schedule.Zone = zoneName(zone)
	for _, text := range r.Windows {
		window, err := jobs.ParseWindow(text)
		if err != nil {
			return usage("as in --window 22:00-05:00 or --window 'mon-fri 22:00-05:00'", "--window: %w", err)
		}
		p.Schedule.Windows = append(p.Schedule.Windows, window)
	}
	if r.Start == "" {
		return nil
	}
	start, err := jobs.ParseStart(strings.TrimSpace(r.Start), now, zone)
	if err != nil {
		return usage("as in --start 22:00, --start 'tomorrow 22:00' or --start 2026-03-08T22:00:00-06:00", "--start: %w", err)
	}
	p.Schedule.Start = start.UTC()
	return nil
}

// zoneName is the zone's name as every worker knows it, wherever it runs.
func zoneName(zone *time.Location) string {
	if name := zone.String(); name != "Local" {
		return name
	}
	return localZone()
}
