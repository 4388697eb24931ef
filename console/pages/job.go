package pages

import (
	"cmp"
	"net/http"
	"net/url"
	"slices"

	"github.com/simshift/simshift/console/access"
	"github.com/simshift/simshift/console/api"
	"github.com/simshift/simshift/console/chart"
	"github.com/simshift/simshift/console/words"
	"github.com/simshift/simshift/jobs"
)

// What a job's page shows of long lists.
const (
	shownBatches = 6
	shownLog     = 8
	shownFaults  = 30
)

type jobBody struct {
	card
	*api.Progress

	Night   *chart.Night
	Settle  *chart.Settle
	Reasons []reason
	Hidden  int64 // devices with faults beyond
	Batch   *api.BatchPage
	Log     []jobs.Entry // the newest first
	More    int          // entries that are not shown
	States  []stateRow
}

// reason is why devices did not move.
type reason struct {
	api.FaultCount

	Class   string
	W       string
	Again   string // where they get another round; empty: they can not, or need not
	Results string
}

type stateRow struct {
	State   jobs.State
	Class   string
	Devices int64
}

func (p *Pages) job(w http.ResponseWriter, r *http.Request) error {
	b, err := p.jobBody(r)
	if err != nil {
		return err
	}
	if b.Batch, err = p.desk.Batches(r.Context(), b.ID(), api.BatchesQuery{PageQuery: api.PageQuery{Limit: shownBatches}}); err != nil {
		return err
	}
	b.More = max(0, len(b.Log)-shownLog)
	b.Log = b.Log[:len(b.Log)-b.More]
	id := b.ID()
	p.show(w, r, http.StatusOK, "job", shell{
		Title: b.Name, Here: "/jobs", Live: "/api/v1/jobs/" + id + "/events", Parts: "/jobs/" + id + "/parts", Zone: b.Zone,
		Said: p.said(w, r), Body: b,
	})
	return nil
}

// pressing orders what can not mend itself before what waits, and what nobody need look at last.
func pressing(f *api.FaultCount) int {
	switch {
	case !f.State.Final():
		return 2
	case f.Explanation.Remedy == jobs.RemedyNone:
		return 3
	case f.Explanation.Remedy == jobs.RemedyLook:
		return 0
	}
	return 1
}

// ID is the job's, whatever word it was asked for by.
func (b *jobBody) ID() string { return b.card.ID }

// jobParts is what of a job's page a script puts in anew.
func (p *Pages) jobParts(w http.ResponseWriter, r *http.Request) error {
	b, err := p.jobBody(r)
	if err != nil {
		return err
	}
	p.show(w, r, http.StatusOK, "job:parts", shell{Title: b.Name, Here: "/jobs", Zone: b.Zone, Body: b})
	return nil
}

func (p *Pages) jobBody(r *http.Request) (*jobBody, error) {
	progress, err := p.desk.Progress(r.Context(), r.PathValue("job"))
	if err != nil {
		return nil, err
	}
	log, err := p.desk.Log(r.Context(), progress.Job.ID)
	if err != nil {
		return nil, err
	}
	who, _ := access.PersonOf(r.Context())
	b := &jobBody{card: p.card(&progress.Job, who), Progress: progress}
	pen := chart.Pen{Zone: b.Zone, Number: words.Number}
	b.Night = pen.Night(progress.Timeline, progress.Job.Devices, log)
	b.Settle = pen.Settle(progress.Timeline, progress.Settled)
	slices.Reverse(log)
	b.Log = log
	b.reasons(who)
	b.Concerns = slices.DeleteFunc(b.Concerns, b.shown)
	for _, state := range jobs.States {
		b.States = append(b.States, stateRow{state, chart.Class(state), progress.Job.Counts[state]})
	}
	return b, nil
}

// shown tells whether a concern stands elsewhere in the page: as the job's hold, or among the reasons.
func (b *jobBody) shown(c api.Concern) bool {
	return c.Meaning == b.Hold && b.Hold != "" || slices.ContainsFunc(b.Reasons, func(r reason) bool {
		return r.Code == c.Code && r.Explanation.Title == c.Title
	})
}

func (b *jobBody) reasons(who access.Person) {
	most := int64(1)
	slices.SortStableFunc(b.Faults, func(x, y api.FaultCount) int { return cmp.Compare(pressing(&x), pressing(&y)) })
	for i, f := range b.Faults {
		most = max(most, f.Devices)
		if i >= shownFaults {
			b.Hidden += f.Devices
			continue
		}
		query := url.Values{"state": {f.State.String()}}
		again := ""
		if f.Code != "" {
			query.Set("fault", f.Code)
		}
		if f.State.Final() && who.Role >= access.Operator && b.State != jobs.Cancelling {
			again = "/jobs/" + b.ID() + "/act/retry?" + query.Encode()
		}
		b.Reasons = append(b.Reasons, reason{
			FaultCount: f, Class: chart.Class(f.State), Again: again, Results: "/jobs/" + b.ID() + "/results.csv?" + query.Encode(),
		})
	}
	for i := range b.Reasons {
		b.Reasons[i].W = chart.Bar(b.Reasons[i].Devices, most)
	}
}
