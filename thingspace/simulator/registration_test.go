package simulator_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/simshift/simshift/thingspace/simulator"
)

func TestRegistersListsReplacesAndRemovesListeners(t *testing.T) {
	c := open(t, simulator.Config{})
	path := "/m2m/v1/callbacks/" + account
	body := func(name, url string) string {
		return `{"name":"` + name + `","url":"` + url + `","username":"u","password":"p"}`
	}
	got := c.mustSend(http.MethodPost, path, body("DeviceProfileService", "https://a.example:9001/x"))
	want := `{"accountName":"0000123456-00001","serviceName":"DeviceProfileService"}`
	if strings.TrimSpace(got.body) != want {
		t.Errorf("register: %+v", got)
	}
	c.mustSend(http.MethodPost, path, body("DeviceProfileService", "https://b.example:9001/x"))
	c.mustSend(http.MethodPost, path, body("CarrierService", "https://c.example:9001/x"))

	want = `[{"accountName":"0000123456-00001","serviceName":"CarrierService",` +
		`"url":"https://c.example:9001/x","username":"u","password":"p"},` +
		`{"accountName":"0000123456-00001","serviceName":"DeviceProfileService",` +
		`"url":"https://b.example:9001/x","username":"u","password":"p"}]`
	if diff := cmp.Diff(want, strings.TrimSpace(c.mustSend(http.MethodGet, path, "").body)); diff != "" {
		t.Errorf("list (-want +got):\n%s", diff)
	}

	if got := c.mustSend(http.MethodDelete, path+"/name/CarrierService", ""); got.status != http.StatusOK {
		t.Errorf("remove: %+v", got)
	}
	if got := c.mustSend(http.MethodDelete, path+"/name/CarrierService", ""); got.status != http.StatusBadRequest {
		t.Errorf("remove again: %+v", got)
	}
	if got := c.mustSend(http.MethodGet, "/m2m/v1/callbacks/other", ""); strings.TrimSpace(got.body) != "[]" {
		t.Errorf("another account's list: %+v", got)
	}
}

func TestRefusesListenersThatItCouldNotCall(t *testing.T) {
	c := open(t, simulator.Config{EnforcePorts: true, Accounts: []string{account}})
	register := func(account, body string) reply {
		return c.mustSend(http.MethodPost, "/m2m/v1/callbacks/"+account, body)
	}
	for _, body := range []string{
		`{"name":"NoSuchService","url":"https://a.example"}`,
		`{"name":"CarrierService","url":"a.example"}`,
		`{"name":"CarrierService","url":"ftp://a.example"}`,
		`{"name":"CarrierService","url":"https://a.example:8443"}`,
		`{"name":"CarrierService",`,
	} {
		if got := register(account, body); got.status != 400 ||
			!strings.Contains(got.member(t, "errorCode"), "INPUT_INVALID.") {
			t.Errorf("%s: %+v", body, got)
		}
	}
	for _, address := range []string{"http://a.example", "https://a.example", "https://a.example:9006",
		"https://a.example:28220/x", "http://a.example:50551"} {
		if got := register(account, `{"name":"CarrierService","url":"`+address+`"}`); got.status != http.StatusOK {
			t.Errorf("%s: %+v", address, got)
		}
	}
	got := register("unknown", `{"name":"CarrierService","url":"https://a.example"}`)
	if !strings.HasSuffix(got.member(t, "errorCode"), "REQUEST_FAILED.AccountNotFound") {
		t.Errorf("unknown account: %+v", got)
	}
}

func TestPrefersTheProfileServiceAndFallsBackToTheCarrierService(t *testing.T) {
	c := open(t, simulator.Config{})
	profile, carrierService := listen(t, nil), listen(t, nil)
	c.mustSend(http.MethodPost, "/m2m/v1/callbacks/"+account, `{"name":"CarrierService","url":"`+carrierService.url+`"}`)
	c.enable(device(1))
	c.settle()
	c.registerAt(account, profile.url)
	c.enable(device(2))
	c.settle()
	if a, b := len(carrierService.raw()), len(profile.raw()); a != 1 || b != 1 {
		t.Errorf("CarrierService got %d, DeviceProfileService %d", a, b)
	}
}

func TestAnswersPathsOfTheDocumentAsTheyStandAndNoOthers(t *testing.T) {
	c := open(t, simulator.Config{})
	root := strings.TrimSuffix(c.base, "/api")
	for _, base := range []string{root, root + "/api", root + "//api/"} {
		c.base = base
		got := c.mustSend(http.MethodPost, "/m2m/v1//devices/profile/actions/enable", enableBody(account, plan, device(1)))
		if got.status != http.StatusOK {
			t.Errorf("%s: %+v", base, got)
		}
	}
	for _, path := range []string{"/m2m/v1/devices/actions/list", "/m2m/v1/session/log", "/"} {
		if got := c.mustSend(http.MethodPost, path, "{}"); got.status != 400 || got.member(t, "fault", "code") != "900906" {
			t.Errorf("%s: %+v", path, got)
		}
	}
	if got := c.mustSend(http.MethodGet, enablePath, ""); got.status != 400 {
		t.Errorf("GET of enable: %+v", got)
	}
}
