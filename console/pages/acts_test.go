package pages_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"golang.org/x/net/html"

	"github.com/simshift/simshift/console/access"
	"github.com/simshift/simshift/console/api"
	"github.com/simshift/simshift/console/fixture"
	"github.com/simshift/simshift/internal/madeup"
	"github.com/simshift/simshift/jobs"
)

func TestActsChangeTheJob(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		job, act string
		form     url.Values
		asks     string // what the page before says
		says     string // what the page after says
		became   func(before, after *jobs.Job) bool
	}{
		{fixture.Night, api.Pause, nil,
			"74 580 devices will not be sent until somebody resumes the job. 13 214 devices with the carrier still settle", "is paused",
			func(_, after *jobs.Job) bool { return after.State == jobs.Paused && after.PausedBy == jobs.ByPerson }},
		{fixture.Held, api.Resume, nil, "5 000 devices are sent", "goes on", func(_,
			after *jobs.Job) bool {
			return after.State == jobs.Running
		}},
		{fixture.Gated, api.Resume, nil, "Wave 3 of 3 opens: up to 37 900 devices more are sent", "goes on",
			func(_, after *jobs.Job) bool { return after.State == jobs.Running && after.Wave == 3 }},
		{fixture.Braked, api.Resume, nil, "The brake lets go and forgets what it saw: 12 212 devices are sent", "goes on",
			func(_, after *jobs.Job) bool { return after.State == jobs.Running }},
		{fixture.Approval, api.Approve, nil, "120 000 devices will be sent to Global", "is approved",
			func(_, after *jobs.Job) bool { return after.State == jobs.Running }},
		{fixture.Night, api.Cancel, nil,
			"What is not sent, or waits for another attempt, is cancelled: 74 580 devices. This can not be undone.", "is cancelled",
			func(_, after *jobs.Job) bool {
				return after.State == jobs.Cancelling && after.Counts[jobs.Cancelled] == 74_580
			}},
		{fixture.Failures, api.Retry, url.Values{"state": {"failed", "unanswered"}}, "435 as they stand now", "435 devices of job",
			func(_, after *jobs.Job) bool {
				return after.State == jobs.Running && after.Counts[jobs.Retrying] == 435
			}},
		{fixture.Night, api.Priority, url.Values{"to": {"4"}}, "It is 0 now", "has the priority 4",
			func(_, after *jobs.Job) bool { return after.Priority == 4 }},
		{fixture.Failures, "revert", url.Values{"plan": {"US 5MB"}}, "A new job moves the 19 555 devices that succeeded back to US",
			"This job moves 19 555 devices back to US.",
			func(before, after *jobs.Job) bool { return before.State == after.State }},
	} {
		t.Run(c.job+" "+c.act, func(t *testing.T) {
			t.Parallel()
			s, desk := night(t, access.Approver)
			before, err := desk.Job(t.Context(), c.job)
			if err != nil {
				t.Fatal(err)
			}
			path := "/jobs/" + before.ID + "/act/" + c.act
			has(t, s.page(path, http.StatusOK), c.asks)
			form := url.Values{"reason": {"because <b>I</b> say so"}}
			maps.Copy(form, c.form)
			has(t, s.follow(s.post(path, form)), c.says)
			after, err := desk.Job(t.Context(), c.job)
			if err != nil || !c.became(before, after) {
				t.Errorf("it became %+v (%v)", after, err)
			}
			log, err := desk.Log(t.Context(), before.ID)
			if last := log[len(log)-1]; err != nil || last.Who != "jonas" || last.From != "192.0.2.1" || !strings.Contains(last.Words,
				"because <b>I</b> say so") {
				t.Errorf("the log ends with %+v (%v)", last, err)
			}
		})
	}
}

func TestAnActWithoutAReasonIsAskedAgain(t *testing.T) {
	t.Parallel()
	s, desk := night(t, access.Operator)
	for path, form := range map[string]url.Values{
		"/jobs/" + desk.JobNamed(fixture.Night) + "/act/pause":    {"reason": {"  "}},
		"/jobs/" + desk.JobNamed(fixture.Night) + "/act/priority": {"reason": {"x"}, "to": {"high"}},
		"/jobs/" + desk.JobNamed(fixture.Night) + "/act/drop":     {"reason": {"x"}, "devices": {" "}},
		"/jobs/" + desk.JobNamed(fixture.Failures) + "/act/retry": {"reason": {"x"}},
	} {
		w := s.post(path, form)
		if w.Code != http.StatusUnprocessableEntity {
			t.Errorf("%s: status %d", path, w.Code)
		}
		page := w.Body.String()
		checkStructure(t, path, page)
		tied := 0
		for n := range parse(t, page).Descendants() {
			if attr(n, "aria-describedby") != "" && strings.Contains(attr(n, "aria-describedby"), "-error") {
				tied++
			}
		}
		if tied == 0 {
			t.Errorf("%s: no control is tied to what is wrong", path)
		}
	}
	if job, _ := desk.Job(t.Context(), fixture.Night); job.State != jobs.Running {
		t.Errorf("the job is %s all the same", job.State)
	}
}

func TestWhoMayNotActSeesNoForm(t *testing.T) {
	t.Parallel()
	viewer, desk := night(t, access.Viewer)
	page := viewer.page("/jobs/"+desk.JobNamed(fixture.Night)+"/act/pause", http.StatusOK)
	has(t, page, "You look as a viewer; an operator may do this.")
	approver, desk := night(t, access.Approver)
	approver.who.Name = "mara" // who imported it
	own := approver.page("/jobs/"+desk.JobNamed(fixture.Approval)+"/act/approve", http.StatusOK)
	has(t, own, "You imported the job, so somebody else must approve it.")
	for _, page := range []string{page, own} {
		if strings.Contains(page, `name="reason"`) {
			t.Error("there is a form")
		}
	}
	for _, path := range []string{"/", "/jobs/" + desk.JobNamed(fixture.Night), "/limits", "/parked", "/import"} {
		if page := viewer.page(path, http.StatusOK); strings.Contains(page, "/act/") || strings.Contains(page, `name="reason"`) {
			t.Errorf("%s offers a viewer something to do", path)
		}
	}
}

func TestSingleDevicesAreCancelledFromTheirStory(t *testing.T) {
	t.Parallel()
	s, desk := night(t, access.Operator)
	job, err := desk.Job(t.Context(), fixture.Windowed)
	if err != nil {
		t.Fatal(err)
	}
	var head limited
	_ = desk.Results(t.Context(), job.ID, api.ResultsQuery{}, &head) // which it breaks off
	eid := strings.Split(strings.Split(head.String(), "\n")[1], ",")[1]
	page := s.page("/devices?q="+eid, http.StatusOK)
	has(t, page, eid, "It was not sent yet.")
	var drop string
	for n := range parse(t, page).Descendants() {
		if strings.Contains(attr(n, "href"), "/act/drop") {
			drop = attr(n, "href")
		}
	}
	has(t, s.page(drop, http.StatusOK), "Devices to cancel", eid)
	said := s.follow(s.post("/jobs/"+job.ID+"/act/drop", url.Values{"reason": {"recalled"},
		"devices": {eid + "\n" + madeup.Device(99_999_999).EID}}))
	has(t, said, "1 device cancelled. Not cancelled", "not in this job")
	if after, _ := desk.Job(t.Context(), job.ID); after.Counts[jobs.Cancelled] != 1 {
		t.Errorf("it became %v", after.Counts)
	}
}

// limited takes the beginning of a file.
type limited struct{ bytes.Buffer }

func (l *limited) Write(p []byte) (int, error) {
	if l.Len() > 1000 {
		return 0, io.ErrShortWrite
	}
	return l.Buffer.Write(p)
}

func TestADeviceTellsItsStory(t *testing.T) {
	t.Parallel()
	s, desk := night(t, access.Viewer)
	results := s.get("/jobs/" + desk.JobNamed(fixture.Failures) + "/results.csv?state=failed").Body.String()
	line := strings.Split(strings.Split(results, "\n")[1], ",")
	page := s.page("/devices?q="+line[1], http.StatusOK)
	checkStructure(t, "device", page)
	has(t, page, "In Spring pilot, week 23", line[1], line[2], line[3], "Its story", "attempt 1, batch", "UTC")
	spaced := line[1][:8] + " " + line[1][8:20] + " " + line[1][20:]
	has(t, s.page("/devices?q="+url.QueryEscape(spaced), http.StatusOK), "Its story")
	has(t, s.page("/devices?q="+madeup.Device(99_999_999).EID, http.StatusOK), "No job has this device", "Search by another of its numbers")
	has(t, s.page("/devices?q=123", http.StatusUnprocessableEntity), "is no identity")
}

func TestParkedCallbacksAreTriedAgainAndForgotten(t *testing.T) {
	t.Parallel()
	s, desk := night(t, access.Operator)
	page, err := desk.Parked(t.Context(), api.PageQuery{})
	if err != nil {
		t.Fatal(err)
	}
	ids := url.Values{"id": {page.Parked[0].ID, page.Parked[1].ID}}
	has(t, s.post("/parked/forget", ids).Body.String(), "2 callbacks will be dropped for good")
	if again, _ := desk.Parked(t.Context(), api.PageQuery{}); again.Total != page.Total {
		t.Error("they were forgotten before it was confirmed")
	}
	ids.Set("confirmed", "1")
	has(t, s.follow(s.post("/parked/forget", ids)), "2 parked callbacks forgotten.")
	has(t, s.follow(s.post("/parked/replay", url.Values{"all": {"1"}})), "62 callbacks tried again: 21 matched")
	if w := s.post("/parked/replay", nil); w.Code != http.StatusBadRequest {
		t.Errorf("to try none has status %d", w.Code)
	}
}

func TestLimitsAreConfirmedBeforeTheyAreSet(t *testing.T) {
	t.Parallel()
	s, desk := night(t, access.Operator)
	form := url.Values{"requests": {"3/s"}, "max_in_flight": {"default"}, "reason": {"the night is short"}}
	page := s.post("/limits", form).Body.String()
	checkStructure(t, "limits", page)
	has(t, page, "Set these limits?", "Requests: 3/s", "Most in flight: what the setting says")
	if l, _ := desk.Limits(t.Context(), ""); l.Limits.Requests.Count == 3 {
		t.Error("they were set before it was confirmed")
	}
	form.Set("confirmed", "1")
	has(t, s.follow(s.post("/limits", form)), "The limits are set.", "3/s", "the night is short")
	form.Set("requests", "fast")
	if w := s.post("/limits", form); w.Code != http.StatusUnprocessableEntity {
		t.Errorf("a wrong rate has status %d", w.Code)
	}
	job := desk.JobNamed(fixture.Night)
	form = url.Values{"job": {job}, "devices": {"100/min"}, "reason": {"x"}, "confirmed": {"1"}}
	has(t, s.follow(s.post("/limits", form)), "Limits of this job", "100/min")
}

// sendFleet uploads a file through the form.
func (s *site) sendFleet(name, csv string, fields url.Values) *httptest.ResponseRecorder {
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	for field, values := range fields {
		_ = form.WriteField(field, values[0])
	}
	file, err := form.CreateFormFile("fleet", name)
	if err != nil {
		s.t.Fatal(err)
	}
	_, _ = file.Write([]byte(csv))
	_ = form.Close()
	r := httptest.NewRequestWithContext(s.t.Context(), http.MethodPost, "/import", &body)
	r.Header.Set("Content-Type", form.FormDataContentType())
	return s.do(r)
}

func fleet(devices int) string {
	var b strings.Builder
	b.WriteString("eid,iccid,imei,account_name\n")
	for i := range devices {
		d := madeup.Device(95_000_000 + i)
		fmt.Fprintf(&b, "%s,%s,%s,0000123456-00001\n", d.EID, d.ICCID, d.IMEI)
	}
	return b.String()
}

func TestAFleetIsImportedByItsPlan(t *testing.T) {
	t.Parallel()
	s, desk := night(t, access.Operator)
	w := s.sendFleet(`new "fleet".csv`, fleet(2500)+"12,3\n", url.Values{"target": {"global"}, "service_plan": {"Global IoT 5MB"}})
	page := s.follow(w)
	plan := w.Header().Get("Location")
	checkStructure(t, plan, page)
	has(t, page, `new "fleet".csv`, "Devices 2 500 of 2 501 rows", "Rejected rows 1", "Too many or too few digits",
		"1 row would be rejected, so the import would refuse", "a fleet of this size goes better in waves")

	windows := url.QueryEscape("mon-fri 22:00-05:00; sat 10:00-12:00")
	page = s.page(plan+"&skip_rejects=1&waves=100%2C100%25&windows="+windows+"&tz=America%2FChicago", http.StatusOK)
	checkStructure(t, plan, page)
	has(t, page, "Waves", "Yes, move 2 500 devices to Global", "without the 1 rejected row", "02:40:00 CDT")
	form := formFields(t, page, "/import/")
	if refused := s.post(strings.Split(plan, "?")[0], form); refused.Code != http.StatusUnprocessableEntity {
		t.Errorf("a start without its tick has status %d", refused.Code)
	}
	form.Set("confirmed", "1")
	form.Set("reason", "ticket 4712")
	has(t, s.follow(s.post(strings.Split(plan, "?")[0], form)), "The job is made.", `new "fleet"`, "2 500 devices")
	page2, _ := desk.Jobs(t.Context(), api.JobsQuery{PageQuery: api.PageQuery{Limit: 1}})
	job := page2.Jobs[0]
	if job.Devices != 2500 || len(job.Policy.Schedule.Windows) != 2 || len(job.Policy.Waves) != 2 || job.CreatedBy != "jonas" {
		t.Errorf("the job is %+v", job)
	}
}

// formFields are those of the form that is posted to a path which begins so.
func formFields(t *testing.T, page, begins string) url.Values {
	t.Helper()
	for form := range parse(t, page).Descendants() {
		if form.Data != "form" || attr(form, "method") != "post" || !strings.HasPrefix(attr(form, "action"), begins) {
			continue
		}
		values := url.Values{}
		for n := range form.Descendants() {
			if n.Type == html.ElementNode && n.Data == "input" && attr(n, "type") == "hidden" {
				values.Add(attr(n, "name"), attr(n, "value"))
			}
		}
		return values
	}
	t.Fatal("there is no such form")
	return nil
}

func TestAWrongFileOrOrderIsToldBesideItsField(t *testing.T) {
	t.Parallel()
	s, _ := night(t, access.Operator)
	for name, w := range map[string]*httptest.ResponseRecorder{
		"no columns": s.sendFleet("x.csv", "a,b\n1,2\n", nil), "no file": s.sendFleet("", "", nil),
	} {
		if w.Code != http.StatusUnprocessableEntity || !strings.Contains(w.Body.String(), `id="fleet-error"`) {
			t.Errorf("%s: status %d", name, w.Code)
		}
		checkStructure(t, name, w.Body.String())
	}
	plan := s.sendFleet("f.csv", fleet(3), url.Values{"target": {"us"}}).Header().Get("Location")
	for _, wrong := range []string{"&waves=many", "&windows=night", "&attempts=some", "&brake=x", "&gate=95"} {
		page := s.page(plan+wrong, http.StatusUnprocessableEntity)
		checkStructure(t, wrong, page)
		if !strings.Contains(page, `id="plan-error"`) || strings.Contains(page, "Start the job") {
			t.Errorf("%s is taken", wrong)
		}
	}
}

func TestDownloadsAreWholeOrFail(t *testing.T) {
	t.Parallel()
	s, desk := night(t, access.Viewer)
	w := s.get("/jobs/" + desk.JobNamed(fixture.Failures) + "/results.csv?state=mismatched&fault=")
	if w.Code != http.StatusOK || strings.Count(w.Body.String(), "\n") != 7 ||
		w.Header().Get("Content-Disposition") != `attachment; filename="results-Spring-pilot--week-23.csv"` {
		t.Errorf("status %d, %v: %s", w.Code, w.Header(), w.Body)
	}
	for path, status := range map[string]int{
		"/jobs/none/results.csv": http.StatusNotFound,
		"/jobs/" + desk.JobNamed(fixture.Failures) + "/results.csv?state=broken":   http.StatusBadRequest,
		"/jobs/" + desk.JobNamed(fixture.Failures) + "/results.csv?min_attempts=x": http.StatusBadRequest,
	} {
		s.page(path, status)
	}
	defer func() {
		if err, _ := recover().(error); !errors.Is(err, http.ErrAbortHandler) {
			t.Error("a results file that broke off looks like a whole one")
		}
	}()
	newSite(t, breaking{desk}, access.Viewer).get("/jobs/" + desk.JobNamed(fixture.Small) + "/results.csv")
}
