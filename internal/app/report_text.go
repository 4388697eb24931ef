package app

import (
	"bufio"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
	"unicode"

	"github.com/simshift/simshift/console/api"
	"github.com/simshift/simshift/console/chart"
	"github.com/simshift/simshift/console/words"
)

// How many lines of each kind the text has: all of it fits a tall terminal.
const (
	textActs     = 3
	textFaults   = 3
	textAccounts = 3
	textWaves    = 3
	textSlowest  = 2
	textTried    = 1
	textLog      = 2
	textWidth    = 60 // of the pictures
)

// writeText writes the report for a terminal, the most important first.
func (r *report) writeText(out io.Writer) error {
	w := bufio.NewWriter(out)
	line := func(format string, args ...any) { fmt.Fprintf(w, format+"\n", visible(args)...) }
	line("%s", strings.ToUpper(r.Headline))
	line("job %s  %s, to %s, %s%s", r.Job.ID, r.Job.Name, r.Job.Target, r.Job.State, r.when())
	sent := fmt.Sprintf("%s attempts in %s requests", thousands(r.Job.Attempts), thousands(r.Job.Requests))
	if t := r.Settling; t.Devices > 0 {
		sent += fmt.Sprintf("; half settled within %s of their first request, 90%% within %s, 99%% within %s, all within %s",
			words.Span(t.Median), words.Span(t.P90), words.Span(t.P99), words.Span(t.Longest))
	}
	line("%s", sent)
	for _, part := range r.fleet() {
		line("  %-16s %11s %7s  %s", part.Name, thousands(part.Devices), part.Share, textBar(part.Devices, r.Counts.Total(), 30))
	}
	r.textConcerns(line)
	if len(r.Faults) > 0 {
		line("\nWHY")
		for _, f := range r.Faults[:min(len(r.Faults), textFaults)] {
			line("  %11s  %-12s %s: %s", thousands(f.Devices), f.State, f.Explanation.Title, clip(faultCode(&f), 60))
		}
		r.more(line, len(r.Faults)-textFaults, "fault", "faults")
	}
	r.textTables(w, line)
	r.textTimeline(line)
	if len(r.Log) > 0 {
		line("\nLAST IN THE LOG  simshift jobs log %s", r.Job.ID)
		for _, e := range r.Log[max(0, len(r.Log)-textLog):] {
			line("  %s  %s  %s", r.at(e.At), chart.Deed(e), clip(e.Words, 80))
		}
	}
	line("\nNEXT")
	for _, c := range r.Next[:len(r.Next)-1] { // the last one is the log, as above
		line("  %s  # %s", c.Line, c.Why)
	}
	line("  simshift jobs report %s -o html --out report.html  # all of this and more, with pictures", r.Job.ID)
	if err := w.Flush(); err != nil {
		return fmt.Errorf("write the report: %w", err)
	}
	return nil
}

// when tells the job's time, as far as there is one.
func (r *report) when() string {
	switch {
	case r.Job.StartedAt == nil:
		return "; nothing was sent yet"
	case r.Job.FinishedAt == nil || r.Job.State.Open():
		return fmt.Sprintf("; began %s, %s ago", r.at(*r.Job.StartedAt), words.Span(r.Pace.Seconds))
	}
	return fmt.Sprintf("; %s to %s, %s", r.at(*r.Job.StartedAt), r.at(*r.Job.FinishedAt), words.Span(r.Pace.Seconds))
}

func (r *report) textConcerns(line func(string, ...any)) {
	if len(r.NeedsPerson) == 0 {
		return
	}
	line("\nNEEDS A PERSON")
	for _, c := range r.NeedsPerson[:min(len(r.NeedsPerson), textActs)] {
		title := c.Title
		if c.Devices > 0 {
			title = devices(c.Devices) + ": " + title
		} else {
			title += ": " + clip(c.Meaning, 100)
		}
		line("  %s. %s", title, c.Advice)
		line("      %s", strings.Join(c.Commands, "; "))
	}
	r.more(line, len(r.NeedsPerson)-textActs, "matter", "matters")
}

// more tells of what the text has no room for.
func (r *report) more(line func(string, ...any), n int, one, many string) {
	switch {
	case n == 1:
		line("      and 1 more %s: -o html or -o json shows it", one)
	case n > 1:
		line("      and %d more %s: -o html or -o json shows them", n, many)
	}
}

func (r *report) textTables(out io.Writer, line func(string, ...any)) {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	row := func(format string, args ...any) { fmt.Fprintf(w, format+"\n", visible(args)...) }
	if len(r.Accounts) > 1 {
		fmt.Fprintln(w, "\nACCOUNT\tDEVICES\tMOVED\tNOT\tOPEN")
		for _, a := range r.Accounts[:min(len(r.Accounts), textAccounts)] {
			row("  %s\t%s\t%s\t%s\t%s", clip(a.Account, 40), thousands(a.Devices), thousands(a.Moved), thousands(a.NotMoved), thousands(a.Open))
		}
		_ = w.Flush() // into a buffer, whose Flush tells
		r.more(line, len(r.Accounts)-textAccounts, "account", "accounts")
	}
	if len(r.Waves) > 0 {
		fmt.Fprintln(w, "\nWAVE\tDEVICES\tMOVED\tNOT\tOPEN")
		for _, a := range r.Waves[:min(len(r.Waves), textWaves)] {
			row("  %d\t%s\t%s\t%s\t%s", a.Wave, thousands(a.Devices), thousands(a.Moved), thousands(a.NotMoved), thousands(a.Open))
		}
		_ = w.Flush()
		r.more(line, len(r.Waves)-textWaves, "wave", "waves")
	}
	if len(r.Slowest)+len(r.MostTried) == 0 {
		return
	}
	fmt.Fprintln(w, "\nDEVICE\tROW\tATTEMPTS\tTOOK\tSTATE\tLISTED AS")
	slowest := r.Slowest[:min(len(r.Slowest), textSlowest)]
	tried := slices.DeleteFunc(slices.Clone(r.MostTried), func(d api.DeviceLine) bool {
		return slices.ContainsFunc(slowest, func(slow api.DeviceLine) bool { return slow.Row == d.Row })
	})
	for i, list := range [][]api.DeviceLine{slowest, tried[:min(len(tried), textTried)]} {
		for _, d := range list {
			row("  %s\t%d\t%d\t%s\t%s\t%s", d.EID, d.Row, d.Attempts, words.Span(d.Seconds), d.State, []string{"slowest", "most tried"}[i])
		}
	}
	_ = w.Flush()
}

func (r *report) textTimeline(line func(string, ...any)) {
	bars := r.Timeline.Bars
	if len(bars) < 2 {
		return
	}
	line("\nTHE NIGHT  %s to %s", r.at(bars[0].At), r.at(bars[len(bars)-1].At))
	for _, of := range chart.Timeline {
		sums := make([]int64, min(textWidth, len(bars)))
		for i, bar := range bars {
			sums[i*len(sums)/len(bars)] += of.Of(bar.Entered)
		}
		if picture, any := spark(sums); any {
			line("  %-13s %s", of.Name, picture)
		}
	}
}

var blocks = []rune(" ▁▂▃▄▅▆▇█")

// spark draws numbers as a line of blocks; whatever is not zero can be seen.
func spark(numbers []int64) (string, bool) {
	most := int64(0)
	for _, n := range numbers {
		most = max(most, n)
	}
	if most == 0 {
		return "", false
	}
	picture := make([]rune, len(numbers))
	for i, n := range numbers {
		picture[i] = blocks[(n*8+most-1)/most]
	}
	return string(picture), true
}

// textBar draws a part of a whole; whatever is not zero can be seen.
func textBar(n, of, width int64) string {
	return strings.Repeat("▇", int(max(1, n*width/max(1, of))))
}

// clip bounds a foreign text.
func clip(text string, most int) string {
	if letters := []rune(text); len(letters) > most {
		return string(letters[:most-1]) + "…"
	}
	return text
}

// visible keeps the carrier's words, and whoever named a job, from moving the cursor, colouring a terminal, or making lines of
// their own.
func visible(args []any) []any {
	for i, arg := range args {
		text, foreign := arg.(string)
		if !foreign {
			continue
		}
		args[i] = strings.Map(func(c rune) rune {
			switch {
			case unicode.IsSpace(c):
				return ' '
			case unicode.IsPrint(c):
				return c
			}
			return unicode.ReplacementChar
		}, text)
	}
	return args
}
