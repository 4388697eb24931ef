// Package rest is the API for programs, /api/v1: what is done at the desk, over HTTP. Its errors are problem details
// (RFC 9457); its document is openapi.json.
package rest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"mime"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/simshift/simshift/console/access"
	"github.com/simshift/simshift/console/api"
	"github.com/simshift/simshift/console/live"
)

// Root is what every path of the API begins with.
const Root = "/api/v1"

const (
	mostBody = 1 << 20 // bytes, of any body but a fleet
	// stall is how long a transfer may stand still: a fleet or the results of ten million devices may take their time, but
	// not do nothing.
	stall = 30 * time.Second
	// longest is how long anything else may take.
	longest = 15 * time.Minute
)

// API answers programs.
type API struct {
	desk api.Desk
	hub  *live.Hub
	log  *slog.Logger
}

// New makes the API of a desk.
func New(desk api.Desk, hub *live.Hub, log *slog.Logger) *API { return &API{desk, hub, log} }

// Routes are the paths of the API.
func (a *API) Routes() []access.Route {
	get := func(path string, handle http.HandlerFunc) access.Route {
		return access.Route{Method: http.MethodGet, Path: Root + path, Needs: access.Viewer, Handle: handle}
	}
	change := func(method, path string, handle http.HandlerFunc) access.Route {
		return access.Route{Method: method, Path: Root + path, Needs: access.Operator, Handle: handle}
	}
	routes := []access.Route{
		get("/openapi.json", document),
		get("/whoami", whoami),
		get("/overview", answer(a, func(r *http.Request) (any, error) { return a.desk.Overview(r.Context()) })),
		get("/health", answer(a, func(r *http.Request) (any, error) { return a.desk.Health(r.Context()) })),
		get("/events", a.events),
		get("/jobs", answer(a, a.jobs)),
		get("/jobs/{job}", answer(a, func(r *http.Request) (any, error) { return a.desk.Job(r.Context(), r.PathValue("job")) })),
		get("/jobs/{job}/progress", answer(a, func(r *http.Request) (any, error) { return a.desk.Progress(r.Context(), r.PathValue("job")) })),
		get("/jobs/{job}/batches", answer(a, a.batches)),
		get("/jobs/{job}/log", answer(a, func(r *http.Request) (any, error) { return a.desk.Log(r.Context(), r.PathValue("job")) })),
		get("/jobs/{job}/report", answer(a, a.report)),
		get("/jobs/{job}/limits", answer(a, a.limits)),
		get("/jobs/{job}/results", a.results),
		get("/jobs/{job}/events", a.jobEvents),
		get("/limits", answer(a, a.limits)),
		get("/devices/{identity}", answer(a, func(r *http.Request) (any, error) { return a.desk.Device(r.Context(), r.PathValue("identity")) })),
		get("/callbacks/parked", answer(a, a.parked)),

		change(http.MethodPost, "/uploads", a.upload),
		change(http.MethodPost, "/uploads/{upload}/plan", act(a, a.plan)),
		change(http.MethodPost, "/uploads/{upload}/rejects", a.rejects),
		change(http.MethodPost, "/jobs", a.create),
		change(http.MethodPost, "/jobs/{job}/devices/cancel", act(a, a.drop)),
		change(http.MethodPost, "/jobs/{job}/revert", act(a, a.revert)),
		change(http.MethodPut, "/jobs/{job}/limits", act(a, a.setLimits)),
		change(http.MethodPut, "/limits", act(a, a.setLimits)),
		change(http.MethodPost, "/callbacks/parked/replay", act(a, a.replay)),
		change(http.MethodPost, "/callbacks/parked/forget", act(a, a.forget)),
	}
	for _, what := range []string{api.Pause, api.Resume, api.Cancel, api.Approve, api.Retry, api.Priority} {
		route := change(http.MethodPost, "/jobs/{job}/"+what, act(a, a.control(what)))
		if what == api.Approve {
			route.Needs = access.Approver
		}
		routes = append(routes, route)
	}
	for i := range routes {
		routes[i] = a.strict(routes[i])
	}
	return routes
}

// answer makes a handler of a look.
func answer(a *API, look func(*http.Request) (any, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		patiently(w)
		value, err := look(r)
		if err != nil {
			a.fail(w, r, err)
			return
		}
		write(w, http.StatusOK, value)
	}
}

// act makes a handler of a deed: what it is told comes as JSON, and an empty body says nothing.
func act[T any](a *API, do func(*http.Request, T) (any, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		patiently(w)
		var order T
		err := decode(w, r, &order)
		var value any
		if err == nil {
			value, err = do(r, order)
		}
		if err != nil {
			a.fail(w, r, err)
			return
		}
		write(w, http.StatusOK, value)
	}
}

// patiently lets an answer take as long as a report or an import of ten million devices does.
func patiently(w http.ResponseWriter) {
	_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(longest)) // a real clock's: the connection goes by it
}

// decode reads a body of JSON. A field that is not known is a mistake that would go unnoticed.
func decode(w http.ResponseWriter, r *http.Request, into any) error {
	if kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type")); kind != "application/json" && r.ContentLength != 0 {
		return api.Misused("send JSON, with Content-Type: application/json", "the body is %q", kind)
	}
	body := json.NewDecoder(http.MaxBytesReader(w, r.Body, mostBody))
	body.DisallowUnknownFields()
	err := body.Decode(into)
	if errors.Is(err, io.EOF) {
		return nil
	}
	if err == nil {
		if _, more := body.Token(); !errors.Is(more, io.EOF) {
			err = errors.New("something follows the object")
		}
	}
	if err != nil {
		return api.Misused("see "+Root+"/openapi.json for the fields there are", "the body is not understood: %w", err)
	}
	return nil
}

func write(w http.ResponseWriter, status int, value any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(value) // whoever asked is gone
}

// fail answers with problem details. What is no fault of whoever asked goes into the log, too.
func (a *API) fail(w http.ResponseWriter, r *http.Request, err error) {
	p := api.ProblemOf(err)
	if p.Status >= http.StatusInternalServerError && !errors.Is(err, context.Canceled) {
		a.log.WarnContext(r.Context(), "a request to the API failed", "method", r.Method, "route", r.Pattern, "error", err)
	}
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(p.Status)
	_ = json.NewEncoder(w).Encode(p)
}

func whoami(w http.ResponseWriter, r *http.Request) {
	person, _ := access.PersonOf(r.Context())
	write(w, http.StatusOK, api.Me{Name: person.Name, Role: person.Role.String()})
}

// page reads after and limit.
func page(r *http.Request) (q api.PageQuery, err error) {
	q.After = r.FormValue("after")
	q.Limit, err = number(r, "limit", 0, api.MostLimit)
	return q, err
}

// number reads a number of the query; 0 where it is not given.
func number(r *http.Request, name string, least, most int) (int, error) {
	text := r.FormValue(name)
	if text == "" {
		return 0, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < least || n > most {
		return 0, api.Misused(fmt.Sprintf("give a number from %d to %d", least, most), "%s is %q", name, text)
	}
	return n, nil
}

// boolean reads true or false; false where it is not given.
func boolean(r *http.Request, name string) (bool, error) {
	text := r.URL.Query().Get(name)
	if text == "" || text == "false" {
		return false, nil
	}
	if text != "true" {
		return false, api.Misused("it is true or false", "%s is %q", name, text)
	}
	return true, nil
}

// words reads values of the query that may be given several times, or with commas between them.
func words(r *http.Request, name string) (list []string) {
	for _, text := range r.Form[name] {
		for word := range strings.SplitSeq(text, ",") {
			if word != "" {
				list = append(list, word)
			}
		}
	}
	return list
}
