package worker

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"time"

	"github.com/simshift/simshift/thingspace"
)

// CallbackPath is where the carrier sends its callbacks.
const CallbackPath = "/callbacks/thingspace"

// Credentials are the pair that the carrier was given when the listener was registered, and sends in every callback.
type Credentials struct {
	Username         string
	Password         string // empty: callbacks are taken from anyone
	PreviousPassword string // still accepted for a while after a change
}

// Endpoint is the public face: it answers callbacks and nothing else. 2xx means that the callback is in Redis.
type Endpoint struct {
	intake *Intake
	secret Credentials
	now    func() time.Time
	log    *slog.Logger

	username, password, previous [sha256.Size]byte // digests of the secret
}

// NewEndpoint gives the handler for [CallbackPath].
func NewEndpoint(intake *Intake, secret Credentials, now func() time.Time, log *slog.Logger) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("POST "+CallbackPath, &Endpoint{
		intake: intake, secret: secret, now: now, log: log, username: sha256.Sum256([]byte(secret.Username)),
		password: sha256.Sum256([]byte(secret.Password)), previous: sha256.Sum256([]byte(secret.PreviousPassword)),
	})
	return mux
}

func (e *Endpoint) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	status := e.receive(r)
	if status == http.StatusServiceUnavailable {
		w.Header().Set("Retry-After", "2")
	}
	w.WriteHeader(status)
}

// receive takes one callback and gives the answer's status.
func (e *Endpoint) receive(r *http.Request) int {
	if encoding := r.Header.Get("Content-Encoding"); encoding != "" && encoding != "identity" {
		return http.StatusUnsupportedMediaType
	}
	body, err := io.ReadAll(http.MaxBytesReader(nil, r.Body, thingspace.LargestCallback))
	if tooLarge := new(http.MaxBytesError); errors.As(err, &tooLarge) {
		return http.StatusRequestEntityTooLarge
	}
	if err != nil {
		return http.StatusBadRequest
	}
	callback, err := thingspace.DecodeCallback(body)
	if err != nil {
		e.log.WarnContext(r.Context(), "callback refused: not understood", "error", err)
		return http.StatusBadRequest
	}
	if !e.genuine(&callback) {
		e.log.WarnContext(r.Context(), "callback refused: wrong credentials", "request", callback.RequestID, "from", r.RemoteAddr)
		return http.StatusUnauthorized
	}
	ctx, cancel := context.WithTimeout(r.Context(), groupPatience)
	defer cancel()
	if err := e.intake.Deliver(ctx, Received{Callback: callback, Raw: body, At: e.now()}); err != nil {
		return http.StatusServiceUnavailable
	}
	return http.StatusOK
}

// genuine compares digests, and all of them: how long it takes tells nothing about the secret.
func (e *Endpoint) genuine(c *thingspace.Callback) bool {
	if e.secret.Password == "" {
		return true
	}
	user, password := sha256.Sum256([]byte(c.Username)), sha256.Sum256([]byte(c.Password))
	right := subtle.ConstantTimeCompare(password[:], e.password[:])
	if e.secret.PreviousPassword != "" {
		right |= subtle.ConstantTimeCompare(password[:], e.previous[:])
	}
	return subtle.ConstantTimeCompare(user[:], e.username[:])&right == 1
}
