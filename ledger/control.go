package ledger

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/simshift/simshift/jobs"
)

// Cancel stops a job: nothing more of it is sent, and what is in flight still settles.
func (l *Ledger) Cancel(ctx context.Context, id string, e jobs.Entry) error {
	return l.move(ctx, id, jobs.Cancelling, []jobs.Phase{jobs.Running, jobs.Paused}, e, "hold", "", "paused_by", "")
}

// Pause stops the sending of a running job; what is in flight still settles. by is one of [jobs.ByPerson] and its like,
// hold what is shown while it lasts. wave, if it is not 0, must be the present wave. It fails with [jobs.ErrConflict].
func (l *Ledger) Pause(ctx context.Context, id, by string, wave int, hold string, e jobs.Entry) error {
	return l.moved(l.run(ctx, pauseScript, id, string(jobs.Running), string(jobs.Paused), by, optional(wave), hold,
		l.entryText(e)), id, jobs.Paused)
}

// Resume lets a job go on that by paused. Where that was the gate, it opens the next wave, up to so many devices. It fails
// with [jobs.ErrConflict].
func (l *Ledger) Resume(ctx context.Context, id, by string, wave int, upTo int64, e jobs.Entry) error {
	return l.moved(l.run(ctx, resumeScript, id, string(jobs.Paused), string(jobs.Running), by, optional(wave), upTo,
		l.entryText(e)), id, jobs.Running)
}

// OpenWave lets the wave after the present one go, up to so many devices of the job. Another process may be first.
func (l *Ledger) OpenWave(ctx context.Context, id string, present int, upTo int64, e jobs.Entry) error {
	err := l.run(ctx, waveScript, id, string(jobs.Running), present, present+1, upTo, l.entryText(e)).Err()
	if err != nil {
		return fmt.Errorf("open wave %d of job %s: %w", present+1, id, err)
	}
	return nil
}

// SetPriority changes which of two jobs sends first.
func (l *Ledger) SetPriority(ctx context.Context, id string, priority int, e jobs.Entry) error {
	_, err := l.rdb.TxPipelined(ctx, func(p redis.Pipeliner) error {
		p.HSet(ctx, jobKey(id), "priority", priority)
		p.RPush(ctx, logKey(id), l.entryText(e))
		return nil
	})
	if err != nil {
		return fmt.Errorf("set the priority of job %s: %w", id, err)
	}
	return nil
}

// Drop cancels single devices, as far as they are not with the carrier, and gives the state that each is in now.
func (l *Ledger) Drop(ctx context.Context, id string, places []jobs.Place, e jobs.Entry) ([]jobs.State, error) {
	args := []any{l.entryText(e)}
	for _, place := range places {
		args = append(args, uint32(place))
	}
	codes, err := l.run(ctx, dropScript, id, args...).Int64Slice()
	if err != nil {
		return nil, fmt.Errorf("cancel devices of job %s: %w", id, err)
	}
	states := make([]jobs.State, len(codes))
	for i, code := range codes {
		states[i] = jobs.State(code) //nolint:gosec // written from a State
	}
	return states, nil
}

// reopenLife is how long a job that is being reopened is kept from ending again.
const reopenLife = time.Minute

// reopenable are the phases in which devices of a job may be given another round.
var reopenable = []jobs.Phase{jobs.Running, jobs.Paused}

// TakeUp makes a job that has ended hold its devices again, paused, so that [Ledger.Reopen] can give them another round.
// The caller goes through the gate of imports, and looks for other jobs that hold the devices afterwards.
func (l *Ledger) TakeUp(ctx context.Context, id, hold string, round int, e jobs.Entry) error {
	return l.move(ctx, id, jobs.Paused, []jobs.Phase{jobs.Finished, jobs.Stopped}, e, "hold", hold, "paused_by", jobs.ByPerson,
		"reopening", l.now().Add(reopenLife).UnixMilli(), "round", round, "finished_at", "")
}

// Selection says which of a job's final devices are meant.
type Selection struct {
	States []jobs.State // never [jobs.Succeeded]
	Fault  string       // only those with this fault; empty: any
}

// Reopen gives the selected devices of a chunk another round, due at a time. It gives how many, and their retry waves.
func (l *Ledger) Reopen(ctx context.Context, id string, chunk jobs.Chunk, which Selection, due time.Time) (int, []string, error) {
	states := make([]byte, len(which.States))
	for i, state := range which.States {
		states[i] = byte(state)
	}
	args := []any{chunk.Number, chunk.Size, chunk.Group, due.Unix(), states, which.Fault}
	for _, phase := range reopenable {
		args = append(args, string(phase))
	}
	answer, err := l.run(ctx, reopenScript, id, args...).Slice()
	if err != nil {
		return 0, nil, fmt.Errorf("reopen devices of job %s: %w", id, err)
	}
	moved, _ := answer[0].(int64)
	if moved < 0 {
		return 0, nil, fmt.Errorf("job %s ended meanwhile: %w", id, jobs.ErrConflict)
	}
	var waves []string
	names, _ := answer[1].([]any)
	for _, name := range names {
		text, _ := name.(string)
		waves = append(waves, text)
	}
	return int(moved), waves, nil
}

// WaveCounts counts the devices of the present wave by state, as the records say. Those in a batch come out as
// [jobs.Queued], whatever their batch's state.
func (l *Ledger) WaveCounts(ctx context.Context, id string) (jobs.Counts, error) {
	s, err := l.spec(ctx, id)
	if err != nil {
		return nil, err
	}
	before, err := l.rdb.HGetAll(ctx, beforeKey(id)).Result()
	if err != nil {
		return nil, fmt.Errorf("count the wave of job %s: %w", id, err)
	}
	formed, err := l.Formed(ctx, id)
	if err != nil {
		return nil, err
	}
	counts := make(jobs.Counts)
	for _, chunk := range s.chunks {
		from, to := int(number(before[strconv.Itoa(chunk.Number)])), formed[chunk.Number]
		if from >= to {
			continue
		}
		_, records, err := l.readChunk(ctx, id, chunk.Number, from, to-from, true)
		if err != nil {
			return nil, err
		}
		for at := 0; at < len(records); at += recordSize {
			state := decodeRecord(records[at:]).state
			if state == inBatch {
				state = jobs.Queued
			}
			counts[state]++
		}
	}
	return counts, nil
}

// moved reads the answer of a script that moves a job to another phase.
func (l *Ledger) moved(cmd *redis.Cmd, id string, to jobs.Phase) error {
	answer, err := cmd.Result()
	if err != nil {
		return fmt.Errorf("job %s to %s: %w", id, to, err)
	}
	current, refused := answer.(string)
	switch {
	case !refused:
		return nil
	case current == "":
		return notFound(id)
	default:
		return fmt.Errorf("job %s is %s, it can not become %s: %w", id, current, to, jobs.ErrConflict)
	}
}

func optional(n int) string {
	if n == 0 {
		return ""
	}
	return strconv.Itoa(n)
}
