package ledger

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"

	"github.com/redis/go-redis/v9"

	"github.com/simshift/simshift/jobs"
)

// Parked callbacks, in one slot: entries by id (hash), and ids by the time they came (sorted set).
const (
	parkedEntries = prefix + "{parked}:entries"
	parkedIndex   = prefix + "{parked}:index"
)

// ParkedMost is how many callbacks may be parked; beyond it the listener answers 503, and the carrier keeps them.
const ParkedMost = 100_000

// ErrParkingFull says that no further callback can be parked.
var ErrParkingFull = errors.New("too many parked callbacks: see `simshift callbacks parked`")

// Park keeps callbacks that fit no known request, raw, until their request becomes known or they are too old. The same
// callback parked twice is kept once.
func (l *Ledger) Park(ctx context.Context, callbacks []jobs.Parked) error {
	if len(callbacks) == 0 {
		return nil
	}
	held, err := l.ParkedCount(ctx)
	if err != nil {
		return err
	}
	if held+int64(len(callbacks)) > ParkedMost {
		return ErrParkingFull
	}
	_, err = l.rdb.TxPipelined(ctx, func(p redis.Pipeliner) error {
		for _, c := range callbacks {
			text, err := json.Marshal(c)
			if err != nil {
				return err
			}
			p.HSetNX(ctx, parkedEntries, c.ID, text)
			p.ZAddNX(ctx, parkedIndex, redis.Z{Score: float64(c.At.UnixMilli()), Member: c.ID})
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("park callbacks: %w", err)
	}
	return nil
}

// ParkedCount is how many callbacks are parked.
func (l *Ledger) ParkedCount(ctx context.Context) (int64, error) {
	n, err := l.rdb.ZCard(ctx, parkedIndex).Result()
	if err != nil {
		return 0, fmt.Errorf("count parked callbacks: %w", err)
	}
	return n, nil
}

// Parked lists parked callbacks, the oldest first, from an offset.
func (l *Ledger) Parked(ctx context.Context, offset, most int64) ([]jobs.Parked, error) {
	ids, err := l.rdb.ZRange(ctx, parkedIndex, offset, offset+most-1).Result()
	if err != nil {
		return nil, fmt.Errorf("list parked callbacks: %w", err)
	}
	return l.ParkedByID(ctx, ids)
}

// ParkedPage lists at most limit parked callbacks, the oldest first, that follow after: empty for the first, then the next that
// came with those before. next is empty where none follows.
func (l *Ledger) ParkedPage(ctx context.Context, after string, limit int) (page []jobs.Parked, next string, err error) {
	limit = max(1, limit)
	entries, err := l.beyond(ctx, parkedIndex, after, limit+1, false)
	if err != nil {
		return nil, "", fmt.Errorf("list parked callbacks: %w", err)
	}
	entries, next = cutPage(entries, limit)
	page, err = l.ParkedByID(ctx, members(entries))
	return page, next, err
}

// ParkedByID gives the parked callbacks of these ids; those that are not parked any more are left out.
func (l *Ledger) ParkedByID(ctx context.Context, ids []string) ([]jobs.Parked, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	texts, err := l.rdb.HMGet(ctx, parkedEntries, ids...).Result()
	if err != nil {
		return nil, fmt.Errorf("list parked callbacks: %w", err)
	}
	list := make([]jobs.Parked, 0, len(texts))
	for i, text := range texts {
		raw, ok := text.(string)
		if !ok {
			continue
		}
		var c jobs.Parked
		if err := json.Unmarshal([]byte(raw), &c); err != nil {
			return nil, fmt.Errorf("read parked callback %s: %w", ids[i], err)
		}
		list = append(list, c)
	}
	return list, nil
}

// Unpark forgets parked callbacks: they were matched, or are too old.
func (l *Ledger) Unpark(ctx context.Context, ids ...string) error {
	if len(ids) == 0 {
		return nil
	}
	_, err := l.rdb.TxPipelined(ctx, func(p redis.Pipeliner) error {
		p.HDel(ctx, parkedEntries, ids...)
		members := make([]any, len(ids))
		for i, id := range ids {
			members[i] = id
		}
		p.ZRem(ctx, parkedIndex, members...)
		return nil
	})
	if err != nil {
		return fmt.Errorf("unpark callbacks: %w", err)
	}
	return nil
}

// OldParked lists the ids of callbacks parked before the given time in milliseconds.
func (l *Ledger) OldParked(ctx context.Context, beforeMilli int64) ([]string, error) {
	ids, err := l.rdb.ZRangeByScore(ctx, parkedIndex, &redis.ZRangeBy{
		Min: "-inf", Max: strconv.FormatInt(beforeMilli, 10), Count: 1000,
	}).Result()
	if err != nil {
		return nil, fmt.Errorf("list old parked callbacks: %w", err)
	}
	return ids, nil
}
