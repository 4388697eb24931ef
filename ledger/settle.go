package ledger

import (
	"context"
	"fmt"

	"github.com/simshift/simshift/jobs"
)

// settleMost is how many events one script call takes: some 5 ms of Redis.
const settleMost = 1000

// Settle writes what callbacks say about devices of one job. It is safe to repeat: what is settled stays.
func (l *Ledger) Settle(ctx context.Context, job string, attempts int, events []jobs.Event) (jobs.Settlement, error) {
	var all jobs.Settlement
	for from := 0; from < len(events); from += settleMost {
		part := events[from:min(from+settleMost, len(events))]
		args := make([]any, 0, 2+6*len(part))
		args = append(args, attempts, string(jobs.Cancelling))
		for _, e := range part {
			args = append(args, int64(e.Place), e.Batch, int(e.Kind), e.Fault.Code, cut(e.Fault.Text), e.Due.Unix())
		}
		answer, err := l.run(ctx, settleScript, job, args...).Slice()
		if err != nil {
			return all, fmt.Errorf("settle: %w", err)
		}
		if err := read(answer, len(part), &all); err != nil {
			return all, err
		}
	}
	return all, nil
}

func read(answer []any, events int, into *jobs.Settlement) error {
	bad := fmt.Errorf("settle: unexpected answer %v", answer)
	if len(answer) != 3 {
		return bad
	}
	effects, ok := answer[0].(string)
	closed, okClosed := answer[1].([]any)
	waves, okWaves := answer[2].([]any)
	if !ok || !okClosed || !okWaves || len(effects) != events {
		return bad
	}
	for _, digit := range []byte(effects) {
		into.Effects = append(into.Effects, jobs.Effect(digit-'0'))
	}
	for _, batch := range closed {
		if n, ok := batch.(int64); ok {
			into.Closed = append(into.Closed, n)
		}
	}
	for _, wave := range waves {
		if name, ok := wave.(string); ok {
			into.Waves = append(into.Waves, name)
		}
	}
	return nil
}
