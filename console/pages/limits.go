package pages

import (
	"errors"
	"net/http"
	"net/url"
	"strings"

	"github.com/simshift/simshift/console/api"
)

type limitsBody struct {
	*api.Limits

	Form     api.LimitsChange
	Wrong    string
	NoReason bool
	Changes  []string // what would be changed, to be confirmed
}

func (p *Pages) limits(w http.ResponseWriter, r *http.Request) error {
	return p.showLimits(w, r, http.StatusOK, r.URL.Query().Get("job"), limitsBody{})
}

func (p *Pages) showLimits(w http.ResponseWriter, r *http.Request, status int, job string, b limitsBody) error {
	limits, err := p.desk.Limits(r.Context(), job)
	if err != nil {
		return err
	}
	b.Limits = limits
	title := "Limits"
	if limits.Job != "" {
		title = "Limits of " + limits.Name
	}
	p.show(w, r, status, "limits", shell{Title: title, Here: "/limits", Said: p.said(w, r), Body: &b})
	return nil
}

func (p *Pages) setLimits(w http.ResponseWriter, r *http.Request) error {
	r.Body = http.MaxBytesReader(w, r.Body, mostText)
	if err := r.ParseForm(); err != nil {
		return api.Misused("go back, and fill the form in anew", "the form can not be read: %w", err)
	}
	given := func(name string) string { return strings.TrimSpace(r.PostForm.Get(name)) }
	job := given("job")
	b := limitsBody{Form: api.LimitsChange{
		Requests: given("requests"), Devices: given("devices"), MaxInFlight: given("max_in_flight"), Reason: given("reason"),
	}}
	b.NoReason = b.Form.Reason == ""
	b.Changes = changes(b.Form)
	if len(b.Changes) == 0 {
		b.Wrong = "Nothing is to be changed: fill in at least one of the limits."
	}
	if b.NoReason || b.Wrong != "" {
		b.Changes = nil
		return p.showLimits(w, r, http.StatusUnprocessableEntity, job, b)
	}
	if given("confirmed") == "" {
		return p.showLimits(w, r, http.StatusOK, job, b)
	}
	_, err := p.desk.SetLimits(r.Context(), job, b.Form)
	if wrong := new(api.Failure); errors.As(err, &wrong) && wrong.Code == api.Misuse {
		b.Wrong, b.Changes = sentence(wrong.Error())+". "+sentence(wrong.Hint)+".", nil
		return p.showLimits(w, r, http.StatusUnprocessableEntity, job, b)
	}
	if err != nil {
		return err
	}
	to := "/limits"
	if job != "" {
		to += "?job=" + url.QueryEscape(job)
	}
	p.say(w, r, to, "The limits are set. They are kept from the next turn on, in two seconds at the latest.")
	return nil
}

func changes(c api.LimitsChange) (list []string) {
	for _, one := range []struct{ name, to string }{
		{"requests", c.Requests}, {"devices", c.Devices}, {"most in flight", c.MaxInFlight},
	} {
		switch one.to {
		case "":
		case "0":
			list = append(list, one.name+": no limit")
		case "default":
			list = append(list, one.name+": what the setting says")
		default:
			list = append(list, one.name+": "+one.to)
		}
	}
	return list
}
