package ledger

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/redis/go-redis/v9"

	"github.com/simshift/simshift/jobs"
)

// recountStep is how many chunks' records are read at a time: 1.6 MB.
const recountStep = 10

// Recount counts a job's devices by their records, holds the counters by state, by reason and by wave against that, and puts
// them right where they differ: what differed is given in words, and kept with the job. A job that moved meanwhile is not judged
// (settled is false); it costs 16 bytes of reading a device all the same.
func (l *Ledger) Recount(ctx context.Context, job string) (drift string, settled bool, err error) {
	before, err := l.rdb.HGetAll(ctx, jobKey(job)).Result()
	if err != nil || len(before) == 0 {
		return "", false, none(err, "recount")
	}
	said, err := l.said(ctx, job)
	if err != nil {
		return "", false, err
	}
	waves, err := l.readBounds(ctx, job, before)
	if err != nil {
		return "", false, err
	}
	counted, err := l.countRecords(ctx, job, waves)
	if err != nil {
		return "", false, err
	}
	after, err := l.rdb.HGetAll(ctx, jobKey(job)).Result()
	if err != nil {
		return "", false, fmt.Errorf("recount: %w", err)
	}
	if !maps.Equal(before, after) {
		return "", false, nil
	}
	drift = difference(before, counted.states)
	weighed := before[weighedField] != "" // else the job is older than what is counted by reason
	if weighed {
		drift = join(drift, different(said.reasons, counted.reasons, "by reason"))
	}
	if before[wavesField] != "" {
		drift = join(drift, different(said.waves, counted.waves, "by wave"))
	}
	if drift == "" && weighed {
		return "", true, nil
	}
	settled, err = l.setCounters(ctx, job, drift, before, counted)
	return drift, settled, err
}

// tally is what a job's records say.
type tally struct {
	states  map[jobs.State]int64
	reasons map[why]int64
	waves   map[string]int64 // by the field that counts it
}

// said is what the counters beside the job's hash say.
func (l *Ledger) said(ctx context.Context, job string) (said tally, err error) {
	if said.reasons, err = l.reasons(ctx, job); err != nil {
		return said, err
	}
	fields, err := l.rdb.HGetAll(ctx, wavesKey(job)).Result()
	if err != nil {
		return said, fmt.Errorf("recount: %w", err)
	}
	said.waves = make(map[string]int64, len(fields))
	for field, n := range fields {
		said.waves[field] = number(n)
	}
	return said, nil
}

// countRecords counts the devices by state, by reason and by wave. Those that stand in a batch that has ended, which must not be, come
// out as [jobs.Closed].
func (l *Ledger) countRecords(ctx context.Context, job string, waves bounds) (counted tally, err error) {
	s, err := l.spec(ctx, job)
	if err != nil {
		return counted, err
	}
	counted = tally{make(map[jobs.State]int64), make(map[why]int64), make(map[string]int64)}
	batches := make(map[int64]int64)
	for chunks := range slices.Chunk(s.chunks, recountStep) {
		reads := make([]*redis.StringCmd, 0, len(chunks))
		_, err := l.rdb.Pipelined(ctx, func(p redis.Pipeliner) error {
			for _, chunk := range chunks {
				reads = append(reads, p.Get(ctx, stateKey(job, chunk.Number)))
			}
			return nil
		})
		if err != nil {
			return counted, fmt.Errorf("recount: %w", err)
		}
		for i, read := range reads {
			pos := -1
			for record := range slices.Chunk([]byte(read.Val()), recordSize) {
				r := decodeRecord(record)
				pos++
				waves.count(chunks[i].Number, pos, r.state, counted.waves)
				if r.state == inBatch {
					batches[r.batch]++
				} else {
					counted.states[r.state]++
				}
				if w, counts := whyOf(r); counts {
					counted.reasons[w]++
				}
			}
		}
	}
	return counted, l.countBatches(ctx, job, batches, counted.states)
}

// countBatches adds the devices that stand in batches, under the states of these.
func (l *Ledger) countBatches(ctx context.Context, job string, batches map[int64]int64, counted map[jobs.State]int64) error {
	states := make(map[int64]*redis.StringCmd, len(batches))
	_, err := l.rdb.Pipelined(ctx, func(p redis.Pipeliner) error {
		for number := range batches {
			states[number] = p.HGet(ctx, batchKey(job, number), "state")
		}
		return nil
	})
	if none(err, "") != nil {
		return fmt.Errorf("recount: %w", err)
	}
	for number, devices := range batches {
		state, err := states[number].Int()
		if none(err, "") != nil {
			return fmt.Errorf("recount: %w", err)
		}
		counted[jobs.State(state)] += devices //nolint:gosec // written from a State; of a batch that is not there, 0
	}
	return nil
}

// difference tells how the counters differ from what was counted; empty where they do not.
func difference(fields map[string]string, counted map[jobs.State]int64) string {
	var words []string
	for _, state := range append(slices.Clone(jobs.States), jobs.Closed) {
		if said := number(fields[countField(state)]); said != counted[state] {
			words = append(words, fmt.Sprintf("%s %d instead of %d", state, said, counted[state]))
		}
	}
	return strings.Join(words, ", ")
}

// different tells how many of some counts differ from what was counted, in short: they may be many. One that is missing is 0.
func different[K comparable](said, counted map[K]int64, by string) string {
	n := 0
	for key := range counted {
		if said[key] != counted[key] {
			n++
		}
	}
	for key := range said {
		if _, there := counted[key]; !there && said[key] != 0 {
			n++
		}
	}
	if n == 0 {
		return ""
	}
	return fmt.Sprintf("%d of the counts %s", n, by)
}

// join puts two texts behind each other, of which either may be empty.
func join(a, b string) string {
	if a == "" || b == "" {
		return a + b
	}
	return a + ", " + b
}

func (l *Ledger) setCounters(ctx context.Context, job, drift string, before map[string]string, counted tally) (bool, error) {
	args := []any{drift, len(before), len(jobs.States) + 1, len(counted.reasons)}
	for field, value := range before {
		args = append(args, field, value)
	}
	for _, state := range jobs.States {
		args = append(args, countField(state), strconv.FormatInt(counted.states[state], 10))
	}
	args = append(args, weighedField, 1)
	for w, n := range counted.reasons {
		args = append(args, w.field(), n)
	}
	for field, n := range counted.waves {
		args = append(args, field, n)
	}
	done, err := l.run(ctx, recountScript, job, args...).Bool()
	if err != nil {
		return false, fmt.Errorf("recount: %w", err)
	}
	return done, nil
}
