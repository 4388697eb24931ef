package checker

import (
	"slices"
	"strconv"
	"strings"
	"time"
)

// alreadyActive is the fault that is as good as a success in answer to a repeat.
const alreadyActive = "REQUEST_FAILED.DeviceAlreadyActive"

// judge holds one row against the book.
func (c *Checker) judge(r row, book *Book) {
	f, told := &c.findings, book.heard(r.eid)
	c.loses(r, told)
	switch r.state {
	case "succeeded":
		if book.enabled[r.eid] != r.iccid || !slices.ContainsFunc(told, succeeds) {
			f.wrong(&f.Unexplained, "row %s succeeded; the book has %q enabled and told %s", r.number, book.enabled[r.eid], words(told))
		}
	case "failed":
		refused := r.reason == "refused" && len(book.accepts[r.eid]) == 0
		if !refused && !slices.ContainsFunc(told, func(a *accept) bool { return a.outcome == "failed" && a.fault == r.fault }) {
			f.wrong(&f.Unexplained, "row %s failed (%s, %s); the book told %s", r.number, r.reason, r.fault, words(told))
		}
	case "unanswered":
		// A word that came too late is shown, but changes nothing. An attempt that the book does not know never arrived,
		// and had no word.
		all := book.accepts[r.eid]
		if n := len(all); n > 0 && r.attempts == strconv.Itoa(n) && !all[n-1].told.IsZero() && all[n-1].fault != r.fault {
			f.wrong(&f.Unexplained, "row %s is unanswered; the book told %s", r.number, words(told))
		}
	case "mismatched":
		if !slices.ContainsFunc(told, func(a *accept) bool { return a.outcome == "contradicted" }) {
			f.wrong(&f.Unexplained, "row %s is mismatched; the book told %s", r.number, words(told))
		}
	case "cancelled":
	default:
		f.wrong(&f.Stuck, "row %s is %s; the book told %s", r.number, r.state, words(told))
	}
	if attempts, err := strconv.Atoi(r.attempts); err != nil || attempts < len(book.accepts[r.eid]) {
		f.wrong(&f.Unexplained, "row %s had %s attempts; the book accepted %d", r.number, r.attempts, len(book.accepts[r.eid]))
	}
}

// loses looks for word that a listener answered 2xx and the results do not know.
func (c *Checker) loses(r row, told []*accept) {
	f := &c.findings
	switch {
	case r.state == "succeeded":
	case slices.ContainsFunc(told, func(a *accept) bool { return a.outcome == "success" && !a.told.IsZero() }):
		f.wrong(&f.Lost, "row %s is %s, and the success was acknowledged: %s", r.number, r.state, words(told))
	case r.state != "mismatched" && slices.ContainsFunc(told, func(a *accept) bool { return a.outcome == "contradicted" && !a.told.IsZero() }):
		f.wrong(&f.Lost, "row %s is %s, and a contradiction was acknowledged: %s", r.number, r.state, words(told))
	}
}

func succeeds(a *accept) bool {
	return a.outcome == "success" || a.outcome == "failed" && strings.HasSuffix(a.fault, alreadyActive)
}

// repeats counts what was sent again after an unknown outcome, and looks for what was sent again after a known one.
func (c *Checker) repeats(book *Book) {
	f := &c.findings
	for eid, accepts := range book.accepts {
		for i, a := range accepts[1:] {
			if accepts[i].told.IsZero() || accepts[i].told.After(a.at) {
				f.Repeats++
			}
			for _, earlier := range accepts[:i+1] {
				if earlier.outcome == "success" && !earlier.told.IsZero() && a.at.Sub(earlier.told) > c.Needless {
					f.wrong(&f.Unexplained, "%s was sent again at %s; its success was acknowledged at %s", eid,
						a.at.Format(time.TimeOnly), earlier.told.Format(time.TimeOnly))
				}
			}
		}
	}
}

func words(told []*accept) string {
	if len(told) == 0 {
		return "nothing"
	}
	list := make([]string, len(told))
	for i, a := range told {
		list[i] = a.outcome + " " + a.fault + " at " + a.told.Format(time.TimeOnly)
	}
	return strings.Join(list, ", ")
}
