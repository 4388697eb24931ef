package worker

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/hibiken/asynq"

	"github.com/simshift/simshift/jobs"
)

// Herald tells somebody outside of an entry in a job's log. It may have to tell the same one again, and several at once;
// number is its place in the log, from 0. What it does must end when ctx does.
type Herald interface {
	Name() string // the same in every process: what is told is kept by it
	Tell(ctx context.Context, job jobs.Job, number int64, e jobs.Entry) error
}

type newsBooks interface {
	Job(ctx context.Context, id string) (jobs.Job, error)
	Log(ctx context.Context, job string, from int64) ([]jobs.Entry, error)
	Untold(ctx context.Context, herald string) (map[string]int64, error)
	IsTold(ctx context.Context, herald, job string, entry int64) (bool, error)
	Told(ctx context.Context, herald, job string, entries ...int64) error
}

const (
	tellWithin = time.Minute    // the longest that a herald may take
	newsAtOnce = 4              // tellings at once in one process, beside its tasks
	stale      = 24 * time.Hour // at this age news is none any more, however often it could not be told
	holdEcho   = time.Hour      // a hold that is noted again within that time is the same hold
	lookBack   = 100            // entries before an untold one that are looked at for the same hold
)

// newsworthy are the acts that somebody who sleeps wants to be woken for, or to find in the morning.
var newsworthy = []string{jobs.ActFinished, jobs.ActBraked, jobs.ActGate, jobs.ActHeld, jobs.ActApproval}

// news has each herald told of what happened to jobs, each by a task of its own, so that one that is away is tried again
// and keeps nobody up. What was told stands in the ledger: a task that is lost is made again, and one too many tells nothing.
type news struct {
	books   newsBooks
	tasks   *Tasks
	heralds []Herald
	now     func() time.Time
	log     *slog.Logger
}

// gather queues a task for all that a herald is still to be told of.
func (n *news) gather(ctx context.Context) error {
	var errs []error
	for _, herald := range n.heralds {
		untold, err := n.books.Untold(ctx, herald.Name())
		errs = append(errs, err)
		for job, from := range untold {
			errs = append(errs, n.gatherOf(ctx, herald.Name(), job, from))
		}
	}
	return errors.Join(errs...)
}

// gatherOf queues a task for each entry from from on that a herald is still to be told of, and passes over the others.
func (n *news) gatherOf(ctx context.Context, herald, job string, from int64) error {
	first := max(0, from-lookBack)
	entries, err := n.books.Log(ctx, job, first)
	if err != nil {
		return err
	}
	var passed []int64
	for i := from - first; i < int64(len(entries)); i++ {
		number := first + i
		if !isNews(entries[:i+1]) {
			passed = append(passed, number)
			continue
		}
		told, err := n.books.IsTold(ctx, herald, job, number)
		switch {
		case err != nil:
			return err
		case told:
		case n.now().Sub(entries[i].At) > stale:
			n.log.WarnContext(ctx, "news is older than a day and is told no more", "herald", herald, "job", job, "act", entries[i].Act)
			passed = append(passed, number)
		default:
			if err := n.tasks.News(ctx, herald, job, number); err != nil {
				return err
			}
		}
	}
	if len(passed) == 0 {
		return nil
	}
	return n.books.Told(ctx, herald, job, passed...)
}

// isNews tells whether the last entry of a log is worth telling. Every batch that meets a hold notes it: the first one is.
func isNews(log []jobs.Entry) bool {
	e := log[len(log)-1]
	if e.Act != jobs.ActHeld {
		return slices.Contains(newsworthy, e.Act)
	}
	return !slices.ContainsFunc(log[:len(log)-1], func(before jobs.Entry) bool {
		return before.Act == jobs.ActHeld && e.At.Sub(before.At) < holdEcho && numberless(before.Words) == numberless(e.Words)
	})
}

// numberless is a text without its digits: times and counts differ from one note of a hold to the next.
func numberless(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsDigit(r) {
			return -1
		}
		return r
	}, text)
}

// bring tells a herald of one entry, unless it was told.
func (n *news) bring(ctx context.Context, herald Herald, job string, number int64) error {
	told, err := n.books.IsTold(ctx, herald.Name(), job, number)
	if err != nil || told {
		return err
	}
	entries, err := n.books.Log(ctx, job, number)
	if err != nil || len(entries) == 0 {
		return err
	}
	standing, err := n.books.Job(ctx, job)
	if errors.Is(err, jobs.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	telling, cancel := context.WithTimeout(ctx, tellWithin)
	defer cancel()
	if err := herald.Tell(telling, standing, number, entries[0]); err != nil {
		return err
	}
	return n.books.Told(ctx, herald.Name(), job, number)
}

// newsServer makes the server of the heralds' tasks, or nil where there are none. It stands beside the one that sends, so
// that a slow herald takes no place of a batch, and takes from the queues of its own heralds only.
func newsServer(c Config) *asynq.Server {
	if len(c.Heralds) == 0 {
		return nil
	}
	queues := make(map[string]int)
	for _, herald := range c.Heralds {
		queues[newsQueue(herald.Name())] = 1
	}
	config := serverConfig(c)
	config.Queues, config.Concurrency, config.RetryDelayFunc = queues, newsAtOnce, newsDelay
	return asynq.NewServerFromRedisClient(c.Redis, config)
}

// newsDelay tells asynq when to give back the task of a herald that failed: one that is away for long is asked seldom.
func newsDelay(n int, err error, task *asynq.Task) time.Duration {
	if !isFailure(err) || errors.Is(err, asynq.ErrLeaseExpired) {
		return retryDelay(n, err, task)
	}
	return min(5*time.Minute, time.Second<<min(n, 9))
}
