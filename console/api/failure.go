package api

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/simshift/simshift/jobs"
)

// Kinds of failures: they are the exit codes of every command.
const (
	Broken     = 1 // it did not work
	Misuse     = 2 // wrong use or configuration
	Incomplete = 3 // it worked, but some rows or devices did not succeed
	Refused    = 4 // refused for safety
)

// ErrTooLarge is what a failure wraps that comes of the size of what was sent.
var ErrTooLarge = errors.New("too large")

// Failure is an error with its kind, and what a person can do next.
type Failure struct {
	Code int
	Err  error
	Hint string
}

func (f *Failure) Error() string { return f.Err.Error() }

// Unwrap gives the error behind it.
func (f *Failure) Unwrap() error { return f.Err }

// Problem is how an error goes over HTTP: problem details (RFC 9457), with the kind and the hint of a [Failure].
type Problem struct {
	Type   string `json:"type"`   // about:blank: the status says it all
	Title  string `json:"title"`  // of the status
	Status int    `json:"status"` // of HTTP
	Detail string `json:"detail"` // what went wrong
	Hint   string `json:"hint,omitempty"`
	Code   int    `json:"code"` // of [Failure]
}

// ProblemOf puts an error into words that may leave the house. What is no failure and not of the house's own making is told
// as its text.
func ProblemOf(err error) Problem {
	p := Problem{Type: "about:blank", Status: http.StatusInternalServerError, Code: Broken, Detail: err.Error()}
	if f := new(Failure); errors.As(err, &f) {
		p.Code, p.Hint = f.Code, f.Hint
		switch f.Code {
		case Misuse:
			p.Status = http.StatusBadRequest
		case Incomplete:
			p.Status = http.StatusUnprocessableEntity
		case Refused:
			p.Status = http.StatusConflict
		}
	}
	switch large := new(http.MaxBytesError); {
	case errors.As(err, &large), errors.Is(err, ErrTooLarge):
		p.Status = http.StatusRequestEntityTooLarge
	case errors.Is(err, jobs.ErrNotFound):
		p.Status = http.StatusNotFound
	case errors.Is(err, jobs.ErrConflict):
		p.Status = http.StatusConflict
	case errors.Is(err, context.DeadlineExceeded):
		p.Status = http.StatusServiceUnavailable
	}
	p.Title = http.StatusText(p.Status)
	return p
}

// Err makes a failure again of a problem that came over HTTP.
func (p Problem) Err() error {
	err := errors.New(p.Detail)
	if p.Status == http.StatusNotFound {
		err = notFound{p.Detail}
	}
	return &Failure{Code: max(p.Code, Broken), Err: err, Hint: p.Hint}
}

// notFound keeps the words that came, and is [jobs.ErrNotFound].
type notFound struct{ words string }

func (e notFound) Error() string        { return e.words }
func (e notFound) Is(target error) bool { return target == jobs.ErrNotFound }

// Misused is a failure of use.
func Misused(hint, format string, args ...any) error {
	return &Failure{Code: Misuse, Err: fmt.Errorf(format, args...), Hint: hint}
}
