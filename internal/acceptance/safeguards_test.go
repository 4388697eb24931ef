package acceptance_test

import (
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// everySafeguard makes the test below take all of them away, which takes some minutes; `make safeguards` sets it.
var everySafeguard = flag.Bool("every-safeguard", false, "take away every safeguard and not only the three that a checker is tested with")

// safeguard is a piece of the program that a fault must not get past, and the test that fails without it: zeros of a
// checker that can not fail mean nothing.
type safeguard struct {
	test   string
	always bool // tested with every run
	edits  []edit
}

var safeguards = map[string]safeguard{
	"intent": { // before a request is made, and not after it, it is written that it will be
		test: "TestFault01AWorkerDiesAtANamedPoint/sent", always: true, edits: []edit{
			{"worker/submitter.go", "mine, err := s.books.Begin(ctx, b.id.Job, b.id.Batch, b.run, graceEnds, b.quota)",
				"mine, err := true, error(nil)"},
			{"worker/submitter.go", "enableRequest(b.group, members, s.again(b)))\n", "enableRequest(b.group, members, s.again(b)))\n" +
				"\t_, _ = s.books.Begin(context.WithoutCancel(ctx), b.id.Job, b.id.Batch, b.run, graceEnds, b.quota)\n"},
		},
	},
	"guard": { // a callback moves the device that its request sent, and no other attempt of it
		test: "TestFault09", always: true, edits: []edit{{"ledger/lua/settle.lua",
			"if not mine then return nil, settled_by_mine and EFFECT.repeated or EFFECT.outdated end", ""}},
	},
	"parking": { // a callback whose request is not known yet is kept
		test: "TestFault08", always: true, edits: []edit{
			{"worker/settler.go", "err = errors.Join(err, s.books.Park(ctx, parked)); err == nil", "len(parked) >= 0"},
			{"worker/match.go", "holders = append(holders, x)", "_ = holders"},
		},
	},
	"shutdown": { // SIGTERM waits for the longest request
		test:  "TestFault02",
		edits: []edit{{"worker/worker.go", "c.RequestTimeout + 10*time.Second,", "time.Second,"}},
	},
	"witness": { // what Redis has lost is noticed
		test: "TestFault03RedisLosesItsLastSeconds",
		edits: []edit{
			{"worker/witness.go", "case before < last:", "case before < -2:"},
			{"ledger/lua/mark.lua", "if stands < tonumber(ARGV[3]) then return stands end", ""},
			{"worker/witness.go", "case ground != w.grounded():", "case ground < 0:"},
		},
	},
	"answer": { // 2xx only when the callback is in Redis
		test:  "TestFault04|TestFault05",
		edits: []edit{{"worker/intake.go", "\t\td.done <- err\n", "\t\td.done <- nil\n"}},
	},
	"written": { // and not before it is
		test: "TestFault14", edits: []edit{{"worker/intake.go", "\terr := i.settle(ctx, received)\n",
			"\tfor _, d := range group {\n\t\td.done <- nil\n\t}\n\tgroup = nil\n\terr := i.settle(ctx, received)\n"}},
	},
	"once": { // a script that is run twice counts once
		test: "TestFault06", edits: []edit{
			{"ledger/lua/settle.lua", "if state == S.succeeded then return nil, EFFECT.repeated end", ""},
			{"ledger/lua/settle.lua", "local from = held and held.state or state", "local from = held and held.state or S.submitted"},
		},
	},
	"doubt": { // a request of unknown outcome counts as in flight
		test: "TestFault07", edits: []edit{
			{"worker/answer.go", "case thingspace.NotExecuted, thingspace.Misdirected:\n\t\tb.sent",
				"case thingspace.NotExecuted, thingspace.Misdirected, thingspace.Unknown:\n\t\tb.sent"},
			{"worker/answer.go", "refusalPause = 15 * time.Second", "refusalPause = time.Second"},
		},
	},
	"limit": { // no body is read further than a callback can be long
		test: "TestFault10", edits: []edit{
			{"worker/endpoint.go", "if r.ContentLength > thingspace.LargestCallback {", "if r.ContentLength > 1<<40 {"},
			{"worker/endpoint.go", "http.MaxBytesReader(w, r.Body, thingspace.LargestCallback)", "http.MaxBytesReader(w, r.Body, 1<<40)"},
		},
	},
	"room": { // the slowest client makes room for the next one
		test:  "TestFault11",
		edits: []edit{{"worker/bounded.go", "front := b.slowest()", "front := (*list.Element)(nil)"}},
	},
	"logins": { // two refused logins hold every further one
		test: "TestFault12EveryLogin", edits: []edit{
			{"thingspace/hold.go", "mostRefused = 2 //", "mostRefused = 9 //"}, {"thingspace/hold.go", "mostOpen    = 4 //", "mostOpen    = 9 //"},
		},
	},
	"stillness": { // one worker's 429 holds all of them
		test: "TestFault13RetryAfter", edits: []edit{{"worker/answer.go",
			"before anything else.\n\tif err := s.standStill(ctx, b, answer, pause); err != nil {",
			"before anything else.\n\tif err := error(nil); err != nil {"}},
	},
	"clock": { // the books go by Redis's clock
		test:  "TestFault15AWorkersClock",
		edits: []edit{{"internal/app/anchor.go", "return told.there.Add(a.own().Sub(told.own))", "return a.own()"}},
	},
	"gate": { // what was checked before the import's gate is checked again behind it
		test:  "TestFault15OneCSV",
		edits: []edit{{"internal/app/import.go", "if err := d.recheck(ctx, s, o); err != nil {", "if err := error(nil); err != nil {"}},
	},
	"sweeper": { // whatever task is lost is made again from the ledger
		test: "TestFault16", edits: []edit{{"worker/sweeper.go",
			"errs = append(errs, s.overdue(ctx, job), s.planner.Advance(ctx, job))", "_ = job"}},
	},
}

// The negative control: each test that holds a fault off fails when its safeguard is taken away.
func TestWithoutASafeguardItsTestFails(t *testing.T) {
	t.Parallel()
	if *without != "" {
		t.Skip("this run is one of them")
	}
	for name, s := range safeguards {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s.applies(t)
			if !s.always && !*everySafeguard {
				return
			}
			for test := range strings.SplitSeq(s.test, "|") {
				cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^"+test, "-without="+name, "-test.timeout=5m") // this very test
				out, err := cmd.CombinedOutput()
				said := string(out)
				switch {
				case err == nil:
					t.Errorf("%s passes without it", test)
				case !strings.Contains(said, "--- FAIL"):
					t.Errorf("%s did not fail, but end with %v:\n%s", test, err, said)
				default:
					t.Logf("%s fails without it:\n%s", test, firstLines(said, 12))
				}
			}
		})
	}
}

// applies fails the test unless each edit's piece of source is there.
func (s safeguard) applies(t *testing.T) {
	t.Helper()
	for _, e := range s.edits {
		text, err := os.ReadFile(filepath.Join("../..", e.file))
		if err != nil {
			t.Fatal(err)
		}
		if strings.Count(string(text), e.old) != 1 {
			t.Error(&staleEdit{e})
		}
	}
}

func firstLines(text string, most int) string {
	lines := strings.SplitN(text, "\n", most+1)
	return strings.Join(lines[:min(most, len(lines))], "\n")
}
