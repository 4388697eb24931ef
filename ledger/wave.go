package ledger

import (
	"context"
	"fmt"

	"github.com/redis/go-redis/v9"

	"github.com/simshift/simshift/jobs"
)

// Waves lists the retry waves of a job, the next one first.
func (l *Ledger) Waves(ctx context.Context, job string) ([]jobs.RetryWave, error) {
	names, err := l.rdb.ZRange(ctx, waitsKey(job), 0, -1).Result()
	if err != nil {
		return nil, fmt.Errorf("read retry waves: %w", err)
	}
	waves := make([]jobs.RetryWave, 0, len(names))
	lengths := make([]*redis.IntCmd, 0, len(names))
	_, err = l.rdb.Pipelined(ctx, func(p redis.Pipeliner) error {
		for _, name := range names {
			wave, err := jobs.ParseWave(name)
			if err != nil {
				return err
			}
			waves = append(waves, wave)
			lengths = append(lengths, p.StrLen(ctx, waitKey(job, name)))
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read retry waves: %w", err)
	}
	for i := range waves {
		waves[i].Devices = int(lengths[i].Val()) / 4
	}
	return waves, nil
}

// Withdraw cancels every device of a cancelling job that is not in a batch, and forgets its retry waves.
func (l *Ledger) Withdraw(ctx context.Context, job string) error {
	s, err := l.spec(ctx, job)
	if err != nil {
		return err
	}
	for _, chunk := range s.chunks {
		moved, err := l.run(ctx, withdrawScript, job, chunk.Number, chunk.Size, string(jobs.Cancelling)).Int()
		if err != nil {
			return fmt.Errorf("withdraw: %w", err)
		}
		if moved < 0 {
			return nil // not cancelling any more: it has ended
		}
	}
	waves, err := l.rdb.ZRange(ctx, waitsKey(job), 0, -1).Result()
	if err != nil {
		return fmt.Errorf("withdraw: %w", err)
	}
	_, err = l.rdb.Pipelined(ctx, func(p redis.Pipeliner) error {
		for _, wave := range waves {
			p.Del(ctx, waitKey(job, wave))
		}
		p.Del(ctx, waitsKey(job), gatheredKey(job))
		return nil
	})
	if err != nil {
		return fmt.Errorf("withdraw: %w", err)
	}
	return nil
}
