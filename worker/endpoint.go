package worker

import (
	"bytes"
	"cmp"
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

const (
	// usualBody holds a callback several times over. Whoever sends more needs one of the places for large ones.
	usualBody = 4 << 10
	// largeBodies is how many of them are read at once: what slow clients can fill is a few megabytes, not the largest
	// body times the connections.
	largeBodies = 256
)

var errTooManyLarge = errors.New("too many large bodies are being read")

// Credentials are the pair that the carrier was given when the listener was registered, and sends in every callback.
// After a change it goes on sending the pair before for some minutes.
type Credentials struct {
	Username         string
	Password         string // empty: callbacks are taken from anyone
	PreviousUsername string // empty: the same as now
	PreviousPassword string // empty: there is no previous pair
}

// Endpoint is the public face: it answers callbacks and nothing else. 2xx means that the callback is in Redis.
type Endpoint struct {
	intake   *Intake
	sources  Sources
	answered func(status int, took time.Duration) // nil: nobody is told
	now      func() time.Time
	log      *slog.Logger
	large    chan struct{} // holds one for each large body being read

	anyone            bool
	present, previous pair
}

// newEndpoint gives a gate's handler for [CallbackPath]. Sources tell it whom to name in its log.
func newEndpoint(g *Gate, intake *Intake) http.Handler {
	secret := g.Secret
	e := &Endpoint{
		intake: intake, sources: g.Sources, answered: g.Answered, now: g.Now, log: g.Log, large: make(chan struct{}, largeBodies),
		anyone: secret.Password == "", present: digest(secret.Username, secret.Password),
	}
	e.previous = e.present
	if secret.PreviousPassword != "" {
		e.previous = digest(cmp.Or(secret.PreviousUsername, secret.Username), secret.PreviousPassword)
	}
	mux := http.NewServeMux()
	mux.Handle("POST "+CallbackPath, e)
	return closing(mux)
}

// closing ends every connection with its answer, unless a handler thinks better of it: whoever is refused does not keep a
// place, and what was not read of a body never is.
func closing(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Connection", "close")
		next.ServeHTTP(w, r)
	})
}

func (e *Endpoint) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	began := e.now()
	status := e.receive(w, r)
	if e.answered != nil {
		e.answered(status, e.now().Sub(began))
	}
	switch status {
	case http.StatusOK:
		w.Header().Del("Connection")
		thanking(r.Context())
	case http.StatusServiceUnavailable:
		w.Header().Set("Retry-After", "2")
	}
	w.WriteHeader(status)
}

// receive takes one callback and gives the answer's status.
func (e *Endpoint) receive(w http.ResponseWriter, r *http.Request) int {
	if encoding := r.Header.Get("Content-Encoding"); encoding != "" && encoding != "identity" {
		return http.StatusUnsupportedMediaType
	}
	body, err := e.read(w, r)
	if err != nil {
		return statusOf(err)
	}
	answering(r.Context())
	callback, err := thingspace.DecodeCallback(body)
	if err != nil {
		e.log.WarnContext(r.Context(), "callback refused: not understood", "error", err)
		return http.StatusBadRequest
	}
	if !e.genuine(&callback) {
		from, _ := e.sources.of(r)
		e.log.WarnContext(r.Context(), "callback refused: wrong credentials", "request", callback.RequestID, "from", from)
		return http.StatusUnauthorized
	}
	ctx, cancel := context.WithTimeout(r.Context(), groupPatience)
	defer cancel()
	if err := e.intake.Deliver(ctx, Received{Callback: callback, Raw: body, At: e.now()}); err != nil {
		return http.StatusServiceUnavailable
	}
	return http.StatusOK
}

// read gives the whole body. Of one that is no larger than usual and says how large it is, the memory is taken at once;
// else it is taken for what has come, not for what was promised.
func (e *Endpoint) read(w http.ResponseWriter, r *http.Request) ([]byte, error) {
	if r.ContentLength > thingspace.LargestCallback {
		return nil, &http.MaxBytesError{Limit: thingspace.LargestCallback}
	}
	if r.ContentLength > 0 && r.ContentLength <= usualBody {
		body := make([]byte, r.ContentLength)
		_, err := io.ReadFull(r.Body, body)
		return body, err
	}
	var body bytes.Buffer
	rest := http.MaxBytesReader(w, r.Body, thingspace.LargestCallback)
	switch _, err := io.CopyN(&body, rest, usualBody); {
	case errors.Is(err, io.EOF):
		return body.Bytes(), nil
	case err != nil:
		return nil, err
	}
	select {
	case e.large <- struct{}{}:
		defer func() { <-e.large }()
	default:
		return nil, errTooManyLarge
	}
	_, err := body.ReadFrom(rest)
	return body.Bytes(), err
}

// statusOf is the answer to a body that could not be read.
func statusOf(err error) int {
	tooLarge := new(http.MaxBytesError)
	switch {
	case errors.As(err, &tooLarge):
		return http.StatusRequestEntityTooLarge
	case errors.Is(err, errTooManyLarge):
		return http.StatusServiceUnavailable
	}
	return http.StatusBadRequest
}

// pair is the digest of a name and of a password.
type pair struct{ username, password [sha256.Size]byte }

func digest(username, password string) pair {
	return pair{sha256.Sum256([]byte(username)), sha256.Sum256([]byte(password))}
}

func (p *pair) equal(other *pair) int {
	return subtle.ConstantTimeCompare(p.username[:], other.username[:]) &
		subtle.ConstantTimeCompare(p.password[:], other.password[:])
}

// genuine compares digests, and all of them, whether there is a previous pair or not: how long it takes tells nothing
// about the secret.
func (e *Endpoint) genuine(c *thingspace.Callback) bool {
	if e.anyone {
		return true
	}
	given := digest(string(c.Username), string(c.Password))
	return given.equal(&e.present)|given.equal(&e.previous) == 1
}
