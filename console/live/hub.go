// Package live tells whoever listens how jobs go. One loop asks the desk, however many listen; nobody who is slow keeps the
// others waiting.
package live

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/simshift/simshift/console/api"
	"github.com/simshift/simshift/jobs"
)

// look is how often the desk is asked while anybody listens.
const look = time.Second

// room is how many ticks wait for a listener before it is too slow.
const room = 1024

// Hub is the loop and those who listen.
type Hub struct {
	desk api.Views
	now  func() time.Time
	log  *slog.Logger
	wake chan struct{} // holds one when somebody began to listen

	mu        sync.Mutex
	listeners map[*Listener]struct{}
	last      map[string]told // by job
	closed    bool
}

// told is what was said of a job last.
type told struct {
	same []byte // without the time
	tick []byte
	open bool
}

// Listener hears how jobs go: at first how they stand, then what changes.
type Listener struct {
	// C has the ticks that have come, each the JSON of an [api.Tick]. It is closed when the hub ends, and when the listener
	// did not keep up: whoever comes again hears how things stand then.
	C   chan []byte
	job string // empty: all
	new bool   // it has heard nothing yet
}

// New makes a hub, which tells nothing before [Hub.Run].
func New(desk api.Views, now func() time.Time, log *slog.Logger) *Hub {
	return &Hub{desk: desk, now: now, log: log, wake: make(chan struct{}, 1), listeners: make(map[*Listener]struct{})}
}

// Listen hears of a job by its id, and of all unfinished ones where it is empty.
func (h *Hub) Listen(job string) *Listener {
	l := &Listener{C: make(chan []byte, room), job: job, new: true}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed {
		close(l.C)
		return l
	}
	h.listeners[l] = struct{}{}
	select {
	case h.wake <- struct{}{}:
	default:
	}
	return l
}

// Leave ends the listening.
func (h *Hub) Leave(l *Listener) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.listeners, l)
}

// Run asks the desk while anybody listens, until ctx is done.
func (h *Hub) Run(ctx context.Context) {
	tick := time.NewTicker(look)
	defer tick.Stop()
	defer h.close()
	for {
		var clock <-chan time.Time
		if h.heard() {
			h.tell(ctx)
			clock = tick.C
		}
		select {
		case <-ctx.Done():
			return
		case <-clock:
		case <-h.wake:
		}
	}
}

// heard tells whether anybody listens. What was told before is of no use to whoever comes later.
func (h *Hub) heard() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.listeners) == 0 {
		h.last = nil
	}
	return len(h.listeners) > 0
}

func (h *Hub) close() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.closed = true
	for l := range h.listeners {
		close(l.C)
	}
	clear(h.listeners)
}

// tell asks how the jobs stand, and says so.
func (h *Hub) tell(ctx context.Context) {
	list, err := h.ask(ctx)
	if err != nil {
		if ctx.Err() == nil {
			h.log.WarnContext(ctx, "the console can not see how jobs go; it tries again", "error", err)
		}
		return
	}
	h.say(list)
}

// ask asks for the unfinished jobs, for those that have just ended, and for those that somebody listens to.
func (h *Hub) ask(ctx context.Context) (list []jobs.Job, err error) {
	q := api.JobsQuery{PageQuery: api.PageQuery{Limit: api.MostLimit}, Which: "open"}
	for more := true; more; more = q.After != "" {
		page, err := h.desk.Jobs(ctx, q)
		if err != nil {
			return nil, err
		}
		list, q.After = append(list, page.Jobs...), page.Next
	}
	for _, id := range h.missing(list) {
		if job, err := h.desk.Job(ctx, id); err == nil { // else it is gone, or never was
			list = append(list, *job)
		}
	}
	return list, nil
}

// missing are jobs that somebody wants to hear of and that are not in the list.
func (h *Hub) missing(list []jobs.Job) []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	wanted := make(map[string]bool)
	for id, said := range h.last {
		if said.open {
			wanted[id] = true
		}
	}
	for l := range h.listeners {
		if said, known := h.last[l.job]; l.job != "" && (!known || said.open) {
			wanted[l.job] = true
		}
	}
	for i := range list {
		delete(wanted, list[i].ID)
	}
	return slices.Collect(maps.Keys(wanted))
}

// say gives each listener what it does not know yet.
func (h *Hub) say(list []jobs.Job) {
	now := h.now().UTC()
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.last == nil {
		h.last = make(map[string]told)
	}
	var changed []*jobs.Job
	wide := make(map[string]bool) // unfinished until now: they concern who listens to all
	for i := range list {
		job := &list[i]
		wide[job.ID] = h.last[job.ID].open || !job.State.Ended()
		if h.learn(job, now) {
			changed = append(changed, job)
		}
	}
	for l := range h.listeners {
		switch {
		case !l.new:
			for _, job := range changed {
				if l.job == job.ID || l.job == "" && wide[job.ID] {
					h.give(l, job.ID)
				}
			}
		case l.job == "":
			l.new = false
			for i := range list {
				if !list[i].State.Ended() {
					h.give(l, list[i].ID)
				}
			}
		default: // it stays new while its job is not known: it may have come after the question
			if _, known := h.last[l.job]; known {
				l.new = false
				h.give(l, l.job)
			}
		}
	}
}

// learn makes a job's tick, once for whoever hears it, and tells whether it is another than before.
func (h *Hub) learn(job *jobs.Job, now time.Time) bool {
	tick := api.TickOf(job, time.Time{})
	same, _ := json.Marshal(tick) // plain values
	if bytes.Equal(same, h.last[job.ID].same) {
		return false
	}
	tick.At = now
	text, _ := json.Marshal(tick)
	h.last[job.ID] = told{same, text, job.State.Open()}
	return true
}

// give puts a job's tick where its listener takes it. One who is too slow is let go.
func (h *Hub) give(l *Listener, id string) {
	if _, there := h.listeners[l]; !there {
		return
	}
	select {
	case l.C <- h.last[id].tick:
	default:
		delete(h.listeners, l)
		close(l.C)
	}
}
