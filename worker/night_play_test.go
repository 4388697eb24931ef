package worker

import (
	"container/heap"
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"strconv"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/hibiken/asynq"
	"github.com/redis/go-redis/v9"

	"github.com/simshift/simshift/jobs"
	"github.com/simshift/simshift/ratelimit"
)

// night plays a job from its first request to its last answer, in no time. What decides is the program's own: the planner, the
// reaper, the windows, the retry times and the limiter, which keeps its book in a miniredis with the night's clock. Played
// are the ledger (on [paper]), the queue (one batch after the other) and the carrier.
type night struct {
	ctx     context.Context
	t       testing.TB
	server  *miniredis.Miniredis
	at      time.Time
	events  agenda
	entered int // into the agenda so far
	chance  *rand.Rand
	carrier mood
	books   *paper
	planner *planner
	reaper  *reaper
	limiter *ratelimit.Limiter
	timeout time.Duration // of a request

	waiting []ticket
	asking  bool               // a question for a turn, or a turn, is on the agenda
	answers map[int64][]answer // by the second in which they come
	busiest int                // most answers in a second
	book    []enabling         // the carrier's
}

// ticket is a batch in the queue, and when it may ask for a turn.
type ticket struct {
	batch int64
	from  time.Time
}

// enabling is a request as the carrier sees it.
type enabling struct {
	at      time.Time
	devices int
	lost    bool // its answer never came
	batch   *sheet
}

// script is what a night is made of.
type script struct {
	now     time.Time
	policy  jobs.Policy
	limits  ratelimit.Limits
	groups  []int64 // devices of each
	carrier mood
	seed    uint64
}

// playNight plays a job to its end, or to its first pause.
func playNight(t testing.TB, s script) *night {
	t.Helper()
	n := &night{
		ctx: t.Context(), t: t, server: miniredis.RunT(t), at: s.now, carrier: s.carrier, timeout: time.Minute,
		chance:  rand.New(rand.NewPCG(s.seed, s.seed)),
		answers: make(map[int64][]answer),
	}
	n.server.SetTime(s.now)
	rdb := redis.NewClient(&redis.Options{Addr: n.server.Addr()})
	t.Cleanup(func() { _ = rdb.Close() })
	clock, log := func() time.Time { return n.at }, slog.New(slog.DiscardHandler)
	n.books = newPaper(t, clock, s.policy, s.groups)
	n.limiter = ratelimit.New(rdb, s.limits, ratelimit.Clock(clock))
	nowhere := redis.NewClient(&redis.Options{})
	t.Cleanup(func() { _ = nowhere.Close() })
	nowhere.AddHook(swallow{})
	tasks := NewTasks(asynq.NewClientFromRedisClient(nowhere)) // the agenda stands for the queue
	noHolds := func(context.Context) ([]ratelimit.Hold, error) { return nil, nil }
	n.planner = &planner{books: n.books, tasks: tasks, holds: noHolds, now: clock, log: log}
	n.reaper = &reaper{books: n.books, tasks: tasks, now: clock, chance: n.chance.Float64, log: log}
	n.sweep()
	for n.books.job.State == jobs.Running {
		next := heap.Pop(&n.events).(entry)
		n.at = next.at
		next.do()
	}
	return n
}

func (n *night) must(err error) {
	if err != nil {
		n.t.Helper()
		n.t.Fatalf("at %v: %v", n.at, err)
	}
}

// on puts something on the agenda; what is past is done at once.
func (n *night) on(at time.Time, do func()) {
	if at.Before(n.at) {
		at = n.at
	}
	n.entered++
	heap.Push(&n.events, entry{at, n.entered, do})
}

// sweep plays the sweeper: it wakes the planner every five seconds.
func (n *night) sweep() {
	n.advance()
	n.on(n.at.Add(5*time.Second), n.sweep)
}

// advance wakes the planner, and takes over what it has decided.
func (n *night) advance() {
	n.must(n.planner.Advance(n.ctx, n.books.job.ID))
	n.told()
}

// told puts what the books have new on the agenda.
func (n *night) told() {
	for _, due := range n.books.dues {
		n.on(due, n.advance)
	}
	for _, batch := range n.books.queued {
		n.waiting = append(n.waiting, ticket{batch, n.at})
	}
	n.books.dues, n.books.queued = nil, nil
	n.ask(n.at)
}

// ask asks for the next turn then, unless somebody is asking already.
func (n *night) ask(at time.Time) {
	if n.asking || len(n.waiting) == 0 {
		return
	}
	n.asking = true
	n.on(at, func() {
		n.asking = false
		n.turn()
	})
}

// turn asks for a turn for the first batch that may go, as [submitter.Submit] does.
func (n *night) turn() {
	first := 0
	for i, ticket := range n.waiting {
		if !ticket.from.After(n.at) {
			first = i
			break
		}
		if ticket.from.Before(n.waiting[first].from) {
			first = i
		}
	}
	ticket := n.waiting[first]
	if ticket.from.After(n.at) {
		n.ask(ticket.from)
		return
	}
	n.waiting = append(n.waiting[:first], n.waiting[first+1:]...)
	b := n.books.batches[ticket.batch-1]
	quota, err := opening(n.books.job, n.at)
	if n.putBack(ticket, err) {
		return
	}
	n.server.SetTime(n.at)
	turn, err := n.limiter.Reserve(n.ctx, n.books.job.Groups[b.Group].Account, b.Open)
	n.must(err)
	if !turn.Taken() {
		n.putBack(ticket, notYet(turn, ""))
		return
	}
	n.asking = true
	n.on(n.at.Add(turn.Wait), func() {
		n.asking = false
		n.send(ticket, b, turn, quota)
		n.ask(n.at)
	})
}

// putBack gives a batch back to the queue where it has to wait. All that are behind it wait for the same.
func (n *night) putBack(waits ticket, err error) bool {
	wait, ok := errors.AsType[*putBack](err)
	if !ok {
		n.must(err)
		return false
	}
	n.waiting = append([]ticket{waits}, n.waiting...)
	n.ask(n.at.Add(wait.delay))
	return true
}

// send sends a batch, as [submitter.send] does: the intent, the request, its answer.
func (n *night) send(ticket ticket, b *sheet, turn *ratelimit.Turn, quota jobs.Quota) {
	_, err := opening(n.books.job, n.at)
	if n.putBack(ticket, err) {
		n.must(turn.Cancel(n.ctx))
		return
	}
	run, graceEnds := strconv.Itoa(len(n.book)), n.at.Add(n.timeout+n.books.job.Policy.DoubtGrace)
	mine, err := n.books.Begin(n.ctx, b.Job, b.Number, run, graceEnds, quota)
	if errors.Is(err, jobs.ErrWindowFull) {
		n.must(turn.Cancel(n.ctx))
		ticket.from = n.at.Add(fullWindow(n.books.job, n.at).delay)
		n.waiting = append(n.waiting, ticket)
		return
	}
	if n.must(err); !mine {
		n.t.Fatalf("batch %d can not be sent: it is %v", b.Number, b.State)
	}
	lost := n.chance.Float64() < n.carrier.lostRequests
	n.book = append(n.book, enabling{n.at, b.Open, lost, b})
	deadline := graceEnds
	if !lost {
		deadline = n.at.Add(n.books.job.Policy.AnswerWithin)
		_, err := n.books.Accept(n.ctx, b.Job, b.Number, run, "request "+run, deadline)
		n.must(err)
		n.play(b)
	}
	n.on(deadline.Add(time.Second), func() {
		_, err := n.reaper.Reap(n.ctx, jobs.BatchID{Job: b.Job, Batch: b.Number})
		n.must(err)
		n.advance()
	})
	n.advance()
}

// answer is a callback on its way.
type answer struct {
	place jobs.Place
	batch int32
	fault string // empty: success
}

// play lets the carrier decide about the devices of a batch, and when it says so.
func (n *night) play(b *sheet) {
	for _, place := range b.places {
		fault, after, answered := n.carrier.decide(n.chance, place)
		if !answered {
			continue
		}
		second := n.at.Add(after).Unix() + 1
		if n.answers[second] == nil {
			n.on(time.Unix(second, 0), func() { n.settle(second) })
		}
		n.answers[second] = append(n.answers[second], answer{place, int32(b.Number), fault})
	}
}

// settle takes the callbacks of one second, as [Settler.Settle] does.
func (n *night) settle(second int64) {
	wake := false
	n.busiest = max(n.busiest, len(n.answers[second]))
	for _, a := range n.answers[second] {
		e := jobs.Event{Batch: int64(a.batch), Place: a.place, Kind: jobs.Confirmed}
		if a.fault != "" {
			e.Fault.Code = a.fault
			e.Kind = kinds[e.Fault.Verdict()]
			attempt := n.books.batches[a.batch-1].Attempt
			e.Due = n.books.job.Policy.RetryAt(n.at, attempt, n.chance.Float64())
		}
		wake = n.books.settle(e) || wake
	}
	delete(n.answers, second)
	if n.told(); wake {
		n.advance()
	}
}
