package rest_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/simshift/simshift/console/access"
	"github.com/simshift/simshift/console/api"
	"github.com/simshift/simshift/console/client"
	"github.com/simshift/simshift/console/fixture"
	"github.com/simshift/simshift/console/live"
	"github.com/simshift/simshift/console/rest"
	"github.com/simshift/simshift/internal/apicheck"
)

func midnight() time.Time { return fixture.Midnight }

// house is the API of a desk, behind its guard and an inspector.
type house struct {
	*apicheck.Inspector

	*httptest.Server

	token string // of an approver named dana
}

func open(t *testing.T, desk api.Desk) *house {
	t.Helper()
	h := &house{token: access.NewToken()}
	path := filepath.Join(t.TempDir(), "tokens")
	var people bytes.Buffer
	dana := access.Holder{Person: access.Person{Name: "dana", Role: access.Approver}, Digest: access.DigestOf(h.token)}
	if err := access.WriteHolders(&people, []access.Holder{dana}); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, people.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	log := slog.New(slog.DiscardHandler)
	keys, err := access.OpenKeyring(path, midnight, log)
	if err != nil {
		t.Fatal(err)
	}
	document, err := os.ReadFile("openapi.json")
	if err != nil {
		t.Fatal(err)
	}
	hub := live.New(desk, midnight, log)
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		hub.Run(ctx)
	}()
	guard := access.NewGuard(access.Config{Keys: keys, Now: midnight, Log: log})
	h.Inspector = apicheck.New(t, document, guard.Handler(rest.New(desk, hub, log).Routes()))
	h.Server = httptest.NewServer(h)
	t.Cleanup(h.Close)
	t.Cleanup(func() { // before the server: streams end with the hub
		stop()
		<-ended
	})
	return h
}

// answer is one that was read.
type answer struct {
	status int
	header http.Header
	text   string
}

func (h *house) ask(t *testing.T, method, path, kind, body string) answer {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, h.URL+rest.Root+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+h.token)
	if kind != "" {
		r.Header.Set("Content-Type", kind)
	}
	got, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer got.Body.Close()
	text, err := io.ReadAll(got.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer{got.StatusCode, got.Header, string(text)}
}

const fleet = "eid,iccid,imei,account_name\n" +
	"89049032000000000000000000000063,8944538000000000002,,0000123456-00001\n" +
	"no,8944538000000000002,,0000123456-00001\n"

// deed is something done at a desk. Its result can be compared.
type deed struct {
	name string
	do   func(ctx context.Context, desk api.Desk) (any, error)
}

// text is what a desk writes.
func text(write func(io.Writer) error) (any, error) {
	var b bytes.Buffer
	err := write(&b)
	return b.String(), err
}

// deeds are of every kind, those that change something after those that look. Half of them go wrong.
func deeds() []deed {
	to := 5
	order := api.Order{Target: "us", Plan: "US 5MB", SkipRejects: true, Windows: []string{"22:00-05:00"}, Brakes: []string{"10%"}}
	list := []deed{
		{"overview", func(ctx context.Context, d api.Desk) (any, error) { return d.Overview(ctx) }},
		{"health", func(ctx context.Context, d api.Desk) (any, error) { return d.Health(ctx) }},
		{"jobs", func(ctx context.Context, d api.Desk) (any, error) { return d.Jobs(ctx, api.JobsQuery{}) }},
		{"a page of jobs", func(ctx context.Context, d api.Desk) (any, error) {
			first, err := d.Jobs(ctx, api.JobsQuery{PageQuery: api.PageQuery{Limit: 2}, Which: "ended"})
			if err != nil {
				return nil, err
			}
			return d.Jobs(ctx, api.JobsQuery{PageQuery: api.PageQuery{Limit: 2, After: first.Next}, Which: "ended"})
		}},
		{"parked", func(ctx context.Context, d api.Desk) (any, error) { return d.Parked(ctx, api.PageQuery{Limit: 3}) }},
		{"a device", func(ctx context.Context, d api.Desk) (any, error) {
			return d.Device(ctx, "89049032123451234512345678901235")
		}},
		{"limits", func(ctx context.Context, d api.Desk) (any, error) { return d.Limits(ctx, "") }},
		{"set limits", func(ctx context.Context, d api.Desk) (any, error) {
			return d.SetLimits(ctx, "", api.LimitsChange{Devices: "100/min", Reason: "?&="})
		}},
		{"set wrong limits", func(ctx context.Context, d api.Desk) (any, error) {
			return d.SetLimits(ctx, "", api.LimitsChange{Devices: "many"})
		}},
		{"forget what is not there", func(ctx context.Context, d api.Desk) (any, error) { return nil, d.Forget(ctx, []string{"nothing"}) }},
		{"forget one", func(ctx context.Context, d api.Desk) (any, error) {
			page, err := d.Parked(ctx, api.PageQuery{Limit: 1})
			if err != nil {
				return nil, err
			}
			return page.Parked[0].ID, d.Forget(ctx, []string{page.Parked[0].ID})
		}},
		{"replay all", func(ctx context.Context, d api.Desk) (any, error) { return d.Replay(ctx, nil) }},
		{"import", func(ctx context.Context, d api.Desk) (any, error) {
			u, err := d.Upload(ctx, "fleet & trucks.csv", strings.NewReader(fleet))
			if err != nil {
				return nil, err
			}
			plan, err := d.Plan(ctx, u.ID, api.Order{Account: "1"})
			if err != nil {
				return nil, err
			}
			rejects, err := text(func(w io.Writer) error { return d.Rejects(ctx, u.ID, order, w) })
			if err != nil {
				return nil, err
			}
			job, err := d.Import(ctx, u.ID, order)
			return []any{u, plan, rejects, job}, err
		}},
		{"import what is not there", func(ctx context.Context, d api.Desk) (any, error) { return d.Import(ctx, "nothing", order) }},
		{"revert", func(ctx context.Context, d api.Desk) (any, error) {
			return d.Revert(ctx, fixture.Failures, api.RevertOrder{Order: api.Order{RevertPlan: "US 5MB"}, OnlyKnown: true})
		}},
		{"drop none", func(ctx context.Context, d api.Desk) (any, error) {
			return d.Drop(ctx, fixture.Night, api.Drop{Devices: []string{}})
		}},
		{"drop", func(ctx context.Context, d api.Desk) (any, error) {
			return d.Drop(ctx, fixture.Night, api.Drop{Devices: []string{"89049032123451234512345678901235"}, Reason: "lost"})
		}},
	}
	for _, job := range []string{fixture.Night, fixture.Gated, fixture.Small, fixture.Back, "no such job", "a/../b?c", ".."} {
		list = append(list, looksAt(job)...)
	}
	for job, c := range map[string]api.Command{
		fixture.Night: {Act: api.Pause, Reason: "a storm"}, fixture.Braked: {Act: api.Resume}, fixture.Windowed: {Act: api.Cancel},
		fixture.Approval: {Act: api.Approve}, fixture.Failures: {Act: api.Retry, Only: []string{"failed"}, Now: true},
		fixture.Held: {Act: api.Priority, To: &to}, fixture.Small: {Act: api.Pause}, "no such job": {Act: api.Pause},
	} {
		list = append(list, deed{c.Act + " of " + job, func(ctx context.Context, d api.Desk) (any, error) { return d.Control(ctx, job, c) }})
	}
	return list
}

func looksAt(job string) []deed {
	return []deed{
		{"job " + job, func(ctx context.Context, d api.Desk) (any, error) { return d.Job(ctx, job) }},
		{"progress of " + job, func(ctx context.Context, d api.Desk) (any, error) { return d.Progress(ctx, job) }},
		{"log of " + job, func(ctx context.Context, d api.Desk) (any, error) { return d.Log(ctx, job) }},
		{"report of " + job, func(ctx context.Context, d api.Desk) (any, error) { return d.Report(ctx, job) }},
		{"limits of " + job, func(ctx context.Context, d api.Desk) (any, error) { return d.Limits(ctx, job) }},
		{"batches of " + job, func(ctx context.Context, d api.Desk) (any, error) {
			return d.Batches(ctx, job, api.BatchesQuery{PageQuery: api.PageQuery{After: "30", Limit: 7}})
		}},
		{"open batches of " + job, func(ctx context.Context, d api.Desk) (any, error) {
			return d.Batches(ctx, job, api.BatchesQuery{PageQuery: api.PageQuery{Limit: 2}, Open: true})
		}},
		{"no place among batches of " + job, func(ctx context.Context, d api.Desk) (any, error) {
			return d.Batches(ctx, job, api.BatchesQuery{PageQuery: api.PageQuery{After: "x y"}})
		}},
		{"set limits of " + job, func(ctx context.Context, d api.Desk) (any, error) {
			return d.SetLimits(ctx, job, api.LimitsChange{Requests: "1/s"})
		}},
		{"results of " + job, func(ctx context.Context, d api.Desk) (any, error) {
			return text(func(w io.Writer) error {
				return d.Results(ctx, job, api.ResultsQuery{States: []string{"failed", "mismatched"}, MinAttempts: 1}, w)
			})
		}},
		{"results of " + job + " as JSON", func(ctx context.Context, d api.Desk) (any, error) {
			return text(func(w io.Writer) error {
				return d.Results(ctx, job, api.ResultsQuery{States: []string{"failed"}, Accounts: []string{"0000123456-00001"}, JSON: true}, w)
			})
		}},
	}
}

// What is done through the API has the same result as at the desk itself, errors with their kinds and hints too; and all that
// goes over the wire is as the document says.
func TestTheDeskIsTheSameOverHTTP(t *testing.T) {
	t.Parallel()
	here, there := fixture.New(midnight, 7), fixture.New(midnight, 7)
	h := open(t, there)
	desk := client.New(h.URL, h.token)
	ctx := api.WithActor(t.Context(), api.Actor{Name: "dana", From: "127.0.0.1"})
	for _, one := range deeds() {
		direct, err := one.do(ctx, here)
		remote, errs := one.do(t.Context(), desk)
		if diff := cmp.Diff(api.ProblemOf(orNone(err)), api.ProblemOf(orNone(errs))); diff != "" {
			t.Errorf("%s: errors differ: %s", one.name, diff)
			continue
		}
		if err != nil {
			continue
		}
		a, err := json.Marshal(direct)
		b, errs := json.Marshal(remote)
		if diff := cmp.Diff(string(a), string(b)); diff != "" || err != nil || errs != nil {
			t.Errorf("%s differs (%v, %v): %s", one.name, err, errs, diff)
		}
	}
	h.rest(t)
	h.Close() // waits for all that is answered
	for _, name := range h.Unseen() {
		t.Errorf("%s was never tried", name)
	}
}

type none struct{}

func (none) Error() string { return "no error" }

// orNone makes a problem of no error, too.
func orNone(err error) error {
	if err == nil {
		return none{}
	}
	return err
}

// rest does what no desk can.
func (h *house) rest(t *testing.T) {
	t.Helper()
	if got := h.ask(t, http.MethodGet, "/openapi.json", "", ""); got.status != http.StatusOK || !json.Valid([]byte(got.text)) {
		t.Errorf("the document is answered %d", got.status)
	}
	if got := h.ask(t, http.MethodGet, "/whoami", "", ""); got.text != `{"name":"dana","role":"approver"}`+"\n" {
		t.Errorf("who am I? %s", got.text)
	}
	for _, path := range []string{"/events", "/jobs/" + strings.ReplaceAll(fixture.Night, " ", "%20") + "/events"} {
		h.hear(t, path)
	}
}

// hear reads a stream up to its first event.
func (h *house) hear(t *testing.T, path string) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, h.URL+rest.Root+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+h.token)
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	tick, err := firstTick(answer.Body)
	if err != nil || answer.StatusCode != http.StatusOK || tick.ID == "" || tick.Counts.Total() != tick.Devices {
		t.Errorf("%s begins with %+v (%v)", path, tick, err)
	}
}
