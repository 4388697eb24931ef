package thingspace

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
)

const wrongPassword = `{"errorCode":"UnifiedWebService.REQUEST_FAILED.Login","errorMessage":"wrong"}` // words

// deployment is many processes on one Redis.
func deployment(t *testing.T, server *carrier, processes int) []*Client {
	t.Helper()
	db := redisServer(t)
	var clients []*Client
	for i := range processes {
		clients = append(clients, New(configFor(server), storeIn(t, db), quietly(),
			WithName(fmt.Sprintf("worker-%d", i)), WithClock(func() time.Time { return noon })))
	}
	return clients
}

// rest lets the time pass that follows an attempt of unknown outcome.
func rest(db *miniredis.Miniredis) { db.FastForward(lockLife) }

const unreadable = "to be written so that it can not be read"

// onRecord writes attempts of other processes, as they leave them.
func onRecord(t *testing.T, client *Client, made ...attempt) {
	t.Helper()
	slot := client.session.slot
	for i, a := range made {
		id, err := fmt.Sprintf("gone-%d", i), error(nil)
		if a.Note == unreadable {
			err = slot.rdb.HSet(t.Context(), slot.attemptsKey(), id, `{"who":`).Err()
		} else {
			err = slot.note(t.Context(), id, a)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

func TestRefusedLoginsEndAfterTwoOverAllProcesses(t *testing.T) {
	server := newCarrier(t)
	server.on(loginPath, answering(http.StatusUnauthorized, wrongPassword))
	clients := deployment(t, server, 10)
	var all sync.WaitGroup
	for _, client := range clients {
		for range 5 {
			all.Go(func() {
				_, err := client.Enable(context.Background(), oneDevice())
				if fault, ok := errors.AsType[*Error](err); !ok || fault.Outcome != NotExecuted {
					t.Errorf("got %v", err)
				}
			})
		}
	}
	all.Wait()
	if n := len(server.requests(loginPath)); n != 2 {
		t.Fatalf("%d logins, want 2", n)
	}
	fault := enable(t, clients[3])
	if !errors.Is(fault, ErrLoginHeld) || !strings.Contains(fault.Error(), "lock the carrier's contact record") {
		t.Errorf("got %v", fault)
	}
	hold, err := clients[7].LoginHold(t.Context())
	if err != nil || hold == nil || hold.Of != "login" || hold.Refused != 2 || hold.Unknown != 0 || hold.Status != 401 ||
		hold.Code != "UnifiedWebService.REQUEST_FAILED.Login" || !strings.HasPrefix(hold.Who, "worker-") || !hold.At.Equal(noon) {
		t.Errorf("the hold says %+v, %v", hold, err)
	}
}

func TestTheSecondRefusalSaysThatLoggingInIsHeld(t *testing.T) {
	server := newCarrier(t)
	server.on(loginPath, answering(http.StatusBadRequest, wrongPassword))
	client := newClient(t, server)
	if fault := enable(t, client); fault == nil || errors.Is(fault, ErrLoginHeld) || fault.Op != "enable: login" {
		t.Errorf("first: %v", fault)
	}
	if fault := enable(t, client); !errors.Is(fault, ErrLoginHeld) || fault.Code == "" {
		t.Errorf("second: %v", fault)
	}
}

func TestAPersonClearsTheHold(t *testing.T) {
	server := newCarrier(t)
	right := server.handlers[loginPath]
	server.on(loginPath, answering(http.StatusUnauthorized, wrongPassword))
	clients := deployment(t, server, 2)
	for range 3 {
		_ = enable(t, clients[0])
	}
	if err := clients[1].ClearLoginHold(t.Context()); err != nil {
		t.Fatal(err)
	}
	if hold, err := clients[0].LoginHold(t.Context()); hold != nil || err != nil {
		t.Errorf("still held: %v, %v", hold, err)
	}
	server.on(loginPath, right)
	mustEnable(t, clients[0])
	server.asked(t, 1, 3, 1)
}

func TestASuccessStartsTheCountAgain(t *testing.T) {
	server := newCarrier(t)
	right := server.handlers[loginPath]
	client := newClient(t, server)
	for range 5 {
		server.on(loginPath, answering(http.StatusUnauthorized, wrongPassword))
		if fault := enable(t, client); fault == nil || errors.Is(fault, ErrLoginHeld) {
			t.Fatalf("got %v", fault)
		}
		server.on(loginPath, right)
		mustEnable(t, client)
		if err := client.session.slot.rdb.Del(t.Context(), client.session.slot.key).Err(); err != nil {
			t.Fatal(err)
		}
	}
}

func TestWhatMayHaveBeenJudgedStaysOnRecord(t *testing.T) {
	for name, c := range map[string]struct {
		handle http.HandlerFunc
		logins int // of five tries
	}{
		"refused":                 {answering(http.StatusUnauthorized, wrongPassword), 2},
		"refused without words":   {answering(http.StatusUnauthorized, ""), 2},
		"refused by a page":       {answering(http.StatusForbidden, "<html>no</html>"), 2},
		"no such path":            {answering(http.StatusNotFound, ""), 2},
		"cut without an answer":   {cutting, 4},
		"request time-out":        {answering(http.StatusRequestTimeout, ""), 4},
		"bad gateway":             {answering(http.StatusBadGateway, ""), 4},
		"gateway time-out":        {answering(http.StatusGatewayTimeout, ""), 4},
		"backend lost":            {answering(http.StatusInternalServerError, `{"fault":{"code":"101504"}}`), 4},
		"granted without token":   {answering(http.StatusOK, `{}`), 4},
		"throttled":               {answering(http.StatusTooManyRequests, ""), 5},
		"throttled by a code":     {answering(http.StatusForbidden, `{"fault":{"code":"900800"}}`), 5},
		"unavailable":             {answering(http.StatusServiceUnavailable, ""), 5},
		"internal error":          {answering(http.StatusInternalServerError, ""), 5},
		"redirected":              {answering(http.StatusFound, "", "Location", "http://127.0.0.1:1/"), 5},
		"not for this subscriber": {answering(http.StatusForbidden, `{"fault":{"code":"900908"}}`), 5},
	} {
		server, db := newCarrier(t), redisServer(t)
		server.on(loginPath, c.handle)
		client := New(configFor(server), storeIn(t, db), quietly())
		for range 5 {
			if fault := enable(t, client); fault == nil || fault.Outcome != NotExecuted && fault.Outcome != Misdirected {
				t.Errorf("%s: %v", name, fault)
			}
			rest(db)
		}
		if n := len(server.requests(loginPath)); n != c.logins {
			t.Errorf("%s: %d logins, want %d", name, n, c.logins)
		}
	}
}

func TestOnlyTheOwnerOfTheLockBeginsAndWhoeverBeginsHasItsWholeLife(t *testing.T) {
	server, db := newCarrier(t), redisServer(t)
	session := New(configFor(server), storeIn(t, db), quietly()).session
	if locked, err := session.slot.lock(t.Context(), "owner", lockLife); !locked || err != nil {
		t.Fatal(locked, err)
	}
	db.FastForward(lockLife - time.Second)
	for owner, want := range map[string]error{"stalled": errLockLost, "owner": nil} {
		if err := session.begin(t.Context(), owner); !errors.Is(err, want) {
			t.Errorf("%s: %v", owner, err)
		}
	}
	made, err := session.slot.attempts(t.Context())
	if left := db.TTL(session.slot.lockKey()); len(made) != 1 || err != nil || left != lockLife {
		t.Errorf("on record: %v, %v; the lock has %v left", made, err, left)
	}
}

func TestWhoeverHasBegunCountsOnceMoreBeforeItSends(t *testing.T) {
	gone, no := attempt{}, attempt{Refused: true}
	for name, c := range map[string]struct {
		before []attempt
		held   bool
	}{
		"nothing before it":                     {nil, false},
		"three that nobody knows of":            {[]attempt{gone, gone, gone}, false},
		"one refused and two nobody knows of":   {[]attempt{no, gone, gone}, false},
		"four":                                  {[]attempt{gone, gone, no, gone}, true},
		"a second one was refused in between":   {[]attempt{no, no}, true},
		"an unreadable one counts like refused": {[]attempt{no, {Note: unreadable}}, true},
	} {
		client := newClient(t, newCarrier(t))
		onRecord(t, client, c.before...)
		if locked, err := client.session.slot.lock(t.Context(), "owner", lockLife); !locked || err != nil {
			t.Fatal(locked, err)
		}
		if err := client.session.begin(t.Context(), "owner"); errors.Is(err, ErrLoginHeld) != c.held {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestALoginIsNotBrokenOffWithItsCaller(t *testing.T) {
	server := newCarrier(t)
	right := server.handlers[loginPath]
	ctx, cancel := context.WithCancel(context.Background())
	server.on(loginPath, func(w http.ResponseWriter, r *http.Request) {
		cancel()
		right(w, r)
	})
	client := newClient(t, server)
	if _, err := client.Enable(ctx, oneDevice()); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	mustEnable(t, client)
	server.asked(t, 1, 1, 1)
}

func TestNoLoginWithoutANoteOfIt(t *testing.T) {
	server, db := newCarrier(t), redisServer(t)
	client := New(configFor(server), storeIn(t, db), quietly())
	if _, err := client.bearer.current(t.Context()); err != nil {
		t.Fatal(err)
	}
	// A hash of attempts that is no hash: it can be neither read nor written.
	if err := db.Set(client.session.slot.attemptsKey(), "not a hash"); err != nil {
		t.Fatal(err)
	}
	if fault := enable(t, client); fault == nil || fault.Outcome != NotExecuted {
		t.Errorf("got %v", fault)
	}
	server.asked(t, 1, 0, 0)
}

func TestRefusedKeysEndAfterTwoAndOutagesDoNot(t *testing.T) {
	const invalid = `{"error":"invalid_client","error_description":"unknown key"}`
	for name, c := range map[string]struct {
		handle http.HandlerFunc
		tokens int // of five tries
	}{
		"refused":     {answering(http.StatusUnauthorized, invalid, "Content-Type", "application/json"), 2},
		"refused 200": {answering(http.StatusOK, invalid, "Content-Type", "application/json"), 2},
		"bad gateway": {answering(http.StatusBadGateway, ""), 5},
		"throttled":   {answering(http.StatusTooManyRequests, "", "Retry-After", "7"), 5},
		"cut":         {cutting, 5},
		"no token":    {answering(http.StatusOK, `{}`, "Content-Type", "application/json"), 5},
	} {
		server := newCarrier(t)
		server.on(tokenPath, c.handle)
		clients := deployment(t, server, 5)
		for _, client := range clients {
			fault := enable(t, client)
			if fault == nil || fault.Outcome != NotExecuted {
				t.Errorf("%s: %v", name, fault)
			}
			if name == "throttled" && fault.RetryAfter != 7*time.Second {
				t.Errorf("the wait is lost: %v", fault.RetryAfter)
			}
		}
		server.asked(t, c.tokens, 0, 0)
		hold, err := clients[0].LoginHold(t.Context())
		if held := hold != nil && hold.Of == "token"; err != nil || held != (c.tokens == 2) {
			t.Errorf("%s: hold is %v, %v", name, hold, err)
		}
	}
}
