package metrics_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/simshift/simshift/internal/metrics"
	"github.com/simshift/simshift/worker"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestManyScrapersCostOneReading(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var readings atomic.Int64
		read := func(context.Context) (*metrics.Figures, error) {
			time.Sleep(100 * time.Millisecond)
			readings.Add(1)
			return everything(), nil
		}
		handler := metrics.New().Handler(new(worker.Fates), metrics.NewDeployment(read, time.Now))
		var scrapers sync.WaitGroup
		for range 10 {
			scrapers.Go(func() { scrape(t, handler) })
		}
		scrapers.Wait()
		if n := readings.Load(); n != 1 {
			t.Errorf("ten scrapes at once cost %d readings", n)
		}
		time.Sleep(2 * time.Second)
		scrape(t, handler)
		if n := readings.Load(); n != 2 {
			t.Errorf("a scrape after a while came from %d readings, not from a second one", n)
		}
	})
}

// What could be read an hour ago would look like now.
func TestAFailedReadingIsAFigureAndNoOldOnesAreTold(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var fails bool
		read := func(context.Context) (*metrics.Figures, error) {
			if fails {
				return nil, errors.New("away")
			}
			return everything(), nil
		}
		handler := metrics.New().Handler(new(worker.Fates), metrics.NewDeployment(read, time.Now))
		if text := scrape(t, handler); !strings.Contains(text, "simshift_devices{") {
			t.Fatal("there are no devices")
		}
		fails = true
		time.Sleep(2 * time.Second)
		text := scrape(t, handler)
		if strings.Contains(text, "simshift_devices{") || !strings.Contains(text, "\nsimshift_redis_up 0\n") ||
			!strings.Contains(text, "\nsimshift_read_errors_total 1\n") || !strings.Contains(text, "\ngo_goroutines ") {
			t.Errorf("a failed reading is told as\n%s", text)
		}
	})
}

func TestAScrapeDoesNotWaitForAReadingThatHangs(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		hanging := make(chan struct{})
		read := func(context.Context) (*metrics.Figures, error) { // it is asynq's, and knows no context
			<-hanging
			return everything(), nil
		}
		handler := metrics.New().Handler(new(worker.Fates), metrics.NewDeployment(read, time.Now))
		for range 2 { // the second one must not begin another
			began := time.Now()
			if text := scrape(t, handler); !strings.Contains(text, "\nsimshift_redis_up 0\n") {
				t.Error("a reading that hangs counts as one that works")
			}
			if took := time.Since(began); took != 5*time.Second {
				t.Errorf("a scrape took %v", took)
			}
		}
		close(hanging)
		synctest.Wait()
		if text := scrape(t, handler); !strings.Contains(text, "\nsimshift_redis_up 1\n") {
			t.Error("what hung has ended, and is not told")
		}
	})
}

func BenchmarkAnswered(b *testing.B) {
	process := metrics.New()
	b.ReportAllocs()
	for b.Loop() {
		process.Answered(200, 3*time.Millisecond)
	}
}
