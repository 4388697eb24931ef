package app

import (
	"strings"
	"testing"
	"time"
)

func TestWrongSettingsOfTheCallbackListenerSayWhatToDo(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ setting, value, hint string }{
		{"CALLBACK_ALLOW", "verizn", "verizon stands for"},
		{"CALLBACK_ALLOW", "10.0.0.0/33", "verizon,192.0.2.7,10.0.0.0/8"},
		{"CALLBACK_TRUSTED_PROXIES", "verizon", "your own proxies"},
		{"CALLBACK_CONNECTIONS", "9", "a number from 10 to 100000"},
		{"CALLBACK_CONNECTIONS", "many", "a number from 10 to 100000"},
		{"CALLBACK_PREVIOUS_USERNAME", "before", "SIMSHIFT_CALLBACK_PREVIOUS_PASSWORD"},
		{"CALLBACK_TLS_CERT", "tls.crt", "set both, or neither"},
	} {
		d := &deployment{log: quiet(), env: &Env{
			Getenv: func(string) string { return "" }, Flags: map[string]string{c.setting: c.value}, Now: time.Now,
		}}
		_, err := d.gate()
		if ExitCode(err) != ExitUsage || !strings.Contains(Hint(err), c.hint) || !strings.Contains(err.Error(), "SIMSHIFT_"+c.setting) {
			t.Errorf("%s=%s: %v (%d), to go on: %s", c.setting, c.value, err, ExitCode(err), Hint(err))
		}
	}
}

func TestWithoutSettingsTheGateIsOpenToAnyoneAndBounded(t *testing.T) {
	t.Parallel()
	d := &deployment{log: quiet(), env: &Env{Getenv: func(string) string { return "" }, Now: time.Now}}
	gate, err := d.gate()
	if err != nil {
		t.Fatal(err)
	}
	if gate.Connections != 4000 || gate.Certificate != nil || len(gate.Sources.Allowed)+len(gate.Sources.Proxies) > 0 {
		t.Errorf("%+v", gate)
	}
}
