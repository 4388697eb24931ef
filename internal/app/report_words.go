package app

import (
	"cmp"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode"

	"golang.org/x/text/language"
	"golang.org/x/text/message"

	"github.com/simshift/simshift/console/api"
	"github.com/simshift/simshift/jobs"
)

// report puts what was gathered together and finds the words for it.
func (g *gathering) report(job jobs.Job, minutes []jobs.Minute, log []jobs.Entry, now time.Time) *report {
	r := &report{Report: api.Report{
		MadeAt: now.UTC(), Job: job, Counts: g.counts, Moved: g.counts[jobs.Succeeded],
		OtherFaults: g.otherFaults, Others: g.otherAccounts, Waves: g.waves, Settling: g.took.settling(),
		Slowest: g.slowest.lines(), MostTried: g.tried.lines(), Pace: paceOf(job, minutes, now),
		LogOmitted: max(0, len(log)-reportLog),
	}, zone: zoneOf(&job)}

	r.Log = append([]jobs.Entry{}, log[r.LogOmitted:]...) // a list even where it is empty
	if len(r.Slowest) > 0 {
		r.Settling.Longest = r.Slowest[0].Seconds // the others are good to three digits
	}
	r.NotMoved = g.counts.Final() - r.Moved
	r.Open = g.counts.Total() - g.counts.Final()
	r.Timeline = condense(minutes, r.zone)
	r.Faults = g.faultList()
	r.Accounts, r.Attempts = []api.AccountCount{}, []api.AttemptCount{}
	for _, account := range g.accounts {
		r.Accounts = append(r.Accounts, *account)
	}
	slices.SortFunc(r.Accounts, func(a, b api.AccountCount) int { return byDevices(a.NotMoved, b.NotMoved, a.Account, b.Account) })
	for _, n := range slices.Sorted(maps.Keys(g.attempts)) {
		r.Attempts = append(r.Attempts, *g.attempts[n])
	}
	r.Headline = r.headline()
	r.NeedsPerson = concernsOf(&r.Job, r.Faults)
	r.Next = r.next()
	return r
}

// zoneOf is the zone of a job's windows; this machine's where it has none.
func zoneOf(job *jobs.Job) *time.Location {
	if zone, err := time.LoadLocation(job.Policy.Schedule.Zone); err == nil && job.Policy.Schedule.Zone != "" {
		return zone
	}
	return time.Local
}

func (g *gathering) faultList() []api.FaultCount {
	within := make(map[faultKey][]api.InAccount)
	for in, n := range g.within {
		within[in.faultKey] = append(within[in.faultKey], api.InAccount{Account: in.account, Devices: n})
	}
	list := make([]api.FaultCount, 0, len(g.faults))
	for key, fault := range g.faults {
		accounts := within[key]
		slices.SortFunc(accounts, func(a, b api.InAccount) int { return byDevices(a.Devices, b.Devices, a.Account, b.Account) })
		fault.Accounts = append([]api.InAccount{}, accounts[:min(len(accounts), reportInside)]...)
		list = append(list, *fault)
	}
	slices.SortFunc(list, func(a, b api.FaultCount) int {
		return cmp.Or(byDevices(a.Devices, b.Devices, a.Code, b.Code), cmp.Compare(a.State, b.State), cmp.Compare(a.Reason, b.Reason))
	})
	return list
}

var english = message.NewPrinter(language.BritishEnglish)

// thousands writes a number for a person.
func thousands(n int64) string { return english.Sprintf("%d", n) }

// headline says the most important in one sentence.
func (r *report) headline() string {
	total := r.Moved + r.NotMoved + r.Open
	var b strings.Builder
	switch {
	case total == 0:
		return "The job has no devices"
	case r.Moved == total:
		return "All " + devices(total) + " moved"
	case r.Moved == 0 && r.Open == 0:
		return "None of " + devices(total) + " moved"
	}
	fmt.Fprintf(&b, "%s of %s moved", thousands(r.Moved), devices(total))
	if r.NotMoved > 0 {
		fmt.Fprintf(&b, "; %s did not", thousands(r.NotMoved))
	}
	if r.Open > 0 {
		fmt.Fprintf(&b, "; %s not settled yet", thousands(r.Open))
	}
	return b.String()
}

func devices(n int64) string {
	if n == 1 {
		return "1 device"
	}
	return thousands(n) + " devices"
}

// urgency orders remedies.
var urgency = map[jobs.Remedy]int{jobs.RemedyLook: 1, jobs.RemedyAccount: 2, jobs.RemedyFile: 3, jobs.RemedyRetry: 4}

// concernsOf lists what of a job needs a person: the job as a whole first, then what can not mend itself.
func concernsOf(job *jobs.Job, all []api.FaultCount) []api.Concern {
	list := []api.Concern{}
	if job.State == jobs.Paused {
		list = append(list, api.Concern{
			Title: "the job is paused", Meaning: job.Hold,
			Advice:   "Find out why, then let it go on or end it.",
			Commands: []string{"simshift jobs resume " + job.ID, "simshift jobs cancel " + job.ID},
		})
	}
	if job.Drift != "" {
		list = append(list, api.Concern{
			Title: "the books did not agree with themselves", Meaning: "A recount found " + job.Drift + ", and put it right.",
			Advice: "The figures here are right. Please report it.", Commands: []string{"simshift jobs log " + job.ID},
		})
	}
	faults := slices.DeleteFunc(slices.Clone(all), func(f api.FaultCount) bool {
		return !f.State.Final() || urgency[f.Explanation.Remedy] == 0
	})
	slices.SortStableFunc(faults, func(a, b api.FaultCount) int {
		return cmp.Compare(urgency[a.Explanation.Remedy], urgency[b.Explanation.Remedy])
	})
	for _, f := range faults[:min(len(faults), reportActs)] {
		list = append(list, api.Concern{
			Title: f.Explanation.Title, Devices: f.Devices, Code: f.Code, Meaning: f.Explanation.Meaning,
			Advice: f.Explanation.Advice, Commands: faultCommands(&f, job.ID),
		})
	}
	return list
}

// faultCommands are what helps against a fault.
func faultCommands(f *api.FaultCount, job string) []string {
	state := f.State.String()
	file := fmt.Sprintf("simshift results %s --state %s", job, state)
	retry := fmt.Sprintf("simshift jobs retry %s --only %s", job, state)
	to := " > " + state + ".csv"
	if f.Code != "" {
		quoted, safe := shellWord(f.Code)
		if !safe {
			return []string{file + to}
		}
		file, retry = file+" --fault "+quoted, retry+" --fault "+quoted
	}
	file += to
	switch f.Explanation.Remedy {
	case jobs.RemedyRetry, jobs.RemedyAccount:
		return []string{retry}
	case jobs.RemedyFile, jobs.RemedyLook, jobs.RemedyNone:
	}
	return []string{file}
}

var bareWord = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9_.,:/-]*$`)

// shellWord writes a foreign text as one word of a command line. What can not be seen is not safe, however quoted.
func shellWord(text string) (string, bool) {
	if bareWord.MatchString(text) {
		return text, true
	}
	if strings.ContainsFunc(text, func(c rune) bool { return !unicode.IsPrint(c) || c == unicode.ReplacementChar }) {
		return "", false
	}
	return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'", true
}

// next lists what one would run now.
func (r *report) next() []api.NextCommand {
	id := r.Job.ID
	var list []api.NextCommand
	if r.Open > 0 {
		list = append(list, api.NextCommand{Why: "follow what is not settled yet", Line: "simshift jobs watch " + id})
	}
	list = append(list, api.NextCommand{Why: "every device's outcome, in the order of the file",
		Line: "simshift results " + id + " > results.csv"})
	if states := r.missedStates(); states != "" {
		list = append(list, api.NextCommand{Why: "only those that did not move; it can be imported again",
			Line: "simshift results " + id + " --state " + states + " > not-moved.csv"})
	}
	if r.Counts[jobs.Failed]+r.Counts[jobs.Unanswered] > 0 {
		list = append(list, api.NextCommand{Why: "another round for what failed or was not answered", Line: "simshift jobs retry " + id})
	}
	for _, line := range slices.Concat(r.MostTried, r.Slowest) {
		list = append(list, api.NextCommand{Why: "one device's whole story", Line: "simshift device " + line.EID})
		break
	}
	return append(list, api.NextCommand{Why: "who did what, and what was decided", Line: "simshift jobs log " + id})
}

func (r *report) missedStates() string {
	var names []string
	for _, state := range jobs.States {
		if state.Final() && state != jobs.Succeeded && r.Counts[state] > 0 {
			names = append(names, state.String())
		}
	}
	return strings.Join(names, ",")
}

// at writes a time in the job's zone.
func (r *report) at(t time.Time) string { return t.In(r.zone).Format("2006-01-02 15:04:05 MST") }

// faultCode is how a fault is called where its code alone must do.
func faultCode(f *api.FaultCount) string {
	return cmp.Or(f.Code, f.Text, f.Reason.String(), f.State.String())
}
