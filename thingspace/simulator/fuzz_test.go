package simulator

import (
	"net/http"
	"testing"
)

func FuzzReadEnable(f *testing.F) {
	for _, seed := range []string{
		`{"devices":[{"deviceIds":[{"kind":"eid","id":"89049032123451234512345678901235"},` +
			`{"kind":"iccid","id":"89141390780800784259"},{"kind":"imei","id":"490154203237518"}]}],` +
			`"accountName":"0000123456-00001","servicePlan":"plan"}`,
		`{"devices":[{"deviceIds":null}],"accountName":"a"}`,
		`{"devices":[],"accountName":"a",}`,
		`[]`, `null`, ``,
	} {
		f.Add([]byte(seed))
	}
	sim, err := New(Config{})
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() {
		if err := sim.Close(); err != nil {
			f.Error(err)
		}
	})
	f.Fuzz(func(t *testing.T, body []byte) {
		order, size, no := sim.readEnable(body, sim.mind.Load())
		if no != nil {
			if no.status != http.StatusBadRequest || no.code == "" || no.body == "" {
				t.Fatalf("refusal %+v", no)
			}
			return
		}
		if size < 1 || size > MaxDevices || len(order.devices) != size || order.account == "" {
			t.Fatalf("took %d devices of %q", size, order.account)
		}
		for _, d := range order.devices {
			if len(d.id.String()) != 32 || len(d.target.String()) < 19 {
				t.Fatalf("took %v", d)
			}
		}
	})
}
