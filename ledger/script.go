package ledger

import (
	"context"
	"embed"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/redis/go-redis/v9"

	"github.com/simshift/simshift/jobs"
)

//go:embed lua/*.lua
var sources embed.FS

// inBatch is the mark in a record that says: in a batch, which knows the state.
const inBatch = 1

// faultsMost is how many different pairs of fault code and words a job keeps; beyond it, only codes.
const faultsMost = 4096

var (
	phaseScript    = jobScript("phase")
	finishScript   = jobScript("finish")
	formScript     = jobScript("form")
	gatherScript   = jobScript("gather")
	beginScript    = jobScript("begin")
	acceptScript   = jobScript("accept")
	releaseScript  = jobScript("release")
	splitScript    = jobScript("split")
	closeScript    = jobScript("close")
	settleScript   = jobScript("settle")
	withdrawScript = jobScript("withdraw")
	findScript     = jobScript("find")
	touchScript    = jobScript("touch")
	suspectScript  = jobScript("suspect")
	recountScript  = jobScript("recount")
	restoreScript  = jobScript("restore")
	pauseScript    = jobScript("pause")
	resumeScript   = jobScript("resume")
	waveScript     = jobScript("wave")
	reopenScript   = jobScript("reopen")
	dropScript     = jobScript("drop")
	toldScript     = jobScript("told")
	markScript     = plainScript("mark")
	gateScript     = plainScript("gate")
	forgetScript   = plainScript("forget")
)

func plainScript(name string) *redis.Script { return redis.NewScript(source(name)) }

// prelude is what every script of a job begins with: the domain's tables, so that Lua repeats no code of ours, and what scripts share.
var prelude = sync.OnceValue(func() string { return tables() + source("prelude") })

// jobScript makes a script when it is used: a command uses few of them, and their digests would take a tenth of its time.
func jobScript(name string) func() *redis.Script {
	return sync.OnceValue(func() *redis.Script { return redis.NewScript(prelude() + source(name)) })
}

func source(name string) string {
	text, err := sources.ReadFile("lua/" + name + ".lua")
	if err != nil {
		panic(err) // embedded at build time: can not be missing in a program that was tested once
	}
	return string(text)
}

// tables writes the state codes, the transition table and the other codes as Lua.
func tables() string {
	var text strings.Builder
	text.WriteString("local S = { ")
	for _, state := range append(slices.Clip(jobs.States), jobs.Closed) {
		fmt.Fprintf(&text, "%s = %d, ", state, state)
	}
	text.WriteString("}\nlocal MAY = {\n")
	for _, from := range jobs.States {
		fmt.Fprintf(&text, "  [%d] = { ", from)
		for _, to := range jobs.States {
			if from.May(to) {
				fmt.Fprintf(&text, "[%d] = true, ", to)
			}
		}
		text.WriteString("},\n")
	}
	fmt.Fprintf(&text, "}\nlocal INBATCH, FAULTS_MOST = %d, %d\n", inBatch, faultsMost)
	fmt.Fprintf(&text, "local FAULTED, CONTRADICTED, WITHDRAWN, ALREADYDONE, LATE, REOPENED = %d, %d, %d, %d, %d, %d\n",
		jobs.Faulted, jobs.Contradicted, jobs.Withdrawn, jobs.AlreadyDone, jobs.Late, jobs.Reopened)
	text.WriteString("local BANDS = { ")
	for _, below := range jobs.SettleBands {
		fmt.Fprintf(&text, "%d, ", below)
	}
	text.WriteString("}\n")
	fmt.Fprintf(&text, "local RUNNING, PAUSED = '%s', '%s'\n", jobs.Running, jobs.Paused)
	fmt.Fprintf(&text,
		"local EVENT = { confirmed = %d, contradictory = %d, rejected = %d, faltered = %d, reaffirmed = %d, warned = %d }\n",
		jobs.Confirmed, jobs.Contradictory, jobs.Rejected, jobs.Faltered, jobs.Reaffirmed, jobs.Warned)
	fmt.Fprintf(&text, "local EFFECT = { settled = %d, repeated = %d, outdated = %d, noted = %d }\n",
		jobs.Settled, jobs.Repeated, jobs.Outdated, jobs.Noted)
	return text.String()
}

// run runs a job's script at the ledger's time.
func (l *Ledger) run(ctx context.Context, script func() *redis.Script, job string, args ...any) *redis.Cmd {
	return script().Run(ctx, l.rdb, []string{jobKey(job)}, append([]any{l.now().UnixMilli()}, args...)...)
}
