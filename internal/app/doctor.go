package app

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/simshift/simshift/thingspace"
	"github.com/simshift/simshift/worker"
)

// DoctorOptions are the flags of doctor.
type DoctorOptions struct {
	Account        string
	ClearLoginHold bool
	Notify         bool // send a test
	Format         Format
}

// finding is one thing that doctor looked at.
type finding struct {
	Check string `json:"check"`
	OK    bool   `json:"ok"`
	Found string `json:"found"`
	Do    string `json:"do,omitempty"` // what to do about it
}

// Doctor checks what a night depends on, and tells what to do about what is not right. It fails where something is not.
func Doctor(ctx context.Context, env *Env, options DoctorOptions) error {
	var findings []finding
	d, err := open(ctx, env)
	if err != nil {
		findings = append(findings, finding{"redis", false, err.Error(), Hint(err)})
	} else {
		defer d.Close()
		d.log = quiet()
		findings = append(findings, d.checkRedis(ctx)...)
		findings = append(findings, d.checkCarrier(ctx, options)...)
		findings = append(findings, d.checkNotify(ctx, options.Notify)...)
		findings = append(findings, d.checkBooks(ctx)...)
	}
	if err := printFindings(env, findings, options.Format); err != nil {
		return err
	}
	for _, f := range findings {
		if !f.OK {
			return &Failure{Code: ExitError, Err: errors.New("not everything is as it should be"),
				Hint: "each line marked with !! (in JSON: each with ok false) tells what to do"}
		}
	}
	return nil
}

// checkRedis looks at what makes Redis a safe place for the books.
func (d *deployment) checkRedis(ctx context.Context) []finding {
	info, err := d.rdb.InfoMap(ctx).Result()
	if err != nil {
		return []finding{{"redis", false, err.Error(), "grant the user INFO, or check Redis by hand"}}
	}
	field := func(name string) string {
		for _, section := range info {
			if value, ok := section[name]; ok {
				return value
			}
		}
		return ""
	}
	version := field("redis_version")
	findings := []finding{
		{"redis version", atLeast(version, 6, 2), version, "use Redis 6.2 or newer"},
		{"redis persistence", field("aof_enabled") == "1", "appendonly " + yes(field("aof_enabled") == "1") + d.fsync(ctx),
			"set appendonly yes; without it a restart of Redis loses jobs"},
		{"redis eviction", field("maxmemory_policy") == "noeviction", "maxmemory-policy " + field("maxmemory_policy"),
			"set maxmemory-policy noeviction; any other deletes parts of jobs when memory is short"},
	}
	skew := d.anchor.skew()
	return append(findings, finding{"clock", skew.Abs() < 5*time.Second,
		fmt.Sprintf("%v beside that of Redis", skew.Round(time.Millisecond)),
		"keep the machines' clocks together (NTP); the books go by that of Redis, certificates and the carrier do not"})
}

// fsync tells when Redis writes to disk: with everysec, a power loss costs its last second.
func (d *deployment) fsync(ctx context.Context) string {
	set, err := d.rdb.ConfigGet(ctx, "appendfsync").Result()
	if err != nil || set["appendfsync"] == "" {
		return "" // a hosted Redis may not tell
	}
	return ", appendfsync " + set["appendfsync"]
}

func atLeast(version string, major, minor int) bool {
	parts := strings.SplitN(version, ".", 3)
	if len(parts) < 2 {
		return false
	}
	x, errX := strconv.Atoi(parts[0])
	y, errY := strconv.Atoi(parts[1])
	return errX == nil && errY == nil && (x > major || x == major && y >= minor)
}

func yes(on bool) string {
	if on {
		return "yes"
	}
	return "no"
}

// checkCarrier looks at the credentials and the login hold, and with an account at its listener.
func (d *deployment) checkCarrier(ctx context.Context, options DoctorOptions) []finding {
	client, cfg, err := d.carrier()
	if err != nil {
		return []finding{{"credentials", false, strings.ReplaceAll(err.Error(), "\n", "; "), Hint(err)}}
	}
	findings := []finding{{"credentials", true, "set, not tried, for " + cfg.BaseURL, ""}}
	if options.ClearLoginHold {
		if err := client.ClearLoginHold(ctx); err != nil {
			findings = append(findings, finding{"login hold", false, err.Error(), ""})
		} else {
			findings = append(findings, d.releaseLogin(ctx))
		}
	}
	hold, err := client.LoginHold(ctx)
	switch {
	case err != nil:
		findings = append(findings, finding{"login hold", false, err.Error(), ""})
	case hold != nil:
		findings = append(findings, finding{"login hold", false, hold.String(),
			"correct the credentials, then `simshift doctor --clear-login-hold`"})
	default:
		findings = append(findings, finding{"login hold", true, "none", ""})
	}
	own, err := listener(d.env)
	if err != nil {
		return append(findings, finding{"listener", false, err.Error(), Hint(err)})
	}
	secret := reader{env: d.env}
	if secret.text("CALLBACK_PASSWORD") == "" {
		findings = append(findings, finding{"callback password", false, "none: callbacks are taken from anyone",
			"set SIMSHIFT_CALLBACK_USERNAME and SIMSHIFT_CALLBACK_PASSWORD"})
	}
	findings = append(findings, checkCallbackURL(own.URL))
	if options.Account == "" || hold != nil {
		return append(findings, finding{"listener", true, "not asked for; --account ACCOUNT asks the carrier", ""})
	}
	standing, err := profileListener(ctx, client, options.Account)
	switch {
	case err != nil:
		return append(findings, finding{"listener", false, err.Error(), ""})
	case standing == nil:
		return append(findings, finding{"listener", own.URL != "", "none at the carrier yet",
			"set SIMSHIFT_CALLBACK_URL, or `simshift callbacks register --account " + options.Account + "`"})
	}
	return append(findings, finding{"listener", own.URL == "" || own.URL == standing.URL, standing.URL,
		"`simshift callbacks register --account " + options.Account + " --replace` takes it over"})
}

// releaseLogin ends the holds that the login hold left behind, so that workers try again at once.
func (d *deployment) releaseLogin(ctx context.Context) finding {
	holds, err := d.limiter.Holds(ctx)
	for _, hold := range holds {
		if strings.Contains(hold.Reason, thingspace.ErrLoginHeld.Error()) {
			_, rerr := d.limiter.Release(ctx, hold.Scope)
			err = errors.Join(err, rerr)
		}
	}
	if err != nil {
		return finding{"login hold", false, err.Error(), ""}
	}
	return finding{"login hold", true, "cleared; workers log in again", ""}
}

// checkCallbackURL looks at the address that is registered with the carrier.
func checkCallbackURL(address string) finding {
	if address == "" {
		return finding{"callback URL", false, "not set: nothing is registered, and callbacks go where they went before",
			"set SIMSHIFT_CALLBACK_URL, as https://fleet.example.com:9001" + worker.CallbackPath}
	}
	u, err := url.Parse(address)
	if err != nil || u.Path != worker.CallbackPath {
		return finding{"callback URL", false, "its path is not " + worker.CallbackPath + ", the one that serve answers",
			"unless a proxy rewrites it, correct SIMSHIFT_CALLBACK_URL"}
	}
	return finding{"callback URL", true, address, ""}
}

// checkBooks looks for what waits for a person.
func (d *deployment) checkBooks(ctx context.Context) []finding {
	parked, err := d.ledger.ParkedCount(ctx)
	if err != nil {
		return []finding{{"parked callbacks", false, err.Error(), ""}}
	}
	working, err := d.working()
	if err != nil {
		return []finding{{"workers", false, err.Error(), ""}}
	}
	findings := []finding{
		{"workers", working, yes(working), "start `simshift work`"},
		{"parked callbacks", parked == 0, strconv.FormatInt(parked, 10), "`simshift callbacks parked` shows them"},
	}
	losses, err := d.ledger.Losses(ctx)
	if err != nil {
		return append(findings, finding{"redis losses", false, err.Error(), ""})
	}
	for _, loss := range losses {
		findings = append(findings, finding{"redis losses", false, loss, "set appendfsync always; look at Redis's log and its replicas"})
	}
	holds, err := d.limiter.Holds(ctx)
	if err != nil {
		return append(findings, finding{"holds", false, err.Error(), ""})
	}
	for _, hold := range holds {
		scope := hold.Scope
		if scope == "" {
			scope = "everything"
		}
		findings = append(findings, finding{"hold", false, scope + ": " + hold.String(), ""})
	}
	return findings
}

func printFindings(env *Env, findings []finding, format Format) error {
	if format == JSON {
		return printJSON(env.Out, findings)
	}
	w := tabwriter.NewWriter(env.Out, 0, 0, 2, ' ', 0)
	for _, f := range findings {
		mark, advice := "ok", ""
		if !f.OK {
			mark = "!!"
			if f.Do != "" {
				advice = "  -> " + f.Do
			}
		}
		fmt.Fprintf(w, "%s\t%s\t%s%s\n", mark, f.Check, f.Found, advice)
	}
	return w.Flush()
}
