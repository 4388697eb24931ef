package thingspace

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"
	"pgregory.net/rapid"

	"github.com/simshift/simshift/thingspace/simulator"
)

// Whatever processes do that log in, in whatever order their steps fall, wherever they are killed or frozen, and whatever the
// carrier answers or fails to answer: it never counts five failed logins in a row.
func TestTheCarriersLockIsOutOfReachWhateverHappens(t *testing.T) {
	db := redisServer(t)
	rapid.Check(t, func(r *rapid.T) {
		db.FlushAll()
		sim, err := simulator.New(simulator.Config{})
		if err != nil {
			r.Fatal(err)
		}
		m := &loginModel{t: t, db: db, sim: sim}
		defer m.end()
		r.Repeat(map[string]func(*rapid.T){
			"": m.bounded, "start": m.start, "step": m.step, "kill": m.kill, "time": m.time, "expire": m.expire,
			"run to the answer": m.run, "fail and rest": m.fail,
		})
	})
}

// loginModel plays the scheduler: a process goes on only when it is told to, one step at a time.
type loginModel struct {
	t       *testing.T
	db      *miniredis.Miniredis
	sim     *simulator.Simulator
	alive   []*player
	started int
	now     time.Duration
	inARow  int // failed logins, as the carrier counts them
}

// player is a process that renews the session. It stops before each command to Redis, before its login reaches the
// carrier, and before it hears the answer.
type player struct {
	m      *loginModel
	until  time.Duration // after it the time of its renewal is over
	ask    chan string   // at which step it stands; closed when it has ended
	let    chan play
	step   string // the last that it told
	client *Client
	rdb    *redis.Client
	dead   bool
}

// play is what befalls a process at a step.
type play uint8

const (
	on     play = iota
	die         // it is killed: nothing that it would still do reaches anybody
	no          // the carrier refuses the login
	mute        // what is on the line is lost
	noMute      // the carrier refuses the login, and its answer is lost
)

// at stops the process at a step, and ends it there if it is killed.
func (p *player) at(step string) play {
	if !p.dead {
		p.ask <- step
		next := <-p.let
		p.dead = next == die
		if !p.dead {
			return next
		}
	}
	runtime.Goexit() // what is deferred runs, as far as here
	return die
}

// hook stops before every command.
type hook struct{ p *player }

func (h hook) DialHook(next redis.DialHook) redis.DialHook { return next }

func (h hook) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, command redis.Cmder) error {
		h.p.at("redis")
		return next(context.WithoutCancel(ctx), command)
	}
}

func (h hook) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return next
}

// RoundTrip carries the login. A process whose time is over sends nothing, as net/http does.
func (p *player) RoundTrip(r *http.Request) (*http.Response, error) {
	fate := p.at("login")
	if p.m.now >= p.until {
		return nil, context.DeadlineExceeded
	}
	if _, err := io.Copy(io.Discard, r.Body); err != nil {
		return nil, err
	}
	if fate == mute {
		return nil, io.ErrUnexpectedEOF
	}
	answer := p.m.login(fate == no || fate == noMute)
	if fate == noMute || p.at("answer") == mute {
		return nil, io.ErrUnexpectedEOF
	}
	return answer, nil
}

// login is the carrier's part.
func (m *loginModel) login(refused bool) *http.Response {
	if err := m.sim.SetMoods(simulator.Moods{RefuseLogins: refused}); err != nil {
		m.t.Error(err)
	}
	ask := func(path, body, kind, authorization string) *http.Response {
		r := httptest.NewRequestWithContext(m.t.Context(), http.MethodPost, path, strings.NewReader(body))
		r.Header.Set("Content-Type", kind)
		r.Header.Set("Authorization", authorization)
		w := httptest.NewRecorder()
		m.sim.Handler().ServeHTTP(w, r)
		return w.Result()
	}
	issued := ask(tokenPath, "grant_type=client_credentials&client_id=key&client_secret=secret",
		"application/x-www-form-urlencoded", "")
	var bearer struct {
		Token string `json:"access_token"`
	}
	if err := json.NewDecoder(issued.Body).Decode(&bearer); err != nil {
		m.t.Error(err)
	}
	answer := ask(loginPath, `{"username":"user","password":"pass"}`, "application/json", "Bearer "+bearer.Token)
	if answer.StatusCode == http.StatusOK {
		m.inARow = 0
	} else {
		m.inARow++
	}
	return answer
}

func (m *loginModel) bounded(r *rapid.T) {
	if m.inARow > 4 || m.sim.Book().Summary().Locked {
		r.Fatalf("%d failed logins in a row", m.inARow)
	}
}

// start is a process that finds no session and goes for the lock.
func (m *loginModel) start(r *rapid.T) {
	if len(m.alive) >= 4 {
		return
	}
	m.started++
	p := &player{m: m, ask: make(chan string), let: make(chan play), rdb: redis.NewClient(&redis.Options{
		Addr: m.db.Addr(), MaxRetries: -1, Protocol: 2, DisableIdentity: true,
	})}
	p.client = New(Config{BaseURL: "http://carrier/api", Timeout: time.Minute}, NewSessionStore(p.rdb), quietly(),
		WithClock(func() time.Time { return noon.Add(m.now) }), WithName(fmt.Sprintf("process-%d", m.started)))
	p.client.http = &http.Client{Transport: p}
	if _, err := p.client.bearer.slot.keep(m.t.Context(), "", token{issue: "1", value: "bearer", life: time.Hour}); err != nil {
		r.Fatal(err)
	}
	p.rdb.AddHook(hook{p})
	owner := p.client.name
	go func() {
		defer close(p.ask)
		p.until = m.now + lockLife // nothing is sent before the renewal begins, which sets it
		session := p.client.session
		if locked, err := session.slot.lock(m.t.Context(), owner, lockLife); !locked || err != nil {
			return
		}
		p.until = m.now + renewWithin
		_, _ = session.renewLocked(m.t.Context(), owner)
	}()
	m.await(p)
}

// await waits until the process stands at a step or has ended.
func (m *loginModel) await(p *player) {
	if p.step = <-p.ask; p.step != "" {
		if !slices.Contains(m.alive, p) {
			m.alive = append(m.alive, p)
		}
		return
	}
	m.alive = slices.DeleteFunc(m.alive, func(other *player) bool { return other == p })
	if err := p.rdb.Close(); err != nil && !errors.Is(err, redis.ErrClosed) {
		m.t.Error(err)
	}
}

func (m *loginModel) any(r *rapid.T) *player {
	if len(m.alive) == 0 {
		r.Skip("nobody is there")
	}
	return rapid.SampledFrom(m.alive).Draw(r, "process")
}

func (m *loginModel) resume(p *player, next play) {
	p.let <- next
	m.await(p)
}

func (m *loginModel) step(r *rapid.T) {
	p := m.any(r)
	m.resume(p, rapid.SampledFrom([]play{on, no, mute, noMute}).Draw(r, "fate"))
}

// run takes a process up to the carrier, which random steps alone seldom do.
func (m *loginModel) run(r *rapid.T) {
	p := m.any(r)
	for p.step == "redis" {
		m.resume(p, on)
	}
}

// fail is a login that the carrier refuses and whose process is killed, now or later, or does not hear of it.
func (m *loginModel) fail(r *rapid.T) {
	m.start(r)
	p := m.any(r)
	for p.step == "redis" {
		m.resume(p, on)
	}
	if p.step != "" {
		m.resume(p, noMute)
	}
	if p.step != "" && rapid.Bool().Draw(r, "killed") {
		m.resume(p, die)
	}
	m.pass(lockLife)
}

func (m *loginModel) kill(r *rapid.T) { m.resume(m.any(r), die) }

// time passes: a little, or more than the lock lives.
func (m *loginModel) time(r *rapid.T) {
	passed := time.Duration(rapid.SampledFrom([]int{1, 6, 19, 26}).Draw(r, "seconds")) * time.Second
	m.pass(passed)
}

func (m *loginModel) pass(passed time.Duration) {
	m.now += passed
	m.db.FastForward(passed)
}

// expire ends the session.
func (m *loginModel) expire(*rapid.T) {
	for _, key := range m.db.Keys() {
		if strings.HasSuffix(key, ":login") {
			m.db.Del(key)
		}
	}
}

func (m *loginModel) end() {
	for len(m.alive) > 0 {
		m.resume(m.alive[0], die)
	}
	if err := m.sim.Close(); err != nil {
		m.t.Error(err)
	}
}
