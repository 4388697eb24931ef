package main

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/simshift/simshift/internal/app"
)

// printing has a line for each command that prints data; -o json is added to it.
var printing = map[string]string{
	"simshift demo":             "simshift demo --devices 50",
	"simshift plan":             "simshift plan fleet.csv",
	"simshift import":           "simshift import fleet.csv --target global",
	"simshift jobs list":        "simshift jobs list",
	"simshift jobs show":        "simshift jobs show 0198c5a2",
	"simshift jobs watch":       "simshift jobs watch 0198c5a2",
	"simshift jobs log":         "simshift jobs log 0198c5a2",
	"simshift jobs report":      "simshift jobs report 0198c5a2",
	"simshift results":          "simshift results 0198c5a2",
	"simshift jobs pause":       "simshift jobs pause 0198c5a2",
	"simshift jobs resume":      "simshift jobs resume 0198c5a2",
	"simshift jobs cancel":      "simshift jobs cancel 0198c5a2",
	"simshift jobs retry":       "simshift jobs retry 0198c5a2",
	"simshift jobs revert":      "simshift jobs revert 0198c5a2",
	"simshift jobs approve":     "SIMSHIFT_OPERATOR=dana simshift jobs approve 0198c5a2",
	"simshift jobs priority":    "simshift jobs priority 0198c5a2 --to 5",
	"simshift jobs limits":      "simshift jobs limits 0198c5a2 --devices 60000/min",
	"simshift device":           "simshift device 89049032123451234512345678901235",
	"simshift callbacks list":   "simshift callbacks list --account 0000123456-00001",
	"simshift callbacks parked": "simshift callbacks parked",
	"simshift doctor":           "simshift doctor",
	"simshift tokens list":      "simshift tokens list --console-tokens-file tokens",
}

// telling has the commands that print no data, or not as JSON, and why.
var telling = map[string]string{
	"simshift serve":                 "it runs until a signal, and logs",
	"simshift work":                  "it runs until a signal, and logs",
	"simshift simulator":             "it runs until a signal, and logs; its book is JSON",
	"simshift callbacks register":    "it does something, and says so",
	"simshift callbacks remove":      "it does something, and says so",
	"simshift tokens add":            "it prints a token, alone",
	"simshift tokens remove":         "it does something, and says so",
	"simshift help":                  "it is for people",
	"simshift completion bash":       "it is for shells",
	"simshift completion fish":       "it is for shells",
	"simshift completion powershell": "it is for shells",
	"simshift completion zsh":        "it is for shells",
}

// Every command that prints data prints it as JSON with -o json, and nothing else; a new command must be entered above.
func TestEveryCommandThatPrintsDataPrintsJSON(t *testing.T) {
	t.Parallel()
	s := newStage(t, 2)
	for _, cmd := range commands() {
		path := cmd.CommandPath()
		line, prints := printing[path]
		switch has := cmd.Flags().Lookup("output") != nil; {
		case cmd.HasSubCommands():
			continue
		case has != prints:
			t.Errorf("%s: -o %v, but in printing: %v", path, has, prints)
			continue
		case !prints && telling[path] == "":
			t.Errorf("%s prints what? enter it in printing or telling", path)
			continue
		case !prints:
			continue
		}
		t.Run(path, func(t *testing.T) {
			isJSON(t, line, s.play(t, line+" -o json"))
		})
	}
	for line, code := range map[string]int{
		"simshift callbacks list --account 0000123456-00009": app.ExitOK,
		"simshift device 89049032123451234512345678901235":   app.ExitError, // as without -o json
	} {
		if out := s.run(t, s.folder, line+" -o json", code); strings.TrimSpace(out) != "[]" {
			t.Errorf("%s has no data, which is [] and not %s", line, out)
		}
	}
}

// What a command prints is the same whether it asks Redis itself or a server does.
func TestThroughAServerTheSameIsPrinted(t *testing.T) {
	t.Parallel()
	s := newStage(t, 0)
	job := s.ended
	lines := []string{
		"jobs list", "jobs show JOB", "jobs show spring-migration", "jobs watch JOB; test $? = 3", "jobs log JOB", "jobs limits",
		"jobs limits JOB", "results JOB", "results JOB --state failed,unanswered --fault UnexpectedError --min-attempts 1",
		"results JOB --join " + job.fleet, "device " + job.device.EID, "callbacks parked", "plan " + job.fleet + " --start 2040-01-01T00:00:00Z",
		"jobs report JOB | sed 's/ made .*//'",
	}
	var direct []string
	for _, line := range lines {
		direct = append(direct, s.printed(t, line, job)...)
	}
	s.goThroughConsole(t)
	var through []string
	for _, line := range lines {
		through = append(through, s.printed(t, line, job)...)
	}
	s.lookThroughConsole(t, job)
	for i := range direct {
		if diff := cmp.Diff(direct[i], through[i]); diff != "" {
			t.Errorf("Redis against the server: %s", diff)
		}
	}
}

// lookThroughConsole asks for what no command does; whether the answers are as the document says is seen on the way.
func (s *stage) lookThroughConsole(t *testing.T, job troupe) {
	t.Helper()
	token, err := os.ReadFile(filepath.Join(s.folder, "token"))
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{
		"overview", "health", "whoami", "openapi.json", "jobs?which=open", "jobs?which=ended&limit=1", "jobs/" + job.id + "/progress",
		"jobs/" + job.id + "/batches", "jobs/" + job.id + "/batches?open=true&limit=1", "jobs/" + job.id + "/report", "jobs/nothing",
	} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.console+"/api/v1/"+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Authorization", "Bearer "+strings.TrimSpace(string(token)))
		answer, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		_ = answer.Body.Close()
		if known := path != "jobs/nothing"; known != (answer.StatusCode == http.StatusOK) {
			t.Errorf("%s is answered %s", path, answer.Status)
		}
	}
}

// printed is what a line prints, for a person and as JSON.
func (s *stage) printed(t *testing.T, line string, job troupe) (texts []string) {
	t.Helper()
	line = "simshift " + strings.ReplaceAll(line, "JOB", job.id)
	texts = append(texts, line+"\n"+s.run(t, s.folder, line, 0))
	if !strings.ContainsAny(line, ";|") && !strings.Contains(line, "--join") {
		texts = append(texts, line+"\n"+s.run(t, s.folder, line+" -o json", 0))
	}
	return texts
}
