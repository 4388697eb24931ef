package worker

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/simshift/simshift/thingspace"
)

// FuzzWithoutCredentials holds that nothing named like a credential is kept, however nested or cased, and that the callback
// says the same as before when it is decoded again.
func FuzzWithoutCredentials(f *testing.F) {
	for _, seed := range []string{
		`{"Username":"carrier","requestId":"r","deviceResponse":[{"password":"hush","state":12345678901234567890}]}`,
		`{"password":"a","PASSWORD":"b","pa\u0073sword":"c"}`, `{"username":{"password":["x"]},"status":"SUCCESS"}`,
		`[{"password":1},[{"password":2}],{}]`, `{"status":"SUCCESS","Status":"FAILED"}`, `{"a":"<&>\u2028","b":"\ud800"}`,
		`{"a":{"password":"x"},"b":[ ] , "c" : -0.0e+1 }`, `{}`, `null`, `"password"`, `{"a":1}{"password":"x"}`, `{"password":`, ``,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		clean := withoutCredentials(body)
		if len(clean) > len(body) {
			t.Fatalf("%q grew to %q", body, clean)
		}
		var whole any
		if clean != nil && (json.Unmarshal(clean, &whole) != nil || namesASecret(whole)) {
			t.Fatalf("%q became %q", body, clean)
		}
		before, err := thingspace.DecodeCallback(body)
		if err != nil {
			return
		}
		after, err := thingspace.DecodeCallback(clean)
		before.Username, before.Password = "", ""
		if err != nil || after != before {
			t.Fatalf("%q said %+v, and says as %q %+v (%v)", body, before, clean, after, err)
		}
	})
}

func namesASecret(value any) bool {
	switch v := value.(type) {
	case map[string]any:
		for name, inner := range v {
			if strings.EqualFold(name, "username") || strings.EqualFold(name, "password") || namesASecret(inner) {
				return true
			}
		}
	case []any:
		return slices.ContainsFunc(v, namesASecret)
	}
	return false
}

func TestAParkedCallbackSaysTheSameWhenItIsDecodedAgain(t *testing.T) {
	t.Parallel()
	body := []byte(`{"status":"SUCCESS","password":"hush","Status":"FAILED"}`)
	if got, err := thingspace.DecodeCallback(withoutCredentials(body)); err != nil || got.Status != thingspace.Failure {
		t.Errorf("a failure is %v after it was parked (%v)", got.Status, err)
	}
}
