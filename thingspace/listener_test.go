package thingspace

import (
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const accountPath = "/api/m2m/v1/callbacks/0000123456-00001"

func TestListsListenersWithoutTheirPasswords(t *testing.T) {
	server := newCarrier(t)
	server.on(accountPath, answering(http.StatusOK, `[{"accountName":"0000123456-00001","serviceName":"DeviceProfileService",
		"url":"https://host/callbacks","username":"u","password":"listener-password","aliases":[]},
		{"serviceName":"CarrierService","url":"https://other"}]`))
	got, err := newClient(t, server).Listeners(t.Context(), "0000123456-00001")
	want := []Listener{
		{Account: "0000123456-00001", Service: ProfileService, URL: "https://host/callbacks"},
		{Account: "0000123456-00001", Service: "CarrierService", URL: "https://other"},
	}
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Error(err, diff)
	}
	for body, count := range map[string]int{
		`[]`: 0, `{}`: 0, ``: 0, `null`: 0, `<html>`: -1, `{"errorCode":"none"}`: -1,
		`{"serviceName":"DeviceProfileService","url":"https://host"}`:                                   1,
		`{"callbacks":[{"name":"DeviceProfileService","url":"https://host"}]}`:                          1,
		`{"a":null,"b":[],"c":[{"name":"DeviceProfileService","url":"https://host"}],"d":["x"],"e":[]}`: 1,
		`[{"name":"DeviceProfileService","url":"https://host","password":"words"}]`:                     1,
	} {
		server.on(accountPath, answering(http.StatusOK, body))
		got, err := newClient(t, server).Listeners(t.Context(), "0000123456-00001")
		if (err == nil) != (count >= 0) || err == nil && len(got) != count {
			t.Errorf("%q: %v %v", body, got, err)
		}
		if len(got) == 1 && got[0] != (Listener{Account: "0000123456-00001", Service: ProfileService, URL: "https://host"}) {
			t.Errorf("%q: %v", body, got)
		}
	}
}

func TestRegistersAndRemovesAListener(t *testing.T) {
	server := newCarrier(t)
	server.on(accountPath, answering(http.StatusOK, `{"accountName":"0000123456-00001","serviceName":"DeviceProfileService"}`))
	server.on(accountPath+"/name/"+ProfileService, answering(http.StatusOK, `{}`))
	client := newClient(t, server)
	listener := Listener{Service: ProfileService, URL: "https://host:9001/callbacks", Username: "u", Password: "p"}
	if err := client.Register(t.Context(), "0000123456-00001", listener); err != nil {
		t.Fatal(err)
	}
	sent := server.requests(accountPath)[0]
	want := map[string]string{"name": ProfileService, "url": "https://host:9001/callbacks", "username": "u", "password": "p"}
	if diff := cmp.Diff(want, decode[map[string]string](t, sent.body)); diff != "" || sent.method != http.MethodPost {
		t.Error(sent.method, diff)
	}
	if err := client.Remove(t.Context(), "0000123456-00001", ProfileService); err != nil {
		t.Fatal(err)
	}
	if sent := server.requests(accountPath + "/name/" + ProfileService); len(sent) != 1 || sent[0].method != http.MethodDelete {
		t.Errorf("sent %+v", sent)
	}
}

func TestAnExpiredSessionIsRenewedForListenersToo(t *testing.T) {
	server := newCarrier(t)
	server.on(accountPath, func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("VZ-M2M-Token") == "session-token-2" {
			answering(http.StatusBadRequest, sessionExpired)(w, r)
			return
		}
		answering(http.StatusOK, `[]`)(w, r)
	})
	if _, err := newClient(t, server).Listeners(t.Context(), "0000123456-00001"); err != nil {
		t.Error(err)
	}
	server.asked(t, 1, 2, 0)
}

func TestAccountNamesCannotLeaveTheirPath(t *testing.T) {
	server := newCarrier(t)
	err := newClient(t, server).Remove(t.Context(), "../../evil?x=1#y", "a/b")
	if fault := failure(t, err); fault == nil || fault.Status != http.StatusNotFound {
		t.Errorf("got %v", err)
	}
	if sent := server.requests("/api/m2m/v1/callbacks/../../evil?x=1#y/name/a/b"); len(sent) != 1 {
		t.Errorf("%+v", server.seen)
	}
}
