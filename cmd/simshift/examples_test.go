package main

import (
	"encoding/json"
	"errors"
	"io"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/cobra"

	"github.com/simshift/simshift/internal/app"
)

// scene says how a line is played whose job is one of the stage's, or which does not just end well.
type scene struct {
	of    string                          // how the line begins, after `simshift `
	job   func(*stage, *testing.T) troupe // whom 0198c5a2 and the example's device stand for; nil: nobody
	until string                          // what a line says that runs until a signal; empty: it ends by itself
	code  int                             // how it ends
	why   string                          // if that is not 0
}

// scenes are those of every example, and of the lines that print data: the first that fits is played. A line that needs
// none has none: a new command that is not prepared for here fails.
var scenes = []scene{
	{of: "demo --devices"},
	{of: "demo", until: "devices: ", code: 1, why: "it is interrupted: it takes half a minute, and testdata/demo.txt plays one to its end"},
	{of: "serve", until: "listening for callbacks"},
	{of: "work", until: "msg=working"},
	{of: "simulator", until: "playing the carrier"},
	{of: "doctor -o json", code: 1, why: "a callback is parked, which is not as it should be"},
	{of: "device", job: (*stage).endedJob},
	{of: "results", job: (*stage).endedJob},
	{of: "jobs show", job: (*stage).endedJob},
	{of: "jobs log", job: (*stage).endedJob},
	{of: "jobs report", job: (*stage).endedJob},
	{of: "jobs watch 0198c5a2 --every", job: (*stage).running, until: "devices: ", code: 1, why: "the job goes on, only the watching ends"},
	{of: "jobs watch", job: (*stage).endedJob, code: 3, why: "not every device of it succeeded"},
	{of: "jobs limits 0198c5a2", job: (*stage).running},
	{of: "jobs pause", job: (*stage).running},
	{of: "jobs priority", job: (*stage).running},
	{of: "jobs resume", job: (*stage).paused},
	{of: "jobs approve", job: (*stage).unapproved},
	{of: "jobs cancel", job: (*stage).held},
	{of: "jobs retry", job: (*stage).spentJob},
	{of: "jobs revert", job: (*stage).spentJob},
}

func (s *stage) endedJob(*testing.T) troupe { return s.ended }

func (s *stage) spentJob(t *testing.T) troupe {
	t.Helper()
	if len(s.spent) == 0 {
		t.Fatal("every ended job was used: the stage needs more")
	}
	job := s.spent[0]
	s.spent = s.spent[1:]
	return job
}

func (s *stage) running(t *testing.T) troupe { t.Helper(); return s.imported(t, "", "") }

func (s *stage) held(t *testing.T) troupe {
	t.Helper()
	return s.imported(t, "", "--start 'tomorrow 22:00'")
}

func (s *stage) unapproved(t *testing.T) troupe {
	t.Helper()
	return s.imported(t, "SIMSHIFT_OPERATOR=alex", "--approve-above 1")
}

func (s *stage) paused(t *testing.T) troupe {
	t.Helper()
	job := s.held(t)
	s.run(t, s.folder, "SIMSHIFT_SERVER= simshift jobs pause "+job.id, 0)
	return job
}

// play runs a line as it is printed, with what the stage has in the place of the ids, addresses and secrets that examples
// make up; nothing else is changed. It gives the line's standard output.
func (s *stage) play(t *testing.T, line string) string {
	t.Helper()
	found := commandLine.FindStringSubmatch(line)
	if found == nil {
		t.Fatalf("%q calls no simshift", line)
	}
	folder, _ := s.newFolder(t)
	scene := sceneOf(found[1])
	if scene.code != 0 && scene.why == "" {
		t.Fatalf("%q ends with %d: say why in scenes", scene.of, scene.code)
	}
	stands := []string{
		"0a1b2c3d4e5f6071", s.parked, "/run/secrets/callback", s.folder + "/callback",
		"127.0.0.1:9001", "127.0.0.1:0", "127.0.0.1:28200", "127.0.0.1:0",
		"simshift simulator", "simshift simulator --listen 127.0.0.1:0", // one that an example gives itself comes later, and holds
	}
	if scene.job != nil {
		job := scene.job(s, t)
		stands = append(stands, "0198c5a2", job.id, "--join fleet.csv", "--join "+job.fleet,
			"89049032123451234512345678901235", job.device.EID, "490154203237518", job.device.IMEI)
	}
	line = strings.NewReplacer(stands...).Replace(line)
	if scene.until == "" {
		return s.run(t, folder, line, scene.code)
	}
	s.start(t, folder, line, scene.until).stop(t, scene.code)
	return ""
}

func sceneOf(line string) scene {
	for _, one := range scenes {
		if strings.HasPrefix(line+" ", one.of+" ") {
			return one
		}
	}
	return scene{}
}

// examples are the lines that the help of every command prints; one that stands in two helps is there once.
func examples() (lines []string) {
	for _, cmd := range commands() {
		for line := range strings.SplitSeq(cmd.Example, "\n") {
			line, _, _ = strings.Cut(line, " #")
			if line = strings.TrimSpace(line); !slices.Contains(lines, line) {
				lines = append(lines, line)
			}
		}
	}
	return lines
}

// commands are all there are.
func commands() (all []*cobra.Command) {
	var walk func(cmd *cobra.Command)
	walk = func(cmd *cobra.Command) {
		all = append(all, cmd)
		for _, sub := range cmd.Commands() {
			walk(sub)
		}
	}
	walk(root(&app.Env{Flags: map[string]string{}}))
	return all
}

// whole fails unless a text is JSON, and nothing else.
func whole(text string) error {
	decoder := json.NewDecoder(strings.NewReader(text))
	var value any
	if err := decoder.Decode(&value); err != nil {
		return err
	}
	if value == nil {
		return errors.New("null: what is not there is [] or {}")
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return errors.New("more follows")
	}
	return nil
}

// isJSON fails the test unless a line has printed JSON: results one object for each device, everything else one value.
func isJSON(t *testing.T, line, out string) {
	t.Helper()
	texts := []string{out}
	if strings.Contains(line, "simshift results") {
		texts = strings.Split(strings.TrimSuffix(out, "\n"), "\n")
	}
	for _, text := range texts {
		if err := whole(text); err != nil {
			t.Errorf("no JSON: %v in\n%s", err, text)
		}
	}
}

// Every example of every help text is run as it is printed, and ends as it should. They are run in the order of the help:
// what was parked is forgotten by one of them before doctor looks.
func TestEveryExampleRuns(t *testing.T) {
	t.Parallel()
	newStage(t, 5).playExamples(t)
}

// The same examples, through the console of a listener.
func TestEveryExampleRunsThroughAServer(t *testing.T) {
	t.Parallel()
	s := newStage(t, 5)
	s.goThroughConsole(t)
	s.playExamples(t)
}

func (s *stage) playExamples(t *testing.T) {
	t.Helper()
	for _, line := range examples() {
		if !strings.Contains(line, "simshift demo") {
			t.Run(line, func(t *testing.T) { s.example(t, line) })
		}
	}
}

// The demo has all it needs; what takes its time is its carrier, beside which other tests can run.
func TestEveryExampleOfTheDemoRuns(t *testing.T) {
	t.Parallel()
	for _, line := range examples() {
		if strings.Contains(line, "simshift demo") {
			t.Run(line, func(t *testing.T) {
				t.Parallel()
				bareStage(t).example(t, line)
			})
		}
	}
}

func TestEverySceneIsPlayed(t *testing.T) {
	t.Parallel()
	lines := append(examples(), slices.Collect(maps.Values(printing))...)
	for _, line := range lines {
		lines = append(lines, line+" -o json")
	}
	for _, one := range scenes {
		if !slices.ContainsFunc(lines, func(line string) bool {
			found := commandLine.FindStringSubmatch(line)
			return found != nil && sceneOf(found[1]).of == one.of
		}) {
			t.Errorf("no line is played in the scene of %q", one.of)
		}
	}
}

func (s *stage) example(t *testing.T, line string) {
	t.Helper()
	out := s.play(t, line)
	if strings.HasSuffix(line, "-o json") && out != "" {
		isJSON(t, line, out)
	}
}
