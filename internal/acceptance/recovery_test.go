package acceptance_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"io"
	"os"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"
)

// stopwatch measures how long it takes after each kill until what was under way goes on: each batch that a killed
// worker had in its hands is taken up again, or has moved in the ledger; a killed listener's successor listens; after
// the end of Redis, or of everything, a callback is answered 2xx or a request reaches the carrier.
type stopwatch struct {
	storm *storm
	stop  func()
	ended chan struct{}

	mu      sync.Mutex
	open    []*recovery
	living  map[*actor]*process // by the part it plays
	alive   time.Time           // when the carrier last wrote down a sign of life
	lengths []time.Duration
	worst   string
}

// recovery is one thing that was broken off by a kill.
type recovery struct {
	what, batch string
	since       time.Time
	seen        string // what the ledger said of the batch when its worker died
	actor       *actor // whose successor's readiness ends it, where that is what it waits for
	done        bool
}

func watchOver(s *storm) *stopwatch {
	ctx, cancel := context.WithCancel(context.Background())
	w := &stopwatch{storm: s, stop: cancel, ended: make(chan struct{}), living: make(map[*actor]*process)}
	for _, a := range s.everybody() {
		w.living[a] = a.process
	}
	go w.run(ctx)
	s.t.Cleanup(w.finish)
	return w
}

func (w *stopwatch) finish() {
	w.stop()
	<-w.ended
}

// result ends the watch and gives what was measured. What has not recovered by now has taken until now.
func (w *stopwatch) result() (lengths []time.Duration, worst string) {
	w.finish()
	for _, r := range w.open {
		w.note(r, time.Since(r.since))
	}
	return w.lengths, w.worst
}

func (w *stopwatch) run(ctx context.Context) {
	defer close(w.ended)
	journal, err := os.Open(w.storm.journal)
	if err != nil {
		return
	}
	defer journal.Close()
	tail := &tail{file: journal}
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		w.mu.Lock()
		tail.read(func(at time.Time) { w.alive = at })
		w.settle(ctx)
		w.mu.Unlock()
	}
}

// settle ends the recoveries that are over. It needs the lock.
func (w *stopwatch) settle(ctx context.Context) {
	now := time.Now()
	for _, r := range w.open {
		var over bool
		switch {
		case r.batch != "":
			over = w.taken(r) || w.moved(ctx, r)
		case r.actor != nil:
			over = w.living[r.actor].said(r.actor.ready)
		default:
			over = w.alive.After(r.since)
		}
		if over {
			r.done = true
			w.note(r, now.Sub(r.since))
		}
	}
	w.open = slices.DeleteFunc(w.open, func(r *recovery) bool { return r.done })
}

func (w *stopwatch) note(r *recovery, length time.Duration) {
	if length > slices.Max(append(w.lengths, 0)) {
		w.worst = r.what
	}
	w.lengths = append(w.lengths, length)
}

// taken tells whether another process has taken the batch up.
func (w *stopwatch) taken(r *recovery) bool {
	for _, p := range w.living {
		if p.saidAfter(r.since, `msg="batch (?:taken|overdue)".* batch=`+r.batch+`\b`) {
			return true
		}
	}
	return false
}

// moved tells whether the ledger says something else of the batch than when its worker died.
func (w *stopwatch) moved(ctx context.Context, r *recovery) bool {
	now, err := w.storm.books.HMGet(ctx, w.storm.jobKey("batch:"+r.batch), "state", "run", "request").Result()
	return err == nil && join(now) != r.seen
}

func join(values []any) string {
	var words []string
	for _, value := range values {
		text, _ := value.(string)
		words = append(words, text)
	}
	return strings.Join(words, " ")
}

// killed starts the watch for what a dead process had in its hands; a is its successor already.
func (w *stopwatch) killed(a *actor, dead *process, died time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.living[a] = a.process
	held := dead.held()
	for _, batch := range held {
		seen, err := w.storm.books.HMGet(context.Background(), w.storm.jobKey("batch:"+batch), "state", "run", "request").Result()
		if err == nil {
			w.open = append(w.open, &recovery{what: "batch " + batch + " of " + a.name, batch: batch, since: died, seen: join(seen)})
		}
	}
	if len(held) == 0 {
		w.open = append(w.open, &recovery{what: a.name, since: died, actor: a})
	}
}

// lifeless starts the watch for the next sign of life at the carrier.
func (w *stopwatch) lifeless(since time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.open = append(w.open, &recovery{what: "Redis", since: since})
}

// tail reads the lines that were added to the carrier's journal.
type tail struct {
	file *os.File
	rest []byte
}

// read tells when the carrier wrote down a callback that was answered 2xx or a request, for the last of them.
func (t *tail) read(alive func(time.Time)) {
	text, _ := io.ReadAll(t.file)
	t.rest = append(t.rest, text...)
	end := bytes.LastIndexByte(t.rest, '\n')
	if end < 0 {
		return
	}
	scanner := bufio.NewScanner(bytes.NewReader(t.rest[:end]))
	scanner.Buffer(nil, 1<<20)
	for scanner.Scan() {
		var e struct {
			At     time.Time `json:"at"`
			Event  string    `json:"event"`
			Status int       `json:"status"`
		}
		if json.Unmarshal(scanner.Bytes(), &e) == nil && (e.Event == "request" || e.Event == "callback" && e.Status/100 == 2) {
			alive(e.At)
		}
	}
	t.rest = append([]byte(nil), t.rest[end+1:]...)
}

var (
	batchTaken = regexp.MustCompile(`msg="batch taken".* batch=(\d+)`)
	batchDown  = regexp.MustCompile(`msg="batch put down".* batch=(\d+)`)
	lineTime   = regexp.MustCompile(`^time=(\S+)`)
)

// held lists the batches that a process which has ended took and did not put down.
func (p *process) held() []string {
	var held []string
	for _, line := range p.lines {
		if taken := batchTaken.FindStringSubmatch(line); taken != nil {
			held = append(held, taken[1])
		}
		if down := batchDown.FindStringSubmatch(line); down != nil {
			held = slices.DeleteFunc(held, func(batch string) bool { return batch == down[1] })
		}
	}
	return held
}

// said tells whether the process has written a line that matches.
func (p *process) said(pattern string) bool { return p.saidAfter(time.Time{}, pattern) }

// saidAfter tells whether it has since then.
func (p *process) saidAfter(since time.Time, pattern string) bool {
	wanted := regexp.MustCompile(pattern)
	p.mu.Lock()
	lines := p.lines
	p.mu.Unlock()
	for _, line := range slices.Backward(lines) {
		said := lineTime.FindStringSubmatch(line)
		if said == nil {
			continue
		}
		if at, err := time.Parse(time.RFC3339Nano, said[1]); err == nil && at.Before(since) {
			return false
		}
		if wanted.MatchString(line) {
			return true
		}
	}
	return false
}
