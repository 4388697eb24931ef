package ledger

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/simshift/simshift/jobs"
)

// recheck is how long a queued batch may wait without anybody looking at it before the sweeper renews its task. asynq
// itself gives a dead worker's task back after 70 to 170 s; a task too many costs nothing.
const recheck = 12 * time.Second

// Form makes a batch of first attempts out of size positions of a chunk, beginning at from. It gives 0 where another
// process was first, the job does not run, or nothing is pending there.
func (l *Ledger) Form(ctx context.Context, job string, chunk jobs.Chunk, from, size int) (int64, error) {
	number, err := l.run(ctx, formScript, job, chunk.Number, from, size, chunk.Group,
		l.now().Add(recheck).UnixMilli(), string(jobs.Running)).Int64()
	if err != nil {
		return 0, fmt.Errorf("form batch: %w", err)
	}
	return number, nil
}

// Formed tells for each chunk how many of its positions are in batches of first attempts.
func (l *Ledger) Formed(ctx context.Context, job string) (map[int]int, error) {
	fields, err := l.rdb.HGetAll(ctx, formedKey(job)).Result()
	if err != nil {
		return nil, fmt.Errorf("read formed chunks: %w", err)
	}
	formed := make(map[int]int, len(fields))
	for chunk, upTo := range fields {
		formed[int(number(chunk))] = int(number(upTo))
	}
	return formed, nil
}

// Gather makes a batch of at most most devices out of retry waves that are alike ([jobs.RetryWave.Alike]). It gives 0
// where none was made, and how many devices are left in the waves.
func (l *Ledger) Gather(ctx context.Context, job string, waves []jobs.RetryWave, most int) (batch int64, left int, err error) {
	first := waves[0]
	args := []any{most, first.Group, first.Attempt, flag(first.Repeat), l.now().Add(recheck).UnixMilli(), string(jobs.Running)}
	for _, wave := range waves {
		args = append(args, wave.Name)
	}
	answer, err := l.run(ctx, gatherScript, job, args...).Int64Slice()
	if err != nil {
		return 0, 0, fmt.Errorf("gather retries: %w", err)
	}
	return answer[0], int(answer[1]), nil
}

// Begin writes the intent to send a batch. It tells whether run may send it: only then, and once, may the POST happen. It
// fails with [jobs.ErrWindowFull].
func (l *Ledger) Begin(ctx context.Context, job string, batch int64, run string, graceEnds time.Time, quota jobs.Quota) (bool, error) {
	// Listed as unknown before the intent: a callback may come before the answer, and must find the batch.
	if err := l.unknown(ctx, job, batch, l.now()); err != nil {
		return false, err
	}
	window := ""
	if quota.Most > 0 {
		window = strconv.FormatInt(quota.Window.Unix(), 10)
	}
	answer, err := l.run(ctx, beginScript, job, batch, run, graceEnds.UnixMilli(), string(jobs.Running), window, quota.Most).Int()
	if err != nil {
		return false, fmt.Errorf("begin batch: %w", err)
	}
	if answer == 1 {
		return true, nil
	}
	err = l.takeBack(ctx, job, batch)
	if answer < 0 {
		err = errors.Join(err, jobs.ErrWindowFull)
	}
	return false, err
}

// takeBack takes a batch off the unknown ones that this run listed and may not send. Another run may be sending it.
func (l *Ledger) takeBack(ctx context.Context, job string, batch int64) error {
	b, err := l.Batch(ctx, job, batch)
	if err != nil && !errors.Is(err, jobs.ErrNotFound) {
		return err
	}
	if b.State == jobs.Submitting || b.State == jobs.Closed && b.RequestID == "" && !b.SentAt.IsZero() {
		return nil
	}
	return l.known(ctx, job, batch)
}

// Accept gives a batch that run has sent the request id of the carrier's answer, and starts the deadline of its callbacks. It
// tells whether the batch now has this id.
func (l *Ledger) Accept(ctx context.Context, job string, batch int64, run, requestID string, deadline time.Time) (bool, error) {
	// The route first: a callback must never find a batch that does not know its request. The carrier's own answer
	// outranks what was adopted from a callback.
	route, mine := requestKey(requestID), unknownMember(job, batch)
	if err := l.rdb.Set(ctx, route, mine, l.routeLife(deadline)).Err(); err != nil {
		return false, fmt.Errorf("accept batch: %w", err)
	}
	ok, err := l.accept(ctx, job, batch, requestID, deadline, run)
	if err == nil && !ok {
		err = forgetScript.Run(ctx, l.rdb, []string{route}, mine).Err()
	}
	return ok, err
}

// Adopt gives a sent batch a request id that a callback named before the carrier's answer came, if it came at all. It
// tells whether the batch now has this id; an id that another batch has, or a batch that has another id, is left alone.
func (l *Ledger) Adopt(ctx context.Context, job string, batch int64, requestID string, deadline time.Time) (bool, error) {
	route, mine := requestKey(requestID), unknownMember(job, batch)
	fresh, err := l.rdb.SetNX(ctx, route, mine, l.routeLife(deadline)).Result()
	if err != nil {
		return false, fmt.Errorf("adopt request: %w", err)
	}
	if !fresh {
		owner, err := l.rdb.Get(ctx, route).Result()
		if err != nil || owner != mine {
			return false, none(err, "adopt request")
		}
	}
	ok, err := l.accept(ctx, job, batch, requestID, deadline, "")
	if err == nil && !ok {
		err = forgetScript.Run(ctx, l.rdb, []string{route}, mine).Err()
	}
	return ok, err
}

func (l *Ledger) routeLife(deadline time.Time) time.Duration {
	return deadline.Sub(l.now()) + routeRetention
}

func (l *Ledger) accept(ctx context.Context, job string, batch int64, requestID string, deadline time.Time, run string) (bool, error) {
	ok, err := l.run(ctx, acceptScript, job, batch, requestID, deadline.UnixMilli(), run).Bool()
	if err != nil {
		return false, fmt.Errorf("accept batch: %w", err)
	}
	if ok {
		return true, l.known(ctx, job, batch)
	}
	return false, nil
}

// Release puts back a batch that the carrier certainly did not take.
func (l *Ledger) Release(ctx context.Context, job string, batch int64, run string, until time.Time, note string) (bool, error) {
	ok, err := l.run(ctx, releaseScript, job, batch, run, until.Add(recheck).UnixMilli(), note).Bool()
	if err != nil {
		return false, fmt.Errorf("release batch: %w", err)
	}
	if ok {
		return true, l.known(ctx, job, batch)
	}
	return false, nil
}

// Split halves a batch that was refused for its content, or with an empty run one that is overdue in doubt. It gives the
// two new batches, or none where the batch was not this run's, or held a single device.
func (l *Ledger) Split(ctx context.Context, job string, batch int64, run, note string) ([]int64, error) {
	halves, err := l.run(ctx, splitScript, job, batch, run, l.now().Add(recheck).UnixMilli(), note).Int64Slice()
	if err != nil {
		return nil, fmt.Errorf("split batch: %w", err)
	}
	if len(halves) > 0 && run != "" {
		err = l.known(ctx, job, batch)
	}
	return halves, err
}

// Suspect notes that a request in doubt was answered with an error of the carrier's own: a device in it may be the cause.
func (l *Ledger) Suspect(ctx context.Context, job string, batch int64, run, note string) error {
	if err := l.run(ctx, suspectScript, job, batch, run, note).Err(); err != nil {
		return fmt.Errorf("note what was answered: %w", err)
	}
	return nil
}

// Close ends a batch whatever is open in it. It gives how many devices it moved and the retry wave they went to, if
// any; moved is -1 where the batch was not in the state that the ending asks for.
func (l *Ledger) Close(ctx context.Context, job string, batch int64, ending jobs.Ending) (moved int, wave string, err error) {
	answer, err := l.run(ctx, closeScript, job, batch, int(ending.From), ending.Run, flag(ending.Overdue),
		int(ending.To), int(ending.Reason), ending.Fault.Code, cut(ending.Fault.Text), flag(ending.Retry), ending.Attempts,
		ending.RetryAt.Unix(), flag(ending.Doubtful), string(jobs.Cancelling), ending.Note).Slice()
	if err != nil {
		return 0, "", fmt.Errorf("close batch: %w", err)
	}
	count, okCount := answer[0].(int64)
	wave, okWave := answer[1].(string)
	if !okCount || !okWave {
		return 0, "", fmt.Errorf("close batch: unexpected answer %v", answer)
	}
	if count >= 0 && !ending.Doubtful {
		err = l.known(ctx, job, batch) // it was not taken: no callback belongs to it
	}
	return int(count), wave, err
}

// Batch reads one batch. It fails with [jobs.ErrNotFound].
func (l *Ledger) Batch(ctx context.Context, job string, batch int64) (jobs.Batch, error) {
	fields, err := l.rdb.HGetAll(ctx, batchKey(job, batch)).Result()
	if err != nil {
		return jobs.Batch{}, fmt.Errorf("read batch %d: %w", batch, err)
	}
	if len(fields) == 0 {
		return jobs.Batch{}, fmt.Errorf("batch %d of job %s: %w", batch, job, jobs.ErrNotFound)
	}
	return parseBatch(job, batch, fields), nil
}

// Batches reads the batches from first to last, both included; those that do not exist are left out.
func (l *Ledger) Batches(ctx context.Context, job string, first, last int64) ([]jobs.Batch, error) {
	numbers := make([]int64, 0, max(0, last-first+1))
	for n := first; n <= last; n++ {
		numbers = append(numbers, n)
	}
	return l.readBatches(ctx, job, numbers)
}

// readBatches reads batches in the order given; those that do not exist are left out.
func (l *Ledger) readBatches(ctx context.Context, job string, numbers []int64) ([]jobs.Batch, error) {
	var list []jobs.Batch
	for some := range slices.Chunk(numbers, 1000) {
		reads := make([]*redis.MapStringStringCmd, len(some))
		_, err := l.rdb.Pipelined(ctx, func(p redis.Pipeliner) error {
			for i, n := range some {
				reads[i] = p.HGetAll(ctx, batchKey(job, n))
			}
			return nil
		})
		if err != nil {
			return nil, fmt.Errorf("read batches: %w", err)
		}
		for i, read := range reads {
			if len(read.Val()) > 0 {
				list = append(list, parseBatch(job, some[i], read.Val()))
			}
		}
	}
	return list, nil
}

func parseBatch(job string, n int64, f map[string]string) jobs.Batch {
	b := jobs.Batch{
		Job: job, Number: n, State: jobs.State(number(f["state"])), //nolint:gosec // written from a State
		Group: int(number(f["group"])), Attempt: int(number(f["attempt"])), Size: int(number(f["size"])),
		Open: int(number(f["open"])), Repeat: f["repeat"] == "1", Suspect: f["suspect"] == "1", Listed: f["listed"] == "1",
		Chunk: int(number(f["chunk"])), From: int(number(f["from"])),
		RequestID: f["request"], Note: f["note"], Tasks: number(f["tasks"]),
	}
	for field, at := range map[string]*time.Time{"formed_at": &b.FormedAt, "sent_at": &b.SentAt, "due": &b.DueAt} {
		if when := moment(f[field]); when != nil {
			*at = *when
		}
	}
	return b
}

// Due lists the batches of a job that somebody must look at by now: overdue, or queued for long without a word.
func (l *Ledger) Due(ctx context.Context, job string, most int64) ([]int64, error) {
	members, err := l.rdb.ZRangeByScore(ctx, dueKey(job), &redis.ZRangeBy{
		Min: "-inf", Max: strconv.FormatInt(l.now().UnixMilli(), 10), Count: most,
	}).Result()
	if err != nil {
		return nil, fmt.Errorf("read due batches: %w", err)
	}
	return numbers(members), nil
}

// LastDeadline is when the last open batch of a job is due.
func (l *Ledger) LastDeadline(ctx context.Context, job string) (time.Time, error) {
	last, err := l.rdb.ZRevRangeWithScores(ctx, dueKey(job), 0, 0).Result()
	if err != nil || len(last) == 0 {
		return l.now(), none(err, "read the last deadline")
	}
	return time.UnixMilli(int64(last[0].Score)).UTC(), nil
}

// OpenBatches lists every batch of a job that is not closed.
func (l *Ledger) OpenBatches(ctx context.Context, job string) ([]int64, error) {
	members, err := l.rdb.ZRange(ctx, dueKey(job), 0, -1).Result()
	if err != nil {
		return nil, fmt.Errorf("read open batches: %w", err)
	}
	return numbers(members), nil
}

// Touch counts one more task made for a queued batch, and puts off the time somebody must look at it. It gives 0 for a
// batch that is not queued.
func (l *Ledger) Touch(ctx context.Context, job string, batch int64, wait time.Duration) (tasks int64, err error) {
	tasks, err = l.run(ctx, touchScript, job, batch, l.now().Add(wait+recheck).UnixMilli()).Int64()
	if err != nil {
		return 0, fmt.Errorf("touch batch %d: %w", batch, err)
	}
	return tasks, nil
}

func numbers(members []string) []int64 {
	list := make([]int64, len(members))
	for i, member := range members {
		list[i] = number(member)
	}
	return list
}

func flag(on bool) string {
	if on {
		return "1"
	}
	return "0"
}

// cut bounds the words of a fault: they are kept once a job, but a carrier may say anything.
func cut(text string) string {
	const most = 300
	if len(text) <= most {
		return text
	}
	return text[:most]
}
