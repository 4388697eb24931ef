package pages

import (
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/simshift/simshift/console/access"
	"github.com/simshift/simshift/console/api"
	"github.com/simshift/simshift/jobs"
)

type devicesBody struct {
	Asked string
	Wrong string // why nothing could be searched for
	Found []deviceCard
}

type deviceCard struct {
	api.Device

	Zone        *time.Location
	Class       string
	Explanation *jobs.Explanation // of an outcome that wants one
	Drop        string            // where it can be cancelled; empty: nowhere
	Story       []chapter
}

// chapter is one thing that happened to a device, or to its job.
type chapter struct {
	At         time.Time
	Class      string
	What, More string
	jobs.Chapter
}

func (p *Pages) devices(w http.ResponseWriter, r *http.Request) error {
	b := devicesBody{Asked: strings.Join(strings.Fields(r.URL.Query().Get("q")), "")}
	status := http.StatusOK
	if b.Asked != "" {
		found, err := p.desk.Device(r.Context(), b.Asked)
		wrong := new(api.Failure)
		switch {
		case errors.As(err, &wrong) && wrong.Code == api.Misuse:
			b.Wrong, status = sentence(wrong.Error())+": "+wrong.Hint+".", http.StatusUnprocessableEntity
		case err != nil && !errors.Is(err, jobs.ErrNotFound):
			return err
		}
		who, _ := access.PersonOf(r.Context())
		for i := range found {
			b.Found = append(b.Found, p.deviceCard(&found[i], who))
		}
	}
	p.show(w, r, status, "devices", shell{Title: "Devices", Here: "/devices", Body: &b})
	return nil
}

func (p *Pages) deviceCard(d *api.Device, who access.Person) deviceCard {
	c := deviceCard{Device: *d, Zone: p.zone, Class: stateClass(d.State)}
	if d.State.Final() && (d.State != jobs.Succeeded || d.Reason != jobs.NoReason) || d.Fault != (jobs.Fault{}) {
		e := jobs.Explain(d.State, d.Reason, d.Fault)
		c.Explanation = &e
	}
	if d.State.May(jobs.Cancelled) && who.Role >= access.Operator {
		c.Drop = "/jobs/" + d.Job + "/act/drop?devices=" + d.EID
	}
	for _, one := range d.Story {
		c.Story = append(c.Story, chapterOf(one))
	}
	return c
}

func chapterOf(one jobs.Chapter) chapter {
	c := chapter{At: one.At, Class: stateClass(one.State), What: one.State.String(), Chapter: one}
	switch {
	case one.Warned:
		c.What, c.More, c.Class = "warning", "the final answer follows", "again"
	case one.At.IsZero():
		c.At, c.More = one.SentAt, "waits for the carrier’s callback"
	case one.Reason != jobs.NoReason:
		c.More = one.Reason.String()
	}
	return c
}
