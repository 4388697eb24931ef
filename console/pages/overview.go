package pages

import (
	"net/http"
	"strings"
	"time"

	"github.com/simshift/simshift/console/access"
	"github.com/simshift/simshift/console/api"
	"github.com/simshift/simshift/console/chart"
	"github.com/simshift/simshift/jobs"
)

// card is a job in a list.
type card struct {
	*jobs.Job

	Status status
	Parts  []chart.Part
	Zone   *time.Location
	Acts   []button
}

func (p *Pages) cards(list []jobs.Job, who access.Person) []card {
	cards := make([]card, len(list))
	for i := range list {
		cards[i] = p.card(&list[i], who)
	}
	return cards
}

func (p *Pages) card(job *jobs.Job, who access.Person) card {
	return card{job, statusOf(job), chart.Parts(job.Counts), p.zoneNamed(job.Policy.Schedule.Zone), buttons(job, who)}
}

// zoneNamed is the zone that a job's times are shown in, by the name in its policy.
func (p *Pages) zoneNamed(name string) *time.Location {
	if name != "" {
		if zone, err := time.LoadLocation(name); err == nil {
			return zone
		}
	}
	return p.zone
}

// need is a job with devices that will not mend themselves.
type need struct {
	card

	Why []api.Concern
}

type overviewBody struct {
	*api.Overview

	Fleet    []chart.Part
	Stopped  []card // until a person lets them go on
	Failing  []need
	Loose    []api.Concern // of no job that is shown
	Runs     []card
	Waits    []card
	Ends     []card
	Headline string
	Health   healthBody
}

func (p *Pages) overview(w http.ResponseWriter, r *http.Request) error {
	return p.showOverview(w, r, "overview")
}

// overviewParts is what of the overview a script puts in anew.
func (p *Pages) overviewParts(w http.ResponseWriter, r *http.Request) error {
	return p.showOverview(w, r, "overview:parts")
}

func (p *Pages) showOverview(w http.ResponseWriter, r *http.Request, page string) error {
	o, err := p.desk.Overview(r.Context())
	if err != nil {
		return err
	}
	who, _ := access.PersonOf(r.Context())
	b := overviewBody{
		Overview: o, Fleet: chart.Parts(o.Counts), Runs: p.cards(o.Running, who), Ends: p.cards(o.Ended, who),
	}
	for _, c := range p.cards(o.Held, who) {
		if c.State == jobs.Paused {
			b.Stopped = append(b.Stopped, c)
		} else {
			b.Waits = append(b.Waits, c)
		}
	}
	if o.Health != nil {
		b.Health = p.healthBody(o.Health)
	}
	b.gather()
	b.Headline = b.headline()
	p.show(w, r, http.StatusOK, page, shell{Title: "Overview", Here: "/", Live: "/api/v1/events", Parts: "/parts", Said: p.said(w,
		r), Body: &b})
	return nil
}

// gather puts the concerns of each job together, in the order in which they came. Why a job is stopped, its card shows.
func (b *overviewBody) gather() {
	known := make(map[string]*card, len(b.Stopped)+len(b.Runs)+len(b.Waits)+len(b.Ends))
	for _, list := range [][]card{b.Stopped, b.Waits, b.Runs, b.Ends} {
		for i := range list {
			known[list[i].ID] = &list[i]
		}
	}
	at := make(map[string]int)
	for _, c := range b.Concerns {
		one := known[c.Job]
		if one == nil {
			b.Loose = append(b.Loose, c)
			continue
		}
		if c.Meaning == one.Hold && one.State == jobs.Paused {
			continue
		}
		i, begun := at[c.Job]
		if !begun {
			i = len(b.Failing)
			at[c.Job] = i
			b.Failing = append(b.Failing, need{card: *one})
		}
		b.Failing[i].Why = append(b.Failing[i].Why, c)
	}
}

// headline says in a sentence how things stand.
func (b *overviewBody) headline() string {
	if len(b.Runs)+len(b.Waits)+len(b.Stopped) == 0 {
		return "No job is under way"
	}
	var parts []string
	add := func(n int, one, more string) {
		switch {
		case n == 1:
			parts = append(parts, "1 job "+one)
		case n > 1:
			parts = append(parts, several(n, "job")+" "+more)
		}
	}
	add(len(b.Runs), "runs", "run")
	add(len(b.Waits), "waits", "wait")
	add(len(b.Stopped), "is stopped until a person decides", "are stopped until a person decides")
	return strings.Join(parts, ", ")
}
