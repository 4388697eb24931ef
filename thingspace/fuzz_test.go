package thingspace

import (
	"slices"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"
)

// fitsALine tells whether foreign words may stand in a log line.
func fitsALine(text string, runes int) bool {
	return utf8.ValidString(text) && utf8.RuneCountInString(text) <= runes && text == strings.TrimSpace(text) &&
		!strings.ContainsFunc(text, func(r rune) bool { return !unicode.IsPrint(r) })
}

// FuzzReadProblem holds that whatever body a failed answer has, what is kept of it fits a line and holds no secret.
func FuzzReadProblem(f *testing.F) {
	const secret = "correct horse battery"
	for _, seed := range []string{
		`{"errorCode":"U.REQUEST_FAILED.X","errorMessage":"words"}`, `[{"errorCode":400}]`, `[]`, `{"fault":{"code":900901}}`,
		`{"error":"invalid_client","error_description":"correct horse battery"}`, `{"fault":"no","errorCode":["x"]}`,
		`<ams:fault xmlns:ams="x"><ams:code>900908</ams:code><ams:message>m</ams:message></ams:fault>`,
		`<html><script>x</script><b>correct horse battery</b></html>`, `{"errorMessage":"correct \u0068orse battery"}`,
		"no\r\n\x1b[31m such\tmethod\xff", `{"errorCode":"A`, `<a><code>correct horse <!-- x -->battery</code></a>`, ``,
		`<code>correct<b></b> horse battery`, "{\"errorMessage\":\"correct\u00a0horse\u200b battery\"}",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		p := readProblem(body, []string{secret, ""})
		if !fitsALine(p.code, longestCode) || !fitsALine(p.message, longestMessage) {
			t.Fatalf("%q became %+v", body, p)
		}
		if strings.Contains(p.code, secret) || strings.Contains(p.message, secret) {
			t.Fatalf("%q tells the secret: %+v", body, p)
		}
		_ = weighLogin(&Error{Status: 401, Code: p.code})
	})
}

// FuzzRetryAfter holds that no header keeps us away for longer than is sensible, or for less than nothing.
func FuzzRetryAfter(f *testing.F) {
	for _, seed := range []string{
		"3", " 120 ", "-5", "86400", "99999999999999999999999999", "soon", "1.5", "", "Sat, 14 Mar 2026 12:00:30 GMT",
		"Saturday, 14-Mar-26 12:00:30 GMT", "Sat Mar 14 12:00:30 2026", "Sun, 06 Nov 9999 08:49:37 GMT", "+3", "0x10", "3,4",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, header string) {
		wait := retryAfter(header, noon)
		if wait < 0 || wait > longestWait || wait%time.Second != 0 {
			t.Fatalf("%q asks for %v", header, wait)
		}
		if other := retryAfter(" "+header+" ", noon); other != wait {
			t.Fatalf("%q asks for %v, with space around it for %v", header, wait, other)
		}
	})
}

// FuzzReadListeners holds that the same answer always lists the same listeners.
func FuzzReadListeners(f *testing.F) {
	for _, seed := range []string{
		`[{"accountName":"a","serviceName":"s","url":"u","username":"u","password":"p","aliases":[]}]`, `{}`, ``, `null`, `[null]`,
		`{"serviceName":"s","url":"u"}`, `{"callbacks":[{"name":"s","url":"u"}]}`, `{"a":null,"b":[{"url":"u"}],"c":[]}`,
		`{"errorCode":"none"}`, `<html>`, `{"url":1}`, `[{"url":1}]`, `{"a":[{"url":"1"}],"b":[{"url":"2"}]}`, ` [] `, `{"URL":"x"}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		found, ok := readListeners(body)
		if !ok && len(found) > 0 {
			t.Fatalf("%q is no list, and lists %v", body, found)
		}
		for range 4 {
			if again, okAgain := readListeners(body); okAgain != ok || !slices.Equal(again, found) {
				t.Fatalf("%q lists %v, and then %v", body, found, again)
			}
		}
	})
}

// FuzzReadRequestID holds that what is taken for a request id can stand in a key and a log line.
func FuzzReadRequestID(f *testing.F) {
	for _, seed := range []string{
		`{"requestId":"d1f08526-5443-4054-9a29-4456490ea9f8"}`, `{"requestId":12}`, `{"requestId":" x "}`, `{"requestId":""}`,
		`{"requestId":null}`, `{"requestId":["x"]}`, `{"REQUESTID":"x"}`, `{"requestId":"a\nb"}`, `[]`, ``, `{"requestId":"a`,
		`{"requestId":"` + strings.Repeat("x", longestRequestID+1) + `"}`, `{"requestId":"\u202e"}`, `{"requestId":"ü"}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		id, ok := readRequestID(body)
		if ok && (id == "" || len(id) > longestRequestID || !fitsALine(id, longestRequestID)) {
			t.Fatalf("%q gives %q", body, id)
		}
	})
}
