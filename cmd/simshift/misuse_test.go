package main

import (
	"bytes"
	"context"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/spf13/cobra"

	"github.com/simshift/simshift/internal/app"
	"github.com/simshift/simshift/internal/redistest"
)

// advised is what wrong use says: one error, and then what to do about it.
var advised = regexp.MustCompile(`(?s)^simshift: .+\n  to go on: \S.+\n$`)

// misused runs a command line that is wrong. It must end with the code, print no data, and say what to do.
func misused(t *testing.T, redis, line string, code int) {
	t.Helper()
	var args []string
	for _, word := range words.FindAllString(line, -1) {
		args = append(args, strings.Trim(word, "'"))
	}
	settings := map[string]string{
		"SIMSHIFT_REDIS_URL": redis, "SIMSHIFT_THINGSPACE_KEY": "key", "SIMSHIFT_THINGSPACE_SECRET": "secret",
		"SIMSHIFT_THINGSPACE_USERNAME": "user", "SIMSHIFT_THINGSPACE_PASSWORD": "pass", "SIMSHIFT_THINGSPACE_URL": "http://127.0.0.1:1/api",
		"SIMSHIFT_CALLBACK_PASSWORD": "hush", "SIMSHIFT_LOG_LEVEL": "error", "SIMSHIFT_CALLBACK_LISTEN": "127.0.0.1:0",
	}
	var out, talk bytes.Buffer
	env := &app.Env{
		In: strings.NewReader(""), Out: &out, Err: &talk, Getenv: func(name string) string { return settings[name] },
		Flags: map[string]string{}, Now: time.Now,
	}
	ctx, stop := context.WithTimeout(t.Context(), patience) // a server that took it would run on
	defer stop()
	if got := execute(ctx, env, args); got != code {
		t.Errorf("simshift %s ended with %d, not %d:\n%s%s", line, got, code, &talk, &out)
	}
	if out.Len() > 0 || !advised.MatchString(talk.String()) {
		t.Errorf("simshift %s prints %q and says\n%s", line, &out, &talk)
	}
}

// needed are the flags that a command can not do without.
var needed = map[string]string{
	"jobs priority":      " --to 1",
	"callbacks register": " --account 0000123456-00001",
	"callbacks list":     " --account 0000123456-00001",
	"callbacks remove":   " --account 0000123456-00001",
}

// misuses are the lines that are wrong whatever a command does, with their exit codes.
func misuses(cmd *cobra.Command) map[string]int {
	path := strings.TrimSpace(strings.TrimPrefix(cmd.CommandPath(), "simshift"))
	_, takes, _ := strings.Cut(cmd.Use, " ")
	argument := ""
	if takes != "" && takes[0] != '[' {
		argument = " no-such-thing"
	}
	whole := path + argument + needed[path]
	lines := map[string]int{whole + " --no-such-flag": app.ExitUsage, whole + " --log-level": app.ExitUsage}
	if cmd.Flags().Lookup("output") != nil {
		lines[whole+" -o yaml"] = app.ExitUsage
	}
	if !strings.Contains(takes, "...") {
		lines[whole+" one two"] = app.ExitUsage
	}
	if argument != "" {
		lines[path+needed[path]] = app.ExitUsage
	}
	if needed[path] != "" {
		lines[path+argument] = app.ExitUsage
	}
	if takes == "JOB" {
		lines[whole] = app.ExitError
		lines[path+" ''"+needed[path]] = app.ExitUsage
	}
	return lines
}

// Whatever command is used wrongly ends with 2, or with 1 where a job is not found; it prints nothing but an error and what
// to do about it.
func TestWrongUseOfEveryCommandSaysWhatToDo(t *testing.T) {
	t.Parallel()
	redis := redistest.Start(t).URL()
	for _, cmd := range commands() {
		for line, code := range misuses(cmd) {
			misused(t, redis, line, code)
		}
	}
}

// Values that a flag or a setting can not have, and things that are not there.
func TestAWrongValueSaysWhatToDo(t *testing.T) {
	t.Parallel()
	redis := redistest.Start(t).URL()
	folder := t.TempDir()
	fleet := filepath.Join(folder, "fleet.csv")
	write(t, fleet, "eid,iccid,account\n89049032000000000000000000000063,8944538000000000002,0000123456-00001\n")
	for _, flags := range []string{
		"--attempts 0", "--attempts many", "--attempts 101", "--batch-size 0", "--batch-size 10001", "--answer-within 1ms",
		"--answer-within soon", "--backoff 1ms", "--backoff 1h --backoff-max 1m", "--doubt-grace 0s", "--doubt-grace 25h",
		"--window noon", "--window 'xyz 22:00-05:00'", "--start someday", "--start 22:00 --tz Mars/Olympus",
		"--tz nowhere", "--waves 0", "--waves 5%,many", "--gate 95%", "--waves 5%,100% --gate 101%", "--gate-by-hand",
		"--brake 101%", "--brake most", "--brake 10% --brake-last 0", "--brake 10% --brake-least 0", "--per-window 10",
		"--per-window=-1", "--priority 10", "--priority=-10", "--revert-plan " + strings.Repeat("p", 101),
	} {
		misused(t, redis, "plan "+fleet+" --plan x "+flags, app.ExitUsage)
		misused(t, redis, "import "+fleet+" --target us --plan x "+flags, app.ExitUsage)
	}
	for line, code := range map[string]int{
		"import " + fleet:                                app.ExitUsage,
		"import " + fleet + " --target mars":             app.ExitUsage,
		"plan " + fleet + " --target mars":               app.ExitUsage,
		"import nowhere.csv --target us":                 app.ExitUsage,
		"import " + folder + " --target us":              app.ExitUsage,
		"plan nowhere.csv":                               app.ExitUsage,
		"results no-such-job --state lost":               app.ExitUsage,
		"results no-such-job --state rejected":           app.ExitUsage,
		"results no-such-job --min-attempts many":        app.ExitUsage,
		"results no-such-job --join f.csv -o json":       app.ExitUsage,
		"jobs retry no-such-job --only sent":             app.ExitUsage,
		"jobs retry no-such-job --only succeeded":        app.ExitUsage,
		"jobs cancel no-such-job --device 12":            app.ExitUsage,
		"jobs cancel no-such-job --devices-file nowhere": app.ExitUsage,
		"jobs cancel no-such-job --devices-file ''":      app.ExitUsage,
		"jobs cancel no-such-job --device ''":            app.ExitUsage,
		"jobs priority no-such-job --to 10":              app.ExitUsage,
		"jobs priority no-such-job --to high":            app.ExitUsage,
		"jobs watch no-such-job --every often":           app.ExitUsage,
		"jobs limits --requests often":                   app.ExitUsage,
		"jobs limits --devices=-1":                       app.ExitUsage,
		"jobs limits --max-in-flight some":               app.ExitUsage,
		"jobs limits ''":                                 app.ExitUsage,
		"jobs limits no-such-job":                        app.ExitError,
		"device 12":                                      app.ExitUsage,
		"device ''":                                      app.ExitUsage,
		"device 89049032000000000000000000000063":        app.ExitError,
		"callbacks list --account 0000123456-00001":      app.ExitError,
		"callbacks remove --account 0000123456-00001":    app.ExitError,
		"jobs list --redis-url redis://127.0.0.1:1/0":    app.ExitError,
		"serve --callback-listen nowhere":                app.ExitError,
		"callbacks list --account ''":                    app.ExitUsage,
		"callbacks register --account 0000123456-00001":  app.ExitUsage,
		"callbacks parked 0a1b2c3d4e5f6071":              app.ExitUsage,
		"callbacks parked --forget":                      app.ExitUsage,
		"callbacks parked --forget 0a1b2c3d4e5f6071":     app.ExitError,
		"callbacks parked --replay 0a1b2c3d4e5f6071":     app.ExitError,
		"callbacks parked --replay --forget":             app.ExitUsage,
		"callbacks parked --replay -o json":              app.ExitUsage,
		"callbacks parked --most 0":                      app.ExitUsage,
		"demo --devices 0":                               app.ExitUsage,
		"demo --devices 100001":                          app.ExitUsage,
		"demo --folder " + fleet:                         app.ExitError,
		"help jobs lost":                                 app.ExitUsage,
		"help lost":                                      app.ExitUsage,
		"jobs lost":                                      app.ExitUsage,
		"callbacks lost":                                 app.ExitUsage,
		"completion lost":                                app.ExitUsage,
	} {
		misused(t, redis, line, code)
	}
	for _, flags := range []string{
		"--latency soon", "--answer-delay 5s-1s", "--duplicate-delay x", "--resend x", "--at drop", "--at 1=dance", "--at 0=drop",
		"--fail-account 0.3", "--fail-account a=2", "--offline 2", "--silent=-1", "--faulty 0.6 --silent 0.6", "--role KING",
		"--poison 12", "--absent x", "--limit-requests=-1", "--limit-devices=-1", "--token-life=-1s", "--offline-attempts=-1",
	} {
		misused(t, redis, "simulator --listen 127.0.0.1:0 "+flags, app.ExitUsage)
	}
	misused(t, redis, "simulator --listen nowhere", app.ExitError)
	misused(t, redis, "simulator --listen 127.0.0.1:0 --book "+folder, app.ExitError)
}

func TestWhatNoServerDoesIsNotAskedOfOne(t *testing.T) {
	t.Parallel()
	for path := range stays {
		cmd, _, err := root(&app.Env{Flags: map[string]string{}}).Find(strings.Fields(path))
		if err != nil || cmd.CommandPath() != "simshift "+path {
			t.Errorf("%s is no command (%v)", path, err)
			continue
		}
		_, takes, _ := strings.Cut(cmd.Use, " ")
		line := path + needed[path] + " --server http://127.0.0.1:1"
		if takes != "" {
			line += " dana"
		}
		misused(t, "redis://127.0.0.1:1/0", line, app.ExitUsage)
	}
}

// wrongSettings has a value for each setting that it can not have, and a command that reads it.
var wrongSettings = map[string]string{
	"server":                   "jobs list --server http://192.0.2.1",
	"token-file":               "jobs list --server http://127.0.0.1:1 --token-file nowhere",
	"upload-max":               "serve --callback-listen 127.0.0.1:0 --console-listen 127.0.0.1:0 --upload-max some",
	"redis-url":                "jobs list --redis-url localhost",
	"thingspace-url":           "work --thingspace-url nowhere",
	"thingspace-timeout":       "jobs list --thingspace-timeout 6m",
	"callback-url":             "work --callback-url nowhere",
	"callback-listen":          "", // whether one can listen there shows when one tries
	"callback-allow":           "serve --callback-allow verizn",
	"callback-trusted-proxies": "serve --callback-trusted-proxies proxy",
	"callback-connections":     "serve --callback-connections 1",
	"callback-tls-cert":        "serve --callback-tls-cert nowhere.crt --callback-tls-key nowhere.key",
	"callback-tls-key":         "serve --callback-tls-key nowhere.key",
	"console-listen":           "serve --callback-listen 127.0.0.1:0 --console-listen :0",
	"console-tokens-file":      "serve --callback-listen 127.0.0.1:0 --console-listen 127.0.0.1:0 --console-tokens-file nowhere",
	"console-url":              "serve --callback-listen 127.0.0.1:0 --console-listen 127.0.0.1:0 --console-url nowhere",
	"console-tls-cert":         "serve --callback-listen :0 --console-listen 127.0.0.1:0 --console-tls-cert no.crt --console-tls-key no.key",
	"console-tls-key":          "serve --callback-listen 127.0.0.1:0 --console-listen 127.0.0.1:0 --console-tls-key nowhere.key",
	"rate-requests":            "jobs list --rate-requests often",
	"rate-devices":             "jobs list --rate-devices many",
	"max-in-flight":            "jobs list --max-in-flight some",
	"concurrency":              "work --concurrency 0",
	"sweep-every":              "work --sweep-every often",
	"retention":                "work --retention forever",
	"operator":                 "", // anybody
	"approve-above":            "import FLEET --target us --plan x --approve-above some",
	"notify-command":           "work --notify-command pager",
	"metrics-listen":           "work --metrics-listen :9464",
	"traces-url":               "jobs list --traces-url 127.0.0.1:4318",
	"log-level":                "jobs list --log-level loud",
	"log-format":               "jobs list --log-format xml",
	"log-identities":           "jobs list --log-identities some",
}

func TestAWrongSettingSaysWhatToDo(t *testing.T) {
	t.Parallel()
	redis := redistest.Start(t).URL()
	fleet := filepath.Join(t.TempDir(), "fleet.csv")
	write(t, fleet, "eid,iccid,account\n89049032000000000000000000000063,8944538000000000002,0000123456-00001\n")
	for _, setting := range app.Settings {
		line, known := wrongSettings[setting.Flag()]
		switch {
		case setting.Secret:
		case !known:
			t.Errorf("--%s: what can it not be? enter it in wrongSettings", setting.Flag())
		case line != "":
			misused(t, redis, strings.Replace(line, "FLEET", fleet, 1), app.ExitUsage)
		}
	}
}
