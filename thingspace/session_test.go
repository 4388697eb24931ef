package thingspace

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
)

func TestAnExpiredSessionIsRenewedAndTheRequestSentOnceMore(t *testing.T) {
	for _, status := range []int{http.StatusBadRequest, http.StatusUnauthorized} {
		server := newCarrier(t)
		client := newClient(t, server)
		mustEnable(t, client)
		server.expireSessions(status)
		mustEnable(t, client)
		server.asked(t, 1, 2, 3)
		mustEnable(t, client)
		server.asked(t, 1, 2, 4)
	}
}

// The carrier counts the second sending like any other: it needs a turn of its own, and is not made without one.
func TestARequestIsSentOnceMoreOnlyWithLeave(t *testing.T) {
	server := newCarrier(t)
	client := newClient(t, server)
	mustEnable(t, client)
	server.expireSessions(http.StatusBadRequest)
	request, asked := oneDevice(), 0
	noTurn := errors.New("no turn now")
	request.Again = func(context.Context) error { asked++; return noTurn }
	_, err := client.Enable(t.Context(), request)
	if fault := new(Error); !errors.As(err, &fault) || fault.Outcome != NotExecuted || !errors.Is(err, noTurn) || asked != 1 {
		t.Errorf("asked %d times, and then: %v", asked, err)
	}
	server.asked(t, 1, 2, 2)
	request.Again = func(context.Context) error { t.Error("asked for a first sending"); return nil }
	if _, err := client.Enable(t.Context(), request); err != nil {
		t.Error(err)
	}
}

// The document gives errorCode as a three-digit number, which does not tell a dead session from bad content.
func TestADeadSessionIsFoundOutBehindTheDocumentsNumericCode(t *testing.T) {
	for _, status := range []int{http.StatusBadRequest, http.StatusUnauthorized} {
		server := newCarrier(t)
		client := newClient(t, server)
		mustEnable(t, client)
		server.mu.Lock()
		clear(server.sessions)
		server.mu.Unlock()
		guard := func(then http.HandlerFunc) http.HandlerFunc {
			return func(w http.ResponseWriter, r *http.Request) {
				server.mu.Lock()
				alive := server.sessions[r.Header.Get("VZ-M2M-Token")]
				server.mu.Unlock()
				if !alive {
					then = answering(status, fmt.Sprintf(`{"errorCode":"%d","errorMessage":"words"}`, status))
				}
				then(w, r)
			}
		}
		server.on("/api/m2m/v1/callbacks/"+oneDevice().Account, func(w http.ResponseWriter, r *http.Request) {
			guard(answering(http.StatusOK, "[]"))(w, r)
		})
		server.on(enablePath, func(w http.ResponseWriter, r *http.Request) {
			guard(answering(http.StatusOK, `{"requestId":"abc"}`))(w, r)
		})
		mustEnable(t, client)
		if logins := len(server.requests(loginPath)); logins != 2 {
			t.Errorf("%d: %d logins", status, logins)
		}
	}
}

func TestBadContentUnderANumericCodeCostsNoLogin(t *testing.T) {
	server := newCarrier(t)
	server.on("/api/m2m/v1/callbacks/"+oneDevice().Account, answering(http.StatusOK, "[]"))
	server.on(enablePath, answering(http.StatusBadRequest, `{"errorCode":"400","errorMessage":"bad device"}`))
	if fault := enable(t, newClient(t, server)); fault == nil || fault.Outcome != Refused {
		t.Errorf("the answer is %v", fault)
	}
	server.asked(t, 1, 1, 1)
}

func TestAnExpiredBearerIsRenewedAndTheRequestSentOnceMore(t *testing.T) {
	for name, refuse := range map[string]http.HandlerFunc{
		"fault":           answering(http.StatusUnauthorized, bearerExpired),
		"fault under 403": answering(http.StatusForbidden, bearerExpired),
		"no words":        answering(http.StatusUnauthorized, ""),
	} {
		server := newCarrier(t)
		server.on(enablePath, func(w http.ResponseWriter, r *http.Request) {
			if r.Header.Get("Authorization") == "Bearer bearer-token-1" {
				refuse(w, r)
				return
			}
			answering(http.StatusOK, `{"requestId":"abc"}`)(w, r)
		})
		if fault := enable(t, newClient(t, server)); fault != nil {
			t.Errorf("%s: %v", name, fault)
		}
		server.asked(t, 2, 1, 2)
	}
}

func TestACredentialThatStaysRejectedIsRenewedOnlyOnce(t *testing.T) {
	for name, c := range map[string]struct {
		handle                   http.HandlerFunc
		tokens, logins, attempts int
	}{
		"session": {answering(http.StatusBadRequest, sessionExpired), 1, 2, 2},
		"bearer":  {answering(http.StatusUnauthorized, bearerExpired), 2, 1, 2},
	} {
		server := newCarrier(t)
		server.on(enablePath, c.handle)
		if fault := enable(t, newClient(t, server)); fault == nil || fault.Outcome != NotExecuted {
			t.Errorf("%s: %v", name, fault)
		}
		server.asked(t, c.tokens, c.logins, c.attempts)
	}
	server, turn := newCarrier(t), 0
	server.on(enablePath, func(w http.ResponseWriter, r *http.Request) {
		if turn++; turn%2 == 0 {
			answering(http.StatusUnauthorized, bearerExpired)(w, r)
			return
		}
		answering(http.StatusBadRequest, sessionExpired)(w, r)
	})
	if fault := enable(t, newClient(t, server)); fault == nil || fault.Outcome != NotExecuted {
		t.Errorf("both in turn: %v", fault)
	}
	server.asked(t, 2, 2, 3)
}

func TestTheSameBearerHandedOutAgainDoesNotLoop(t *testing.T) {
	server := newCarrier(t)
	server.on(tokenPath, answering(200, `{"access_token":"stale","expires_in":3600}`, "Content-Type", "application/json"))
	server.on(enablePath, answering(http.StatusUnauthorized, bearerExpired))
	client := newClient(t, server)
	var all sync.WaitGroup
	for range 20 {
		all.Go(func() { _, _ = client.Enable(context.Background(), oneDevice()) })
	}
	all.Wait()
	if n := len(server.requests(tokenPath)); n > 21 {
		t.Errorf("%d tokens asked for by 20 requests", n)
	}
	if n := len(server.requests(enablePath)); n > 40 {
		t.Errorf("20 requests sent %d times", n)
	}
}

func TestAllProcessesTogetherRenewOnce(t *testing.T) {
	server, db := newCarrier(t), redisServer(t)
	clients := []*Client{
		New(configFor(server), storeIn(t, db), quietly()), New(configFor(server), storeIn(t, db), quietly()),
	}
	enableAll := func() {
		var all sync.WaitGroup
		for i := range 50 {
			all.Go(func() {
				if _, err := clients[i%2].Enable(context.Background(), oneDevice()); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
	}
	enableAll()
	server.asked(t, 1, 1, 50)
	server.expireSessions(http.StatusUnauthorized)
	enableAll()
	if n := len(server.requests(loginPath)); n != 2 {
		t.Errorf("%d logins after one expiry, want 2 in all", n)
	}
}

func TestASessionIsGivenUpAfterNineteenIdleMinutesAndKeptWhileUsed(t *testing.T) {
	server, db := newCarrier(t), redisServer(t)
	client := New(configFor(server), storeIn(t, db), quietly())
	mustEnable(t, client)
	for range 4 { // 40 minutes, each stretch of them with a use
		db.FastForward(10 * time.Minute)
		mustEnable(t, client)
	}
	server.asked(t, 1, 1, 5)
	db.FastForward(sessionLife)
	mustEnable(t, client)
	if n := len(server.requests(loginPath)); n != 2 {
		t.Errorf("%d logins, want 2", n)
	}
}

func TestTheUseOfASessionIsNotedAtMostOnceAMinute(t *testing.T) {
	server, db := newCarrier(t), redisServer(t)
	client := New(configFor(server), storeIn(t, db), quietly())
	mustEnable(t, client)
	db.FastForward(30 * time.Second)
	mustEnable(t, client)
	if life := db.TTL(client.session.slot.key); life != sessionLife-30*time.Second {
		t.Errorf("%v left, though the last note is half a minute old", life)
	}
	db.FastForward(31 * time.Second)
	mustEnable(t, client)
	if life := db.TTL(client.session.slot.key); life != sessionLife {
		t.Errorf("%v left right after a note", life)
	}
}

func TestABearerIsRenewedAheadOfItsEnd(t *testing.T) {
	for stated, most := range map[time.Duration]time.Duration{
		time.Hour: 55 * time.Minute, 12 * time.Minute: 10 * time.Minute, 6 * time.Second: 5 * time.Second,
		-time.Hour: time.Second,
	} {
		if got := bearerLife(time.Now().Add(stated)); got > most || got < most-time.Second {
			t.Errorf("a life of %v is used for %v, want %v", stated, got, most)
		}
	}
	if got := bearerLife(time.Time{}); got != 10*time.Minute {
		t.Errorf("no stated life is used for %v", got)
	}
	server, db := newCarrier(t), redisServer(t)
	client := New(configFor(server), storeIn(t, db), quietly())
	mustEnable(t, client)
	db.FastForward(55 * time.Minute)
	mustEnable(t, client)
	if n := len(server.requests(tokenPath)); n != 2 {
		t.Errorf("%d tokens, want 2", n)
	}
}

func TestALoginWhoseBearerHasExpiredRenewsThatFirstAndCountsNothing(t *testing.T) {
	server := newCarrier(t)
	server.on(loginPath, func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") == "Bearer bearer-token-1" {
			answering(http.StatusUnauthorized, bearerExpired)(w, r)
			return
		}
		answering(http.StatusOK, `{"sessionToken":"session-token"}`)(w, r)
	})
	client := newClient(t, server)
	mustEnable(t, client)
	server.asked(t, 2, 2, 1)
	if failed, err := client.session.slot.attempts(t.Context()); err != nil || len(failed) > 0 {
		t.Errorf("counted: %v, %v", failed, err)
	}
}

func TestAnotherUserOrPlaceNeverGetsTheTokens(t *testing.T) {
	server, other, db := newCarrier(t), newCarrier(t), redisServer(t)
	store := storeIn(t, db)
	mustEnable(t, New(configFor(server), store, quietly()))
	mustEnable(t, New(configFor(other), store, quietly()))
	other.asked(t, 1, 1, 1)
	config := configFor(server)
	config.Username = "somebody else"
	mustEnable(t, New(config, store, quietly()))
	server.asked(t, 2, 2, 2)
}

func TestWithoutRedisNothingIsSent(t *testing.T) {
	server, db := newCarrier(t), redisServer(t)
	client := New(configFor(server), storeIn(t, db), quietly())
	db.SetError("LOADING Redis is loading the dataset in memory")
	if fault := enable(t, client); fault == nil || fault.Outcome != NotExecuted {
		t.Errorf("got %v", fault)
	}
	server.asked(t, 0, 0, 0)
}

func TestAStalledRenewalNeverReplacesANewerToken(t *testing.T) {
	server, db := newCarrier(t), redisServer(t)
	place := New(configFor(server), storeIn(t, db), quietly()).session.slot
	ctx := t.Context()
	if locked, err := place.lock(ctx, "stalled", time.Second); !locked || err != nil {
		t.Fatal(locked, err)
	}
	if again, err := place.lock(ctx, "stalled", time.Second); !again || err != nil {
		t.Errorf("an owner that asks again (its reply was lost) is refused: %v", err)
	}
	db.FastForward(2 * time.Second)
	if locked, err := place.lock(ctx, "next", time.Minute); !locked || err != nil {
		t.Fatal(locked, err)
	}
	fresh := token{issue: "2", value: "fresh", life: time.Minute}
	if kept, err := place.keep(ctx, "next", fresh); !kept || err != nil {
		t.Fatal(kept, err)
	}
	if kept, err := place.keep(ctx, "stalled", token{issue: "1", value: "old", life: time.Minute}); kept || err != nil {
		t.Errorf("the old token was kept: %v, %v", kept, err)
	}
	if err := place.unlock(ctx, "stalled"); err != nil || !db.Exists(place.lockKey()) {
		t.Errorf("a lock was given back by another than its owner: %v", err)
	}
	if held, err := place.current(ctx); err != nil || held != fresh {
		t.Errorf("in force is %+v, %v", held, err)
	}
}

func TestWaitingForARenewalEndsWithTheCaller(t *testing.T) {
	for name, look := range map[string]watch{
		"while it asks for the lock": {command: 2},
		"while it reads the token":   {pipeline: 2}, // the first time is before it waits
		"between two looks":          {pipeline: 2, after: true},
	} {
		server := newCarrier(t)
		client := newClient(t, server)
		if locked, err := client.bearer.slot.lock(t.Context(), "somebody", time.Minute); !locked || err != nil {
			t.Fatal(locked, err)
		}
		ctx, cancel := context.WithCancelCause(t.Context())
		look.seen = func() { cancel(errors.New("closing time")) }
		client.bearer.slot.rdb.AddHook(&look)
		_, err := client.Enable(ctx, oneDevice())
		fault := failure(t, err)
		if fault == nil || fault.Outcome != NotExecuted || !strings.Contains(fmt.Sprint(err), "closing time") {
			t.Errorf("%s: got %v", name, err)
		}
		server.asked(t, 0, 0, 0)
	}
}

// watch calls seen once, at the so-many-th single command or pipeline that is sent to Redis.
type watch struct {
	command, pipeline int
	after             bool // when it is over, not when it begins
	seen              func()
}

func (w *watch) DialHook(next redis.DialHook) redis.DialHook { return next }

func (w *watch) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, command redis.Cmder) error {
		return w.around(&w.command, func() error { return next(ctx, command) })
	}
}

func (w *watch) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(ctx context.Context, commands []redis.Cmder) error {
		return w.around(&w.pipeline, func() error { return next(ctx, commands) })
	}
}

func (w *watch) around(left *int, act func() error) error {
	*left--
	if *left == 0 && !w.after {
		w.seen()
	}
	err := act()
	if *left == 0 && w.after {
		w.seen()
	}
	return err
}

// forgetful fails to store the first tokens it is given, as a Redis does that is failing over.
type forgetful struct {
	redis.Hook
	failures atomic.Int64
}

func (f *forgetful) DialHook(next redis.DialHook) redis.DialHook { return next }

func (f *forgetful) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return next
}

func (f *forgetful) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, command redis.Cmder) error {
		if slices.Contains(command.Args(), any(keepScript.Hash())) && f.failures.Add(-1) >= 0 {
			err := errors.New("READONLY You can't write against a read only replica")
			command.SetErr(err)
			return err
		}
		return next(ctx, command)
	}
}

func TestASuccessfulLoginIsStoredThoughRedisStumbles(t *testing.T) {
	server := newCarrier(t)
	client := newClient(t, server)
	if _, err := client.bearer.current(t.Context()); err != nil {
		t.Fatal(err)
	}
	hook := &forgetful{}
	hook.failures.Store(3)
	client.session.slot.rdb.AddHook(hook)
	mustEnable(t, client)
	server.asked(t, 1, 1, 1)
	if failed, err := client.session.slot.attempts(t.Context()); err != nil || len(failed) > 0 || hook.failures.Load() >= 0 {
		t.Errorf("counted: %v, %v", failed, err)
	}
}
