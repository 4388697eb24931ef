package app

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/simshift/simshift/console/access"
	"github.com/simshift/simshift/console/api"
	"github.com/simshift/simshift/internal/madeup"
	"github.com/simshift/simshift/internal/redistest"
	"github.com/simshift/simshift/jobs"
)

// Over the console a person is the name of the token, whatever the request or the process says: who imported a large job can
// not let it go, and who did stands in its log.
func TestAPersonsOwnImportIsApprovedBySomebodyElse(t *testing.T) {
	t.Parallel()
	d := newDoorOn(t, redistest.Start(t).Addr)
	d.deploy.env.Flags["APPROVE_ABOVE"] = "1"
	d.deploy.env.Flags["OPERATOR"] = "approver" // who started serve is of no account
	ask := func(role access.Role, path, kind, body string, into any) int {
		t.Helper()
		r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "http://127.0.0.1:8080/api/v1"+path, strings.NewReader(body))
		r.Header.Set("Content-Type", kind)
		d.bearer(role)(r)
		w := httptest.NewRecorder()
		d.handler.ServeHTTP(w, r)
		if err := json.Unmarshal(w.Body.Bytes(), into); err != nil {
			t.Fatalf("%d %s: %v", w.Code, w.Body, err)
		}
		return w.Code
	}
	imported := func(by access.Role, from int) (job jobs.Job) {
		t.Helper()
		fleet := "eid,iccid,imei,account_name,service_plan\n"
		for i := range 3 {
			one := madeup.Device(from + i)
			fleet += fmt.Sprintf("%s,%s,%s,0000123456-00001,plan\n", one.EID, one.ICCID, one.IMEI)
		}
		var answer struct {
			jobs.Job

			Detail string `json:"detail"`
		}
		if status := ask(by, "/jobs?target=global", "text/csv", fleet, &answer); status != http.StatusCreated {
			t.Fatalf("an import is answered %d: %s", status, answer.Detail)
		}
		return answer.Job
	}
	own, others := imported(access.Approver, 0), imported(access.Operator, 10)
	if own.CreatedBy != "approver" || others.CreatedBy != "operator" || own.PausedBy != jobs.ByApproval {
		t.Fatalf("the jobs are %s's and %s's, and paused by %s", own.CreatedBy, others.CreatedBy, own.PausedBy)
	}

	var refused api.Problem
	status := ask(access.Approver, "/jobs/"+own.ID+"/approve", "application/json", `{"reason":"mine"}`, &refused)
	if status == http.StatusOK || !strings.Contains(refused.Detail, "approver imported job") {
		t.Errorf("a person's own job is answered %d: %s", status, refused.Detail)
	}
	var done api.Controlled
	status = ask(access.Approver, "/jobs/"+others.ID+"/approve", "application/json", `{"reason":"looked at it"}`, &done)
	if status != http.StatusOK {
		t.Fatalf("another's job is answered %d", status)
	}
	log, err := d.deploy.Log(t.Context(), others.ID)
	if err != nil {
		t.Fatal(err)
	}
	told, _ := json.Marshal(log)
	if text := string(told); !strings.Contains(text, `"who":"approver"`) || !strings.Contains(text, `"from":"192.0.2.1"`) {
		t.Errorf("the log does not tell who approved, and from where: %s", text)
	}
}
