package worker

import (
	"context"
	"errors"
	"log/slog"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/hibiken/asynq"
	"github.com/redis/go-redis/v9"

	"github.com/simshift/simshift/jobs"
	"github.com/simshift/simshift/ledger"
)

// newsroom is a job's log, the heralds that are to tell of it, and the queue between.
type newsroom struct {
	*news
	t      *testing.T
	rdb    *redis.Client
	ledger *ledger.Ledger
	clock  time.Time
	job    string
}

// crier is a herald that fails as long as it has an error.
type crier struct {
	name string
	err  error
	told []int64
}

func (c *crier) Name() string { return c.name }

func (c *crier) Tell(_ context.Context, _ jobs.Job, number int64, _ jobs.Entry) error {
	if c.err == nil {
		c.told = append(c.told, number)
	}
	return c.err
}

// openNewsroom makes a job whose log holds its import and one entry for each of the acts.
func openNewsroom(t *testing.T, heralds []Herald, acts ...string) *newsroom {
	t.Helper()
	r := &newsroom{
		t: t, rdb: redis.NewClient(&redis.Options{Addr: miniredis.RunT(t).Addr()}), job: "job",
		clock: time.Date(2026, 3, 1, 22, 0, 0, 0, time.UTC),
	}
	t.Cleanup(func() { _ = r.rdb.Close() })
	now := func() time.Time { return r.clock }
	r.ledger = ledger.New(r.rdb, now)
	r.news = &news{
		books: r.ledger, tasks: NewTasks(asynq.NewClientFromRedisClient(r.rdb)), heralds: heralds, now: now,
		log: slog.New(slog.DiscardHandler),
	}
	job := jobs.Job{ID: r.job, Policy: jobs.DefaultPolicy(), Groups: []jobs.Group{{Account: "a"}}, CreatedAt: r.clock}
	r.check(r.ledger.Create(t.Context(), job))
	r.check(r.ledger.AddChunk(t.Context(), job.ID, jobs.Chunk{Size: 1}, make([]jobs.Device, 1)))
	r.check(r.ledger.Commit(t.Context(), job, 1, "", jobs.Entry{Act: jobs.ActImported}))
	for _, act := range acts {
		r.note(act, "")
	}
	return r
}

func (r *newsroom) check(err error) {
	r.t.Helper()
	if err != nil {
		r.t.Fatal(err)
	}
}

func (r *newsroom) note(act, words string) {
	r.t.Helper()
	r.check(r.ledger.Note(r.t.Context(), r.job, jobs.Entry{Act: act, Words: words}))
}

// waiting is how many tasks a herald has, after a sweep.
func (r *newsroom) waiting(herald string) int {
	r.t.Helper()
	r.check(r.gather(r.t.Context()))
	tasks, err := asynq.NewInspectorFromRedisClient(r.rdb).ListPendingTasks(newsQueue(herald))
	if errors.Is(err, asynq.ErrQueueNotFound) {
		return 0
	}
	r.check(err)
	return len(tasks)
}

func TestNewsIsBroughtUntilItIsToldAndThenNoMore(t *testing.T) {
	t.Parallel()
	away := errors.New("away")
	webhook, command := &crier{name: "webhook", err: away}, &crier{name: "command"}
	r := openNewsroom(t, []Herald{webhook, command}, jobs.ActBraked, jobs.ActResumed, jobs.ActFinished)
	if first, again := r.waiting("webhook"), r.waiting("webhook"); first != 2 || again != 2 {
		t.Errorf("%d tasks, then %d", first, again)
	}
	for range 2 { // a task may come twice
		for _, entry := range []int64{3, 1} {
			r.check(r.bring(t.Context(), command, r.job, entry))
			if err := r.bring(t.Context(), webhook, r.job, entry); !errors.Is(err, away) {
				t.Errorf("the webhook is away, and it was %v", err)
			}
		}
	}
	if len(command.told) != 2 {
		t.Errorf("the command was told of %v", command.told)
	}
	r.check(r.rdb.Del(t.Context(), r.rdb.Keys(t.Context(), "asynq:{*").Val()...).Err()) // the queue is lost
	if webhooks, commands := r.waiting("webhook"), r.waiting("command"); webhooks != 2 || commands != 0 {
		t.Errorf("%d tasks for the one that is away, %d for the other", webhooks, commands)
	}
	webhook.err = nil
	r.check(r.bring(t.Context(), webhook, r.job, 1))
	if untold, err := r.ledger.Untold(t.Context(), "webhook"); err != nil || untold[r.job] != 3 {
		t.Errorf("untold from %v (%v)", untold, err)
	}
}

func TestNewsOfYesterdayIsNone(t *testing.T) {
	t.Parallel()
	webhook := &crier{name: "webhook"}
	r := openNewsroom(t, []Herald{webhook}, jobs.ActFinished)
	r.clock = r.clock.Add(stale + time.Minute)
	if got := r.waiting("webhook"); got != 0 {
		t.Errorf("%d tasks", got)
	}
	r.check(r.bring(t.Context(), webhook, r.job, 1)) // a task that has been tried all day
	if len(webhook.told) != 0 {
		t.Errorf("it was told of %v", webhook.told)
	}
}

func TestAHoldIsNewsOnceHoweverManyBatchesMeetIt(t *testing.T) {
	t.Parallel()
	r := openNewsroom(t, []Herald{&crier{name: "webhook"}})
	for _, words := range []string{"no login in 2 attempts", "429 until 22:00", "no login in 4 attempts", "429 until 22:09"} {
		r.note(jobs.ActHeld, words)
	}
	if got := r.waiting("webhook"); got != 2 {
		t.Errorf("%d holds are news", got)
	}
	r.clock = r.clock.Add(holdEcho)
	r.note(jobs.ActHeld, "429 until 23:00")
	if got := r.waiting("webhook"); got != 3 {
		t.Errorf("%d holds are news an hour later", got)
	}
}

func TestNoHeraldNoServer(t *testing.T) {
	t.Parallel()
	if newsServer(Config{}) != nil {
		t.Error("a worker without heralds serves their tasks")
	}
}

func TestAnAwayHeraldIsAskedSeldom(t *testing.T) {
	t.Parallel()
	away := errors.New("away")
	for n, want := range map[int]time.Duration{0: time.Second, 3: 8 * time.Second, 9: 5 * time.Minute, 500: 5 * time.Minute} {
		if got := newsDelay(n, away, nil); got != want {
			t.Errorf("after %d failures %v", n, got)
		}
	}
	if got := newsDelay(500, asynq.ErrLeaseExpired, nil); got != 0 {
		t.Errorf("after the death of its worker %v", got)
	}
}
