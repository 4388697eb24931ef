package pages

import (
	"net/http"
	"net/url"
	"slices"

	"github.com/simshift/simshift/console/access"
	"github.com/simshift/simshift/console/api"
	"github.com/simshift/simshift/console/words"
	"github.com/simshift/simshift/jobs"
)

// perPage is how many entries a page of a list has.
const perPage = 50

// pageQuery is the part of a list that a request asks for.
func pageQuery(r *http.Request) api.PageQuery {
	return api.PageQuery{After: r.URL.Query().Get("after"), Limit: perPage}
}

// following is where a list goes on; empty: nowhere.
func following(r *http.Request, next string) string {
	if next == "" {
		return ""
	}
	query := r.URL.Query()
	query.Set("after", next)
	return r.URL.Path + "?" + query.Encode()
}

// start is where a list begins; empty: it is what is shown.
func start(r *http.Request) string {
	query := r.URL.Query()
	if query.Get("after") == "" {
		return ""
	}
	query.Del("after")
	return r.URL.Path + "?" + query.Encode()
}

type listBody struct {
	Which       string
	Cards       []card
	Next, First string
}

func (p *Pages) jobList(w http.ResponseWriter, r *http.Request) error {
	which := r.URL.Query().Get("which")
	if which != "" && which != "open" && which != "ended" {
		return api.Misused("choose open or ended", "%q is no kind of jobs", which)
	}
	page, err := p.desk.Jobs(r.Context(), api.JobsQuery{PageQuery: pageQuery(r), Which: which})
	if err != nil {
		return err
	}
	who, _ := access.PersonOf(r.Context())
	p.show(w, r, http.StatusOK, "jobs", shell{Title: "Jobs", Here: "/jobs", Live: "/api/v1/events", Parts: r.URL.RequestURI(),
		Body: listBody{which, p.cards(page.Jobs, who), following(r, page.Next), start(r)}})
	return nil
}

type batchesBody struct {
	card

	Page        *api.BatchPage
	Open        bool
	Next, First string
}

func (p *Pages) batches(w http.ResponseWriter, r *http.Request) error {
	job, err := p.desk.Job(r.Context(), r.PathValue("job"))
	if err != nil {
		return err
	}
	q := api.BatchesQuery{PageQuery: pageQuery(r), Open: r.URL.Query().Get("open") != ""}
	page, err := p.desk.Batches(r.Context(), job.ID, q)
	if err != nil {
		return err
	}
	c := p.card(job, access.Person{})
	p.show(w, r, http.StatusOK, "batches", shell{Title: "Batches of " + job.Name, Here: "/jobs", Zone: c.Zone,
		Body: batchesBody{c, page, q.Open, following(r, page.Next), start(r)}})
	return nil
}

type logBody struct {
	card

	Log []jobs.Entry // the newest first
}

func (p *Pages) log(w http.ResponseWriter, r *http.Request) error {
	job, err := p.desk.Job(r.Context(), r.PathValue("job"))
	if err != nil {
		return err
	}
	log, err := p.desk.Log(r.Context(), job.ID)
	if err != nil {
		return err
	}
	slices.Reverse(log)
	c := p.card(job, access.Person{})
	p.show(w, r, http.StatusOK, "log", shell{Title: "Log of " + job.Name, Here: "/jobs", Zone: c.Zone, Body: logBody{c, log}})
	return nil
}

type parkedBody struct {
	*api.ParkedPage

	After       string
	Next, First string
	Forget      []string // those that are to be forgotten, before it is confirmed
}

func (p *Pages) parked(w http.ResponseWriter, r *http.Request) error {
	page, err := p.desk.Parked(r.Context(), pageQuery(r))
	if err != nil {
		return err
	}
	p.show(w, r, http.StatusOK, "parked", shell{Title: "Parked callbacks", Here: "/parked", Said: p.said(w, r),
		Body: parkedBody{ParkedPage: page, Next: following(r, page.Next), First: start(r)}})
	return nil
}

// parkedIDs are the callbacks that a form names, and whether it was confirmed.
func parkedIDs(w http.ResponseWriter, r *http.Request) (ids []string, form url.Values, err error) {
	r.Body = http.MaxBytesReader(w, r.Body, mostText)
	if err := r.ParseForm(); err != nil {
		return nil, nil, api.Misused("choose fewer of them", "the form can not be read: %w", err)
	}
	return r.PostForm["id"], r.PostForm, nil
}

func (p *Pages) replay(w http.ResponseWriter, r *http.Request) error {
	ids, form, err := parkedIDs(w, r)
	if err != nil {
		return err
	}
	if len(ids) == 0 && form.Get("all") == "" {
		return api.Misused("tick some of them, or try all again", "no callback was chosen")
	}
	if form.Get("all") != "" {
		ids = nil
	}
	done, err := p.desk.Replay(r.Context(), ids)
	if err != nil {
		return err
	}
	p.say(w, r, "/parked", several(done.Tried,
		"callback")+" tried again: "+words.Number(int64(done.Matched))+" matched; the others stay parked.")
	return nil
}

func (p *Pages) forget(w http.ResponseWriter, r *http.Request) error {
	ids, form, err := parkedIDs(w, r)
	switch {
	case err != nil:
		return err
	case len(ids) == 0:
		return api.Misused("tick those that are to be forgotten", "no callback was chosen")
	case form.Get("confirmed") == "":
		p.show(w, r, http.StatusOK, "forget", shell{Title: "Forget parked callbacks?", Here: "/parked", Body: parkedBody{Forget: ids}})
		return nil
	}
	if err := p.desk.Forget(r.Context(), ids); err != nil {
		return err
	}
	p.say(w, r, "/parked", several(len(ids), "parked callback")+" forgotten.")
	return nil
}

type healthBody struct {
	*api.Health

	Active, Most int // tasks of all workers
	Memory, Room string
}

func (p *Pages) healthBody(h *api.Health) healthBody {
	b := healthBody{Health: h, Memory: size(h.Redis.Memory)}
	if h.Redis.Most > 0 {
		b.Room = size(h.Redis.Most)
	}
	for _, worker := range h.Workers {
		b.Active += worker.Active
		b.Most += worker.Concurrency
	}
	return b
}

func (p *Pages) health(w http.ResponseWriter, r *http.Request) error {
	h, err := p.desk.Health(r.Context())
	if err != nil {
		return err
	}
	p.show(w, r, http.StatusOK, "health", shell{Title: "Health", Here: "/health", Body: p.healthBody(h)})
	return nil
}
