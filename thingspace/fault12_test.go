package thingspace

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"

	"github.com/simshift/simshift/internal/redistest"
)

var realRedis redistest.Shared

// Tokens and sessions expire again and again under fifty workers of five processes, and then every login is refused.
func TestFault12OneRenewalAnExpiryAndAtMostTwoRefusedLogins(t *testing.T) {
	const workers, processes, expiries = 50, 5, 6
	carrier := newFlaky(t)
	store := NewSessionStore(realRedis.Client(t))
	var clients []*Client
	for i := range processes {
		clients = append(clients, New(carrier.config(), store, quietly(), WithName(fmt.Sprintf("process-%d", i))))
	}
	served := make(chan struct{}, 1)
	var all sync.WaitGroup
	for i := range workers {
		all.Go(func() { workUntilHeld(t, clients[i%processes], served) })
	}
	for n := 1; n <= expiries; n++ {
		for sum := carrier.Book().Summary(); sum.LoginsOK < n || sum.TokensIssued < n; sum = carrier.Book().Summary() {
			<-served
		}
		if sum := carrier.Book().Summary(); sum.LoginsOK != n || sum.TokensIssued != n {
			t.Errorf("after %d expiries: %d logins, %d tokens", n-1, sum.LoginsOK, sum.TokensIssued)
		}
		if n == expiries {
			carrier.refusing(t, true)
		}
		carrier.ExpireToken()
		carrier.ExpireSessions()
	}
	all.Wait()
	sum := carrier.Book().Summary()
	if sum.LoginsOK != expiries || sum.TokensIssued != expiries+1 || sum.LoginsFailed != 2 || sum.Locked {
		t.Errorf("at the end: %d logins, %d tokens, %d refused, locked: %v",
			sum.LoginsOK, sum.TokensIssued, sum.LoginsFailed, sum.Locked)
	}
	if hold, err := clients[0].LoginHold(t.Context()); err != nil || hold == nil || hold.Refused != 2 {
		t.Errorf("the hold is %+v, %v", hold, err)
	}
}

// workUntilHeld makes requests one after another, and tells of each that was served.
func workUntilHeld(t *testing.T, c *Client, served chan<- struct{}) {
	for {
		_, err := c.Listeners(context.WithoutCancel(t.Context()), "0000123456-00001")
		fault, ok := errors.AsType[*Error](err)
		switch {
		case err == nil:
			select {
			case served <- struct{}{}:
			default:
			}
		case errors.Is(err, ErrLoginHeld):
			return
		case !ok || fault.Outcome != NotExecuted: // two expiries during one request turn it away
			t.Errorf("a request ended with %v", err)
			return
		}
	}
}
