package ratelimit

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/redis/go-redis/v9"
)

// Horizon is how far ahead a turn can be taken, and so the longest that [Turn.Await] waits. A queue that wakes its
// tasks on whole seconds can be as late as that and still find its turn free, so the pace is kept though the wake-ups
// are not.
const Horizon = 2 * time.Second

const (
	// inFlightPoll is when to ask again while the carrier has as many devices as it may: nobody knows when one returns.
	inFlightPoll = 5 * time.Second
	// releasePoll is when to ask again while a hold waits for a person.
	releasePoll = 30 * time.Second
	// unclaimed is how long a turn's devices count as in flight if nobody says what became of them.
	unclaimed = time.Minute
)

// Limiter gives out turns. All limiters over one Redis are one limiter, and so are all of one part ([Limiter.Part]). Safe for
// concurrent use.
type Limiter struct {
	rdb      redis.UniversalClient
	defaults Limits
	now      func() time.Time
	part     string // whose limiter it is; empty: of the whole
	keys     keys
	own      *own // nil: a part has none
	watch    func(part string, t *Turn)

	// asking has room for one: the turns of a process must reach its own limiter in the order in which they start, or
	// that would move an earlier one behind a later one. A channel and not a mutex, so that a cancelled caller leaves.
	asking chan struct{}
}

// Option changes how a [Limiter] is made.
type Option func(*Limiter)

// Clock sets the clock by which the limiter measures stretches of time in this process, time.Now by default. It need
// not agree with the clock of Redis or of any other process.
func Clock(now func() time.Time) Option {
	return func(l *Limiter) { l.now = now }
}

// Watch sets who sees each answer to [Limiter.Reserve] before its caller does, and each turn that [Turn.Await] loses, of the
// limiter and of its parts. It must not keep the turn.
func Watch(see func(part string, t *Turn)) Option {
	return func(l *Limiter) { l.watch = see }
}

// New makes a limiter that keeps the defaults until limits are stored in Redis by [Limiter.SetLimits].
func New(rdb redis.UniversalClient, defaults Limits, options ...Option) *Limiter {
	l := &Limiter{
		rdb: rdb, defaults: defaults, now: time.Now, keys: keysOf(""), own: newOwn(), asking: make(chan struct{}, 1),
	}
	for _, option := range options {
		option(l)
	}
	return l
}

// Reserve asks for a turn to send one request with that many devices (at least 1) of an account. The turn is either
// taken, and starts within [Horizon], or tells why not and when to ask again. It fails, and nothing may be sent, when
// Redis does not answer.
func (l *Limiter) Reserve(ctx context.Context, account string, devices int) (*Turn, error) {
	if devices < 1 {
		return nil, fmt.Errorf("a turn is for at least one device, not %d", devices)
	}
	select {
	case l.asking <- struct{}{}:
		defer func() { <-l.asking }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	turn, limits, err := l.ask(ctx, account, devices)
	if err != nil {
		return nil, fmt.Errorf("no turn without Redis: %w", err)
	}
	if turn.taken && l.own != nil {
		err = l.askOwn(ctx, turn, limits, devices)
	}
	if err != nil {
		return nil, err
	}
	l.see(turn)
	return turn, nil
}

func (l *Limiter) see(turn *Turn) {
	if l.watch != nil {
		l.watch(l.part, turn)
	}
}

// ask asks Redis.
func (l *Limiter) ask(ctx context.Context, account string, devices int) (*Turn, Limits, error) {
	id, err := uuid.NewV7()
	if err != nil {
		return nil, Limits{}, err
	}
	turn := &Turn{limiter: l, account: account, id: "turn:" + id.String()}
	args := []any{account, devices, turn.id, Horizon.Microseconds(), unclaimed.Microseconds()}
	r, err := l.run(ctx, reserveScript, append(args, l.defaults.args()...)...)
	if err != nil {
		return nil, Limits{}, err
	}
	turn.taken = r.number() == 1
	turn.Wait = r.duration()
	turn.start = r.number()
	why, words, limits := r.text(), r.text(), r.limits()
	turn.due = l.now().Add(turn.Wait)
	if !turn.taken {
		turn.explain(why, words, limits)
	}
	return turn, limits, r.err
}

// askOwn makes the turn wait for the process's own limiter as well. That is longer only where Redis has forgotten what
// was sent: it was emptied, or restored from an earlier day.
func (l *Limiter) askOwn(ctx context.Context, turn *Turn, limits Limits, devices int) error {
	late, giveBack := l.own.reserve(limits, time.UnixMicro(turn.start), devices)
	turn.giveBack = giveBack
	turn.Wait += late
	turn.due = turn.due.Add(late)
	turn.start += late.Microseconds()
	if turn.Wait <= Horizon {
		return nil
	}
	if err := turn.Cancel(ctx); err != nil {
		return err
	}
	turn.Wait -= Horizon
	turn.Cause = "process"
	turn.Reason = "this process has sent all that the limits allow for now"
	return nil
}
