package ledger_test

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"
	"go.uber.org/goleak"

	"github.com/simshift/simshift/internal/redistest"
	"github.com/simshift/simshift/ledger"
)

var realRedis redistest.Shared

func TestMain(m *testing.M) { goleak.VerifyTestMain(realRedis.Main(m)) }

func TestTheGateNeverHasTwoOwnersOnMiniredis(t *testing.T) {
	t.Parallel()
	client := redis.NewClient(&redis.Options{Addr: miniredis.RunT(t).Addr()})
	t.Cleanup(func() { _ = client.Close() })
	crowdTheGate(t, client)
}

func TestTheGateNeverHasTwoOwnersOnRedis(t *testing.T) {
	t.Parallel()
	crowdTheGate(t, realRedis.Client(t))
}

// crowdTheGate lets many imports go in and out, each several times. Whoever finds it shut waits until somebody leaves.
func crowdTheGate(t *testing.T, client redis.UniversalClient) {
	t.Helper()
	const imports, times = 12, 4
	ctx := context.WithoutCancel(t.Context())
	books := ledger.New(client, time.Now)
	var inside, entered atomic.Int64
	left := make(chan struct{}, imports) // has room for a wish of everybody
	for range imports / 2 {
		left <- struct{}{}
	}
	var all sync.WaitGroup
	for n := range imports {
		all.Go(func() {
			job := fmt.Sprintf("import-%d", n)
			for done := 0; done < times; {
				<-left
				gate, holder, _, err := books.EnterGate(ctx, job)
				if err != nil || gate == nil && holder == "" {
					t.Errorf("%s: no gate and no holder (%v)", job, err)
				}
				if gate == nil {
					left <- struct{}{}
					continue
				}
				if inside.Add(1) != 1 {
					t.Errorf("%s is not alone", job)
				}
				left <- struct{}{} // the others are let at the gate while it is held
				entered.Add(1)
				done++
				inside.Add(-1)
				if err := gate.Leave(ctx); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	if entered.Load() != imports*times {
		t.Errorf("entered %d times", entered.Load())
	}
}
