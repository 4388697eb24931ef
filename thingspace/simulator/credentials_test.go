package simulator_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/simshift/simshift/thingspace/simulator"
)

func TestGivesTheSameBearerUntilItsLifeIsOver(t *testing.T) {
	clock := newClock()
	c := openLocked(t, simulator.Config{Now: clock.Now})
	first := c.askToken("key", "secret", "client_credentials")
	if got := first.member(t, "expires_in"); got != "3600" {
		t.Errorf("expires_in %s", got)
	}
	if got := first.member(t, "token_type"); got != "Bearer" {
		t.Errorf("token_type %s", got)
	}
	clock.jump(20 * time.Minute)
	second := c.askToken("key", "secret", "client_credentials")
	if second.member(t, "access_token") != first.member(t, "access_token") || second.member(t, "expires_in") != "2400" {
		t.Errorf("after 20 minutes: %s, first %s", second.body, first.body)
	}
	clock.jump(40 * time.Minute)
	third := c.askToken("key", "secret", "client_credentials")
	if third.member(t, "access_token") == first.member(t, "access_token") {
		t.Error("the bearer outlived its hour")
	}
	if got := c.sim.Book().Summary().TokensIssued; got != 2 {
		t.Errorf("%d tokens issued", got)
	}
}

func TestMayOverstateTheLifeOfABearer(t *testing.T) {
	clock := newClock()
	moods := simulator.Moods{TokenOverstated: true, TokenLife: time.Minute}
	c := openLocked(t, simulator.Config{Now: clock.Now, Moods: moods})
	c.askToken("key", "secret", "client_credentials")
	clock.jump(50 * time.Second)
	if got := c.askToken("key", "secret", "client_credentials").member(t, "expires_in"); got != "60" {
		t.Errorf("expires_in %s", got)
	}
}

func TestTakesClientCredentialsInTheFormAndEncodedInTheHeader(t *testing.T) {
	c := openLocked(t, simulator.Config{Key: "k+y%", Secret: "s&c:t"})
	if got := c.askToken("k+y%", "s&c:t", "client_credentials"); got.status != http.StatusOK {
		t.Errorf("header: %+v", got)
	}
	if got := c.askTokenRaw("k+y%", "s&c:t"); got.status != http.StatusOK {
		t.Errorf("header, not encoded: %+v", got)
	}
	form := url.Values{"grant_type": {"client_credentials"}, "client_id": {"k+y%"}, "client_secret": {"s&c:t"}}
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, c.base+"/ts/v1/oauth2/token",
		strings.NewReader(form.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if got, err := c.do(r); err != nil || got.status != http.StatusOK {
		t.Errorf("form: %+v, %v", got, err)
	}
}

func TestRefusesWrongClientsAndGrants(t *testing.T) {
	c := openLocked(t, simulator.Config{})
	if got := c.askToken("key", "wrong", "client_credentials"); got.status != 401 ||
		got.member(t, "error") != "invalid_client" {
		t.Errorf("wrong secret: %+v", got)
	}
	if got := c.askToken("key", "secret", "password"); got.status != 400 ||
		got.member(t, "error") != "unsupported_grant_type" {
		t.Errorf("wrong grant: %+v", got)
	}
	if got := c.sim.Book().Summary().TokensRefused; got != 1 {
		t.Errorf("%d refused tokens booked", got)
	}
}

func TestRefusesMissingWrongAndExpiredBearers(t *testing.T) {
	clock := newClock()
	c := open(t, simulator.Config{Now: clock.Now})
	fault := func(wantCode string) {
		t.Helper()
		got := c.mustSend(http.MethodPost, enablePath, enableBody(account, plan, device(1)))
		if got.status != 401 || got.member(t, "fault", "code") != wantCode {
			t.Errorf("want %s, got %+v", wantCode, got)
		}
	}
	good := c.bearer
	c.bearer = ""
	fault("900902")
	c.bearer = "wrong"
	fault("900901")
	c.bearer = good
	clock.jump(time.Hour)
	fault("900901")
	c.logIn()
	c.sim.ExpireToken()
	fault("900901")
}

func TestEndsASessionAfterTwentyIdleMinutes(t *testing.T) {
	clock := newClock()
	c := open(t, simulator.Config{Now: clock.Now})
	list := func() reply { return c.mustSend(http.MethodGet, "/m2m/v1/callbacks/"+account, "") }
	for range 2 {
		clock.jump(19 * time.Minute)
		if got := list(); got.status != http.StatusOK {
			t.Fatalf("a session in use died: %+v", got)
		}
	}
	clock.jump(20 * time.Minute)
	const expired = "UnifiedWebService.REQUEST_FAILED.SessionToken.Expired"
	for _, status := range []int{400, 401, 400} {
		if got := list(); got.status != status || got.member(t, "errorCode") != expired {
			t.Errorf("want %d, got %+v", status, got)
		}
	}
}

func TestTellsMissingAndUnknownSessionsFromExpiredOnes(t *testing.T) {
	c := open(t, simulator.Config{Moods: simulator.Moods{SessionStatus: 401}})
	for session, want := range map[string]string{"": "Format", "made-up": "Invalid"} {
		c.session = session
		got := c.mustSend(http.MethodGet, "/m2m/v1/callbacks/"+account, "")
		if got.status != 401 || got.member(t, "errorCode") != "UnifiedWebService.REQUEST_FAILED.SessionToken."+want {
			t.Errorf("want %s, got %+v", want, got)
		}
	}
}

func TestLogoutEndsTheSession(t *testing.T) {
	c := open(t, simulator.Config{})
	if got := c.mustSend(http.MethodPost, "/m2m/v1/session/logout", ""); got.member(t, "sessionToken") != c.session {
		t.Errorf("logout: %+v", got)
	}
	if got := c.mustSend(http.MethodGet, "/m2m/v1/callbacks/"+account, ""); got.status == http.StatusOK {
		t.Error("the session outlived its logout")
	}
}

func TestANewLoginMayEndTheOlderSession(t *testing.T) {
	for _, one := range []bool{false, true} {
		c := open(t, simulator.Config{Moods: simulator.Moods{OneSession: one}})
		c.tryLogin("user", "pass")
		got := c.mustSend(http.MethodGet, "/m2m/v1/callbacks/"+account, "")
		if alive := got.status == http.StatusOK; alive == one {
			t.Errorf("OneSession %v: %+v", one, got)
		}
	}
}

func TestFiveFailedLoginsInARowLockTheContactRecordForGood(t *testing.T) {
	c := open(t, simulator.Config{})
	fail := func(n int) {
		for range n {
			if got := c.tryLogin("user", "wrong"); got.status != 401 {
				t.Errorf("wrong password: %+v", got)
			}
		}
	}
	for range 2 {
		fail(4)
		if got := c.tryLogin("user", "pass"); got.status != http.StatusOK {
			t.Fatalf("four failures in a row locked: %+v", got)
		}
	}
	fail(5)
	if got := c.tryLogin("user", "pass"); got.status != 401 ||
		!strings.HasSuffix(got.member(t, "errorCode"), "ContactLocked") {
		t.Errorf("five failures did not lock: %+v", got)
	}
	sum := c.sim.Book().Summary()
	if !sum.Locked || sum.LoginsFailed != 14 || sum.LoginsOK != 3 {
		t.Errorf("book: %+v", sum)
	}
	if got := c.sim.Book().Incidents(); len(got) != 1 || got[0].Kind != simulator.Locked {
		t.Errorf("incidents: %+v", got)
	}
}

func TestMayRefuseEveryLogin(t *testing.T) {
	c := open(t, simulator.Config{})
	if err := c.sim.SetMoods(simulator.Moods{RefuseLogins: true}); err != nil {
		t.Fatal(err)
	}
	if got := c.tryLogin("user", "pass"); got.status != 401 {
		t.Errorf("login: %+v", got)
	}
}

func TestALoginNeedsABearerAndJSON(t *testing.T) {
	c := openLocked(t, simulator.Config{})
	if got := c.tryLogin("user", "pass"); got.member(t, "fault", "code") != "900902" {
		t.Errorf("without bearer: %+v", got)
	}
	c.logIn()
	got := c.mustSend(http.MethodPost, "/m2m/v1/session/login", `{"username":`)
	if got.status != 400 || got.member(t, "errorCode") != "UnifiedWebService.INPUT_INVALID.RequestUndefined" {
		t.Errorf("cut JSON: %+v", got)
	}
}
