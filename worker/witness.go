package worker

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"
)

const (
	// markEvery is how often a process writes its mark.
	markEvery = time.Second
	// steadyAfter is how long nothing is sent after another Redis has answered: every process that lives has written
	// its mark by then, and knows whether something of its own is missing.
	steadyAfter = 3 * time.Second
	// strangerPatience is how long it waits longer for a process that wrote marks before and does not any more: it may
	// be slow, and it may be dead.
	strangerPatience = 10 * time.Second
	// memory and memoryBytes are how much a process remembers of what Redis has acknowledged. A fail-over loses what
	// was not replicated, a power loss with everysec a second or two.
	memory      = time.Minute
	memoryBytes = 64 << 20
	// restoreHold is how long everybody waits for what is being written again.
	restoreHold = 10 * time.Second
)

// Ground is the Redis that the books stand on.
type Ground interface {
	// Moved tells how often another server has taken its place, or the same one was started again, and how long ago
	// that happened last. Whoever gets an answer from the new one, and then asks, is told of it.
	Moved() (times int, ago time.Duration)
}

// WitnessBooks is what a [Witness] needs of the ledger.
type WitnessBooks interface {
	Mark(ctx context.Context, process string, mark int64) (before int64, err error)
	Marks(ctx context.Context) (map[string]time.Time, error)
	Unmark(ctx context.Context, process string) error
	LongestGrace(ctx context.Context) (time.Duration, error)
	Witnessed(ctx context.Context, words string) error
}

// Witness notices when Redis has lost what it had acknowledged: after a power loss without appendfsync always, a
// fail-over to a replica that lagged, a backup played back. Each process writes a mark every second, and remembers for
// a minute what it did that nobody could find out again: requests sent, callbacks answered. If an older mark stands
// where its own should be, all that it did since that mark is written again. Meanwhile nobody sends.
//
// A process that dies in the same second takes what it did with it. The devices of its requests are then sent again
// only when the longest grace of any job is over. It is safe for use by many goroutines.
type Witness struct {
	c WitnessConfig

	mu      sync.Mutex
	mark    int64 // the last one that Redis acknowledged; -1: none yet
	deeds   []deed
	bytes   int
	forgot  int64 // deeds of this mark, or of an earlier one, may have been forgotten; -1: none
	mending bool  // what was lost is being written again
}

// WitnessConfig is what a [Witness] is made of.
type WitnessConfig struct {
	Process string // a name that no other process has
	Books   WitnessBooks
	Ground  Ground
	Hold    func(ctx context.Context, until time.Time, reason string) error // of every worker
	Timeout time.Duration                                                   // of a request to the carrier
	Now     func() time.Time
	Log     *slog.Logger
}

// deed is something that Redis acknowledged, and how to do it again. Doing it again changes nothing where it was kept.
type deed struct {
	mark  int64 // the last mark acknowledged before it
	at    time.Time
	bytes int
	again func(ctx context.Context) error
}

// NewWitness gives a witness; it writes no marks before [Witness.Run].
func NewWitness(c WitnessConfig) *Witness { return &Witness{c: c, mark: -1, forgot: -1} }

// Remember keeps what Redis has just acknowledged, and how it is done again.
func (w *Witness) Remember(bytes int, again func(ctx context.Context) error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	now := w.c.Now()
	w.deeds = append(w.deeds, deed{w.mark, now, bytes, again})
	w.bytes += bytes
	w.forget(now)
}

// forget drops what is too old or too much. It needs the lock.
func (w *Witness) forget(now time.Time) {
	old := 0
	for old < len(w.deeds) && (w.bytes > memoryBytes || now.Sub(w.deeds[old].at) > memory) {
		w.bytes -= w.deeds[old].bytes
		w.forgot = w.deeds[old].mark
		old++
	}
	clear(w.deeds[:old])
	w.deeds = w.deeds[old:]
}

// Steady tells whether requests may be sent: the books are those that we know, or everybody has had the time to find out.
// Where not, it tells why.
func (w *Witness) Steady(ctx context.Context) (bool, string) {
	w.mu.Lock()
	mending := w.mending
	w.mu.Unlock()
	times, ago := w.c.Ground.Moved()
	switch {
	case mending:
		return false, "Redis has lost what it had acknowledged; it is being written again"
	case times == 0 || ago > strangerPatience:
		return true, ""
	case ago < steadyAfter || w.missed(ctx, w.c.Now().Add(-ago)):
		return false, "Redis was restarted, or another one has taken its place: looking what it has kept"
	}
	return true, ""
}

// ground tells how often another Redis has taken the place of the one before.
func (w *Witness) ground() int {
	times, _ := w.c.Ground.Moved()
	return times
}

// missed tells whether a process wrote marks in the minute before a change, and none after it.
func (w *Witness) missed(ctx context.Context, change time.Time) bool {
	marks, err := w.c.Books.Marks(ctx)
	for _, at := range marks {
		if at.Before(change) && at.After(change.Add(-time.Minute)) {
			return true
		}
	}
	return err != nil
}

// Run writes marks until ctx is done.
func (w *Witness) Run(ctx context.Context) {
	tick := time.NewTicker(markEvery)
	defer tick.Stop()
	for {
		w.look(ctx)
		select {
		case <-ctx.Done():
			leaving, cancel := context.WithTimeout(context.WithoutCancel(ctx), markEvery)
			defer cancel()
			if err := w.c.Books.Unmark(leaving, w.c.Process); err != nil {
				w.c.Log.DebugContext(ctx, "mark not taken away; it is forgotten in an hour", "error", err)
			}
			return
		case <-tick.C:
		}
	}
}

// look writes the next mark, and mends what the one before shows to be lost.
func (w *Witness) look(ctx context.Context) {
	w.mu.Lock()
	next := w.mark + 1
	w.mu.Unlock()
	ctx, cancel := context.WithTimeout(ctx, memory)
	defer cancel()
	before, err := w.c.Books.Mark(ctx, w.c.Process, next)
	if err != nil {
		return // Redis is away; whoever needs it says so
	}
	if before < next-1 { // a later one is ours, too: its reply was lost
		w.mend(ctx, before, next)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.mark = next
	w.forget(w.c.Now())
}

// mend writes again what this process did since the mark that is left.
func (w *Witness) mend(ctx context.Context, left, next int64) {
	lost, whole := w.since(left)
	w.c.Log.ErrorContext(ctx, "Redis has lost what it had acknowledged; nothing is sent until it is written again",
		"seconds", next-1-left, "remembered", len(lost), "all_of_it", whole)
	start := w.c.Now()
	w.hold(ctx, restoreHold, "Redis has lost what it had acknowledged: it is being written again")
	failed := w.again(ctx, lost)
	whole = w.company(ctx, start, next) && whole && failed == 0
	words := fmt.Sprintf("%s  %s: the last %d s were lost, %d things were written again", start.UTC().Format(time.RFC3339),
		w.c.Process, next-1-left, len(lost)-failed)
	if !whole {
		words += "; some may be missing, so nothing was sent until no request of that time could be in flight"
		w.wait(ctx)
	}
	if err := w.c.Books.Witnessed(ctx, words); err != nil {
		w.c.Log.ErrorContext(ctx, "the loss is noted in this log only", "error", err)
	}
	w.c.Log.WarnContext(ctx, "what Redis had lost is written again", "written", len(lost)-failed, "failed", failed, "all_of_it", whole)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.mending = false
}

// since begins to mend: it gives what was done since a mark, and whether that is all.
func (w *Witness) since(left int64) (lost []deed, whole bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.mending = true
	left-- // the mark may have been written some time before it was acknowledged
	for _, d := range w.deeds {
		if d.mark >= left {
			lost = append(lost, d)
		}
	}
	return lost, left >= -1 && w.forgot < max(left, 0) // without any mark of ours, nobody knows how far back it goes
}

// again does every deed again. It gives how many failed.
func (w *Witness) again(ctx context.Context, lost []deed) (failed int) {
	for _, d := range lost {
		err := d.again(ctx)
		for pause := 50 * time.Millisecond; err != nil && ctx.Err() == nil; pause = min(2*pause, time.Second) {
			rest(ctx, pause)
			err = d.again(ctx)
		}
		if err != nil {
			w.c.Log.ErrorContext(ctx, "not written again", "error", err)
			failed++
		}
	}
	return failed
}

// company waits until every process that wrote marks has written one since the start, and so has found out what it had
// lost. It tells whether they all have. Its own mark is written on and on, since the others wait for it, too.
func (w *Witness) company(ctx context.Context, start time.Time, mark int64) bool {
	for w.c.Now().Sub(start) < strangerPatience && ctx.Err() == nil {
		_, err := w.c.Books.Mark(ctx, w.c.Process, mark)
		if err == nil && !w.missed(ctx, start) {
			return true
		}
		rest(ctx, markEvery/2)
	}
	return false
}

// wait holds everything until what was sent and is forgotten can not be in flight any more.
func (w *Witness) wait(ctx context.Context) {
	grace, err := w.c.Books.LongestGrace(ctx)
	if err != nil {
		w.c.Log.ErrorContext(ctx, "the longest grace is not known", "error", err)
		return
	}
	w.hold(ctx, w.c.Timeout+grace, "Redis has lost what it had acknowledged, and some of it could not be written again: "+
		"what was sent then is in doubt until its grace is over")
}

// hold stops every worker. Where that fails this one sends nothing all the same until it has mended.
func (w *Witness) hold(ctx context.Context, length time.Duration, reason string) {
	if err := w.c.Hold(ctx, w.c.Now().Add(length), reason); err != nil {
		w.c.Log.ErrorContext(ctx, "the other workers are not held", "error", err)
	}
}

func rest(ctx context.Context, pause time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(pause):
	}
}
