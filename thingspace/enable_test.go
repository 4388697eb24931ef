package thingspace

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

type sentBody struct {
	Devices []struct {
		DeviceIDs []struct{ Kind, ID string } `json:"deviceIds"`
	} `json:"devices"`
	AccountName string  `json:"accountName"`
	ServicePlan *string `json:"servicePlan"`
}

func TestEnableSendsWhatTheDocumentAsksFor(t *testing.T) {
	server := newCarrier(t)
	id, err := newClient(t, server).Enable(context.Background(), oneDevice())
	if err != nil || id != requestUUID {
		t.Fatalf("got %q, %v", id, err)
	}
	server.asked(t, 1, 1, 1)
	got := server.requests(enablePath)[0]
	if got.method != http.MethodPost || got.bearer != "Bearer bearer-token-1" || got.session != "session-token-2" {
		t.Errorf("method or credentials are wrong: %+v", got)
	}
	want := `{"devices":[{"deviceIds":[{"kind":"eid","id":"89049032123451234512345678901235"},` +
		`{"kind":"iccid","id":"89141390780800784259"},{"kind":"imei","id":"490154203237518"}]}],` +
		`"accountName":"0000123456-00001","servicePlan":"global plan"}`
	if diff := cmp.Diff(want, string(got.body)); diff != "" {
		t.Error(diff)
	}
	login := decode[map[string]string](t, server.requests(loginPath)[0].body)
	if login["username"] != "fleet-user" || login["password"] != "correct horse" {
		t.Errorf("login sent %v", login)
	}
}

func TestEnableLeavesOutWhatIsNotKnownAndQuotesWhatIsOdd(t *testing.T) {
	request := oneDevice()
	request.Devices[0].IMEI, request.Plan, request.Account = "", "", "a\"b\\ü\n"
	got := decode[sentBody](t, request.appendJSON(nil))
	if len(got.Devices[0].DeviceIDs) != 2 || got.ServicePlan != nil || got.AccountName != request.Account {
		t.Errorf("got %+v", got)
	}
}

func TestEnableSendsTenThousandDevicesInOneAllocation(t *testing.T) {
	request := oneDevice()
	for len(request.Devices) < MaxDevices {
		request.Devices = append(request.Devices, request.Devices[0])
	}
	if got := decode[sentBody](t, request.appendJSON(nil)); len(got.Devices) != MaxDevices {
		t.Errorf("%d devices sent", len(got.Devices))
	}
	if allocations := testing.AllocsPerRun(3, func() { request.appendJSON(nil) }); allocations > 1 {
		t.Errorf("%v allocations", allocations)
	}
	server := newCarrier(t)
	if _, err := newClient(t, server).Enable(context.Background(), request); err != nil {
		t.Fatal(err)
	}
}

func TestRefusesImpossibleRequestsWithoutSendingThem(t *testing.T) {
	server := newCarrier(t)
	client := newClient(t, server)
	for name, spoil := range map[string]func(*EnableRequest){
		"no account": func(r *EnableRequest) { r.Account = "" },
		"no device":  func(r *EnableRequest) { r.Devices = nil },
		"too many":   func(r *EnableRequest) { r.Devices = make([]DeviceID, MaxDevices+1) },
		"no EID":     func(r *EnableRequest) { r.Devices[0].EID = "" },
		"no ICCID":   func(r *EnableRequest) { r.Devices[0].ICCID = "" },
	} {
		request := oneDevice()
		spoil(&request)
		_, err := client.Enable(context.Background(), request)
		if fault := failure(t, err); fault == nil || fault.Outcome != Refused || fault.Message == "" {
			t.Errorf("%s: %v", name, err)
		}
	}
	server.asked(t, 0, 0, 0)
}

func TestReadsTheRequestIDInEveryShape(t *testing.T) {
	for body, want := range map[string]string{
		`{"requestId":"abc"}`:      "abc",
		` {"RequestID": "abc"} `:   "abc",
		`{"requestId":12345}`:      "12345",
		`{"requestId":""}`:         "",
		`{"requestId":null}`:       "",
		`{"requestId":["abc"]}`:    "",
		`{}`:                       "",
		``:                         "",
		`null`:                     "",
		`[]`:                       "",
		`<html>login here</html>`:  "",
		`{"requestId":"abc`:        "",
		`{"requestId":"a\u0000b"}`: "",
		`{"requestId":"` + strings.Repeat("a", longestRequestID+1) + `"}`: "",
	} {
		server := newCarrier(t)
		server.on(enablePath, answering(http.StatusOK, body))
		id, err := newClient(t, server).Enable(context.Background(), oneDevice())
		if id != want {
			t.Errorf("%s: request id %q, want %q", body, id, want)
		}
		if fault := failure(t, err); want == "" && (fault == nil || fault.Outcome != Unknown) {
			t.Errorf("%s: %v, want an unknown outcome", body, err)
		}
		server.asked(t, 1, 1, 1)
	}
}

func TestConfigNamesWhatIsMissing(t *testing.T) {
	config := Config{BaseURL: "https://user:hunter2@host/api", Timeout: -time.Second} // made up
	err := config.Validate()
	for _, name := range []string{"KEY", "SECRET", "USERNAME", "PASSWORD", "URL"} {
		if err == nil || !strings.Contains(err.Error(), "SIMSHIFT_THINGSPACE_"+name) {
			t.Errorf("%s is not named in: %v", name, err)
		}
	}
	if strings.Contains(err.Error()+config.String(), "hunter2") {
		t.Errorf("a secret is told: %v; %v", err, config)
	}
	for _, base := range []string{"", DefaultBaseURL, "http://127.0.0.1:9/api/", "https://[::1]"} {
		if err := (Config{BaseURL: base, Key: "k", Secret: "s", Username: "u", Password: "p"}).Validate(); err != nil {
			t.Errorf("%q: %v", base, err)
		}
	}
}

func BenchmarkEncodeTenThousandDevices(b *testing.B) {
	request := oneDevice()
	for len(request.Devices) < MaxDevices {
		request.Devices = append(request.Devices, request.Devices[0])
	}
	b.ReportAllocs()
	for b.Loop() {
		request.appendJSON(nil)
	}
}
