package acceptance_test

import (
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"net/url"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/simshift/simshift/internal/checker"
	"github.com/simshift/simshift/internal/cutter"
	"github.com/simshift/simshift/internal/redistest"
)

// The chaos run's flags; `make chaos` sets them.
var (
	stormSeconds = flag.Int("seconds", 40, "how long the chaos run does harm")
	stormSeed    = flag.Uint64("seed", 0, "what it does, and when; 0: another each time")
	stormDevices = flag.Int("devices", 0, "how many devices it moves; 0: 200 a second")
)

// storm is a night on which everything that may die does: two listeners behind one address, workers of which one has
// a wrong clock, and proxies before Redis and the carrier.
type storm struct {
	*night
	random *rand.Rand
	books  *redis.Client // Redis without the proxy, for looking on

	redisLine, carrierLine, front *cutter.Proxy
	listeners, workers            []*actor

	job     string
	judge   *checker.Checker
	watch   *stopwatch
	kills   map[string]int // by what was killed
	deeds   map[string]int // by their name
	samples int
	raged   time.Duration
}

// actor is a process that is started again whenever it has died.
type actor struct {
	*process

	name   string
	ready  string // what it says when it is
	args   []string
	binary string
}

// The carrier's moods in a storm, as flags of the simulator. Each share is of devices, callbacks or requests.
var stormMoods = []string{
	"--latency", "50ms-1s", "--offline", "0.05", "--offline-attempts", "2", "--faulty", "0.005", "--silent", "0.002",
	"--lost", "0.01", "--warning", "0.02", "--duplicates", "0.05", "--other-profile", "0.03", "--stray", "0.01",
	"--tabular", "0.2", "--early", "0.2", "--drop-answers", "0.03", "--reset", "0.02", "--throttle", "0.003",
	"--unavailable", "0.02", "--token-life", "20s", "--session-life", "15s",
	"--resend", "200ms", "--resend", "500ms", "--resend", "1s", "--resend", "2s", "--resend", "4s", "--resend", "8s",
}

func newStorm(t *testing.T, seed uint64, moods ...string) *storm {
	t.Helper()
	server := redistest.Start(t)
	s := &storm{
		night:  newNightOn(t, server, append(moods, "--seed", strconv.FormatUint(seed, 10))...),
		random: rand.New(rand.NewPCG(seed, 0)), books: server.Client(t), kills: make(map[string]int), deeds: make(map[string]int),
	}
	carrier, err := url.Parse(s.carrier)
	if err != nil {
		t.Fatal(err)
	}
	s.redisLine, s.carrierLine = cutter.Start(t, server.Addr), cutter.Start(t, carrier.Host)
	s.set("REDIS_URL", "redis://"+s.redisLine.Addr+"/0")
	s.set("THINGSPACE_URL", "http://"+s.carrierLine.Addr+"/api")
	s.set("THINGSPACE_TIMEOUT", "3s")
	s.set("LOG_LEVEL", "debug")
	return s
}

// staff starts the processes, without the race detector: on a busy machine it would make them later than their deadlines.
func (s *storm) staff(rate string) {
	s.t.Helper()
	var addresses []string
	for i := range 2 {
		p := s.startBinary(plainBinary, "serve", "--callback-listen", "127.0.0.1:0")
		address := p.says(listens)
		addresses = append(addresses, address)
		s.listeners = append(s.listeners, &actor{p, fmt.Sprintf("listener %d", i), listens,
			[]string{"serve", "--callback-listen", address}, plainBinary})
	}
	s.front = cutter.Start(s.t, addresses...)
	s.set("CALLBACK_URL", "http://"+s.front.Addr+"/callbacks/thingspace")
	s.set("RATE_REQUESTS", rate)
	for i, program := range []string{plainBinary, plainBinary, variant(s.t, "clock-ahead", clockAhead)} {
		a := &actor{nil, fmt.Sprintf("worker %d", i), works, []string{"work"}, program}
		a.process = s.startBinary(program, a.args...)
		a.says(works)
		s.workers = append(s.workers, a)
	}
	s.watch = watchOver(s)
}

// clockAhead gives a process a clock that is 90 s ahead.
var clockAhead = edit{"cmd/simshift/main.go", "Now: time.Now,", "Now: func() time.Time { return time.Now().Add(90 * time.Second) },"}

// policy is how the job of a storm is carried out: a night in minutes, or in one.
func policy() []string {
	attempts, answer := "5", "12s"
	if *stormSeconds < 120 {
		attempts, answer = "3", "10s" // silent devices would make up most of the test's time
	}
	return []string{"--attempts", attempts, "--answer-within", answer, "--backoff", "2s", "--backoff-max", "4s", "--doubt-grace", "6s"}
}

// rage does harm until the time is over, or the job has ended.
func (s *storm) rage(length time.Duration) {
	s.t.Helper()
	total := 0
	for _, m := range mischiefs {
		total += m.weight
	}
	began := time.Now()
	defer func() { s.raged = time.Since(began).Round(time.Second) }()
	for time.Since(began) < length && s.running() {
		pick := s.random.IntN(total)
		for _, m := range mischiefs {
			if pick -= m.weight; pick < 0 {
				s.deeds[m.name]++
				m.do(s)
				break
			}
		}
		s.look()
		s.pause(300*time.Millisecond, 2*time.Second)
	}
}

// pause waits for some time between the two: what happens meanwhile is up to the program.
func (s *storm) pause(least, most time.Duration) {
	<-time.After(least + time.Duration(s.random.Int64N(int64(most-least))))
}

// calm waits until the job has ended with nothing being harmed any more.
func (s *storm) calm(patience time.Duration) {
	s.t.Helper()
	for end := time.Now().Add(patience); s.running(); s.look() {
		if time.Now().After(end) {
			s.t.Errorf("the job has not ended %v after the last harm:\n%s", patience, s.ask("jobs", "show", s.job))
			return
		}
		<-time.After(250 * time.Millisecond)
	}
}

func (s *storm) jobKey(name string) string { return "simshift:{" + s.job + "}:" + name }

// running tells whether the job has not ended, also when Redis does not answer.
func (s *storm) running() bool {
	state, err := s.books.HGet(context.Background(), s.jobKey("job"), "state").Result()
	return err != nil || state == "running"
}

// look takes a sample: the counts by state add up to the roster, and now and then, what is settled stays settled.
func (s *storm) look() {
	s.t.Helper()
	fields, err := s.books.HGetAll(context.Background(), s.jobKey("job")).Result()
	if err != nil || len(fields) == 0 {
		return // Redis is away
	}
	sum := 0
	for field, value := range fields {
		if strings.HasPrefix(field, "n:") {
			n, _ := strconv.Atoi(value)
			sum += n
		}
	}
	if sum != len(s.eids) {
		s.t.Errorf("the counts by state add up to %d of %d: %v", sum, len(s.eids), fields)
	}
	if s.samples++; s.samples%10 == 0 {
		if out, err := s.tryRun("results", s.job); err == nil {
			s.check(s.judge.Sample(strings.NewReader(string(out))))
		}
	}
}

func (s *storm) check(err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
}

// kill ends processes at once and without a word, and starts them again.
func (s *storm) kill(victims ...*actor) {
	s.t.Helper()
	for _, a := range victims {
		s.kills[strings.Fields(a.name)[0]]++
		_ = a.cmd.Process.Kill()
	}
	died := time.Now()
	for _, a := range victims {
		dead := a.process
		dead.stop(syscall.SIGKILL) // waits until it is gone
		a.process = s.startBinary(a.binary, a.args...)
		s.watch.killed(a, dead, died)
	}
}

// tryRun runs a command whatever comes of it.
func (s *storm) tryRun(args ...string) ([]byte, error) {
	cmd := exec.CommandContext(s.t.Context(), plainBinary, args...) // our own binary
	cmd.Env, cmd.Dir = append(s.env, "SIMSHIFT_REDIS_URL="+s.redis.URL()), s.folder
	return cmd.Output()
}

// kinds lists what was killed how often.
func (s *storm) killed() (total int, words string) {
	var list []string
	for what, n := range s.kills {
		total += n
		list = append(list, fmt.Sprintf("%d %ss", n, what))
	}
	slices.Sort(list)
	return total, strings.Join(list, ", ")
}
