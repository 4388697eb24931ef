package ledger

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/simshift/simshift/jobs"
)

// markRetention is how long the mark of a process that has gone is kept.
const markRetention = time.Hour

// Mark writes the next mark of a process over the last one, -1 for none, and gives the one that stood there. If that is
// older than the last, nothing was written, and what this process did since is lost: Redis keeps what it was given in
// order, so a mark that is there tells that everything is which was acknowledged before it.
func (l *Ledger) Mark(ctx context.Context, process string, last, next int64) (before int64, err error) {
	now := l.now()
	before, err = markScript.Run(ctx, l.rdb, []string{marksKey}, now.UnixMilli(), process, last, next,
		now.Add(-markRetention).UnixMilli()).Int64()
	if err != nil {
		return 0, fmt.Errorf("write the mark of %s: %w", process, err)
	}
	return before, nil
}

// Marks tells when each process wrote its last mark.
func (l *Ledger) Marks(ctx context.Context) (map[string]time.Time, error) {
	fields, err := l.rdb.HGetAll(ctx, marksKey).Result()
	if err != nil {
		return nil, fmt.Errorf("read marks: %w", err)
	}
	marks := make(map[string]time.Time, len(fields))
	for process, text := range fields {
		_, at, _ := strings.Cut(text, " ")
		marks[process] = time.UnixMilli(number(at))
	}
	return marks, nil
}

// Unmark forgets the mark of a process that ends.
func (l *Ledger) Unmark(ctx context.Context, process string) error {
	if err := l.rdb.HDel(ctx, marksKey, process).Err(); err != nil {
		return fmt.Errorf("forget the mark of %s: %w", process, err)
	}
	return nil
}

// lossesKept is how many losses are remembered, and for how long.
const (
	lossesKept      = 20
	lossesRetention = 7 * 24 * time.Hour
)

// Witnessed notes, for people, what Redis had lost and what became of it.
func (l *Ledger) Witnessed(ctx context.Context, words string) error {
	_, err := l.rdb.TxPipelined(ctx, func(p redis.Pipeliner) error {
		p.LPush(ctx, lossesKey, words)
		p.LTrim(ctx, lossesKey, 0, lossesKept-1)
		p.Expire(ctx, lossesKey, lossesRetention)
		return nil
	})
	if err != nil {
		return fmt.Errorf("note what was lost: %w", err)
	}
	return nil
}

// Losses lists what Redis has lost in the last days, the latest first.
func (l *Ledger) Losses(ctx context.Context) ([]string, error) {
	losses, err := l.rdb.LRange(ctx, lossesKey, 0, -1).Result()
	if err != nil {
		return nil, fmt.Errorf("read what was lost: %w", err)
	}
	return losses, nil
}

// LongestGrace is the longest that a request of any open job counts as in flight while nobody knows what became of it.
func (l *Ledger) LongestGrace(ctx context.Context) (longest time.Duration, err error) {
	open, err := l.OpenJobs(ctx)
	if err != nil {
		return 0, err
	}
	for _, job := range open {
		s, err := l.spec(ctx, job)
		if err != nil {
			return 0, err
		}
		longest = max(longest, s.Policy.DoubtGrace)
	}
	return longest, nil
}

// Restore writes again what Redis has lost of a request that was sent for the given devices: they are in doubt, in the
// batch whose number it gives, which is another one if theirs was lost. It gives 0 where they all have moved on, and
// how many devices it wrote again; those that stand in an earlier attempt, whose end is lost too, are among them. It is safe to
// repeat, and changes nothing where nothing was lost.
//
// Callbacks of an unknown request may adopt it, unless b knows its own: [Ledger.Accept] is to follow then, and whatever comes
// before it is another's.
func (l *Ledger) Restore(ctx context.Context, b jobs.Batch, places []jobs.Place, run string, graceEnds time.Time) (
	batch int64, restored int, err error,
) {
	list := make([]byte, 0, 4*len(places))
	for _, place := range places {
		list = append(list, byte(place>>24), byte(place>>16), byte(place>>8), byte(place)) //nolint:gosec // cut on purpose
	}
	answer, err := l.run(ctx, restoreScript, b.Job, b.Number, run, graceEnds.UnixMilli(), b.Group, b.Attempt, flag(b.Repeat),
		b.SentAt.UnixMilli(), list, "written again: Redis had lost it").Int64Slice()
	if err != nil {
		return 0, 0, fmt.Errorf("restore batch %d: %w", b.Number, err)
	}
	if answer[2] == 1 && b.RequestID == "" {
		err = l.unknown(ctx, b.Job, answer[0], b.SentAt)
	}
	return answer[0], int(answer[1]), err
}
