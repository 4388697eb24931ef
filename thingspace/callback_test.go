package thingspace

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
)

// document is the example of the carrier's own document, with digits put in.
const document = `{
"requestId": "d1f08526-5443-4054-9a29-4456490ea9f8",
"deviceIds": [
{ "id": "89141390780800784259", "kind": "Iccid" },
{ "id": "490154203237518", "kind": "Imei" },
{ "id": "89049032123451234512345678901235", "kind": "Eid" },
{ "id": "4155551234", "kind": "mdn" }
],
"deviceResponse": {
"deviceProfileResponse": {
"deviceIdentifierCollection": [
{ "id": "89141390780800784259", "kind": "Iccid" },
{ "id": "490154203237518", "kind": "Imei" },
{ "id": "89049032123451234512345678901235", "kind": "Eid" },
{ "id": "4155551234", "kind": "mdn" }
],
"state": "ACTIVE",
"profileStatus": "ENABLE",
"profileRole": "LOCAL"
}
},
"status": "SUCCESS",
"callbackCount": 1,
"maxCallbackThreshold": 4
}`

func documented() Callback {
	return Callback{
		RequestID: "d1f08526-5443-4054-9a29-4456490ea9f8",
		EID:       "89049032123451234512345678901235", ICCID: "89141390780800784259", IMEI: "490154203237518",
		MDN: "4155551234", RequestICCID: "89141390780800784259",
		Status: Success, State: "ACTIVE", ProfileStatus: "ENABLE", ProfileRole: "LOCAL", Count: 1, Most: 4,
	}
}

// shapes are callbacks as documents, hints and practice have them; they seed the fuzzer too.
var shapes = []struct {
	name, body string
	want       Callback
}{
	{"as the document prints it", document, documented()},
	{
		"arrays, numbers as strings and strings as numbers, other case and order",
		`{"MaxCallbackThreshold":"4","CALLBACKCOUNT":"1","Status":"Success","deviceResponse":[{"deviceProfileResponse":[{
			"profileRole":"LOCAL","profileStatus":"ENABLE","state":"ACTIVE","deviceIdentifierCollection":[
			{"kind":"ICCID","id":89141390780800784259},{"kind":"EID","id":"89049032123451234512345678901235"}]}]}],
			"deviceids":[{"kind":"IMEI","id":490154203237518},{"KIND":"iccid","ID":" 89141390780800784259 "},
			{"kind":"Mdn","id":4155551234}],"requestid":"d1f08526-5443-4054-9a29-4456490ea9f8","username":"u","password":"p"}`,
		func() Callback { c := documented(); c.Username, c.Password = "u", "p"; return c }(),
	},
	{
		"a failure beside the response",
		`{"requestId":"r","deviceIds":[{"id":"1","kind":"iccid"}],"status":"Failed",
			"faultResponse":{"faultcode":"UnifiedWebService.REQUEST_FAILED.DeviceAlreadyActive","faultstring":"a\nb"}}`,
		Callback{
			RequestID: "r", ICCID: "1", RequestICCID: "1", Status: Failure,
			FaultCode: "UnifiedWebService.REQUEST_FAILED.DeviceAlreadyActive", FaultText: "a b",
		},
	},
	{
		"a failure within the response, in other case",
		`{"requestId":"r","deviceResponse":{"FaultResponse":[{"FaultCode":404,"FaultString":"gone"}]},"status":"FAILED"}`,
		Callback{RequestID: "r", Status: Failure, FaultCode: "404", FaultText: "gone"},
	},
	{
		"status and count within the response, a fault without a status",
		`{"deviceResponse":{"callbackCount":"2","faultResponse":{"faultcode":"X"}}}`,
		Callback{Status: Failure, FaultCode: "X", Count: 2},
	},
	{"a warning", `{"requestId":"r","status":"warning"}`, Callback{RequestID: "r", Status: Warning}},
	{"a status nobody told of", `{"status":"PENDING"}`, Callback{}},
	{
		"the profile that was switched off",
		`{"deviceIds":[{"id":"1","kind":"iccid"}],"deviceResponse":{"deviceProfileResponse":{"profileStatus":"DISABLE",
			"deviceIdentifierCollection":[{"id":"2","kind":"iccid"}]}},"status":"SUCCESS"}`,
		Callback{ICCID: "2", RequestICCID: "1", Status: Success, ProfileStatus: "DISABLE"},
	},
	{
		"both profiles in one, the enabled one last",
		`{"deviceResponse":{"deviceProfileResponse":[
			{"profileStatus":"DISABLE","profileRole":"LEAD","deviceIdentifierCollection":[{"id":"2","kind":"iccid"}]},
			{"profileStatus":"enabled","profileRole":"LOCAL","deviceIdentifierCollection":{"id":"1","kind":"iccid"}}]},
			"status":"SUCCESS"}`,
		Callback{ICCID: "1", Status: Success, ProfileStatus: "enabled", ProfileRole: "LOCAL"},
	},
	{
		"nulls, strangers and wrong shapes",
		`{"requestId":null,"deviceIds":{"id":"1","kind":"eid"},"deviceResponse":"none","faultResponse":[],"status":["x"],
			"callbackCount":-1,"maxCallbackThreshold":1.5,"extra":{"a":[{"b":"}]"},[[]],true,null,1e9]},"password":{"a":1}}`,
		Callback{EID: "1"},
	},
	{"escapes", `{"request\u0049d":"a\u00fc\ud83d\ude00\"","status":"\u0053uccess"}`, Callback{RequestID: "aü😀\"", Status: Success}},
	{"empty", ` {} `, Callback{}},
}

func TestDecodesCallbacksInEveryShape(t *testing.T) {
	for _, shape := range shapes {
		got, err := DecodeCallback([]byte(shape.body))
		if err != nil {
			t.Errorf("%s: %v", shape.name, err)
		}
		if diff := cmp.Diff(shape.want, got); diff != "" {
			t.Errorf("%s:\n%s", shape.name, diff)
		}
	}
}

// garbage is what is no callback.
var garbage = []string{
	``, `null`, `[]`, `"x"`, `1`, `{`, `{"a":1,}`, `{"a":1}x`, document[:500], "\x00", `{"a":"` + "\n" + `"}`,
	`[` + document + `]`, strings.Repeat("[", 20_000), strings.Repeat(`{"deviceResponse":`, 3_000),
	`{"requestId":"` + strings.Repeat("x", longestField+1) + `"}`,
	`{"x":"` + strings.Repeat("x", LargestCallback) + `"}`,
}

func TestRefusesWhatIsNoCallback(t *testing.T) {
	for _, body := range garbage {
		if _, err := DecodeCallback([]byte(body)); !errors.Is(err, ErrMalformed) {
			t.Errorf("%.40q: %v", body, err)
		}
	}
}

func TestDeepNestingIsHarmless(t *testing.T) {
	for _, part := range []string{`{"deviceResponse":`, `{"x":`, `[`, `{"deviceProfileResponse":`} {
		depth := min(9_000, (LargestCallback-100)/(len(part)+1))
		closing := map[byte]string{'{': "}", '[': "]"}[part[0]]
		body := `{"deviceResponse":` + strings.Repeat(part, depth) + `1` + strings.Repeat(closing, depth) + `,"status":"success"}`
		if got, err := DecodeCallback([]byte(body)); err != nil || got.Status != Success {
			t.Errorf("%s: %+v, %v", part, got, err)
		}
	}
}

func TestKnowsAnEnabledProfile(t *testing.T) {
	for word, want := range map[string]bool{
		"ENABLE": true, "enabled": true, "Download_Enable": true, "DISABLE": false, "DOWNLOAD": false, "": false,
	} {
		if c := (Callback{ProfileStatus: word}); c.Enabled() != want {
			t.Errorf("%q: %v", word, !want)
		}
	}
}

func FuzzDecodeCallback(f *testing.F) {
	for _, shape := range shapes {
		f.Add([]byte(shape.body))
	}
	for _, body := range garbage {
		if len(body) < 2<<10 { // large seeds only make the fuzzer slow
			f.Add([]byte(body))
		}
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		got, err := DecodeCallback(body)
		if err != nil {
			if !errors.Is(err, ErrMalformed) || got != (Callback{}) {
				t.Fatalf("%+v, %v", got, err)
			}
			return
		}
		// Plain fields are what encoding/json makes of them, if it can.
		var plain struct {
			RequestID string `json:"requestId"`
			Status    string `json:"status"`
		}
		plainly := json.Unmarshal(body, &plain) == nil && !strings.Contains(strings.ToLower(string(body)), "deviceresponse")
		if id := strings.TrimSpace(plain.RequestID); plainly && id != "" && unique(body) && id != got.RequestID {
			t.Fatalf("request id %q, but encoding/json says %q", got.RequestID, id)
		}
		for _, text := range []string{got.RequestID, got.EID, got.FaultCode, got.FaultText, string(got.Password)} {
			if !utf8.ValidString(text) || len(text) > 4*longestField {
				t.Fatalf("unfit text %q", text)
			}
		}
	})
}

// unique tells whether the body has no name twice, and none that encoding/json would fold by Unicode's special cases.
func unique(body []byte) bool {
	var names map[string]json.RawMessage
	if json.Unmarshal(body, &names) != nil {
		return false
	}
	return strings.Count(strings.ToLower(string(body)), "requestid") == 1 && len(names) > 0
}

// A callback is copied once, and its fields are parts of the copy. The race detector adds an allocation.
func TestDecodingACallbackAllocatesOnce(t *testing.T) { //nolint:paralleltest // it counts allocations
	body := []byte(document)
	if n := testing.AllocsPerRun(100, func() { _, _ = DecodeCallback(body) }); n > 2 {
		t.Errorf("it makes %v allocations", n)
	}
}

func BenchmarkDecodeCallback(b *testing.B) {
	body := []byte(document)
	b.SetBytes(int64(len(body)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := DecodeCallback(body); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkDecodeCallbackPlainly is the yardstick: encoding/json, and only the one shape of the document.
func BenchmarkDecodeCallbackPlainly(b *testing.B) {
	type ids []struct{ ID, Kind string }
	body := []byte(document)
	b.SetBytes(int64(len(body)))
	b.ReportAllocs()
	for b.Loop() {
		var c struct {
			RequestID      string `json:"requestId"`
			DeviceIDs      ids    `json:"deviceIds"`
			DeviceResponse struct {
				DeviceProfileResponse struct {
					Collection                        ids `json:"deviceIdentifierCollection"`
					State, ProfileStatus, ProfileRole string
				} `json:"deviceProfileResponse"`
			} `json:"deviceResponse"`
			Status                              string
			CallbackCount, MaxCallbackThreshold int
		}
		if err := json.Unmarshal(body, &c); err != nil {
			b.Fatal(err)
		}
	}
}
