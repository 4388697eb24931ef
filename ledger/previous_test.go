package ledger_test

import (
	"fmt"
	"reflect"
	"testing"

	"github.com/simshift/simshift/jobs"
)

// The fleet that was moved: six chunks of two groups, of which one lacks a few previous ICCIDs, two know all and three none.
const movedRows, movedChunk = 600, 100

func previousOf(row int) jobs.ICCID {
	if part := row / 200; part == 0 || part == 1 && row%2 == 1 {
		return device(1000 + row).ICCID
	}
	return jobs.ICCID{}
}

func testMoved(t *testing.T, b *books) {
	job := b.movedJob()
	b.succeedMost(job.ID)
	last, moved := 0, 0
	b.check(b.Moved(t.Context(), job.ID, func(o *jobs.Outcome) error {
		row := int(o.Row)
		if row <= last || o.State != jobs.Succeeded || o.EID != device(row).EID || o.Previous != previousOf(row) {
			t.Fatalf("after row %d: %+v", last, o)
		}
		last = row
		moved++
		return nil
	}))
	if moved != movedRows-movedRows/movedChunk {
		t.Errorf("%d devices moved", moved)
	}
	keys, err := b.rdb.Keys(t.Context(), "simshift:{moved}:previous:*").Result()
	if len(keys) != 3 || err != nil {
		t.Errorf("previous ICCIDs are kept in %v (%v)", keys, err)
	}
	read, err := b.Job(t.Context(), job.ID)
	if read.RevertOf != "other" || read.Reason != "a test" || !reflect.DeepEqual(read.Policy, job.Policy) || err != nil {
		t.Errorf("%+v (%v)", read, err)
	}
}

// movedJob commits that fleet.
func (b *books) movedJob() jobs.Job {
	b.t.Helper()
	job := jobs.Job{
		ID: "moved", Policy: jobs.DefaultPolicy(), CreatedAt: b.clock, RevertOf: "other", Reason: "a test",
		Groups: []jobs.Group{{Account: "a", Plan: "p"}, {Account: "b", Plan: "p"}},
	}
	job.Policy.RevertPlan = "US 5MB"
	b.check(b.Create(b.t.Context(), job))
	var parts [2][]jobs.Device
	for row := 1; row <= movedRows; row++ {
		d := device(row)
		d.Previous = previousOf(row)
		parts[row%2] = append(parts[row%2], d)
	}
	for number := range movedRows / movedChunk {
		part := &parts[number%2]
		chunk := jobs.Chunk{Number: number, Group: number % 2, Size: movedChunk}
		b.check(b.AddChunk(b.t.Context(), job.ID, chunk, (*part)[:movedChunk]))
		*part = (*part)[movedChunk:]
	}
	b.check(b.Commit(b.t.Context(), job, movedRows, "", jobs.Entry{}))
	b.made = append(b.made, job.ID)
	return job
}

// succeedMost has every device succeed but the first of each chunk.
func (b *books) succeedMost(job string) {
	b.t.Helper()
	for number := range movedRows / movedChunk {
		n, err := b.Form(b.t.Context(), job, jobs.Chunk{Number: number, Group: number % 2, Size: movedChunk}, 0, movedChunk)
		b.check(err)
		b.sent(job, n, fmt.Sprintf("r-%d", n))
		var events []jobs.Event
		for pos := 1; pos < movedChunk; pos++ {
			events = append(events, jobs.Event{Batch: n, Place: jobs.PlaceAt(number, pos), Kind: jobs.Confirmed})
		}
		_, err = b.Settle(b.t.Context(), job, 3, events)
		b.check(err)
	}
}
