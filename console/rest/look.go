package rest

import (
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/simshift/simshift/console/api"
)

func (a *API) jobs(r *http.Request) (any, error) {
	q, err := page(r)
	if err != nil {
		return nil, err
	}
	return a.desk.Jobs(r.Context(), api.JobsQuery{PageQuery: q, Which: r.FormValue("which")})
}

func (a *API) batches(r *http.Request) (any, error) {
	q, err := page(r)
	if err != nil {
		return nil, err
	}
	open, err := boolean(r, "open")
	if err != nil {
		return nil, err
	}
	return a.desk.Batches(r.Context(), r.PathValue("job"), api.BatchesQuery{PageQuery: q, Open: open})
}

func (a *API) parked(r *http.Request) (any, error) {
	q, err := page(r)
	if err != nil {
		return nil, err
	}
	return a.desk.Parked(r.Context(), q)
}

func (a *API) limits(r *http.Request) (any, error) {
	return a.desk.Limits(r.Context(), r.PathValue("job"))
}

// report goes over every device: it may take longer than other answers do.
func (a *API) report(r *http.Request) (any, error) {
	return a.desk.Report(r.Context(), r.PathValue("job"))
}

// results streams. What goes wrong after the first byte breaks the connection: a file that is cut off must not look whole.
func (a *API) results(w http.ResponseWriter, r *http.Request) {
	q, kind, err := resultsQuery(r)
	if err != nil {
		a.fail(w, r, err)
		return
	}
	out := &stream{w: w, control: http.NewResponseController(w), kind: kind}
	err = a.desk.Results(r.Context(), r.PathValue("job"), q, out)
	a.end(out, r, err)
}

// end tells of a stream that failed, in the way that is left.
func (a *API) end(out *stream, r *http.Request, err error) {
	switch {
	case err == nil:
		out.begin() // an empty answer is one, too
	case !out.begun:
		a.fail(out.w, r, err)
	default:
		a.log.WarnContext(r.Context(), "a download broke off", "route", r.Pattern, "error", err)
		panic(http.ErrAbortHandler)
	}
}

func resultsQuery(r *http.Request) (q api.ResultsQuery, kind string, err error) {
	attempts, err := number(r, "min_attempts", 0, 255)
	if err != nil {
		return q, "", err
	}
	// Only states go with commas between them: a fault's code may hold a plan's name, and any comma that is in it.
	q = api.ResultsQuery{States: words(r, "state"), Faults: r.Form["fault"], Accounts: r.Form["account"], MinAttempts: attempts}
	switch format := r.FormValue("format"); {
	case format == "jsonl" || format == "" && r.Header.Get("Accept") == ndjson:
		q.JSON = true
		return q, ndjson, nil
	case format == "" || format == "csv":
		return q, csvText, nil
	default:
		return q, "", api.Misused("it is csv or jsonl", "format is %q", format)
	}
}

const (
	ndjson  = "application/x-ndjson"
	csvText = "text/csv; charset=utf-8"
)

// stream is an answer that may be long. Its deadline moves on as long as whoever asked takes it.
type stream struct {
	w       http.ResponseWriter
	control *http.ResponseController
	kind    string
	begun   bool
}

func (s *stream) begin() {
	if !s.begun {
		s.begun = true
		s.w.Header().Set("Content-Type", s.kind)
		s.w.WriteHeader(http.StatusOK)
	}
}

func (s *stream) Write(p []byte) (int, error) {
	s.begin()
	_ = s.control.SetWriteDeadline(time.Now().Add(stall)) // a real clock's: the connection goes by it
	return s.w.Write(p)
}

// events tell of all unfinished jobs.
func (a *API) events(w http.ResponseWriter, r *http.Request) { a.follow(w, r, "") }

// jobEvents tell of one job.
func (a *API) jobEvents(w http.ResponseWriter, r *http.Request) {
	job, err := a.desk.Job(r.Context(), r.PathValue("job"))
	if err != nil {
		a.fail(w, r, err)
		return
	}
	a.follow(w, r, job.ID)
}

// beat keeps proxies from taking a stream for dead.
const beat = 15 * time.Second

// follow is a stream of server-sent events. It ends when the program does, and when whoever listens does not keep up; a
// browser then comes again by itself.
func (a *API) follow(w http.ResponseWriter, r *http.Request, job string) {
	listener := a.hub.Listen(job)
	defer a.hub.Leave(listener)
	out := &stream{w: w, control: http.NewResponseController(w), kind: "text/event-stream"}
	w.Header().Set("X-Accel-Buffering", "no") // nginx would keep events back
	if _, err := io.WriteString(out, "retry: 3000\n\n"); err != nil || out.control.Flush() != nil {
		return
	}
	heart := time.NewTicker(beat)
	defer heart.Stop()
	for {
		var err error
		select {
		case <-r.Context().Done():
			return
		case <-heart.C:
			_, err = io.WriteString(out, ": still here\n\n")
		case tick, more := <-listener.C:
			if !more {
				return
			}
			_, err = fmt.Fprintf(out, "event: job\ndata: %s\n\n", tick)
		}
		if err != nil || out.control.Flush() != nil {
			return
		}
	}
}
