package metrics_test

import (
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// healthy is a night that goes well: a figure a line, without its prefix, and its values minute by minute as promtool takes
// them.
const healthy = `
redis_up{instance="a"} 1x120
workers 2x120
login_held 0x120
redis_losses 0x120
jobs{phase="running"} 1x120
job_info{job_id="j",name="night",phase="running",target="global"} 1x120
job_window_open{job_id="j"} 1x120
job_answer_within_seconds{job_id="j"} 21600x120
job_attempts_total{job_id="j"} 0+10000x120
devices{job_id="j",state="queued"} 320000x120
devices{job_id="j",state="succeeded"} 0+9000x120
devices{job_id="j",state="failed"} 0+100x120
devices{job_id="j",state="mismatched"} 0x120
job_ledger_drift_devices{job_id="j"} 0x120
job_ledger_drift_found{job_id="j"} 0x120
job_oldest_unanswered_timestamp_seconds{job_id="j"} 0+60x120
in_flight_devices 90000x120
in_flight_limit_devices 1000000x120
queue_age_seconds{queue="submit"} 1x120
queue_tasks{queue="submit",state="archived"} 0x120
parked_callbacks 3x120
callback_requests_total{code="200"} 0+9000x120
callback_requests_total{code="503"} 0x120
callback_intake_seconds_bucket{le="0.1"} 0+9000x120
callback_intake_seconds_bucket{le="2.5"} 0+9000x120
callback_intake_seconds_bucket{le="+Inf"} 0+9000x120
requests_total{outcome="accepted"} 0+1x120
requests_total{outcome="unknown"} 0x120
requests_total{outcome="refused"} 0x120`

const (
	// standstill is a job that sends nothing any more after half an hour.
	standstill = `job_attempts_total{job_id="j"} 0+10000x30 300000x90`
	// paused is a job that is. Lines without values take figures away.
	paused = standstill + `
job_info{job_id="j",name="night",phase="running",target="global"}
job_info{job_id="j",name="night",phase="paused",target="global"} 1x120
job_paused{job_id="j",by=`
)

// nights are what is different from a healthy one, and what fires at that time: those alerts, and no others.
var nights = map[string]struct{ differs, at, fires string }{
	"a healthy night":                        {"", "119m", ""},
	"its first minutes":                      {"", "3m", ""},
	"nobody is scraped":                      {regexp.MustCompile(`(?m) \S+$`).ReplaceAllString(healthy, ""), "10m", "NotScraped"},
	"a listener is cut off from Redis":       {`redis_up{instance="b"} 0x120`, "10m", "RedisAway"},
	"Redis comes back with less than it had": {`redis_losses 0x60 1x60`, "70m", "RedisLostData"},
	"Redis had lost something yesterday":     {`redis_losses 1x120`, "70m", ""},
	"the last worker ends":                   {`workers 0x120`, "10m", "NoWorker"},
	"callbacks can not be written":           {`callback_requests_total{code="503"} 0+5x120`, "10m", "CallbacksNotWritten"},
	"callbacks come with a strange password": {`callback_requests_total{code="401"} 0+5x120`, "30m", "CallbacksRefused"},
	"Redis is slow to write":                 {`callback_intake_seconds_bucket{le="0.1"} 0+8000x120`, "30m", "IntakeSlow"},
	"the carrier has refused two logins":     {`login_held 1x120`, "5m", "LoginHeld"},
	"an account is held now and again": {
		`hold_start_timestamp_seconds{scope="acme"} ` + strings.Repeat("0 _ ", 60), "25m", "Held",
	},
	"the brake pauses a job":                    {paused + `"brake"} 1x120`, "100m", "JobStopped"},
	"a person pauses a job":                     {paused + `"person"} 1x120`, "100m", ""},
	"a job sends nothing, and nobody knows why": {standstill, "100m", "JobStalled"},
	"a job waits for its window":                {standstill + "\njob_window_open{job_id=\"j\"} 0x120", "100m", ""},
	"a job waits for a hold to end": {
		standstill + "\nhold_start_timestamp_seconds{scope=\"everything\"} " + strings.Repeat("_ ", 70) + "0x50", "100m", "Held",
	},
	"a job waits for devices to return": {standstill + "\nin_flight_limit_devices 95000x120", "100m", ""},
	"nobody ends what is overdue": {
		"job_oldest_unanswered_timestamp_seconds{job_id=\"j\"} 0x120\njob_answer_within_seconds{job_id=\"j\"} 1800x120", "60m",
		"DeadlinesNotKept",
	},
	"the queue is not worked off":     {`queue_age_seconds{queue="submit"} 0+60x120`, "30m", "QueueStuck"},
	"the queue has given tasks up":    {`queue_tasks{queue="submit",state="archived"} 2x120`, "5m", "TasksArchived"},
	"strange callbacks come and stay": {`parked_callbacks 500x120`, "40m", "ParkedCallbacks"},
	"the car park fills":              {`parked_callbacks 60000x120`, "5m", "ParkingFull"},
	"the carrier's answers get lost":  {`requests_total{outcome="unknown"} 0+1x120`, "40m", "RequestsInDoubt"},
	"the carrier refuses requests":    {`requests_total{outcome="refused"} 0+1x120`, "40m", "RequestsRefused"},
	"a third of the devices fails":    {`devices{job_id="j",state="failed"} 0+4500x120`, "30m", "ManyFail"},
	"half of a few devices fail": {
		"devices{job_id=\"j\",state=\"failed\"} 10x120\ndevices{job_id=\"j\",state=\"succeeded\"} 10x120", "30m", "",
	},
	"a device is in the wrong network":  {`devices{job_id="j",state="mismatched"} 1x120`, "5m", "Mismatched"},
	"the counts do not add up":          {`job_ledger_drift_devices{job_id="j"} 0x10 2x110`, "15m", "LedgerDrift"},
	"a recount finds that they did not": {`job_ledger_drift_found{job_id="j"} 1x120`, "15m", "LedgerDrift"},
}

// series reads lines of figures; later ones stand for earlier ones of the same name.
func series(lines string) []testInput {
	figures := make(map[string]string)
	for line := range strings.Lines(lines) {
		name, values, _ := strings.Cut(strings.TrimSpace(line), " ")
		figures["simshift_"+name] = strings.TrimSpace(values)
	}
	list := []testInput{}
	for _, name := range slices.Sorted(maps.Keys(figures)) {
		if figures[name] != "" {
			list = append(list, testInput{name, figures[name]})
		}
	}
	return list
}

type (
	testFile struct {
		RuleFiles []string    `json:"rule_files"`
		Interval  string      `json:"evaluation_interval"`
		Tests     []testGroup `json:"tests"`
	}
	testGroup struct {
		Name     string      `json:"name"`
		Interval string      `json:"interval"`
		Series   []testInput `json:"input_series"`
		Tests    []testExpr  `json:"promql_expr_test"`
	}
	testInput struct {
		Series string `json:"series"`
		Values string `json:"values"`
	}
	testExpr struct {
		Expr    string       `json:"expr"`
		At      string       `json:"eval_time"`
		Samples []testSample `json:"exp_samples"`
	}
	testSample struct {
		Labels string  `json:"labels"`
		Value  float64 `json:"value"`
	}
)

func TestAlertsFireWhenTheyShouldAndNeverElse(t *testing.T) {
	t.Parallel()
	path, err := filepath.Abs("../../deploy/prometheus/alerts.yml")
	if err != nil {
		t.Fatal(err)
	}
	promtool(t, "check", "rules", "--lint-fatal", path)
	file := testFile{RuleFiles: []string{path}, Interval: "1m"}
	fired := make(map[string]bool)
	for _, name := range slices.Sorted(maps.Keys(nights)) {
		night := nights[name]
		group := testGroup{Name: name, Interval: "1m", Series: series(healthy + "\n" + night.differs)}
		test := testExpr{Expr: `count by (alertname) (ALERTS{alertstate="firing"})`, At: night.at}
		if night.fires != "" {
			test.Samples = []testSample{{`{alertname="Simshift` + night.fires + `"}`, 1}}
			fired[night.fires] = true
		}
		group.Tests = []testExpr{test}
		file.Tests = append(file.Tests, group)
	}
	text, err := json.Marshal(file) // which YAML takes, too
	if err != nil {
		t.Fatal(err)
	}
	tests := filepath.Join(t.TempDir(), "alerts_test.json")
	if err := os.WriteFile(tests, text, 0o600); err != nil {
		t.Fatal(err)
	}
	promtool(t, "test", "rules", tests)
	for _, alert := range regexp.MustCompile(`alert: Simshift(\w+)`).FindAllStringSubmatch(shipped(t, "prometheus/alerts.yml"), -1) {
		if !fired[alert[1]] {
			t.Errorf("no night lets %s fire", alert[1])
		}
	}
}
