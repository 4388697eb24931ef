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
	if err != nil || hold == nil || hold.Of != "login" || hold.Attempts != 2 || hold.Status != 401 ||
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

func TestWhatMayHaveBeenJudgedCountsAsAFailedLogin(t *testing.T) {
	for name, c := range map[string]struct {
		handle http.HandlerFunc
		logins int // of five tries
	}{
		"refused":                 {answering(http.StatusUnauthorized, wrongPassword), 2},
		"refused without words":   {answering(http.StatusUnauthorized, ""), 2},
		"refused by a page":       {answering(http.StatusForbidden, "<html>no</html>"), 2},
		"no such path":            {answering(http.StatusNotFound, ""), 2},
		"cut without an answer":   {cutting, 2},
		"bad gateway":             {answering(http.StatusBadGateway, ""), 2},
		"gateway time-out":        {answering(http.StatusGatewayTimeout, ""), 2},
		"backend lost":            {answering(http.StatusInternalServerError, `{"fault":{"code":"101504"}}`), 2},
		"granted without token":   {answering(http.StatusOK, `{}`), 2},
		"throttled":               {answering(http.StatusTooManyRequests, ""), 5},
		"throttled by a code":     {answering(http.StatusForbidden, `{"fault":{"code":"900800"}}`), 5},
		"unavailable":             {answering(http.StatusServiceUnavailable, ""), 5},
		"internal error":          {answering(http.StatusInternalServerError, ""), 5},
		"redirected":              {answering(http.StatusFound, "", "Location", "http://127.0.0.1:1/"), 5},
		"not for this subscriber": {answering(http.StatusForbidden, `{"fault":{"code":"900908"}}`), 5},
	} {
		server := newCarrier(t)
		server.on(loginPath, c.handle)
		client := newClient(t, server)
		for range 5 {
			if fault := enable(t, client); fault == nil || fault.Outcome != NotExecuted && fault.Outcome != Misdirected {
				t.Errorf("%s: %v", name, fault)
			}
		}
		if n := len(server.requests(loginPath)); n != c.logins {
			t.Errorf("%s: %d logins, want %d", name, n, c.logins)
		}
	}
}

func TestALoginThatDiedWithItsProcessCounts(t *testing.T) {
	server := newCarrier(t)
	server.on(loginPath, answering(http.StatusUnauthorized, wrongPassword))
	clients := deployment(t, server, 3)
	if err := clients[0].session.begin(t.Context(), "killed"); err != nil { // and never heard of again
		t.Fatal(err)
	}
	for _, client := range clients {
		_ = enable(t, client)
	}
	server.asked(t, 1, 1, 0)
}

func TestTwoProcessesThatBothThinkTheyHaveTheLockStayWithinTheBound(t *testing.T) {
	client := newClient(t, newCarrier(t))
	for i, want := range []bool{true, true, false, false} {
		if err := client.session.begin(t.Context(), fmt.Sprint(i)); errors.Is(err, ErrLoginHeld) == want {
			t.Errorf("attempt %d: %v", i+1, err)
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
	const refused = `{"error":"invalid_client","error_description":"unknown key"}`
	for name, c := range map[string]struct {
		handle http.HandlerFunc
		tokens int // of five tries
	}{
		"refused":     {answering(http.StatusUnauthorized, refused, "Content-Type", "application/json"), 2},
		"refused 200": {answering(http.StatusOK, refused, "Content-Type", "application/json"), 2},
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
