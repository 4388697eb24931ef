package live

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/simshift/simshift/console/api"
	"github.com/simshift/simshift/jobs"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// desk has jobs, in pages of two.
type desk struct {
	api.Views

	mu    sync.Mutex
	jobs  []jobs.Job
	away  bool
	asked int
}

func (d *desk) Jobs(_ context.Context, q api.JobsQuery) (*api.JobPage, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.asked++
	if d.away {
		return nil, errors.New("Redis is away")
	}
	page, past := &api.JobPage{}, q.After == ""
	for _, job := range d.jobs {
		switch {
		case !past:
			past = job.ID == q.After
		case !job.State.Open():
		case len(page.Jobs) == 2:
			page.Next = page.Jobs[1].ID
			return page, nil
		default:
			page.Jobs = append(page.Jobs, job)
		}
	}
	return page, nil
}

func (d *desk) Job(_ context.Context, id string) (*jobs.Job, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, job := range d.jobs {
		if job.ID == id {
			return &job, nil
		}
	}
	return nil, jobs.ErrNotFound
}

// set changes a job, or makes it.
func (d *desk) set(id string, state jobs.Phase, callbacks int64) {
	d.mu.Lock()
	defer d.mu.Unlock()
	job := jobs.Job{ID: id, State: state, Callbacks: callbacks}
	if i := slices.IndexFunc(d.jobs, func(j jobs.Job) bool { return j.ID == id }); i >= 0 {
		d.jobs[i] = job
		return
	}
	d.jobs = append(d.jobs, job)
}

func (d *desk) questions() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.asked
}

// play runs a hub over the desk by the clock of a bubble, until the test ends or stop is called.
func play(t *testing.T, test func(t *testing.T, d *desk, h *Hub, stop func())) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := &desk{}
		for i := range 5 {
			d.set("job"+strconv.Itoa(i), jobs.Running, 0)
		}
		h := New(d, time.Now, slog.New(slog.DiscardHandler))
		ctx, cancel := context.WithCancel(t.Context())
		go h.Run(ctx)
		test(t, d, h, func() {
			cancel()
			synctest.Wait()
		})
		cancel()
	})
}

// heard are the jobs that a listener was told of by now, each as ID:STATE:CALLBACKS, sorted; "closed" ends them where it is so.
func heard(t *testing.T, l *Listener) string {
	t.Helper()
	synctest.Wait()
	var list []string
	for {
		select {
		case text, more := <-l.C:
			if !more {
				return strings.Join(append(list, "closed"), " ")
			}
			var tick api.Tick
			if err := json.Unmarshal(text, &tick); err != nil || tick.At.IsZero() {
				t.Fatalf("%v: %s", err, text)
			}
			list = append(list, tick.ID+":"+string(tick.State)+":"+strconv.FormatInt(tick.Callbacks, 10))
		default:
			slices.Sort(list)
			return strings.Join(list, " ")
		}
	}
}

func expect(t *testing.T, l *Listener, when, want string) {
	t.Helper()
	if got := heard(t, l); got != want {
		t.Errorf("%s: %q, not %q", when, got, want)
	}
}

const allRunning = "job0:running:0 job1:running:0 job2:running:0 job3:running:0 job4:running:0"

func TestAListenerHearsHowThingsStandAndThenWhatChanges(t *testing.T) {
	play(t, func(t *testing.T, d *desk, h *Hub, _ func()) {
		l := h.Listen("")
		expect(t, l, "at once", allRunning)
		time.Sleep(10 * time.Second)
		expect(t, l, "while nothing changes", "")
		d.set("job3", jobs.Running, 8)
		d.set("job1", jobs.Paused, 0)
		time.Sleep(time.Second)
		expect(t, l, "after a change", "job1:paused:0 job3:running:8")
		d.set("job3", jobs.Finished, 9)
		time.Sleep(time.Second)
		expect(t, l, "at a job's end", "job3:finished:9")
		d.set("job5", jobs.Running, 0)
		time.Sleep(5 * time.Second)
		expect(t, l, "when one is made", "job5:running:0")
		expect(t, h.Listen(""), "who comes late", "job0:running:0 job1:paused:0 job2:running:0 job4:running:0 job5:running:0")
	})
}

func TestAListenerToAJobHearsOfNoOther(t *testing.T) {
	play(t, func(t *testing.T, d *desk, h *Hub, _ func()) {
		d.set("old", jobs.Finished, 3)
		one, old, none, all := h.Listen("job2"), h.Listen("old"), h.Listen("nothing"), h.Listen("")
		expect(t, all, "of all that are not finished", allRunning)
		expect(t, one, "at once", "job2:running:0")
		expect(t, old, "of one that has ended", "old:finished:3")
		d.set("job2", jobs.Running, 1)
		d.set("job4", jobs.Running, 1)
		time.Sleep(time.Second)
		expect(t, one, "after changes", "job2:running:1")
		expect(t, old, "after changes", "")
		expect(t, none, "of none", "")
		d.set("nothing", jobs.Running, 0)
		d.set("old", jobs.Running, 3) // a person retries it
		time.Sleep(time.Second)
		expect(t, none, "when it is there", "nothing:running:0")
		expect(t, old, "when it is opened again", "old:running:3")
	})
}

func TestTheDeskIsLeftAloneWhileNobodyListens(t *testing.T) {
	play(t, func(t *testing.T, d *desk, h *Hub, _ func()) {
		time.Sleep(time.Hour)
		if n := d.questions(); n != 0 {
			t.Errorf("it was asked %d times", n)
		}
		l := h.Listen("")
		expect(t, l, "at once", allRunning)
		for range 50 {
			h.Listen("")
		}
		before := d.questions()
		time.Sleep(10 * time.Second)
		synctest.Wait()
		if n := d.questions() - before; n > 3*12 { // pages of two
			t.Errorf("for 51 listeners it was asked %d times in ten seconds", n)
		}
	})
}

func TestWhoLeavesHearsNoMore(t *testing.T) {
	play(t, func(t *testing.T, d *desk, h *Hub, _ func()) {
		l, other := h.Listen(""), h.Listen("")
		expect(t, l, "at once", allRunning)
		expect(t, other, "at once", allRunning)
		h.Leave(l)
		d.set("job0", jobs.Running, 1)
		time.Sleep(time.Second)
		expect(t, l, "after leaving", "")
		expect(t, other, "after another's leaving", "job0:running:1")
		h.Leave(other)
		time.Sleep(2 * time.Second)
		before := d.questions()
		time.Sleep(time.Hour)
		if n := d.questions() - before; n != 0 {
			t.Errorf("when all have left it is asked %d times", n)
		}
		expect(t, h.Listen("job0"), "who comes then", "job0:running:1")
	})
}

func TestOneWhoIsTooSlowIsLetGoAlone(t *testing.T) {
	play(t, func(t *testing.T, d *desk, h *Hub, _ func()) {
		slow, quick := h.Listen(""), h.Listen("")
		expect(t, quick, "at once", allRunning)
		for n := range int64(room) {
			d.set("job0", jobs.Running, n+1)
			time.Sleep(time.Second)
			expect(t, quick, "all the while", "job0:running:"+strconv.FormatInt(n+1, 10))
		}
		if told := heard(t, slow); !strings.HasSuffix(told, "closed") || strings.Count(told, ":running:") != room {
			t.Errorf("the slow one heard %d, and at the end %q", strings.Count(told, ":running:"), told[len(told)-20:])
		}
		h.Leave(slow) // as its handler does
	})
}

func TestTheEndIsHeard(t *testing.T) {
	play(t, func(t *testing.T, _ *desk, h *Hub, stop func()) {
		l := h.Listen("job1")
		expect(t, l, "at once", "job1:running:0")
		stop()
		expect(t, l, "at the end", "closed")
		late := h.Listen("")
		expect(t, late, "after the end", "closed")
		h.Leave(late)
	})
}

func TestADeskThatIsAwayIsAskedAgain(t *testing.T) {
	play(t, func(t *testing.T, d *desk, h *Hub, _ func()) {
		d.mu.Lock()
		d.away = true
		d.mu.Unlock()
		l := h.Listen("")
		time.Sleep(5 * time.Second)
		expect(t, l, "meanwhile", "")
		d.mu.Lock()
		d.away = false
		d.mu.Unlock()
		time.Sleep(time.Second)
		expect(t, l, "then", allRunning)
	})
}
