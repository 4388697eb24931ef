package app

import (
	"bufio"
	"context"
	"encoding/csv"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/simshift/simshift/jobs"
)

// resultHeader is the header of the results CSV. Its first columns make it re-importable as it is.
const resultHeader = "row,eid,iccid,imei,account_name,service_plan,state,reason,attempts,fault,fault_text,request_id,settled_at\n"

// Results writes the outcome of every device of a job, or of those in the given states, as CSV in the order of rows.
func Results(ctx context.Context, env *Env, word string, states []string) error {
	wanted := make(map[jobs.State]bool)
	for _, name := range states {
		state, err := jobs.ParseState(strings.TrimSpace(name))
		if err != nil {
			return usage("the states are "+stateList(), "--state: %w", err)
		}
		wanted[state] = true
	}
	d, job, err := openJob(ctx, env, word)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.export(ctx, env.Out, job.ID, wanted)
}

func stateList() string {
	names := make([]string, len(jobs.States))
	for i, state := range jobs.States {
		names[i] = state.String()
	}
	return strings.Join(names, ", ")
}

// export writes the results of a job; with wanted empty, all of them.
func (d *deployment) export(ctx context.Context, out io.Writer, job string, wanted map[jobs.State]bool) error {
	w := bufio.NewWriterSize(out, 1<<16)
	if _, err := w.WriteString(resultHeader); err != nil {
		return fmt.Errorf("write results: %w", err)
	}
	line := resultLine{quoted: make(map[string]string)}
	err := d.ledger.Outcomes(ctx, job, func(o *jobs.Outcome) error {
		if len(wanted) > 0 && !wanted[o.State] {
			return nil
		}
		_, err := w.Write(line.of(o))
		return err
	})
	if err != nil {
		return fmt.Errorf("write results: %w", err)
	}
	if err := w.Flush(); err != nil {
		return fmt.Errorf("write results: %w", err)
	}
	return nil
}

// resultLine makes CSV lines without an allocation each: the digits need no quoting, and the few different texts of a
// job are quoted once.
type resultLine struct {
	buffer []byte
	quoted map[string]string
}

func (l *resultLine) of(o *jobs.Outcome) []byte {
	b := strconv.AppendUint(l.buffer[:0], uint64(o.Row), 10)
	b = o.EID.AppendText(append(b, ','))
	b = o.ICCID.AppendText(append(b, ','))
	b = o.IMEI.AppendText(append(b, ','))
	for _, text := range []string{o.Account, o.Plan, o.State.String(), o.Reason.String()} {
		b = append(append(b, ','), l.quote(text)...)
	}
	b = strconv.AppendInt(append(b, ','), int64(o.Attempts), 10)
	for _, text := range []string{o.Fault.Code, o.Fault.Text, o.RequestID} {
		b = append(append(b, ','), l.quote(text)...)
	}
	b = append(b, ',')
	if o.State.Final() {
		b = o.ChangedAt.AppendFormat(b, time.RFC3339)
	}
	l.buffer = append(b, '\n')
	return l.buffer
}

// quoteMost bounds the memory of texts that were quoted before.
const quoteMost = 10_000

// quote writes a text as a CSV field, with a leading ' where a spreadsheet would take it for a formula.
func (l *resultLine) quote(text string) string {
	if text == "" {
		return ""
	}
	if known, ok := l.quoted[text]; ok {
		return known
	}
	safe := text
	if strings.ContainsRune("=+-@\t\r", rune(text[0])) {
		safe = "'" + text
	}
	var b strings.Builder
	w := csv.NewWriter(&b)
	_ = w.Write([]string{safe}) // a Builder does not fail
	w.Flush()
	if len(l.quoted) >= quoteMost {
		clear(l.quoted)
	}
	l.quoted[text] = strings.TrimSuffix(b.String(), "\n")
	return l.quoted[text]
}
