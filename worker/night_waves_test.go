package worker

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/simshift/simshift/jobs"
)

// queueing is a retry wave with its devices.
type queueing struct {
	jobs.RetryWave
	places []jobs.Place
	taken  int
}

func (p *paper) Waves(context.Context, string) ([]jobs.RetryWave, error) {
	waves := make([]jobs.RetryWave, len(p.order))
	for i, q := range p.order {
		waves[i] = q.RetryWave
		waves[i].Devices = len(q.places)
	}
	return waves, nil
}

// find tells where a retry wave stands in the order, or belongs.
func (p *paper) find(q *queueing) int {
	at, _ := slices.BinarySearchFunc(p.order, q, func(a, b *queueing) int {
		return cmp.Or(a.Due.Compare(b.Due), cmp.Compare(a.Name, b.Name))
	})
	return at
}

// wait puts a device that failed its batch into a retry wave, and gives its name.
func (p *paper) wait(b *sheet, place jobs.Place, repeat bool, due time.Time) string {
	again := 0
	if repeat {
		again = 1
	}
	name := fmt.Sprintf("%d:%d:%d:%d", b.Group, b.Attempt, again, due.Unix())
	q := p.waits[name]
	if q == nil {
		wave, err := jobs.ParseWave(name)
		if err != nil {
			p.t.Fatal(err)
		}
		q = &queueing{RetryWave: wave}
		p.waits[name] = q
		p.order = slices.Insert(p.order, p.find(q), q)
		p.dues = append(p.dues, wave.Due)
	}
	q.places = append(q.places, place)
	return name
}

func (p *paper) Gather(_ context.Context, _ string, waves []jobs.RetryWave, most int) (batch int64, left int, err error) {
	var places []jobs.Place
	for _, wave := range waves {
		q := p.waits[wave.Name]
		if q == nil {
			continue // an earlier batch of the same set emptied it
		}
		n := min(most-len(places), len(q.places)-q.taken)
		places = append(places, q.places[q.taken:q.taken+n]...)
		if q.taken += n; q.taken == len(q.places) {
			at := p.find(q)
			p.order = slices.Delete(p.order, at, at+1)
			delete(p.waits, wave.Name)
		} else {
			left += len(q.places) - q.taken
		}
	}
	if len(places) == 0 {
		return 0, left, nil
	}
	return p.batch(waves[0].Group, waves[0].Attempt+1, waves[0].Repeat, places, jobs.Retrying), left, nil
}
