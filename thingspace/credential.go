package thingspace

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"time"

	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"
)

// sessionLife is how long an idle session is used. The carrier ends it after 20 minutes.
const sessionLife = 19 * time.Minute

// bearerSource asks for a bearer by OAuth 2 client credentials.
func (c *Client) bearerSource() source {
	config := &clientcredentials.Config{
		ClientID:     c.cfg.Key,
		ClientSecret: c.cfg.Secret,
		TokenURL:     c.cfg.BaseURL + "/ts/v1/oauth2/token",
		AuthStyle:    oauth2.AuthStyleInHeader, // no probing: it would send a refused request twice
	}
	fetch := func(ctx context.Context, _ func() error) (string, time.Duration, *Error) {
		issued, err := config.Token(context.WithValue(ctx, oauth2.HTTPClient, c.http))
		if err != nil {
			return "", 0, c.tokenFailure(err)
		}
		return issued.AccessToken, bearerLife(issued.Expiry), nil
	}
	return source{kind: "token", fetch: fetch, weigh: weighToken}
}

// bearerLife is how long a bearer may be used: it is renewed five minutes ahead of its end, or after five sixths of a
// shorter life. Without a stated end it is renewed often: inside its hour the carrier hands out the same one.
func bearerLife(end time.Time) time.Duration {
	if end.IsZero() {
		return 10 * time.Minute
	}
	life := time.Until(end) // the oauth2 package has reckoned end from the same clock
	return max(life-min(5*time.Minute, life/6), time.Second)
}

// tokenFailure makes an error of this package out of one of oauth2's, whose text holds the answer's whole body.
func (c *Client) tokenFailure(err error) *Error {
	what := call{op: "token"}
	refused, ok := errors.AsType[*oauth2.RetrieveError](err)
	if !ok {
		return &Error{Op: what.op, Outcome: NotExecuted, Err: plain(err)}
	}
	return c.failure(what, answer{
		status: refused.Response.StatusCode, body: refused.Body,
		retryAfter: retryAfter(refused.Response.Header.Get("Retry-After"), c.now()),
	})
}

// weighToken takes for refused what says that key and secret are wrong. Nothing is locked by trying, so whatever is in doubt
// is harmless; the count only ends a loop that can not succeed.
func weighToken(e *Error) verdict {
	switch e.Status {
	case http.StatusOK, http.StatusBadRequest, http.StatusUnauthorized, http.StatusForbidden:
		if gatewayFault(e.Code) == noFault {
			return refused
		}
	}
	return harmless
}

// sessionSource logs in. The attempt is noted before it is sent, so that a process that is killed meanwhile has counted
// it too.
func (c *Client) sessionSource() source {
	return source{kind: "login", fetch: c.logIn, weigh: weighLogin}
}

func (c *Client) logIn(ctx context.Context, begin func() error) (string, time.Duration, *Error) {
	what := call{op: "login", method: http.MethodPost, path: "/m2m/v1/session/login"}
	credentials := map[string]string{"username": c.cfg.Username, "password": c.cfg.Password}
	var err error
	if what.body, err = json.Marshal(credentials); err != nil {
		return "", 0, notSent(what, err)
	}
	bearer, err := c.bearer.current(ctx)
	if err != nil {
		return "", 0, notSent(what, err)
	}
	if err := begin(); err != nil {
		return "", 0, notSent(what, err)
	}
	got, fault := c.sendLogin(ctx, what, bearer)
	if fault != nil && gatewayFault(fault.Code) == unauthenticated {
		// The gateway turned the bearer away; nobody has looked at the password.
		if bearer, err = c.bearer.renew(ctx, bearer); err != nil {
			return "", 0, notSent(what, err)
		}
		got, fault = c.sendLogin(ctx, what, bearer)
	}
	if fault != nil {
		return "", 0, fault
	}
	var granted struct {
		SessionToken string `json:"sessionToken"`
	}
	if json.Unmarshal(got.body, &granted) != nil || granted.SessionToken == "" {
		return "", 0, &Error{Op: what.op, Status: got.status, Message: "the answer holds no sessionToken"}
	}
	return granted.SessionToken, sessionLife, nil
}

// sendLogin sends the login once and fails unless the answer is 2xx.
func (c *Client) sendLogin(ctx context.Context, what call, bearer token) (answer, *Error) {
	got, fault := c.send(ctx, what, bearer.value, "")
	if fault != nil || got.status/100 == 2 && got.cut == nil {
		return got, fault
	}
	fault = c.failure(what, got, bearer.value)
	if got.status == http.StatusUnauthorized && fault.Code == "" {
		// It may have been the bearer, without saying so: the next attempt, if there is one, has a new bearer.
		fault.Err = errors.Join(fault.Err, c.bearer.slot.drop(ctx, bearer))
	}
	return answer{}, fault
}

// weighLogin finds out whether the carrier has looked at the password. It has not if the login never left, was turned away
// at the door, or broke down with an answer that is no gateway's guess (408, 502, 504).
func weighLogin(e *Error) verdict {
	switch gatewayFault(e.Code) {
	case lostBackend:
		return doubtful
	case unauthenticated, misplaced, throttled, suspended:
		return harmless
	case noFault:
	}
	switch e.Status {
	case 0:
		if e.Outcome == NotExecuted {
			return harmless
		}
		return doubtful
	case http.StatusRequestTimeout, http.StatusBadGateway, http.StatusGatewayTimeout:
		return doubtful
	case http.StatusTooManyRequests:
		return harmless
	}
	switch e.Status / 100 {
	case 3, 5:
		return harmless
	case 4:
		return refused
	}
	return doubtful // granted, it seems, but the token can not be read
}
