package ledger

import (
	"context"
	"fmt"
	"strconv"

	"github.com/redis/go-redis/v9"
)

// Untold lists the jobs whose log goes on behind what a herald was told of without a gap, and where that ends.
func (l *Ledger) Untold(ctx context.Context, herald string) (map[string]int64, error) {
	ids, err := l.rdb.ZRange(ctx, indexKey, 0, -1).Result()
	if err != nil {
		return nil, fmt.Errorf("look for news: %w", err)
	}
	lengths, marks := make([]*redis.IntCmd, len(ids)), make([]*redis.StringCmd, len(ids))
	_, err = l.rdb.Pipelined(ctx, func(p redis.Pipeliner) error {
		for i, id := range ids {
			lengths[i], marks[i] = p.LLen(ctx, logKey(id)), p.HGet(ctx, toldKey(id), herald)
		}
		return nil
	})
	if err := none(err, "look for news"); err != nil {
		return nil, err
	}
	untold := make(map[string]int64)
	for i, id := range ids {
		if mark := number(marks[i].Val()); lengths[i].Val() > mark {
			untold[id] = mark
		}
	}
	return untold, nil
}

// IsTold tells whether a herald was told of an entry of a job's log, or will never be.
func (l *Ledger) IsTold(ctx context.Context, herald, job string, entry int64) (bool, error) {
	fields, err := l.rdb.HMGet(ctx, toldKey(job), herald, toldField(herald, entry)).Result()
	if err != nil {
		return false, fmt.Errorf("ask what was told of job %s: %w", job, err)
	}
	mark, _ := fields[0].(string)
	return entry < number(mark) || fields[1] != nil, nil
}

// Told notes that a herald was told of entries of a job's log, or will never be.
func (l *Ledger) Told(ctx context.Context, herald, job string, entries ...int64) error {
	args := []any{herald}
	for _, entry := range entries {
		args = append(args, entry)
	}
	if err := l.run(ctx, toldScript, job, args...).Err(); err != nil {
		return fmt.Errorf("note what was told of job %s: %w", job, err)
	}
	return nil
}

func toldField(herald string, entry int64) string { return herald + ":" + strconv.FormatInt(entry, 10) }
