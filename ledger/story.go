package ledger

import (
	"context"
	"encoding/binary"
	"fmt"
	"time"

	"github.com/simshift/simshift/jobs"
)

// eventSize is the length of an event in a chunk's story; its layout is written at tell in lua/prelude.lua.
const eventSize = 16

// Story tells all that happened to a device of a job, in the order of time: a chapter for the end of each attempt, for each
// warning, and for what people decided about it.
//
// What a device's record tells is not written twice: a plain success at the first attempt, and a batch that is under way, are
// read from there.
func (l *Ledger) Story(ctx context.Context, o *jobs.Outcome, job string) ([]jobs.Chapter, error) {
	events, err := l.rdb.Get(ctx, storyKey(job, o.Place.Chunk())).Bytes()
	if none(err, "") != nil {
		return nil, fmt.Errorf("read the story of a device: %w", err)
	}
	faults, err := l.faults(ctx, job)
	if err != nil {
		return nil, err
	}
	var chapters []jobs.Chapter
	for at := 0; at+eventSize <= len(events); at += eventSize {
		if int(binary.BigEndian.Uint16(events[at:])) == o.Place.Pos() {
			chapters = append(chapters, chapter(events[at:], faults))
		}
	}
	if last := len(chapters) - 1; o.Batch > 0 && (last < 0 || chapters[last].Batch != o.Batch || chapters[last].Warned) {
		chapters = append(chapters, jobs.Chapter{
			At: o.ChangedAt, State: o.State, Reason: o.Reason, Attempt: o.Attempts, Fault: o.Fault, Batch: o.Batch,
		})
	}
	for i := range chapters {
		if err := l.sending(ctx, job, &chapters[i]); err != nil {
			return nil, err
		}
	}
	return chapters, nil
}

func chapter(b []byte, faults []jobs.Fault) jobs.Chapter {
	c := jobs.Chapter{
		State: jobs.State(b[2]), Reason: jobs.Reason(b[3]), Attempt: int(b[4]), Warned: b[2] == 0,
		At:    time.Unix(int64(binary.BigEndian.Uint32(b[8:])), 0).UTC(),
		Batch: int64(binary.BigEndian.Uint32(b[12:])),
	}
	if fault := int(binary.BigEndian.Uint16(b[6:])); fault > 0 && fault < len(faults) {
		c.Fault = faults[fault]
	}
	return c
}

// sending adds when, and as which request, the chapter's batch was sent.
func (l *Ledger) sending(ctx context.Context, job string, c *jobs.Chapter) error {
	fields, err := l.rdb.HMGet(ctx, batchKey(job, c.Batch), "sent_at", "request").Result()
	if err != nil {
		return fmt.Errorf("read batch %d: %w", c.Batch, err)
	}
	sent, _ := fields[0].(string)
	if at := moment(sent); at != nil {
		c.SentAt = *at
	}
	c.RequestID, _ = fields[1].(string)
	return nil
}
