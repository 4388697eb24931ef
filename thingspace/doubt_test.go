package thingspace

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"

	"github.com/simshift/simshift/thingspace/simulator"
)

// flaky is the simulated carrier behind a line that loses the answers to logins while it is told to.
type flaky struct {
	*simulator.Simulator
	*httptest.Server
	losing atomic.Bool
}

func newFlaky(t *testing.T) *flaky {
	t.Helper()
	sim, err := simulator.New(simulator.Config{})
	if err != nil {
		t.Fatal(err)
	}
	f := &flaky{Simulator: sim}
	f.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if f.losing.Load() && r.URL.Path == loginPath {
			sim.Handler().ServeHTTP(httptest.NewRecorder(), r)
			panic(http.ErrAbortHandler)
		}
		sim.Handler().ServeHTTP(w, r)
	}))
	t.Cleanup(func() {
		f.Server.Close()
		if err := sim.Close(); err != nil {
			t.Error(err)
		}
	})
	return f
}

func (f *flaky) config() Config {
	return Config{
		BaseURL: f.URL + "/api", Key: "key", Secret: "secret", Username: "user", Password: "pass", Timeout: 5 * time.Second,
	}
}

// processes are clients of one deployment, each of which makes one login.
func (f *flaky) processes(t *testing.T, db *miniredis.Miniredis, n int) (list []*Client) {
	t.Helper()
	for range n {
		list = append(list, New(f.config(), storeIn(t, db), quietly(), WithClock(func() time.Time { return noon })))
	}
	return list
}

// refusing changes the mood of the login.
func (f *flaky) refusing(t *testing.T, yes bool) {
	t.Helper()
	if err := f.SetMoods(simulator.Moods{RefuseLogins: yes}); err != nil {
		t.Fatal(err)
	}
}

// logIn makes a process want a session, and lets the time after it pass.
func logIn(t *testing.T, c *Client, db *miniredis.Miniredis) error {
	t.Helper()
	_, err := c.session.current(t.Context())
	rest(db)
	return err
}

func TestAfterTwoLoginsWithoutAnAnswerTheThirdGoesThrough(t *testing.T) {
	for _, refused := range []bool{false, true} { // what the carrier says to the two, and nobody hears
		carrier, db := newFlaky(t), redisServer(t)
		clients := carrier.processes(t, db, 3)
		carrier.losing.Store(true)
		carrier.refusing(t, refused)
		for _, c := range clients[:2] {
			if err := logIn(t, c, db); err == nil || errors.Is(err, ErrLoginHeld) {
				t.Errorf("a lost answer: %v", err)
			}
		}
		carrier.losing.Store(false)
		carrier.refusing(t, false)
		if err := logIn(t, clients[2], db); err != nil {
			t.Errorf("the third: %v", err)
		}
		if made, err := clients[0].session.slot.attempts(t.Context()); len(made) != 0 || err != nil {
			t.Errorf("still on record: %v, %v", made, err)
		}
	}
}

func TestProcessesKilledInTheMiddleOfTwoLoginsDoNotStopTheThird(t *testing.T) {
	server, db := newCarrier(t), redisServer(t)
	client := New(configFor(server), storeIn(t, db), quietly())
	for i := range 2 {
		owner := fmt.Sprintf("killed-%d", i)
		if locked, err := client.session.slot.lock(t.Context(), owner, lockLife); !locked || err != nil {
			t.Fatal(locked, err)
		}
		if err := client.session.begin(t.Context(), owner); err != nil { // and never heard of again
			t.Fatal(err)
		}
		rest(db)
	}
	mustEnable(t, client)
	server.asked(t, 1, 1, 1)
}

func TestAfterFourLoginsWithoutAnAnswerLoggingInIsHeld(t *testing.T) {
	carrier, db := newFlaky(t), redisServer(t)
	carrier.losing.Store(true)
	carrier.refusing(t, true)
	clients := carrier.processes(t, db, 6)
	for i, c := range clients {
		if err := logIn(t, c, db); errors.Is(err, ErrLoginHeld) != (i >= 3) {
			t.Errorf("login %d: %v", i+1, err)
		}
	}
	if sum := carrier.Book().Summary(); sum.LoginsFailed != 4 || sum.Locked {
		t.Errorf("%d failed logins, locked: %v", sum.LoginsFailed, sum.Locked)
	}
	hold, err := clients[5].LoginHold(t.Context())
	if err != nil || hold == nil || hold.Refused != 0 || hold.Unknown != 4 {
		t.Fatalf("the hold is %+v, %v", hold, err)
	}
	for _, words := range []string{
		"0 refused and 4 of unknown outcome", "lock the carrier's contact record", "simshift doctor --clear-login-hold",
	} {
		if !strings.Contains(hold.String(), words) {
			t.Errorf("the hold does not say %q: %v", words, hold)
		}
	}
}

func TestAfterTwoRefusedLoginsLoggingInIsHeld(t *testing.T) {
	carrier, db := newFlaky(t), redisServer(t)
	carrier.refusing(t, true)
	for i, c := range carrier.processes(t, db, 5) {
		if err := logIn(t, c, db); errors.Is(err, ErrLoginHeld) != (i >= 1) {
			t.Errorf("login %d: %v", i+1, err)
		}
	}
	if sum := carrier.Book().Summary(); sum.LoginsFailed != 2 || sum.Locked {
		t.Errorf("%d failed logins, locked: %v", sum.LoginsFailed, sum.Locked)
	}
}

// In the sequences r is a login that is refused, u one that is refused and whose answer is lost.
func TestRefusedAndUnknownLoginsAddUp(t *testing.T) {
	for sequence, sent := range map[string]int{
		"rrrrr": 2, "urrrr": 3, "rurrr": 3, "uurrr": 4, "ruurr": 4, "uruuu": 4, "uuuru": 4, "uuuuu": 4,
	} {
		carrier, db := newFlaky(t), redisServer(t)
		carrier.refusing(t, true)
		client := carrier.processes(t, db, 1)[0]
		for i, c := range sequence {
			carrier.losing.Store(c == 'u')
			if err := logIn(t, client, db); errors.Is(err, ErrLoginHeld) != (i+1 >= sent) {
				t.Errorf("%s: login %d: %v", sequence, i+1, err)
			}
		}
		if sum := carrier.Book().Summary(); sum.LoginsFailed != sent || sum.Locked {
			t.Errorf("%s: %d failed logins, want %d; locked: %v", sequence, sum.LoginsFailed, sent, sum.Locked)
		}
	}
}

func TestNobodyTriesRightAfterALoginOfUnknownOutcome(t *testing.T) {
	carrier, db := newFlaky(t), redisServer(t)
	session := carrier.processes(t, db, 1)[0].session
	carrier.losing.Store(true)
	if _, err := session.current(t.Context()); err == nil {
		t.Fatal("the answer was to be lost")
	}
	if left := db.TTL(session.slot.lockKey()); left != lockLife {
		t.Errorf("the lock is left with %v to live", left)
	}
	rest(db)
	carrier.losing.Store(false)
	carrier.refusing(t, true)
	if _, err := session.current(t.Context()); err == nil || db.Exists(session.slot.lockKey()) {
		t.Errorf("a refused one keeps the lock: %v", err)
	}
}
