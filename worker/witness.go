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
	// steadyAfter is how long nothing is sent after this process has looked at another Redis: every process that lives
	// has looked by then, and knows whether something of its own is missing.
	steadyAfter = 3 * time.Second
	// strangerPatience is how long it waits longer for a process that wrote marks until the change and does not any
	// more: it may be slow, or still writing again what it had lost, and it may be dead.
	strangerPatience = 10 * time.Second
	// lastBreath is how shortly before its last mark under the old Redis another process must have written its own, to have
	// been alive at the change.
	lastBreath = 5 * time.Second
	// memory and memoryBytes are how much a process remembers of what Redis has acknowledged. A fail-over loses what
	// was not replicated, a power loss with everysec a second or two.
	memory      = time.Minute
	memoryBytes = 64 << 20
	// restoreHold is how long everybody waits at first for what is being written again.
	restoreHold = 10 * time.Second
	// againWithin bounds the attempts to do one thing again.
	againWithin = 15 * time.Second
)

// Ground is the Redis that the books stand on.
type Ground interface {
	// Moved tells how often another server has taken its place, or the same one was started again. Whoever gets an
	// answer from the new one, and then asks, is told of it.
	Moved() (times int)
}

// WitnessBooks is what a [Witness] needs of the ledger.
type WitnessBooks interface {
	Mark(ctx context.Context, process string, last, next int64) (before int64, err error)
	Marks(ctx context.Context) (map[string]time.Time, error)
	Unmark(ctx context.Context, process string) error
	LongestGrace(ctx context.Context) (time.Duration, error)
	Witnessed(ctx context.Context, words string) error
}

// Witness notices when Redis has lost what it had acknowledged: after a power loss without appendfsync always, a
// fail-over to a replica that lagged, a backup played back. Each process writes a mark every second, and remembers for
// a minute what it did that nobody could find out again: requests sent, callbacks answered. If an older mark stands
// where its own should be, all that it did since that mark is written again; and when another Redis answers, all that it
// did since its last mark, for that may be missing though the mark is there. Meanwhile nobody sends. The older mark stays
// until that is done, so that nobody takes a process that dies over it for one that has nothing to mend.
//
// A process that dies together with Redis takes what it did with it. Where something is lost and a process is missed,
// nothing is sent until the longest grace of any job is over. A Witness is safe for use by many goroutines.
type Witness struct {
	c WitnessConfig

	mu      sync.Mutex
	mark    int64     // the last one that Redis acknowledged; -1: none yet
	marked  time.Time // when it did
	ground  int       // which Redis that was
	firm    time.Time // when its first mark after a change was acknowledged
	eve     time.Time // processes with marks from here until firm were alive at the change
	judged  bool      // whether any of them is missed has been found out
	proven  bool      // something of ours was missing after the change
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
	again func(ctx context.Context) (missing bool, err error)
}

// NewWitness gives a witness; it writes no marks before [Witness.Run].
func NewWitness(c WitnessConfig) *Witness {
	return &Witness{c: c, mark: -1, forgot: -1, ground: c.Ground.Moved(), judged: true}
}

// Remember keeps what Redis has just acknowledged, and how it is done again; that tells whether it was missing.
func (w *Witness) Remember(bytes int, again func(ctx context.Context) (missing bool, err error)) {
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
	mending, moved, judged := w.mending, w.ground != w.c.Ground.Moved(), w.judged
	firm, eve, age := w.firm, w.eve, w.c.Now().Sub(w.firm)
	w.mu.Unlock()
	switch {
	case mending:
		return false, "Redis has lost what it had acknowledged; it is being written again"
	case moved, !judged && (age < steadyAfter || w.missed(ctx, eve, firm)):
		return false, "Redis was restarted, or another one has taken its place: looking what it has kept"
	}
	return true, ""
}

// missed tells whether a process wrote marks between the two times, and none since.
func (w *Witness) missed(ctx context.Context, eve, firm time.Time) bool {
	marks, err := w.c.Books.Marks(ctx)
	for _, at := range marks {
		if !at.Before(eve) && at.Before(firm) {
			return true
		}
	}
	return err != nil
}

// Run writes marks until ctx is done. What it has begun to mend it ends, within a minute.
func (w *Witness) Run(ctx context.Context) {
	tick := time.NewTicker(markEvery)
	defer tick.Stop()
	for {
		w.look(context.WithoutCancel(ctx))
		select {
		case <-ctx.Done():
			w.leave(context.WithoutCancel(ctx))
			return
		case <-tick.C:
		}
	}
}

// leave takes the mark away, unless it proves a loss that is not mended.
func (w *Witness) leave(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, markEvery)
	defer cancel()
	w.mu.Lock()
	mending := w.mending
	w.mu.Unlock()
	if mending {
		return
	}
	if err := w.c.Books.Unmark(ctx, w.c.Process); err != nil {
		w.c.Log.DebugContext(ctx, "mark not taken away; it is forgotten in an hour", "error", err)
	}
}

// look writes the next mark, and mends what the one before, or another Redis, may have lost.
func (w *Witness) look(ctx context.Context) {
	w.mu.Lock()
	last := w.mark
	w.mu.Unlock()
	before, err := w.write(ctx, last, last+1)
	if err != nil {
		return // Redis is away; whoever needs it says so
	}
	ground := w.c.Ground.Moved() // asked after an answer of it
	switch {
	case before < last: // a later one is ours, too: its reply was lost
		w.lost(ctx, before, last, ground)
	case ground != w.grounded():
		deeds, _ := w.since(before)
		missing, failed := w.again(ctx, deeds)
		w.c.Log.InfoContext(ctx, "another Redis answers; it has kept our marks", "looked_at", len(deeds), "missing", missing, "failed", failed)
		if failed > 0 {
			w.wait(ctx)
		}
		w.stand(last+1, ground, true, missing+failed > 0)
	default:
		w.stand(last+1, ground, false, false)
		w.judge(ctx)
	}
}

func (w *Witness) write(ctx context.Context, last, next int64) (int64, error) {
	ctx, cancel := context.WithTimeout(ctx, strangerPatience)
	defer cancel()
	return w.c.Books.Mark(ctx, w.c.Process, last, next)
}

// grounded tells which Redis this process has looked at.
func (w *Witness) grounded() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.ground
}

// stand notes that a mark was acknowledged; changed: for the first time under another Redis, which had something of ours
// missing or not.
func (w *Witness) stand(mark int64, ground int, changed, missing bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	now := w.c.Now()
	if changed {
		w.eve, w.firm, w.judged, w.proven, w.mending = w.marked.Add(-lastBreath), now, false, missing, false
		if w.marked.IsZero() {
			w.eve = now.Add(-strangerPatience) // we were not there to see
		}
	}
	w.mark, w.marked, w.ground = mark, now, ground
	w.forget(now)
}

// lost writes again what this process did since the mark that is left. The mark follows when that is done; if it is
// older again by then, the next look begins anew.
func (w *Witness) lost(ctx context.Context, left, last int64, ground int) {
	lost, whole := w.since(left)
	w.c.Log.ErrorContext(ctx, "Redis has lost what it had acknowledged; nothing is sent until it is written again",
		"seconds", last-left, "remembered", len(lost), "all_of_it", whole)
	start := w.c.Now()
	w.hold(ctx, restoreHold, "Redis has lost what it had acknowledged: it is being written again")
	missing, failed := w.again(ctx, lost)
	words := fmt.Sprintf("%s  %s: the last %d s were lost, %d things were written again", start.UTC().Format(time.RFC3339),
		w.c.Process, last-left, missing)
	if !whole || failed > 0 {
		words += "; some may be missing, so nothing was sent until no request of that time could be in flight"
		if !w.wait(ctx) {
			return // still mending: the next look tries again
		}
	}
	if before, err := w.write(ctx, left, last+1); err != nil || before < left {
		return
	}
	if err := w.c.Books.Witnessed(ctx, words); err != nil {
		w.c.Log.ErrorContext(ctx, "the loss is noted in this log only", "error", err)
	}
	w.c.Log.WarnContext(ctx, "what Redis had lost is written again", "written", missing, "failed", failed, "all_of_it", whole)
	w.stand(last+1, ground, true, true)
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

// again does every deed again. It gives how many were missing, and how many failed.
func (w *Witness) again(ctx context.Context, deeds []deed) (missing, failed int) {
	for _, d := range deeds {
		gone, err := redo(ctx, d)
		if err != nil {
			w.c.Log.ErrorContext(ctx, "not written again", "error", err)
			failed++
		}
		if gone {
			missing++
		}
	}
	return missing, failed
}

func redo(ctx context.Context, d deed) (missing bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, againWithin)
	defer cancel()
	for pause := 50 * time.Millisecond; ; pause = min(2*pause, time.Second) {
		if missing, err = d.again(ctx); err == nil {
			return missing, nil
		}
		select {
		case <-ctx.Done():
			return missing, err
		case <-time.After(pause):
		}
	}
}

// judge finds out, when it has had patience enough after a change, whether a process is missed. That matters where
// something was lost, which whoever lived through it knows: each has written something in the last second.
func (w *Witness) judge(ctx context.Context) {
	w.mu.Lock()
	judged, eve, firm, proven := w.judged, w.eve, w.firm, w.proven
	w.mu.Unlock()
	if judged || w.c.Now().Sub(firm) < strangerPatience {
		return
	}
	if proven && w.missed(ctx, eve, firm) {
		w.c.Log.WarnContext(ctx, "a process died together with Redis: what it had sent may be forgotten")
		if !w.wait(ctx) {
			return // the next look tries again
		}
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.judged = true
}

// wait holds everything until what was sent and is forgotten can not be in flight any more. It tells whether it could.
func (w *Witness) wait(ctx context.Context) bool {
	ctx, cancel := context.WithTimeout(ctx, againWithin)
	defer cancel()
	grace, err := w.c.Books.LongestGrace(ctx)
	if err != nil {
		w.c.Log.ErrorContext(ctx, "the longest grace is not known", "error", err)
		return false
	}
	return w.hold(ctx, w.c.Timeout+grace, "Redis has changed, and what it may have lost could not all be written again: "+
		"what was sent then is in doubt until its grace is over")
}

// hold stops every worker. Where that fails this one sends nothing all the same until it has mended.
func (w *Witness) hold(ctx context.Context, length time.Duration, reason string) bool {
	err := w.c.Hold(ctx, w.c.Now().Add(length), reason)
	if err != nil {
		w.c.Log.ErrorContext(ctx, "the other workers are not held", "error", err)
	}
	return err == nil
}
