package thingspace

import (
	"net/http"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

func TestDecodesEveryShapeOfError(t *testing.T) {
	long := strings.Repeat("x", 400)
	for name, c := range map[string]struct {
		status int
		body   string
		want   Error
	}{
		"the carrier's own": {
			400, `{"errorCode":"UnifiedWebService.INPUT_INVALID.Device.Identifier.Invalid","errorMessage":"bad id"}`,
			Error{Code: "UnifiedWebService.INPUT_INVALID.Device.Identifier.Invalid", Message: "bad id", Outcome: Refused},
		},
		"the code as a number": {400, `{"errorCode":400,"errorMessage":"bad"}`, Error{Code: "400", Message: "bad", Outcome: Refused}},
		"odd types":            {400, `{"errorCode":["x"],"errorMessage":"bad","fault":"no"}`, Error{Message: "bad", Outcome: Refused}},
		"other case":           {409, `{"ErrorCode":"A.B","ErrorMessage":"m"}`, Error{Code: "A.B", Message: "m", Outcome: Refused}},
		"a list":               {400, `[{"errorCode":"A.B","errorMessage":"m"}]`, Error{Code: "A.B", Message: "m", Outcome: Refused}},
		"403 with a code":      {403, `{"errorCode":"A.B","errorMessage":"m"}`, Error{Code: "A.B", Message: "m", Outcome: Refused}},
		"404 with a code":      {404, `{"errorCode":"A.B"}`, Error{Code: "A.B", Outcome: Refused}},
		"404 as a page": {
			404, `<html><head><title>Not here</title><style>b{}</style></head><code>zzz</code></html>`,
			Error{Message: "Not here zzz", Outcome: Misdirected},
		},
		"404 empty":           {404, ``, Error{Outcome: Misdirected}},
		"405 as text":         {405, "no\r\n\x1b[31m such\tmethod", Error{Message: "no [31m such method", Outcome: Misdirected}},
		"403 in XML, no code": {403, `<error><message>m</message></error>`, Error{Message: "m", Outcome: Misdirected}},
		"the gateway's bad path": {
			400, `{"fault":{"code":"900906","message":"No matching resource","description":"check it"}}`,
			Error{Code: "900906", Message: "No matching resource: check it", Outcome: Misdirected},
		},
		"the gateway's, in XML": {
			403, `<ams:fault xmlns:ams="http://wso2.org/apimanager/security"><ams:code>900908</ams:code>` +
				`<ams:message>Resource forbidden</ams:message><ams:description>why</ams:description></ams:fault>`,
			Error{Code: "900908", Message: "Resource forbidden: why", Outcome: Misdirected},
		},
		"the carrier's, in XML": {
			400, `<?xml version="1.0"?><r><errorCode>A.B</errorCode><errorMessage>m</errorMessage></r>`,
			Error{Code: "A.B", Message: "m", Outcome: Refused},
		},
		"throttled by the gateway": {
			500, `{"fault":{"code":900800,"message":"Message throttled out"}}`,
			Error{Code: "900800", Message: "Message throttled out", Outcome: NotExecuted},
		},
		"backend lost by the gateway": {
			503, `{"fault":{"code":"101504","message":"Runtime Error","description":"Send timeout"}}`,
			Error{Code: "101504", Message: "Runtime Error: Send timeout", Outcome: Unknown},
		},
		"backend suspended": {503, `{"fault":{"code":"303001","message":"m"}}`, Error{Code: "303001", Message: "m", Outcome: NotExecuted}},
		"429 empty":         {429, ``, Error{Outcome: NotExecuted}},
		"503 as a page":     {503, `<html><b>busy</b></html>`, Error{Message: "busy", Outcome: NotExecuted}},
		"500 with a code": {500, `{"errorCode":"U.REQUEST_FAILED.UnexpectedError"}`,
			Error{Code: "U.REQUEST_FAILED.UnexpectedError", Outcome: Unknown}},
		"502":       {502, `Bad Gateway`, Error{Message: "Bad Gateway", Outcome: Unknown}},
		"504":       {504, ``, Error{Outcome: Unknown}},
		"408":       {408, ``, Error{Outcome: Unknown}},
		"413":       {413, ``, Error{Outcome: Refused}},
		"421":       {421, ``, Error{Outcome: Misdirected}},
		"cut words": {400, `{"errorMessage":"` + long + `"}`, Error{Message: long[:300], Outcome: Refused}},
		"cut JSON":  {400, `{"errorCode":"A`, Error{Message: `{"errorCode":"A`, Outcome: Refused}},
	} {
		t.Run(name, func(t *testing.T) {
			server := newCarrier(t)
			server.on(enablePath, answering(c.status, c.body))
			fault := enable(t, newClient(t, server))
			if fault == nil {
				t.Fatal("no error")
			}
			c.want.Op, c.want.Status = "enable", c.status
			if diff := cmp.Diff(&c.want, fault, cmpopts.IgnoreFields(Error{}, "Err")); diff != "" {
				t.Error(diff)
			}
			if fault.Outcome == Misdirected && !strings.Contains(fault.Error(), "check SIMSHIFT_THINGSPACE_URL") {
				t.Errorf("does not say what to check: %v", fault)
			}
			server.asked(t, 1, 1, 1)
		})
	}
}

func TestObeysRetryAfterInBothFormsWithinBounds(t *testing.T) {
	for header, want := range map[string]time.Duration{
		"3":                             3 * time.Second,
		" 120 ":                         2 * time.Minute,
		"0":                             0,
		"-5":                            0,
		"3600":                          time.Hour,
		"86400":                         time.Hour,
		"99999999999999999999999999":    time.Hour,
		"soon":                          0,
		"1.5":                           0,
		"":                              0,
		"Sat, 14 Mar 2026 12:00:30 GMT": 30 * time.Second,
		"Sat, 14 Mar 2026 11:59:00 GMT": 0,
		"Sun, 14 Mar 2027 12:00:00 GMT": time.Hour,
	} {
		for _, status := range []int{http.StatusTooManyRequests, http.StatusServiceUnavailable, http.StatusBadGateway} {
			server := newCarrier(t)
			server.on(enablePath, answering(status, "", "Retry-After", header))
			if fault := enable(t, newClient(t, server)); fault == nil || fault.RetryAfter != want {
				t.Errorf("%d with %q: %v, want %v", status, header, fault.RetryAfter, want)
			}
		}
	}
}

func TestForeignWordsFitALogLine(t *testing.T) {
	for text, want := range map[string]string{
		"":                         "",
		"  a \n\n b\u2028c\u0000 ": "a b c",
		"\x1b]0;title\x07":         "]0;title",
		"a\u202eb":                 "a b",
		"bad \xff byte":            "bad \ufffd byte",
		strings.Repeat("ü", 20):    strings.Repeat("ü", 10),
		strings.Repeat("a ", 20):   "a a a a a",
		"exactly te":               "exactly te",
	} {
		got := oneLine(text, 10)
		if text == "bad \xff byte" {
			got = oneLine(text, 20)
		}
		if got != want || !utf8.ValidString(got) {
			t.Errorf("%q became %q, want %q", text, got, want)
		}
	}
}
