package ledger

import (
	"context"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/simshift/simshift/jobs"
)

// staleImport is how long an import may go without writing before the sweeper takes it for dead.
const staleImport = 10 * time.Minute

// Delete removes an ended or abandoned job with all its keys. It fails with [jobs.ErrConflict] for any other.
func (l *Ledger) Delete(ctx context.Context, id string) error {
	phase, err := l.rdb.HGet(ctx, jobKey(id), "state").Result()
	if err != nil && none(err, "") != nil {
		return fmt.Errorf("delete job %s: %w", id, err)
	}
	if p := jobs.Phase(phase); p.Open() || p == jobs.Importing {
		return fmt.Errorf("job %s is %s, only an ended job can be deleted: %w", id, p, jobs.ErrConflict)
	}
	if s, err := l.spec(ctx, id); err == nil {
		if mark, _ := l.rdb.HGet(ctx, filesKey, s.FileSHA256).Result(); mark == id {
			l.rdb.HDel(ctx, filesKey, s.FileSHA256)
		}
	}
	if err := l.unlink(ctx, id); err != nil {
		return err
	}
	l.specs.Delete(id)
	// The index last: a deletion that dies half-way is found again and goes on.
	if err := l.rdb.ZRem(ctx, indexKey, id).Err(); err != nil {
		return fmt.Errorf("delete job %s: %w", id, err)
	}
	return nil
}

// unlink removes every key of a job.
func (l *Ledger) unlink(ctx context.Context, id string) error {
	chunks, err := l.chunks(ctx, id)
	if err != nil {
		return err
	}
	batches, _ := l.rdb.HGet(ctx, jobKey(id), "batches").Int64()
	waves, err := l.rdb.ZRange(ctx, waitsKey(id), 0, -1).Result()
	if err != nil {
		return fmt.Errorf("delete job %s: %w", id, err)
	}
	var keys []string
	for _, chunk := range chunks {
		keys = append(keys, rosterKey(id, chunk.Number), sieveKey(id, chunk.Number), stateKey(id, chunk.Number),
			storyKey(id, chunk.Number), previousKey(id, chunk.Number))
	}
	for _, wave := range waves {
		keys = append(keys, waitKey(id, wave))
	}
	for n := int64(1); n <= batches; n++ {
		keys = append(keys, batchKey(id, n), listKey(id, n))
	}
	keys = append(keys, specKey(id), chunksKey(id), formedKey(id), dueKey(id), sentKey(id), waitsKey(id), gatheredKey(id), faultsKey(id),
		timelineKey(id), reasonsKey(id), settledKey(id),
		wavesKey(id), boundsKey(id),
		logKey(id), toldKey(id), recentKey(id), beforeKey(id), jobKey(id))
	for from := 0; from < len(keys); from += 500 {
		part := keys[from:min(from+500, len(keys))]
		_, err := l.rdb.Pipelined(ctx, func(p redis.Pipeliner) error {
			for _, key := range part {
				p.Unlink(ctx, key)
			}
			return nil
		})
		if err != nil {
			return fmt.Errorf("delete job %s: %w", id, err)
		}
	}
	return nil
}

// Expire deletes what nobody needs any more: jobs that ended longer than retention ago, and what dead imports left.
// It gives the ids of what it deleted.
func (l *Ledger) Expire(ctx context.Context, retention time.Duration) ([]string, error) {
	ids, err := l.rdb.ZRange(ctx, indexKey, 0, -1).Result()
	if err != nil {
		return nil, fmt.Errorf("expire jobs: %w", err)
	}
	var deleted []string
	for _, id := range ids {
		fields, err := l.rdb.HMGet(ctx, jobKey(id), "state", "touched", "finished_at").Result()
		if err != nil {
			return deleted, fmt.Errorf("expire jobs: %w", err)
		}
		text := func(i int) string { s, _ := fields[i].(string); return s }
		phase := jobs.Phase(text(0))
		if phase == jobs.Importing && l.older(text(1), staleImport) {
			if err := l.Abandon(ctx, id); err != nil {
				return deleted, err
			}
			phase = jobs.Abandoned
		}
		if phase == jobs.Abandoned || phase == "" && l.unindexed(ctx, id) || phase.Ended() && l.older(text(2), retention) {
			if err := l.Delete(ctx, id); err != nil {
				return deleted, err
			}
			deleted = append(deleted, id)
		}
	}
	return deleted, nil
}

func (l *Ledger) older(milli string, than time.Duration) bool {
	return l.now().Sub(time.UnixMilli(number(milli))) > than
}

// unindexed tells whether an id stands in the index for long and has no job: its creation or deletion died between.
func (l *Ledger) unindexed(ctx context.Context, id string) bool {
	created, err := l.rdb.ZScore(ctx, indexKey, id).Result()
	return err == nil && l.now().Sub(time.UnixMilli(int64(created))) > staleImport
}
