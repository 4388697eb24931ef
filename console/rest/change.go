package rest

import (
	"errors"
	"io"
	"mime"
	"net/http"
	"time"

	"github.com/simshift/simshift/console/api"
	"github.com/simshift/simshift/jobs"
)

func (a *API) control(what string) func(*http.Request, api.Command) (any, error) {
	return func(r *http.Request, c api.Command) (any, error) {
		if c.Act != "" && c.Act != what {
			return nil, api.Misused("leave act out: the path says it", "the act is %q at the path of %s", c.Act, what)
		}
		c.Act = what
		return a.desk.Control(r.Context(), r.PathValue("job"), c)
	}
}

func (a *API) drop(r *http.Request, d api.Drop) (any, error) {
	return a.desk.Drop(r.Context(), r.PathValue("job"), d)
}

func (a *API) revert(r *http.Request, o api.RevertOrder) (any, error) {
	return a.desk.Revert(r.Context(), r.PathValue("job"), o)
}

func (a *API) setLimits(r *http.Request, c api.LimitsChange) (any, error) {
	return a.desk.SetLimits(r.Context(), r.PathValue("job"), c)
}

func (a *API) replay(r *http.Request, p api.ParkedIDs) (any, error) {
	return a.desk.Replay(r.Context(), p.IDs)
}

func (a *API) forget(r *http.Request, p api.ParkedIDs) (any, error) {
	return p, a.desk.Forget(r.Context(), p.IDs)
}

func (a *API) plan(r *http.Request, o api.Order) (any, error) {
	return a.desk.Plan(r.Context(), r.PathValue("upload"), o)
}

// rejects takes an order, as the plan does: it decides which rows are rejected.
func (a *API) rejects(w http.ResponseWriter, r *http.Request) {
	var order api.Order
	if err := decode(w, r, &order); err != nil {
		a.fail(w, r, err)
		return
	}
	out := &stream{w: w, control: http.NewResponseController(w), kind: csvText}
	a.end(out, r, a.desk.Rejects(r.Context(), r.PathValue("upload"), order, out))
}

// upload takes a fleet.
func (a *API) upload(w http.ResponseWriter, r *http.Request) {
	u, err := a.take(w, r)
	if err != nil {
		a.fail(w, r, err)
		return
	}
	write(w, http.StatusCreated, u)
}

// create makes a job: of an upload, or of the fleet that is the body, with the order in the query.
func (a *API) create(w http.ResponseWriter, r *http.Request) {
	job, err := a.created(w, r)
	if err != nil {
		a.fail(w, r, err)
		return
	}
	w.Header().Set("Location", Root+"/jobs/"+job.ID)
	write(w, http.StatusCreated, job)
}

func (a *API) created(w http.ResponseWriter, r *http.Request) (*jobs.Job, error) {
	if isCSV(r) {
		order, err := orderOf(r)
		if err != nil {
			return nil, err
		}
		u, err := a.take(w, r)
		if err != nil {
			return nil, err
		}
		patiently(w)
		return a.desk.Import(r.Context(), u.ID, order)
	}
	patiently(w)
	var o api.UploadOrder
	if err := decode(w, r, &o); err != nil {
		return nil, err
	}
	return a.desk.Import(r.Context(), o.Upload, o.Order)
}

func isCSV(r *http.Request) bool {
	kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	return err == nil && (kind == "text/csv" || kind == "application/octet-stream")
}

// take streams a fleet to the disk. Its deadline moves on as long as anything comes.
func (a *API) take(w http.ResponseWriter, r *http.Request) (*api.Upload, error) {
	if !isCSV(r) {
		return nil, api.Misused("send the CSV itself as the body, with Content-Type: text/csv", "the body is no CSV")
	}
	control := http.NewResponseController(w)
	return a.desk.Upload(r.Context(), r.URL.Query().Get("file"), &patient{r.Body, control})
}

type patient struct {
	body    io.Reader
	control *http.ResponseController
}

func (p *patient) Read(b []byte) (int, error) {
	late := time.Now().Add(stall)
	_ = errors.Join(p.control.SetReadDeadline(late), p.control.SetWriteDeadline(late.Add(time.Minute)))
	return p.body.Read(b)
}

// orderOf reads an order from the query: its names are those of the JSON.
func orderOf(r *http.Request) (o api.Order, err error) {
	q := r.URL.Query()
	o = api.Order{
		Name: q.Get("name"), Target: q.Get("target"), Account: q.Get("account_name"), Plan: q.Get("service_plan"),
		RevertPlan: q.Get("revert_plan"), Reason: q.Get("reason"), AnswerWithin: q.Get("answer_within"), Backoff: q.Get("backoff"),
		BackoffMax: q.Get("backoff_max"), DoubtGrace: q.Get("doubt_grace"), Start: q.Get("start"), Windows: q["windows"],
		Zone: q.Get("tz"), Waves: q.Get("waves"), Gate: q.Get("gate"), Brakes: q["brake"],
	}
	for name, to := range map[string]*bool{
		"strict": &o.Strict, "skip_rejects": &o.SkipRejects, "again": &o.Again, "gate_by_hand": &o.GateByHand,
	} {
		if *to, err = boolean(r, name); err != nil {
			return o, err
		}
	}
	per := 0
	for name, to := range map[string]*int{
		"batch_size": &o.BatchSize, "attempts": &o.Attempts, "brake_last": &o.BrakeLast, "brake_least": &o.BrakeLeast,
		"priority": &o.Priority, "per_window": &per,
	} {
		if *to, err = number(r, name, -1<<31, 1<<31-1); err != nil {
			return o, err
		}
	}
	o.PerWindow = int64(per)
	return o, nil
}
