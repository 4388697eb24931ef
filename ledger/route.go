package ledger

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/simshift/simshift/jobs"
)

// routeRetention is how long after its deadline a request id still finds its batch: late callbacks decide, too.
const routeRetention = 7 * 24 * time.Hour

// unknownRetention is how long a batch that never learned its request id may still be adopted by a callback.
const unknownRetention = 7 * 24 * time.Hour

func unknownMember(job string, batch int64) string { return job + " " + strconv.FormatInt(batch, 10) }

func parseMember(member string) (jobs.BatchID, bool) {
	job, batch, ok := strings.Cut(member, " ")
	return jobs.BatchID{Job: job, Batch: number(batch)}, ok
}

// unknown lists a batch among those that are sent, since then, and do not know their request id. One that is listed stays since
// when it was: a second run that may not send it must not make it younger than its callbacks.
func (l *Ledger) unknown(ctx context.Context, job string, batch int64, since time.Time) error {
	err := l.rdb.ZAddNX(ctx, unknownKey, redis.Z{Score: float64(since.UnixMilli()), Member: unknownMember(job, batch)}).Err()
	if err != nil {
		return fmt.Errorf("note batch %d without its request: %w", batch, err)
	}
	return nil
}

// known notes that a batch's request id is known, or that it has none because it was not taken.
func (l *Ledger) known(ctx context.Context, job string, batch int64) error {
	if err := l.rdb.ZRem(ctx, unknownKey, unknownMember(job, batch)).Err(); err != nil {
		return fmt.Errorf("note request of batch %d: %w", batch, err)
	}
	return nil
}

// Routes finds the batches that request ids belong to; unknown ids are left out.
func (l *Ledger) Routes(ctx context.Context, requestIDs []string) (map[string]jobs.BatchID, error) {
	reads := make([]*redis.StringCmd, len(requestIDs))
	_, err := l.rdb.Pipelined(ctx, func(p redis.Pipeliner) error {
		for i, id := range requestIDs {
			reads[i] = p.Get(ctx, requestKey(id))
		}
		return nil
	})
	if err != nil && !errors.Is(err, redis.Nil) {
		return nil, fmt.Errorf("route callbacks: %w", err)
	}
	routes := make(map[string]jobs.BatchID, len(requestIDs))
	for i, read := range reads {
		if errors.Is(read.Err(), redis.Nil) {
			continue
		}
		if err := read.Err(); err != nil {
			return nil, fmt.Errorf("route callbacks: %w", err)
		}
		if id, ok := parseMember(read.Val()); ok {
			routes[requestIDs[i]] = id
		}
	}
	return routes, nil
}

// Unknown lists the batches that were sent and whose request id is not known: the ones a callback with a strange
// request id may belong to. The latest comes first.
func (l *Ledger) Unknown(ctx context.Context) ([]jobs.UnknownBatch, error) {
	entries, err := l.rdb.ZRevRangeWithScores(ctx, unknownKey, 0, -1).Result()
	if err != nil {
		return nil, fmt.Errorf("list unknown requests: %w", err)
	}
	list := make([]jobs.UnknownBatch, 0, len(entries))
	for i, member := range members(entries) {
		if id, ok := parseMember(member); ok {
			list = append(list, jobs.UnknownBatch{BatchID: id, Since: time.UnixMilli(int64(entries[i].Score)).UTC()})
		}
	}
	return list, nil
}

// ForgetUnknown drops batches from [Ledger.Unknown] that no callback can belong to any more.
func (l *Ledger) ForgetUnknown(ctx context.Context) error {
	before := strconv.FormatInt(l.now().Add(-unknownRetention).UnixMilli(), 10)
	if err := l.rdb.ZRemRangeByScore(ctx, unknownKey, "-inf", before).Err(); err != nil {
		return fmt.Errorf("forget unknown requests: %w", err)
	}
	return nil
}
