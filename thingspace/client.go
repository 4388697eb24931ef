package thingspace

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"strconv"
	"time"
)

// Client makes requests to the carrier. It is safe for concurrent use, and clients of any number of processes share
// their tokens through the [SessionStore].
type Client struct {
	cfg     Config
	http    *http.Client
	now     func() time.Time
	log     *slog.Logger
	name    string
	bearer  *shared
	session *shared
}

// Option changes how a [Client] is made.
type Option func(*Client)

// WithClock replaces time.Now, by which Retry-After dates are read and attempts to log in are dated.
func WithClock(now func() time.Time) Option { return func(c *Client) { c.now = now } }

// WithLogger replaces slog.Default. Renewals and failed logins are logged, never a secret.
func WithLogger(log *slog.Logger) Option { return func(c *Client) { c.log = log } }

// WithName replaces host:pid as the name under which a login hold tells who tried.
func WithName(name string) Option { return func(c *Client) { c.name = name } }

// New makes a client of a configuration that is valid by [Config.Validate]. It sends nothing yet.
func New(cfg Config, sessions *SessionStore, options ...Option) *Client {
	cfg = cfg.withDefaults()
	c := &Client{cfg: cfg, http: newHTTPClient(), now: time.Now, log: slog.Default(), name: processName()}
	for _, option := range options {
		option(c)
	}
	c.bearer = newShared(c, sessions, c.bearerSource())
	c.session = newShared(c, sessions, c.sessionSource())
	return c
}

func processName() string {
	host, err := os.Hostname()
	if err != nil {
		host = "unknown host"
	}
	return fmt.Sprintf("%s:%d", host, os.Getpid())
}

// perform makes the call with the shared credentials and gives its 2xx answer. A call that was turned away for a
// credential is sent once more with a renewed one, at most once for each of the two: it was certainly not executed.
func (c *Client) perform(ctx context.Context, what call) (answer, *Error) {
	bearer, err := c.bearer.current(ctx)
	if err != nil {
		return answer{}, notSent(what, err)
	}
	session, err := c.session.current(ctx)
	if err != nil {
		return answer{}, notSent(what, err)
	}
	for renewed := accepted; ; {
		got, fault := c.send(ctx, what, bearer.value, session.value)
		if fault != nil {
			return answer{}, fault
		}
		if got.status/100 == 2 && got.cut == nil {
			c.session.used(ctx, session, sessionLife)
			return got, nil
		}
		fault = c.failure(what, got, bearer.value, session.value)
		rejected := rejects(fault.Status, fault.Code)
		if rejected == bearerRejected && renewed&bearerRejected != 0 && gatewayFault(fault.Code) == noFault {
			rejected = sessionRejected // a bare 401 does not tell which of the two it means, and the bearer is new
		}
		if rejected == accepted && vague(fault) && c.sessionDied(ctx, what, bearer.value, session.value) {
			rejected = sessionRejected
		}
		if rejected == accepted || renewed&rejected != 0 {
			return answer{}, fault
		}
		renewed |= rejected
		if rejected == bearerRejected {
			bearer, err = c.bearer.renew(ctx, bearer)
		} else {
			session, err = c.session.renew(ctx, session)
		}
		if err == nil && what.again != nil {
			err = what.again(ctx)
		}
		if err != nil {
			return answer{}, notSent(what, err)
		}
	}
}

// Ready gets the credentials that calls need, and so makes whatever logins are due. A caller whose turn to send is
// short should not spend it on those. Any error is an [*Error].
func (c *Client) Ready(ctx context.Context) error {
	_, err := c.bearer.current(ctx)
	if err == nil {
		_, err = c.session.current(ctx)
	}
	if err != nil {
		return notSent(call{op: "get credentials"}, err)
	}
	return nil
}

// vague tells whether a refusal says no more than its status: the document gives errorCode as a three-digit number, and an
// expired session then looks like a request with bad content.
func vague(fault *Error) bool {
	_, err := strconv.Atoi(fault.Code)
	return fault.Status == http.StatusBadRequest && (fault.Code == "" || err == nil)
}

// sessionDied finds out whether a vague refusal was about the session, before a good request is taken apart in search of a
// bad device: it asks for something that has no content to refuse.
func (c *Client) sessionDied(ctx context.Context, what call, bearer, session string) bool {
	if what.method == http.MethodGet {
		return true
	}
	if what.probe == "" {
		return false
	}
	probe := call{op: "probe the session", method: http.MethodGet, path: what.probe}
	got, fault := c.send(ctx, probe, bearer, session)
	if fault != nil || got.cut != nil || got.status/100 == 2 {
		return false
	}
	fault = c.failure(probe, got, bearer, session)
	return vague(fault) || rejects(fault.Status, fault.Code) == sessionRejected
}

// notSent is the error of a call that was not made, because a credential for it could not be had.
func notSent(what call, err error) *Error {
	cause, ok := errors.AsType[*Error](err)
	if !ok {
		return &Error{Op: what.op, Outcome: NotExecuted, Err: err}
	}
	fault := *cause
	fault.Op = what.op + ": " + cause.Op
	if fault.Outcome != Misdirected {
		fault.Outcome = NotExecuted
	}
	return &fault
}
