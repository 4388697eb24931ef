package bench

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/simshift/simshift/internal/redistest"
	"github.com/simshift/simshift/jobs"
	"github.com/simshift/simshift/ledger"
)

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// deployment is an empty Redis and what runs on it, until the test ends.
type deployment struct {
	t      *testing.T
	redis  *redistest.Server
	rdb    *redis.Client
	empty  float64 // bytes that Redis uses with nothing in it
	env    []string
	folder string
}

func deploy(t *testing.T, fsync string) *deployment {
	t.Helper()
	d := &deployment{t: t, redis: redistest.Start(t, redistest.Fsync(fsync)), folder: t.TempDir()}
	d.rdb = d.redis.Client(t)
	d.env = append(os.Environ(), "SIMSHIFT_REDIS_URL="+d.redis.URL(),
		"SIMSHIFT_THINGSPACE_KEY=key", "SIMSHIFT_THINGSPACE_SECRET=secret", "SIMSHIFT_THINGSPACE_USERNAME=user",
		"SIMSHIFT_THINGSPACE_PASSWORD=pass", "SIMSHIFT_CALLBACK_USERNAME=carrier", "SIMSHIFT_CALLBACK_PASSWORD=hush",
		"SIMSHIFT_RATE_REQUESTS=0")
	d.empty = d.used()
	return d
}

// deployed uses a deployment, and ends it.
func deployed(t *testing.T, name, fsync string, use func(d *deployment)) {
	t.Helper()
	t.Run(name+","+fsync, func(t *testing.T) { use(deploy(t, fsync)) })
}

// set changes a setting for whatever is started from now on.
func (d *deployment) set(name, value string) { d.env = append(d.env, "SIMSHIFT_"+name+"="+value) }

// used is how many bytes Redis has taken.
func (d *deployment) used() float64 {
	d.t.Helper()
	info, err := d.rdb.Info(d.t.Context(), "memory").Result()
	check(d.t, err)
	found := regexp.MustCompile(`used_memory:(\d+)`).FindStringSubmatch(info)
	bytes, err := strconv.ParseFloat(found[1], 64)
	check(d.t, err)
	return bytes
}

// each is how many bytes Redis has taken for each of so many devices.
func (d *deployment) each(devices int) float64 { return (d.used() - d.empty) / float64(devices) }

// ran is what it took to run a program to its end.
type ran struct {
	length time.Duration
	peak   float64 // bytes of memory
	said   string
}

// run runs a program to its end.
func (d *deployment) run(program string, args ...string) ran {
	d.t.Helper()
	var out bytes.Buffer
	r := d.runTo(&out, program, args...)
	r.said = strings.TrimSpace(out.String())
	return r
}

// runTo runs a program with its output going to out.
func (d *deployment) runTo(out io.Writer, program string, args ...string) ran {
	d.t.Helper()
	var talk bytes.Buffer
	cmd := exec.CommandContext(d.t.Context(), program, args...)
	cmd.Env, cmd.Dir, cmd.Stdout, cmd.Stderr = d.env, d.folder, out, &talk
	began := time.Now()
	check(d.t, cmd.Start())
	peak, stop := watchMemory(cmd.Process.Pid)
	err := cmd.Wait()
	length := time.Since(began)
	stop()
	if err != nil {
		d.t.Fatalf("%s %s: %v\n%s", filepath.Base(program), strings.Join(args, " "), err, talk.String())
	}
	return ran{length: length, peak: <-peak}
}

// watchMemory follows the most memory that a process has had. The system's own account of a child that has ended will not
// do: Linux counts in what its parent had when it was started.
func watchMemory(pid int) (peak <-chan float64, stop func()) {
	result, done := make(chan float64, 1), make(chan struct{})
	go func() {
		tick := time.NewTicker(5 * time.Millisecond)
		defer tick.Stop()
		most := 0.0
		for {
			most = max(most, highWater(pid))
			select {
			case <-done:
				result <- most
				return
			case <-tick.C:
			}
		}
	}()
	return result, func() { close(done) }
}

var highWaterMark = regexp.MustCompile(`VmHWM:\s+(\d+) kB`)

// highWater is the most memory that a process has had so far; 0 where it can not be seen any more.
func highWater(pid int) float64 {
	text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	found := highWaterMark.FindSubmatch(text)
	if found == nil {
		return 0
	}
	kilobytes, _ := strconv.ParseFloat(string(found[1]), 64)
	return kilobytes * 1024
}

// service is a process that runs until the test ends.
type service struct {
	t   *testing.T
	pid int
	log string
}

// start starts a program. It is ended when the test ends, and must end well then.
func (d *deployment) start(program string, args ...string) *service {
	d.t.Helper()
	log, err := os.CreateTemp(d.folder, "*.log")
	check(d.t, err)
	defer log.Close()
	cmd := exec.CommandContext(context.WithoutCancel(d.t.Context()), program, args...)
	cmd.Env, cmd.Dir, cmd.Stderr = d.env, d.folder, log
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	check(d.t, cmd.Start())
	s := &service{d.t, cmd.Process.Pid, log.Name()}
	d.t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		if err := cmd.Wait(); err != nil {
			d.t.Errorf("%s %v: %v\n%s", filepath.Base(program), args, err, s.text())
		}
	})
	return s
}

func (s *service) text() string {
	text, err := os.ReadFile(s.log)
	check(s.t, err)
	return string(text)
}

// says waits until the process has written a line that matches, and gives what the group caught.
func (s *service) says(pattern string) string {
	s.t.Helper()
	var found []string
	wanted := regexp.MustCompile(pattern)
	until(s.t, 30*time.Second, func() bool {
		found = wanted.FindStringSubmatch(s.text())
		return found != nil
	})
	return found[1]
}

// address is where a listener listens.
func (s *service) address() string {
	s.t.Helper()
	return s.says(`listening for callbacks"? address=(\S+)`)
}

// until looks every few milliseconds whether something holds: between processes there is nothing better.
func until(t *testing.T, patience time.Duration, holds func() bool) {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for late := time.Now().Add(patience); !holds(); <-tick.C {
		if time.Now().After(late) {
			t.Fatalf("what was waited for did not come in %v", patience)
		}
	}
}

// carrier starts the simulator.
func (d *deployment) carrier(moods ...string) {
	d.t.Helper()
	s := d.start(simshift, append([]string{"simulator", "--listen", "127.0.0.1:0"}, moods...)...)
	d.set("THINGSPACE_URL", s.says(`address=(http://\S+)`)+"/api")
}

// listener starts a listener and makes it the one that the carrier is told of.
func (d *deployment) listener() *service {
	d.t.Helper()
	s := d.start(simshift, "serve", "--callback-listen", "127.0.0.1:0")
	d.set("CALLBACK_URL", "http://"+s.address()+"/callbacks/thingspace")
	return s
}

// worker starts a worker.
func (d *deployment) worker() *service {
	d.t.Helper()
	s := d.start(simshift, "work")
	s.says("msg=(working)")
	return s
}

// imported imports a fleet; what it said is the job's id.
func (d *deployment) imported(devices int, args ...string) ran {
	d.t.Helper()
	return d.run(simshift, append([]string{"import", fleet(d.t, devices), "--target", "global"}, args...)...)
}

// submitted waits until all devices of a job are in flight.
func (d *deployment) submitted(job string) {
	d.t.Helper()
	books := ledger.New(d.rdb, time.Now)
	until(d.t, time.Hour, func() bool {
		j, err := books.Job(d.t.Context(), job)
		check(d.t, err)
		return j.Counts[jobs.Submitted] == j.Devices
	})
}

// finished follows a job to its end, at which every device must have succeeded.
func (d *deployment) finished(job string) (j jobs.Job) {
	d.t.Helper()
	check(d.t, json.Unmarshal([]byte(d.run(simshift, "jobs", "watch", job, "-o", "json").said), &j))
	return j
}

// exported runs a program that writes results, into a file as people do.
func (d *deployment) exported(program string, args ...string) ran {
	d.t.Helper()
	file, err := os.Create(filepath.Join(d.folder, "results.csv"))
	check(d.t, err)
	defer file.Close()
	return d.runTo(file, program, args...)
}
