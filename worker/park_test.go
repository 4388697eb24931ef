package worker

import (
	"strings"
	"testing"
)

func TestNothingSecretIsParked(t *testing.T) {
	t.Parallel()
	r := &Received{Raw: []byte(`{"Username":"carrier","requestId":"r","deviceResponse":[{"password":"hush","state":12345678901234567890}]}`)}
	p := park(r, "a test")
	if strings.Contains(p.Raw, "hush") || strings.Contains(p.Raw, "carrier") || !strings.Contains(p.Raw, "12345678901234567890") {
		t.Errorf("parked: %s", p.Raw)
	}
	if again := park(r, "later"); again.ID != p.ID {
		t.Error("the same callback has two ids")
	}
}

func TestANumberThatNoFloatHoldsDoesNotCostTheCallback(t *testing.T) {
	t.Parallel()
	if got := string(withoutCredentials([]byte(`{"password":"x","callbackCount":1e999}`))); got != `{"callbackCount":1e999}` {
		t.Errorf("kept %q", got)
	}
}
