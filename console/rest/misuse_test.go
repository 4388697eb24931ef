package rest_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/simshift/simshift/console/api"
	"github.com/simshift/simshift/console/client"
	"github.com/simshift/simshift/console/fixture"
	"github.com/simshift/simshift/jobs"
)

// firstTick reads a stream of events up to the first of them.
func firstTick(stream io.Reader) (tick api.Tick, err error) {
	for lines := bufio.NewScanner(stream); lines.Scan(); {
		if data, is := strings.CutPrefix(lines.Text(), "data: "); is {
			strict := json.NewDecoder(strings.NewReader(data))
			strict.DisallowUnknownFields()
			return tick, strict.Decode(&tick)
		}
	}
	return tick, io.ErrUnexpectedEOF
}

func TestWhatIsNotUnderstoodIsRefused(t *testing.T) {
	t.Parallel()
	const (
		plain  = "text/plain"
		form   = "application/x-www-form-urlencoded"
		asJSON = "application/json"
	)
	h := open(t, fixture.New(midnight, 7))
	job := "/jobs/" + strings.ReplaceAll(fixture.Night, " ", "%20")
	for _, one := range []struct {
		method, path, kind, body string
		status                   int
		says                     string
	}{
		{http.MethodGet, "/jobs?witch=open", "", "", 400, `no parameter "witch"`},
		{http.MethodGet, "/jobs?limit=1001", "", "", 400, "0 to 1000"},
		{http.MethodGet, "/jobs?limit=some", "", "", 400, "0 to 1000"},
		{http.MethodGet, "/jobs?after=%zz", "", "", 400, "the query"},
		{http.MethodGet, job + "/batches?open=perhaps", "", "", 400, "true or false"},
		{http.MethodGet, job + "/batches?after=x", "", "", 400, "no place in the list"},
		{http.MethodGet, job + "/results?format=xml", "", "", 400, "csv or jsonl"},
		{http.MethodGet, job + "/results?min_attempts=-1", "", "", 400, "0 to 255"},
		{http.MethodGet, "/jobs/nothing", "", "", 404, "simshift jobs list"},
		{http.MethodGet, "/nothing", "", "", 404, "openapi.json"},
		{http.MethodDelete, job, "", "", 405, "openapi.json"},
		{http.MethodPost, job + "/pause", asJSON, `{"raison":"x"}`, 400, `unknown field "raison"`},
		{http.MethodPost, job + "/pause", asJSON, `{"reason":5}`, 400, "not understood"},
		{http.MethodPost, job + "/pause", asJSON, `{"reason":"x"} {}`, 400, "follows"},
		{http.MethodPost, job + "/pause", asJSON, `{"reason":"x"}]`, 400, "follows"},
		{http.MethodPost, job + "/pause", asJSON, `{"act":"cancel"}`, 400, "leave act out"},
		{http.MethodPost, job + "/pause", form, `reason=x`, 400, "application/json"},
		{http.MethodPost, job + "/pause", plain, `{"reason":"x"}`, 400, "application/json"},
		{http.MethodPost, job + "/pause", asJSON, `{"reason":"` + strings.Repeat("x", 1<<20) + `"}`, 413, "too large"},
		{http.MethodPost, job + "/priority", asJSON, `{}`, 400, "-9 to 9"},
		{http.MethodPost, job + "/devices/cancel", asJSON, ``, 400, "1 to 1000"},
		{http.MethodPost, "/uploads", asJSON, `{}`, 400, "Content-Type: text/csv"},
		{http.MethodPost, "/jobs?strict=perhaps", "text/csv", fleet, 400, "true or false"},
		{http.MethodPost, "/jobs?attempts=many", "text/csv", fleet, 400, "attempts"},
		{http.MethodPost, "/jobs?tarket=us", "text/csv", fleet, 400, "tarket"},
		{http.MethodPost, "/jobs", form, "target=us", 400, "application/json"},
	} {
		got := h.ask(t, one.method, one.path, one.kind, one.body)
		var p api.Problem
		err := json.Unmarshal([]byte(got.text), &p)
		if got.status != one.status || !strings.Contains(p.Detail+p.Hint, one.says) {
			t.Errorf("%s %s %.40s: %d %.300s", one.method, one.path, one.body, got.status, got.text)
		}
		if err != nil || p.Status != one.status || p.Hint == "" || p.Code == 0 {
			t.Errorf("%s %s: no problem details with a hint (%v): %.300s", one.method, one.path, err, got.text)
		}
	}
}

// A fleet may come as the body of the order itself, as `curl --data-binary @fleet.csv` sends it.
func TestAJobIsMadeOfOneRequest(t *testing.T) {
	t.Parallel()
	h := open(t, fixture.New(midnight, 7))
	got := h.ask(t, http.MethodPost,
		"/jobs?target=us&skip_rejects=true&file=trucks.csv&service_plan=US%205MB&windows=22:00-23:00&windows=01:00-02:00", "text/csv", fleet)
	var job jobs.Job
	if err := json.Unmarshal([]byte(got.text), &job); err != nil || got.status != http.StatusCreated {
		t.Fatalf("%d %s (%v)", got.status, got.text, err)
	}
	at := got.header.Get("Location")
	if job.Target != jobs.US || job.Devices != 1 || len(job.Policy.Schedule.Windows) != 2 || at != "/api/v1/jobs/"+job.ID {
		t.Errorf("at %s: %+v", at, job)
	}
}

// asked is a desk that remembers which results it was asked for.
type asked struct {
	api.Desk

	query *api.ResultsQuery
}

func (a asked) Results(_ context.Context, _ string, q api.ResultsQuery, _ io.Writer) error {
	*a.query = q
	return nil
}

func TestAFaultsCodeMayHoldAComma(t *testing.T) {
	t.Parallel()
	var q api.ResultsQuery
	h := open(t, asked{fixture.New(midnight, 7), &q})
	h.ask(t, http.MethodGet, "/jobs/x/results?state=failed,unanswered&fault=Plan.A,B&account=one,%20two", "", "")
	if len(q.States) != 2 || len(q.Faults) != 1 || len(q.Accounts) != 1 {
		t.Errorf("asked for the states %q, faults %q, accounts %q", q.States, q.Faults, q.Accounts)
	}
}

// breaking is a desk whose results break off.
type breaking struct {
	api.Desk

	after int // lines
}

var errBroken = errors.New("redis is away")

func (b breaking) Results(_ context.Context, _ string, _ api.ResultsQuery, w io.Writer) error {
	for range b.after {
		if _, err := io.WriteString(w, strings.Repeat("8", 100)+"\n"); err != nil {
			return err
		}
	}
	return errBroken
}

// A file that is cut off must not look whole.
func TestResultsThatBreakOffDoNotLookWhole(t *testing.T) {
	t.Parallel()
	for _, lines := range []int{0, 1, 10_000} {
		h := open(t, breaking{fixture.New(midnight, 7), lines})
		var got strings.Builder
		err := client.New(h.URL, h.token).Results(t.Context(), fixture.Night, api.ResultsQuery{}, &got)
		switch {
		case err == nil:
			t.Errorf("after %d lines: it looks whole", lines)
		case lines == 0 && !strings.Contains(err.Error(), errBroken.Error()):
			t.Errorf("nothing was written yet: %v", err)
		case lines > 1000 && !strings.Contains(err.Error(), "broke off"): // fewer have not left before the connection breaks
			t.Errorf("after %d lines: %v", lines, err)
		}
	}
}
