package ratelimit

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"golang.org/x/sync/errgroup"
	"pgregory.net/rapid"
)

// send is one request as the carrier sees it.
type send struct {
	at      time.Time
	devices int
}

// night lets workers, each a process with a limiter of its own, send batches until none is left. A worker that gets a
// turn is busy until it starts; one that does not asks again when it was told to, but no sooner than in a pause.
func night(
	t fataler, w *world, limits Limits, workers int, batches []int, pause time.Duration,
) (sends []send, asked int) {
	limiters := make([]*Limiter, workers)
	wake := make([]time.Time, workers)
	for i := range workers {
		limiters[i], wake[i] = w.limiter(limits), w.now()
	}
	for len(batches) > 0 {
		next := 0
		for i := range wake {
			if wake[i].Before(wake[next]) {
				next = i
			}
		}
		w.set(wake[next])
		turn, err := limiters[next].Reserve(t.Context(), "acme", batches[0])
		if err != nil {
			t.Fatal(err)
		}
		asked++
		if turn.Taken() {
			wake[next] = w.now().Add(turn.Wait)
			sends = append(sends, send{wake[next], batches[0]})
			batches = batches[1:]
		} else {
			wake[next] = w.now().Add(max(turn.Wait, pause))
		}
	}
	slices.SortFunc(sends, func(a, b send) int { return a.at.Compare(b.at) })
	return sends, asked
}

func same(n, size int) []int { return slices.Repeat([]int{size}, n) }

// mostIn counts the most requests and devices in any stretch of that length, its end excluded.
func mostIn(sends []send, length time.Duration) (requests, devices int64) {
	for first := range sends {
		var r, d int64
		for _, s := range sends[first:] {
			if s.at.Sub(sends[first].at) >= length {
				break
			}
			r++
			d += int64(s.devices)
		}
		requests, devices = max(requests, r), max(devices, d)
	}
	return requests, devices
}

func TestAnyWindowHoldsAtMostTheLimitOverAllWorkers(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		limits  Limits
		workers int
		batches []int
	}{
		{Limits{Requests: Rate{2, time.Second}}, 2, same(50, 10_000)},
		{Limits{Requests: Rate{100, time.Second}}, 3, same(150, 500)},
		{Limits{Requests: Rate{5, 10 * time.Second}}, 3, same(60, 10_000)},
		{Limits{Requests: Rate{100, time.Hour}}, 2, same(110, 10)},
		{Limits{Devices: Rate{60_000, time.Minute}}, 4, same(40, 10_000)},
		{Limits{Devices: Rate{25_000, time.Minute}}, 4, same(12, 10_000)},
		{Limits{Devices: Rate{15_000, time.Minute}}, 4, []int{10_000, 5_000, 10_000, 10_000, 2_500, 2_500, 15_000, 1}},
		{Limits{Devices: Rate{50_000, time.Minute}}, 2, same(550, 100)},
		{Limits{Devices: Rate{60_000, time.Minute}, Requests: Rate{2, time.Second}}, 2, same(130, 500)},
	} {
		t.Run(fmt.Sprintf("%s requests, %s devices", test.limits.Requests, test.limits.Devices), func(t *testing.T) {
			t.Parallel()
			sends, _ := night(t, newWorld(t), test.limits, test.workers, test.batches, time.Second)
			if requests, _ := mostIn(sends, test.limits.Requests.Per); requests > test.limits.Requests.Count {
				t.Errorf("%d requests in %s", requests, test.limits.Requests.Per)
			}
			if _, devices := mostIn(sends, test.limits.Devices.Per); devices > test.limits.Devices.Count {
				t.Errorf("%d devices in %s", devices, test.limits.Devices.Per)
			}
		})
	}
}

func TestTakesNoMoreThanThreePercentOverTheLeastTime(t *testing.T) {
	t.Parallel()
	for _, limits := range []Limits{
		{Requests: Rate{20, time.Minute}},
		{Requests: Rate{50, time.Second}},
		{Devices: Rate{60_000, time.Minute}},
		{Devices: Rate{1_000_000, time.Minute}},
		{Devices: Rate{600_000, time.Minute}, Requests: Rate{2, time.Second}},
	} {
		t.Run(fmt.Sprintf("%s requests, %s devices", limits.Requests, limits.Devices), func(t *testing.T) {
			t.Parallel()
			const batches, size, workers = 60, 10_000, 4
			sends, asked := night(t, newWorld(t), limits, workers, same(batches, size), 1100*time.Millisecond)
			took := sends[len(sends)-1].at.Sub(sends[0].at)
			least := max(limits.Requests.Cost(batches-1), limits.Devices.Cost((batches-1)*size))
			if took > least*103/100 {
				t.Errorf("%d batches took %s; the limit allows %s", batches, took, least)
			}
			// Every worker that waits asks about once for each batch that goes: that is no spinning.
			if asked > batches*workers*3 {
				t.Errorf("asked %d times for %d turns", asked, batches)
			}
		})
	}
}

func TestEveryTurnPaysForTheOneBeforeItAndNoWindowIsOverfull(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(r *rapid.T) {
		limits := Limits{
			Requests: Rate{rapid.Int64Range(0, 200).Draw(r, "requests"), time.Minute},
			Devices:  Rate{rapid.Int64Range(0, 500_000).Draw(r, "devices"), time.Minute},
		}
		batches := rapid.SliceOfN(rapid.IntRange(1, 10_000), 2, 12).Draw(r, "batches")
		workers := rapid.IntRange(1, 6).Draw(r, "workers")
		pause := time.Duration(rapid.IntRange(1, 5000).Draw(r, "pause")) * time.Millisecond
		sends, _ := night(r, newWorld(t), limits, workers, batches, pause)
		for i, s := range sends[1:] {
			former := sends[i]
			cost := max(limits.Requests.Cost(1), limits.Devices.Cost(int64(former.devices)))
			if gap := s.at.Sub(former.at); gap < cost {
				r.Fatalf("send %d follows after %s, but the one before it costs %s", i+1, gap, cost)
			}
		}
		_, devices := mostIn(sends, limits.Devices.Per)
		if limit := max(limits.Devices.Count, int64(slices.Max(batches))); limits.Devices.Count > 0 && devices > limit {
			r.Fatalf("%d devices in %s, but %d are the most", devices, limits.Devices.Per, limit)
		}
	})
}

func TestQuietTimeIsNotSavedUp(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	l := w.limiter(Limits{Requests: Rate{1, time.Second}})
	reserve(t, l, 1)
	w.pass(time.Hour)
	if first := reserve(t, l, 1); !first.Taken() || first.Wait != 0 {
		t.Errorf("after a quiet hour the first turn is %+v", first)
	}
	if second := reserve(t, l, 1); !second.Taken() || second.Wait < time.Second {
		t.Errorf("the second follows at once: %+v", second)
	}
}

func TestAClockOfRedisThatIsSetBackStopsNobody(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	limits := Limits{Requests: Rate{1, time.Second}}
	same, other := w.limiter(limits), w.limiter(limits)
	reserve(t, same, 1)
	w.pass(-24 * time.Hour)
	for _, l := range []*Limiter{other, same} {
		if turn := reserve(t, l, 1); turn.Wait > Horizon {
			t.Errorf("the next turn is a day away: %+v", turn)
		}
	}
}

func TestAProcessKeepsTheRateThoughRedisForgetsIt(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	l := w.limiter(Limits{Requests: Rate{1, time.Minute}})
	reserve(t, l, 1)
	if err := w.rdb.FlushAll(t.Context()).Err(); err != nil {
		t.Fatal(err)
	}
	w.pass(time.Second)
	turn := reserve(t, l, 1)
	if turn.Taken() || turn.Wait != 59*time.Second-Horizon || turn.Reason == "" {
		t.Errorf("a minute's limit was forgotten after a second: %+v", turn)
	}
	w.pass(turn.Wait)
	if turn := reserve(t, l, 1); !turn.Taken() || turn.Wait.Round(time.Microsecond) != Horizon {
		t.Errorf("when it is time the turn is %+v", turn)
	}
}

func TestSeveralLimitersKeepOneRateInRealTime(t *testing.T) {
	t.Parallel()
	onBothRedises(t, func(t *testing.T, rdb *redis.Client) {
		limits := Limits{Requests: Rate{50, time.Second}}
		const processes, each = 4, 15
		starts := make(chan int64, processes*each)
		began := time.Now()
		var workers errgroup.Group
		for range processes {
			l := New(rdb, limits)
			workers.Go(func() error {
				for used := 0; used < each; {
					turn, err := l.Reserve(t.Context(), "acme", 10)
					if err != nil {
						return err
					}
					err = turn.Await(t.Context())
					if errors.Is(err, ErrTurnLost) { // woken too late on a busy machine: it goes unused
						continue
					}
					if err != nil {
						return err
					}
					starts <- turn.start
					used++
				}
				return nil
			})
		}
		if err := workers.Wait(); err != nil {
			t.Fatal(err)
		}
		took, least := time.Since(began), limits.Requests.Cost(processes*each-1)
		if took < least {
			t.Errorf("%d turns took %s; the limit asks for %s", processes*each, took, least)
		}
		close(starts)
		var at []int64
		for start := range starts {
			at = append(at, start)
		}
		slices.Sort(at)
		for i := range at[1:] {
			if gap := time.Duration(at[i+1]-at[i]) * time.Microsecond; gap < limits.Requests.Cost(1) {
				t.Errorf("turn %d starts %s after the one before it", i+1, gap)
			}
		}
	})
}

func BenchmarkReserve(b *testing.B) {
	l := New(realRedis.Client(b), Limits{Requests: Rate{mostCount, time.Second}, Devices: Rate{mostCount, time.Second}})
	for b.Loop() {
		if turn := reserve(b, l, 1); !turn.Taken() {
			b.Fatal(turn.Reason)
		}
	}
}
