package worker

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"

	"golang.org/x/sync/singleflight"

	"github.com/simshift/simshift/ratelimit"
	"github.com/simshift/simshift/thingspace"
)

const (
	// listenerTrust is how long a listener that was seen is taken for granted.
	listenerTrust = 30 * time.Minute
	// carrierService may get the callbacks of profile actions too, as some of the carrier's pages hint.
	carrierService = "CarrierService"
	// listenerPause is the wait before an account without a listener of ours is looked at again.
	listenerPause = time.Minute
)

// Registry is the carrier's list of callback listeners.
type Registry interface {
	Listeners(ctx context.Context, account string) ([]thingspace.Listener, error)
	Register(ctx context.Context, account string, l thingspace.Listener) error
}

// listeners makes sure, before anything is sent for an account, that its callbacks come to somebody: without a listener
// the carrier drops them, and every device would look unanswered.
type listeners struct {
	registry Registry
	limiter  *ratelimit.Limiter
	own      thingspace.Listener // what to register; its URL is empty where that is not ours to do
	now      func() time.Time

	asking singleflight.Group // by account: the batches of an account come in bursts

	mu    sync.Mutex
	until map[string]time.Time // by account: how long its listener is taken for granted
}

func newListeners(registry Registry, limiter *ratelimit.Limiter, own thingspace.Listener, now func() time.Time) *listeners {
	return &listeners{registry: registry, limiter: limiter, own: own, now: now, until: make(map[string]time.Time)}
}

// ready fails with a [*putBack] while the account's callbacks would not reach us, and holds the account with the reason.
func (l *listeners) ready(ctx context.Context, account string) error {
	if l.trusted(account) {
		return nil
	}
	_, err, _ := l.asking.Do(account, func() (any, error) { return nil, l.look(ctx, account) })
	return err
}

// look asks the carrier, and remembers a listener that is there or holds the account without one.
func (l *listeners) look(ctx context.Context, account string) error {
	why, err := l.check(ctx, account)
	if err != nil {
		why = err.Error()
	}
	if why == "" {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.until[account] = l.now().Add(listenerTrust)
		return nil
	}
	if err := l.limiter.Hold(ctx, account, l.now().Add(listenerPause), why); err != nil {
		return err
	}
	return &putBack{listenerPause, why}
}

func (l *listeners) trusted(account string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.now().Before(l.until[account])
}

// check looks the listener up and registers ours where none stands. It tells why the account must wait, or "".
func (l *listeners) check(ctx context.Context, account string) (string, error) {
	standing, err := l.registry.Listeners(ctx, account)
	if fault := new(thingspace.Error); errors.As(err, &fault) && fault.Status == http.StatusNotFound {
		standing, err = nil, nil // an account without a listener, as some answer it
	}
	if err != nil {
		return "", fmt.Errorf("look up the callback listener of account %s: %w", account, err)
	}
	for _, one := range standing {
		if one.Service != thingspace.ProfileService && one.Service != carrierService {
			continue
		}
		if l.own.URL == "" || one.URL == l.own.URL {
			return "", nil
		}
		if one.Service == thingspace.ProfileService {
			return fmt.Sprintf("account %s sends its callbacks to %s, not to SIMSHIFT_CALLBACK_URL (%s): "+
				"take it over with `simshift callbacks register --account %s --replace`", account, one.URL, l.own.URL, account), nil
		}
	}
	if l.own.URL == "" {
		return fmt.Sprintf("account %s has no callback listener, so the carrier would drop every answer: "+
			"set SIMSHIFT_CALLBACK_URL, or register one with `simshift callbacks register`", account), nil
	}
	if err := l.registry.Register(ctx, account, l.own); err != nil {
		return "", fmt.Errorf("register the callback listener of account %s: %w", account, err)
	}
	return "", nil
}
