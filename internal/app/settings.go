package app

import (
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"time"
)

// Setting is one name of the configuration. It is read from a flag, then from the environment, then from the file that
// NAME_FILE names; secrets have no flag.
type Setting struct {
	Name    string // without the prefix SIMSHIFT_
	Default string
	Secret  bool
	Usage   string
}

// Settings is every setting there is, in the order in which they are documented.
var Settings = []Setting{
	{Name: "REDIS_URL", Default: "redis://127.0.0.1:6379/0",
		Usage: "where Redis is: redis://, rediss://, redis+sentinel://HOST,HOST/MASTER/DB or redis+cluster://HOST,HOST"},
	{Name: "SERVER",
		Usage: "the console of a `simshift serve` to work through instead of Redis, as https://simshift.example.com; empty: Redis"},
	{Name: "TOKEN_FILE", Usage: "the file with your token for it"},
	{Name: "THINGSPACE_URL", Default: "https://thingspace.verizon.com/api", Usage: "the carrier's API"},
	{Name: "THINGSPACE_KEY", Secret: true, Usage: "the application's key"},
	{Name: "THINGSPACE_SECRET", Secret: true, Usage: "the application's secret"},
	{Name: "THINGSPACE_USERNAME", Secret: true, Usage: "the API user's name"},
	{Name: "THINGSPACE_PASSWORD", Secret: true, Usage: "the API user's password"},
	{Name: "THINGSPACE_TIMEOUT", Default: "60s", Usage: "how long one request to the carrier may take, at most 5m"},
	{Name: "CALLBACK_URL",
		Usage: "the public URL of the callback listener; where set, it is registered for each account before its first batch"},
	{Name: "CALLBACK_LISTEN", Default: ":9001", Usage: "the address the callback listener binds"},
	{Name: "CALLBACK_USERNAME", Secret: true, Usage: "the name the carrier sends in callbacks"},
	{Name: "CALLBACK_PASSWORD", Secret: true, Usage: "the password the carrier sends in callbacks; without one they are taken from anyone"},
	{Name: "CALLBACK_PREVIOUS_USERNAME", Secret: true, Usage: "the name that goes with the previous password, if it was another"},
	{Name: "CALLBACK_PREVIOUS_PASSWORD", Secret: true, Usage: "still accepted while the carrier changes over"},
	{Name: "CALLBACK_ALLOW",
		Usage: "from where callbacks are taken, as verizon,192.0.2.7,10.0.0.0/8; verizon: its published addresses; empty: from anywhere"},
	{Name: "CALLBACK_TRUSTED_PROXIES",
		Usage: "proxies before the listener whose X-Forwarded-For is believed, as 10.0.0.5,10.1.0.0/16"},
	{Name: "CALLBACK_CONNECTIONS", Default: "4000",
		Usage: "connections the callback listener holds, 10 to 100000; at the bound the slowest makes room for the next"},
	{Name: "CALLBACK_TLS_CERT", Usage: "the file with the listener's certificate chain (PEM), read again when it changes; empty: no TLS"},
	{Name: "CALLBACK_TLS_KEY", Usage: "the file with the certificate's key (PEM)"},
	{Name: "CONSOLE_LISTEN", Default: "127.0.0.1:8080",
		Usage: "the address of the console, the API and the figures, or off; another than a loopback one wants a tokens file"},
	{Name: "CONSOLE_TOKENS_FILE", Usage: "who may use them: a file that `simshift tokens` keeps, read again when it changes; empty: nobody"},
	{Name: "CONSOLE_URL",
		Usage: "how browsers reach the console, as https://simshift.example.com; empty: by an address, or as localhost"},
	{Name: "CONSOLE_TLS_CERT", Usage: "the file with the console's certificate chain (PEM), read again when it changes; empty: no TLS"},
	{Name: "CONSOLE_TLS_KEY", Usage: "the file with the certificate's key (PEM)"},
	{Name: "UPLOAD_MAX", Default: "4294967296", Usage: "the largest fleet that can be sent to the console, in bytes"},
	{Name: "RATE_REQUESTS", Default: "2/s", Usage: "requests to the carrier over all workers, as 2/s or 60/min; 0: no limit"},
	{Name: "RATE_DEVICES", Default: "0", Usage: "devices sent over all workers, as 60000/min; 0: no limit"},
	{Name: "MAX_IN_FLIGHT", Default: "0", Usage: "devices that may await their callback at once; 0: no limit"},
	{Name: "CONCURRENCY", Default: "10", Usage: "tasks a worker does at once, 1 to 1000"},
	{Name: "SWEEP_EVERY", Default: "5s", Usage: "about how often a worker looks for what was forgotten"},
	{Name: "RETENTION", Default: "720h", Usage: "how long ended jobs are kept"},
	{Name: "OPERATOR", Usage: "who acts, for the jobs' logs and approvals; empty: the user of the operating system"},
	{Name: "APPROVE_ABOVE", Default: "0",
		Usage: "jobs of more devices than this wait for a second person's `jobs approve`; 0: none do"},
	{Name: "NOTIFY_URL", Secret: true, Usage: "the webhook that is told when a job ends, stops or waits for somebody"},
	{Name: "NOTIFY_SECRET", Secret: true,
		Usage: "what the webhook's news is signed with, as Standard Webhooks have it: whsec_ and 24 to 64 bytes in base64"},
	{Name: "NOTIFY_COMMAND", Usage: "the whole path of a program that is told the same, on its standard input"},
	{Name: "METRICS_LISTEN",
		Usage: "the loopback address at which a worker shows its own figures to Prometheus, as 127.0.0.1:9464; empty: at none"},
	{Name: "TRACES_URL",
		Usage: "the OpenTelemetry collector that is told of imports, requests and callbacks, as http://127.0.0.1:4318; empty: none is"},
	{Name: "LOG_LEVEL", Default: "info", Usage: "debug, info, warn or error"},
	{Name: "LOG_FORMAT", Default: "text", Usage: "text or json"},
	{Name: "LOG_IDENTITIES", Default: "masked",
		Usage: "masked or full: whether logs tell of an EID, ICCID or IMEI more than its last four digits"},
}

// Flag is the setting's flag, without the dashes: CALLBACK_LISTEN is --callback-listen.
func (s Setting) Flag() string { return strings.ToLower(strings.ReplaceAll(s.Name, "_", "-")) }

// Env is the program's surroundings, given by main.
type Env struct {
	In       io.Reader
	Out      io.Writer // data
	Err      io.Writer // talk
	Terminal bool      // Err is a terminal: progress may be drawn
	Asks     bool      // In is a terminal, too: a person can be asked
	Getenv   func(string) string
	Flags    map[string]string // settings given as flags, by Setting.Name
	Now      func() time.Time
}

// get reads a setting: flag, environment, file, default.
func (e *Env) get(name string) (string, error) {
	setting, ok := find(name)
	if !ok {
		return "", fmt.Errorf("no such setting: %s", name)
	}
	if value, given := e.Flags[name]; given {
		return value, nil
	}
	variable := "SIMSHIFT_" + name
	if value := e.Getenv(variable); value != "" {
		return value, nil
	}
	if path := e.Getenv(variable + "_FILE"); path != "" {
		text, err := os.ReadFile(path) //nolint:gosec // the operator names it
		if err != nil {
			return "", usage("make the file readable, or unset "+variable+"_FILE", "read %s_FILE: %w", variable, err)
		}
		return strings.TrimRight(string(text), "\r\n"), nil
	}
	return setting.Default, nil
}

// chosen tells whether somebody set a setting, be it to its default.
func (e *Env) chosen(name string) bool {
	_, flag := e.Flags[name]
	return flag || e.Getenv("SIMSHIFT_"+name) != "" || e.Getenv("SIMSHIFT_"+name+"_FILE") != ""
}

func find(name string) (Setting, bool) {
	for _, setting := range Settings {
		if setting.Name == name {
			return setting, true
		}
	}
	return Setting{}, false
}

// reader reads settings and remembers the first thing that is wrong.
type reader struct {
	env *Env
	err error
}

func (r *reader) text(name string) string {
	value, err := r.env.get(name)
	if err != nil && r.err == nil {
		r.err = err
	}
	return value
}

func (r *reader) duration(name string, least, most time.Duration) time.Duration {
	text := r.text(name)
	d, err := time.ParseDuration(text)
	if (err != nil || d < least || d > most) && r.err == nil {
		r.err = usage(fmt.Sprintf("set it to a duration from %v to %v", least, most), "SIMSHIFT_%s is %q", name, text)
	}
	return d
}

func (r *reader) number(name string, least, most int64) int64 {
	text := r.text(name)
	n, err := strconv.ParseInt(text, 10, 64)
	if (err != nil || n < least || n > most) && r.err == nil {
		r.err = usage(fmt.Sprintf("set it to a number from %d to %d", least, most), "SIMSHIFT_%s is %q", name, text)
	}
	return n
}
