package pages

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/simshift/simshift/console/access"
	"github.com/simshift/simshift/console/api"
	"github.com/simshift/simshift/console/words"
	"github.com/simshift/simshift/jobs"
)

// Acts beside those of [api.Command].
const (
	revertAct = "revert"
	dropAct   = "drop"
)

// act is something a person can do with a job.
type act struct {
	name  string
	label string // of its button
	done  func(*Pages, context.Context, *jobs.Job, form) (said, to string, err error)
	may   func(*jobs.Job) bool
	grave bool // it can not be undone
}

func open(job *jobs.Job) bool { return job.State == jobs.Running || job.State == jobs.Paused }

// acts are all of them, in the order of their buttons.
var acts = []act{
	{name: api.Approve, label: "Approve", done: (*Pages).control, may: func(job *jobs.Job) bool {
		return job.State == jobs.Paused && job.PausedBy == jobs.ByApproval
	}},
	{name: api.Resume, label: "Resume", done: (*Pages).control, may: func(job *jobs.Job) bool {
		return job.State == jobs.Paused && job.PausedBy != jobs.ByApproval
	}},
	{name: api.Pause, label: "Pause", done: (*Pages).control, may: func(job *jobs.Job) bool { return job.State == jobs.Running }},
	{name: api.Retry, label: "Another round", done: (*Pages).control, may: func(job *jobs.Job) bool {
		return (open(job) || job.State.Ended()) && missed(job.Counts) > 0
	}},
	{name: revertAct, label: "Move back", done: (*Pages).revert, may: func(job *jobs.Job) bool {
		return job.State.Ended() && job.Counts[jobs.Succeeded] > 0
	}},
	{name: api.Priority, label: "Priority", done: (*Pages).control, may: open},
	{name: dropAct, label: "Cancel devices", done: (*Pages).drop, may: open, grave: true},
	{name: api.Cancel, label: "Cancel the job", done: (*Pages).control, may: open, grave: true},
}

// button leads to an act's page.
type button struct {
	Path, Label string
	Main, Grave bool
}

// buttons are the acts that a person may do with a job as it stands.
func buttons(job *jobs.Job, who access.Person) (list []button) {
	for _, a := range acts {
		if !a.may(job) || who.Role < a.needs() || a.name == api.Approve && who.Name == job.CreatedBy {
			continue
		}
		list = append(list, button{"/jobs/" + job.ID + "/act/" + a.name, a.label, a.name == api.Approve || a.name == api.Resume, a.grave})
	}
	return list
}

func (a *act) needs() access.Role {
	if a.name == api.Approve {
		return access.Approver
	}
	return access.Operator
}

// form is what a person filled in.
type form struct {
	Reason   string
	Only     []string
	Fault    string
	Now      bool
	To       string
	Plan     string
	Known    bool
	Devices  string
	Act      string
	Missing  string // what is wrong with it, in words
	NoReason bool   // the reason is missing
}

// mostText is how long a text in a form may be, in bytes: a thousand identities fit.
const mostText = 64 << 10

func readForm(w http.ResponseWriter, r *http.Request, a *act) (form, error) {
	r.Body = http.MaxBytesReader(w, r.Body, mostText)
	if err := r.ParseForm(); err != nil {
		return form{}, api.Misused("go back, and fill the form in anew", "the form can not be read: %w", err)
	}
	return formOf(r.Form, a), nil
}

func formOf(values map[string][]string, a *act) form {
	first := func(name string) string {
		return strings.TrimSpace(strings.Join(values[name][:min(1, len(values[name]))], ""))
	}
	return form{
		Act: a.name, Reason: first("reason"), Only: values["state"], Fault: first("fault"), Now: first("now") != "", To: first("to"),
		Plan: first("plan"), Known: first("known") != "", Devices: first("devices"),
	}
}

type actBody struct {
	card

	Act      string
	Label    string
	Grave    bool
	Allowed  bool
	Possible bool
	What     []string // what will happen, in sentences
	Form     form
	Choices  []choice
	Total    int64
}

// choice is a state whose devices can get another round.
type choice struct {
	State   jobs.State
	Devices int64
	Chosen  bool
}

// askAct is the page that says what would happen, and asks for the reason.
func (p *Pages) askAct(a act) handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		f := formOf(r.URL.Query(), &a)
		return p.ask(w, r, &a, f, http.StatusOK)
	}
}

func (p *Pages) ask(w http.ResponseWriter, r *http.Request, a *act, f form, status int) error {
	b := actBody{Act: a.name, Label: a.label, Grave: a.grave, Form: f}
	who, _ := access.PersonOf(r.Context())
	var job *jobs.Job
	var faults []api.FaultCount
	if f.Fault != "" { // only the progress knows how many devices have it
		progress, err := p.desk.Progress(r.Context(), r.PathValue("job"))
		if err != nil {
			return err
		}
		job, faults = &progress.Job, progress.Faults
	} else {
		var err error
		if job, err = p.desk.Job(r.Context(), r.PathValue("job")); err != nil {
			return err
		}
	}
	b.card = p.card(job, who)
	b.Allowed, b.Possible = who.Role >= a.needs(), a.may(job)
	if a.name == api.Approve && who.Name == job.CreatedBy {
		b.Allowed = false
	}
	if a.name == api.Retry {
		b.choose(faults)
	}
	b.What = b.what()
	p.show(w, r, status, "act", shell{Title: b.Title(), Here: "/jobs", Zone: b.Zone, Body: &b})
	return nil
}

// choose lists the states whose devices can get another round.
func (b *actBody) choose(faults []api.FaultCount) {
	chosen := b.Form.Only
	if len(chosen) == 0 {
		chosen = []string{jobs.Failed.String(), jobs.Unanswered.String()}
	}
	for _, state := range jobs.States {
		if !state.Final() || state == jobs.Succeeded {
			continue
		}
		c := choice{State: state, Devices: b.Counts[state], Chosen: slices.Contains(chosen, state.String())}
		if b.Form.Fault != "" {
			c.Devices = 0
			for _, f := range faults {
				if f.State == state && f.Code == b.Form.Fault {
					c.Devices += f.Devices
				}
			}
		}
		if c.Devices == 0 {
			continue
		}
		b.Choices = append(b.Choices, c)
		if c.Chosen {
			b.Total += c.Devices
		}
	}
}

// doAct does what was confirmed.
func (p *Pages) doAct(a act) handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		f, err := readForm(w, r, &a)
		if err != nil {
			return err
		}
		if f.Reason == "" {
			f.NoReason = true
			return p.ask(w, r, &a, f, http.StatusUnprocessableEntity)
		}
		job, err := p.desk.Job(r.Context(), r.PathValue("job"))
		if err != nil {
			return err
		}
		said, to, err := a.done(p, r.Context(), job, f)
		if wrong := new(api.Failure); errors.As(err, &wrong) && wrong.Code == api.Misuse {
			f.Missing = wrong.Error()
			if wrong.Hint != "" {
				f.Missing += "; " + wrong.Hint
			}
			return p.ask(w, r, &a, f, http.StatusUnprocessableEntity)
		}
		if err != nil {
			return err
		}
		p.say(w, r, cmp.Or(to, "/jobs/"+job.ID), said)
		return nil
	}
}

func (p *Pages) control(ctx context.Context, job *jobs.Job, f form) (said, to string, err error) {
	c := api.Command{Act: f.Act, Reason: f.Reason}
	switch f.Act {
	case api.Retry:
		if c.Only, c.Fault, c.Now = f.Only, f.Fault, f.Now; len(c.Only) == 0 {
			return "", "", api.Misused("", "choose at least one state")
		}
	case api.Priority:
		to, err := strconv.Atoi(f.To)
		if err != nil {
			return "", "", api.Misused("0 is usual; the higher one of two jobs sends first", "%q is no priority", f.To)
		}
		c.To = &to
	}
	done, err := p.desk.Control(ctx, job.ID, c)
	if err != nil {
		return "", "", err
	}
	return sentence(done.Said) + ".", "", nil
}

func (p *Pages) revert(ctx context.Context, job *jobs.Job, f form) (said, to string, err error) {
	back, err := p.desk.Revert(ctx, job.ID, api.RevertOrder{
		Order: api.Order{RevertPlan: f.Plan, Reason: f.Reason}, OnlyKnown: f.Known,
	})
	if err != nil {
		return "", "", err
	}
	return "This job moves " + words.Devices(back.Devices) + " back to " + network(back.Target) + ".", "/jobs/" + back.ID, nil
}

func (p *Pages) drop(ctx context.Context, job *jobs.Job, f form) (said, to string, err error) {
	ids := strings.FieldsFunc(f.Devices, func(c rune) bool { return strings.ContainsRune(" \t\r\n,;", c) })
	if len(ids) == 0 {
		return "", "", api.Misused("write one EID, ICCID or IMEI a line", "no device is named")
	}
	dropped, err := p.desk.Drop(ctx, job.ID, api.Drop{Devices: ids, Reason: f.Reason})
	if len(dropped) == 0 && err != nil {
		return "", "", err
	}
	gone := 0
	var left []string
	for _, one := range dropped {
		if one.State == jobs.Cancelled.String() {
			gone++
			continue
		}
		left = append(left, one.ID+" ("+one.State+")")
	}
	said = several(gone, "device") + " cancelled."
	if len(left) > 0 {
		said += " Not cancelled, because it is not in this job, with the carrier, or final: " + strings.Join(left[:min(len(left), 8)], ", ")
		if len(left) > 8 {
			said += " and " + several(len(left)-8, "more device")
		}
		said += "."
	}
	return said, "", nil
}
