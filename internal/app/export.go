package app

import (
	"bufio"
	"cmp"
	"context"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/simshift/simshift/console/api"
	"github.com/simshift/simshift/csvimport"
	"github.com/simshift/simshift/jobs"
)

// resultHeader is the header of the results CSV. Its first columns make it re-importable as it is.
const resultHeader = "row,eid,iccid,imei,account_name,service_plan,state,reason,attempts,fault,fault_text,request_id,settled_at\n"

// export writes the results of a job as CSV.
func (d *deployment) export(ctx context.Context, out io.Writer, job string, wanted filter) error {
	w := bufio.NewWriterSize(out, 1<<16)
	_, _ = w.WriteString(resultHeader) // the writer keeps its error until it is flushed
	line := newResultLine(',')
	return d.exportEach(ctx, w, job, wanted, func(o *jobs.Outcome) error {
		_, err := w.Write(line.of(o))
		return err
	})
}

// exportEach gives the wanted devices of a job to write, which writes to w.
func (d *deployment) exportEach(ctx context.Context, w *bufio.Writer, job string, wanted filter, write func(*jobs.Outcome) error) error {
	err := d.ledger.Outcomes(ctx, job, func(o *jobs.Outcome) error {
		if !wanted.wants(o) {
			return nil
		}
		return write(o)
	})
	if err := cmp.Or(err, w.Flush()); err != nil {
		return fmt.Errorf("write results: %w", err)
	}
	return nil
}

// exportLines writes the results of a job as JSON, one object a line.
func (d *deployment) exportLines(ctx context.Context, out io.Writer, job string, wanted filter) error {
	w := bufio.NewWriterSize(out, 1<<16)
	lines := json.NewEncoder(w)
	lines.SetEscapeHTML(false)
	return d.exportEach(ctx, w, job, wanted, func(o *jobs.Outcome) error {
		r := api.Result{
			Row: o.Row, EID: o.EID.String(), ICCID: o.ICCID.String(), IMEI: o.IMEI.String(), Account: o.Account, Plan: o.Plan,
			State: o.State, Reason: o.Reason, Attempts: o.Attempts, Fault: o.Fault.Code, FaultText: o.Fault.Text,
			RequestID: o.RequestID,
		}
		if o.State.Final() {
			at := o.ChangedAt.Truncate(time.Second)
			r.SettledAt = &at
		}
		return lines.Encode(r)
	})
}

// resultLine makes CSV lines without an allocation each. The digits need no quoting. Of a text that stands in the same
// column of the line before, and of a time in the same second, what was written then is written again: that, and not the
// digits, was most of what an export took.
type resultLine struct {
	comma  rune
	buffer []byte
	quoted map[string]string
	last   [columns]struct{ text, field string }
	second int64 // Unix time
	moment []byte
}

// Columns of texts, of which the last one is remembered.
const (
	accountColumn = iota
	planColumn
	stateColumn
	reasonColumn
	codeColumn
	textColumn
	requestColumn
	columns
)

func newResultLine(comma rune) *resultLine {
	return &resultLine{comma: comma, quoted: make(map[string]string)}
}

// of is a whole line of the results.
func (l *resultLine) of(o *jobs.Outcome) []byte {
	b := strconv.AppendUint(l.buffer[:0], uint64(o.Row), 10)
	b = o.EID.AppendText(l.next(b))
	b = o.ICCID.AppendText(l.next(b))
	b = o.IMEI.AppendText(l.next(b))
	b = l.text(l.next(b), accountColumn, o.Account)
	b = l.text(l.next(b), planColumn, o.Plan)
	l.buffer = append(l.outcome(l.next(b), o), '\n')
	return l.buffer
}

// outcome appends what became of a device: the fields from state to settled_at.
func (l *resultLine) outcome(b []byte, o *jobs.Outcome) []byte {
	b = l.text(b, stateColumn, o.State.String())
	b = l.text(l.next(b), reasonColumn, o.Reason.String())
	b = strconv.AppendInt(l.next(b), int64(o.Attempts), 10)
	b = l.text(l.next(b), codeColumn, o.Fault.Code)
	b = l.text(l.next(b), textColumn, o.Fault.Text)
	b = l.text(l.next(b), requestColumn, o.RequestID)
	b = l.next(b)
	if !o.State.Final() {
		return b
	}
	if at := o.ChangedAt.Unix(); at != l.second || l.moment == nil {
		l.second, l.moment = at, o.ChangedAt.AppendFormat(l.moment[:0], time.RFC3339)
	}
	return append(b, l.moment...)
}

func (l *resultLine) next(b []byte) []byte { return utf8.AppendRune(b, l.comma) }

// text appends a text of a column as a field.
func (l *resultLine) text(b []byte, column int, text string) []byte {
	last := &l.last[column]
	if last.text != text {
		last.text, last.field = text, l.quote(text)
	}
	return append(b, last.field...)
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
	var b strings.Builder
	w := csv.NewWriter(&b)
	w.Comma = l.comma
	_ = w.Write([]string{csvimport.Escape(text)}) // a Builder does not fail
	w.Flush()
	if len(l.quoted) >= quoteMost {
		clear(l.quoted)
	}
	l.quoted[text] = strings.TrimSuffix(b.String(), "\n")
	return l.quoted[text]
}
