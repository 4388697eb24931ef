package worker

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/hibiken/asynq"

	"github.com/simshift/simshift/jobs"
)

// The queues, and the share of a worker's attention each gets. Sending is what the night is for; the rest is quick.
var queues = map[string]int{queueSubmit: 3, queueUpkeep: 2}

// QueuePrefix is what the names of our queues begin with.
const QueuePrefix = "simshift:"

const (
	queueSubmit = QueuePrefix + "submit" // one task a batch
	queueUpkeep = QueuePrefix + "upkeep" // deadlines, retry waves, planning

	typeSubmit   = "submit"
	typeDeadline = "deadline"
	typeRetry    = "retry"
	typeAdvance  = "advance"
	typeNews     = "news:" // and the herald's name
)

// Tasks puts tasks on the queues. A task that is there already is no error: ids are made from what the task is for.
type Tasks struct {
	client *asynq.Client
}

// NewTasks gives the queues behind client.
func NewTasks(client *asynq.Client) *Tasks { return &Tasks{client} }

type payload struct {
	Job   string `json:"job"`
	Batch int64  `json:"batch,omitempty"` // of news, the entry in the job's log
}

// Submit wakes a submitter for a batch. made counts the tasks made for it before: a lost task's id may still stand in
// the queue, so its successor has another.
func (t *Tasks) Submit(ctx context.Context, id jobs.BatchID, made int64) error {
	return t.put(ctx, typeSubmit, payload(id), asynq.Queue(queueSubmit),
		asynq.TaskID(fmt.Sprintf("submit:%s:%d:%d", id.Job, id.Batch, made)))
}

// Deadline wakes the reaper for a batch at a time.
func (t *Tasks) Deadline(ctx context.Context, id jobs.BatchID, at time.Time) error {
	return t.put(ctx, typeDeadline, payload(id), asynq.Queue(queueUpkeep), asynq.ProcessAt(at.Add(time.Second)),
		asynq.TaskID(fmt.Sprintf("deadline:%s:%d:%d", id.Job, id.Batch, at.Unix())))
}

// Retry wakes the planner when a retry wave of a job is due.
func (t *Tasks) Retry(ctx context.Context, job, wave string, at time.Time) error {
	return t.put(ctx, typeRetry, payload{Job: job}, asynq.Queue(queueUpkeep), asynq.ProcessAt(at),
		asynq.TaskID("retry:"+job+":"+wave))
}

// Advance wakes the planner for a job.
func (t *Tasks) Advance(ctx context.Context, job string) error {
	return t.put(ctx, typeAdvance, payload{Job: job}, asynq.Queue(queueUpkeep))
}

// News wakes a herald for an entry of a job's log.
func (t *Tasks) News(ctx context.Context, herald, job string, number int64) error {
	return t.put(ctx, typeNews+herald, payload{Job: job, Batch: number}, asynq.Queue(newsQueue(herald)),
		asynq.TaskID(fmt.Sprintf("news:%s:%s:%d", herald, job, number)))
}

// newsQueue is the queue of a herald: only workers that have it take from it.
func newsQueue(herald string) string { return QueuePrefix + "news:" + herald }

func (t *Tasks) put(ctx context.Context, kind string, p payload, opts ...asynq.Option) error {
	text, err := json.Marshal(p)
	if err != nil {
		return fmt.Errorf("make %s task: %w", kind, err)
	}
	// asynq archives a task that is out of retries, and a crash costs one: the ledger counts attempts, not the queue.
	opts = append(opts, asynq.MaxRetry(math.MaxInt32), asynq.Timeout(taskTimeout))
	_, err = t.client.EnqueueContext(ctx, asynq.NewTask(kind, text), opts...)
	if err != nil && !errors.Is(err, asynq.ErrTaskIDConflict) {
		return fmt.Errorf("queue %s task: %w", kind, err)
	}
	return nil
}

// putBack is the error of a handler whose task must wait: the queue gives it back after the delay, and counts no failure.
type putBack struct {
	delay time.Duration
	why   string
}

func (p *putBack) Error() string {
	return fmt.Sprintf("waits %v: %s", p.delay.Round(time.Second), p.why)
}

// retryDelay tells asynq when to give a task back.
func retryDelay(n int, err error, _ *asynq.Task) time.Duration {
	var wait *putBack
	switch {
	case errors.As(err, &wait):
		return wait.delay
	case errors.Is(err, asynq.ErrLeaseExpired):
		return 0 // its worker died: at once
	}
	return min(30*time.Second, time.Second<<min(n, 5))
}

// isFailure tells asynq which errors are worth a failure in its statistics.
func isFailure(err error) bool {
	var wait *putBack
	return !errors.As(err, &wait)
}
