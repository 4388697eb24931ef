package ledger

import (
	"context"
	"fmt"
	"time"
)

// gateClaim is how long a claim on the import gate lasts without renewal.
const gateClaim = 15 * time.Second

// Gate is the claim of one import to be the only one that writes. While it is held, no other import can commit, so what
// was checked against the other jobs (devices held, files imported) stays true until the commit.
type Gate struct {
	ledger *Ledger
	job    string
	stop   context.CancelFunc
	done   chan struct{}
}

// EnterGate claims the gate for an import, or tells who holds it and until when (gate nil). A claim that ran out is
// taken over only after its owner was abandoned: a process that wakes up late then finds its commit refused, so the
// claim needs no clock that all agree on.
func (l *Ledger) EnterGate(ctx context.Context, job string) (gate *Gate, holder string, until time.Time, err error) {
	holder, until, err = l.claim(ctx, job, "")
	if err == nil && holder != "" && !l.now().Before(until) {
		if err := l.Abandon(ctx, holder); err != nil {
			return nil, "", time.Time{}, err
		}
		holder, until, err = l.claim(ctx, job, holder)
	}
	if err != nil || holder != "" {
		return nil, holder, until, err
	}
	renewing, stop := context.WithCancel(context.WithoutCancel(ctx))
	gate = &Gate{ledger: l, job: job, stop: stop, done: make(chan struct{})}
	go gate.renew(renewing)
	return gate, "", time.Time{}, nil
}

// Leave gives the gate back.
func (g *Gate) Leave(ctx context.Context) error {
	g.stop()
	<-g.done
	_, err := gateScript.Run(ctx, g.ledger.rdb, []string{gateKey}, 0, g.job, "0", "").Result()
	if err != nil {
		return fmt.Errorf("leave the import gate: %w", err)
	}
	return nil
}

func (g *Gate) renew(ctx context.Context) {
	defer close(g.done)
	tick := time.NewTicker(gateClaim / 3)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			// A renewal that fails costs nothing but the claim: the commit is refused when another import took over.
			_, _, _ = g.ledger.claim(ctx, g.job, "")
		}
	}
}

func (l *Ledger) claim(ctx context.Context, job, over string) (holder string, until time.Time, err error) {
	now := l.now()
	answer, err := gateScript.Run(ctx, l.rdb, []string{gateKey}, now.UnixMilli(), job, now.Add(gateClaim).UnixMilli(), over).Slice()
	if err != nil {
		return "", time.Time{}, fmt.Errorf("claim the import gate: %w", err)
	}
	owner, _ := answer[0].(string)
	ends, _ := answer[1].(int64)
	if owner == "mine" {
		return "", time.Time{}, nil
	}
	return owner, time.UnixMilli(ends), nil
}
