package ledger_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/simshift/simshift/jobs"
)

// through reads a list to its end in pages of a size, and gives what it holds.
func through[T, C comparable](t *testing.T, page func(after C) (entries []T, next C, err error)) (all []T) {
	t.Helper()
	var after, start C
	for {
		entries, next, err := page(after)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, entries...)
		if next == start {
			return all
		}
		if len(entries) == 0 {
			t.Fatal("an empty page that is not the last")
		}
		after = next
	}
}

func testJobPage(t *testing.T, b *books) {
	ctx := t.Context()
	var want, ended []string
	for i := range 7 {
		b.clock = b.clock.Add(time.Duration(i%2) * time.Second) // some begin in the same millisecond
		job := b.job(1)
		want = append(want, job.ID)
		if i%3 == 0 {
			_, err := b.Drop(ctx, job.ID, []jobs.Place{jobs.PlaceAt(0, 0)}, jobs.Entry{})
			b.check(err)
			_, err = b.Finish(ctx, job.ID)
			b.check(err)
			ended = append(ended, job.ID)
		}
	}
	open := slices.DeleteFunc(slices.Clone(want), func(id string) bool { return slices.Contains(ended, id) })
	for which, want := range map[jobs.Which][]string{jobs.Both: want, jobs.OnlyOpen: open, jobs.OnlyEnded: ended} {
		slices.Reverse(want)
		for limit := range 9 {
			got := through(t, func(after string) ([]string, string, error) {
				page, next, err := b.JobPage(ctx, after, limit, which)
				var ids []string
				for _, job := range page {
					ids = append(ids, job.ID)
				}
				return ids, next, err
			})
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%q jobs in pages of %d (-want +got):\n%s", which, limit, diff)
			}
		}
	}
	if _, _, err := b.JobPage(ctx, "nonsense", 1, jobs.Both); !errors.Is(err, jobs.ErrNotFound) {
		t.Errorf("a page after nonsense: %v", err)
	}
}

func testParkedPage(t *testing.T, b *books) {
	var want []string
	for i := range 7 {
		p := jobs.Parked{ID: fmt.Sprint("p", i), At: b.clock.Add(time.Duration(i/4) * time.Second)}
		want = append(want, p.ID)
		b.check(b.Park(t.Context(), []jobs.Parked{p}))
	}
	for limit := range 9 {
		got := through(t, func(after string) ([]string, string, error) {
			page, next, err := b.ParkedPage(t.Context(), after, limit)
			var ids []string
			for _, p := range page {
				ids = append(ids, p.ID)
			}
			return ids, next, err
		})
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("pages of %d (-want +got):\n%s", limit, diff)
		}
	}
	// The last one of a page is matched before the next page is asked for.
	_, next, err := b.ParkedPage(t.Context(), "", 3)
	b.check(err)
	b.check(b.Unpark(t.Context(), "p2"))
	page, _, err := b.ParkedPage(t.Context(), next, 1)
	if err != nil || len(page) != 1 || page[0].ID != "p3" {
		t.Errorf("the page after one that is gone: %+v (%v)", page, err)
	}
}

func testBatchPage(t *testing.T, b *books) {
	job := b.job(7)
	var all, open, ended []int64
	for i := range 7 {
		n, err := b.Form(t.Context(), job.ID, jobs.Chunk{Size: 7}, i, 1)
		b.check(err)
		all = append(all, n)
		if i%3 == 0 {
			b.sent(job.ID, n, fmt.Sprint("r-", n))
			b.settle(job.ID, []jobs.Effect{jobs.Settled}, event(n, i+1, jobs.Confirmed))
			ended = append(ended, n)
		} else {
			open = append(open, n)
		}
	}
	for which, want := range map[jobs.Which][]int64{jobs.Both: all, jobs.OnlyOpen: open, jobs.OnlyEnded: ended} {
		for _, oldest := range []bool{true, false} {
			if !oldest {
				slices.Reverse(want)
			}
			for limit := range 9 {
				got := through(t, func(after int64) ([]int64, int64, error) {
					page, next, err := b.BatchPage(t.Context(), job.ID, jobs.BatchQuery{After: after, Limit: limit, Which: which, Oldest: oldest})
					var numbers []int64
					for _, batch := range page {
						numbers = append(numbers, batch.Number)
					}
					return numbers, next, err
				})
				if diff := cmp.Diff(want, got); diff != "" {
					t.Errorf("%q batches, oldest first %v, in pages of %d (-want +got):\n%s", which, oldest, limit, diff)
				}
			}
		}
	}
	page, next, err := b.BatchPage(t.Context(), "no such job", jobs.BatchQuery{Limit: 5})
	if len(page) != 0 || next != 0 || err != nil {
		t.Errorf("batches of no job: %v, %d, %v", page, next, err)
	}
}

func testOldestOfAll(t *testing.T, b *books) {
	oldest := func(job string, batch int64) {
		t.Helper()
		got, found, err := b.Oldest(t.Context())
		if err != nil || found != (batch > 0) || got.Number != batch || got.Job != job {
			t.Errorf("the oldest is batch %d of %q (%v), not %d of %q", got.Number, got.Job, err, batch, job)
		}
	}
	one, two := b.job(1).ID, b.job(1).ID
	oldest("", 0)
	first, second := b.batch(two, 1), b.batch(one, 1)
	oldest("", 0) // nothing is sent
	b.sent(two, first, "r-1")
	b.clock = b.clock.Add(time.Minute)
	b.sent(one, second, "r-2")
	oldest(two, first)
	b.settle(two, []jobs.Effect{jobs.Settled}, event(first, 1, jobs.Confirmed))
	oldest(one, second)
	b.settle(one, []jobs.Effect{jobs.Settled}, event(second, 1, jobs.Confirmed))
	oldest("", 0)
}
