// Package apicheck holds requests and answers against an OpenAPI document, in tests.
package apicheck

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/pb33f/libopenapi"
	validator "github.com/pb33f/libopenapi-validator"
	"github.com/pb33f/libopenapi-validator/errors"
	"github.com/pb33f/libopenapi-validator/paths"
	v3 "github.com/pb33f/libopenapi/datamodel/high/v3"
)

// Inspector stands before a handler. A request that the document does not allow must be refused, and every answer must be as
// the document says; else the test fails.
type Inspector struct {
	t     testing.TB
	next  http.Handler
	model *v3.Document
	valid validator.Validator

	mu   sync.Mutex
	seen map[string]bool // answered as meant: by method and path of the document
}

// New makes an inspector. A document that is no OpenAPI fails the test.
func New(t testing.TB, document []byte, next http.Handler) *Inspector {
	t.Helper()
	parsed, err := libopenapi.NewDocument(document)
	if err != nil {
		t.Fatal(err)
	}
	model, err := parsed.BuildV3Model()
	if err != nil {
		t.Fatal(err)
	}
	valid, faults := validator.NewValidator(parsed)
	for _, fault := range faults {
		t.Fatal(fault)
	}
	if ok, faults := valid.ValidateDocument(); !ok {
		t.Fatal(told(faults))
	}
	return &Inspector{t: t, next: next, model: &model.Model, valid: valid, seen: make(map[string]bool)}
}

// ServeHTTP lets a request through, and judges it.
func (i *Inspector) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body := []byte{}
	if strings.HasPrefix(r.Header.Get("Content-Type"), "application/json") {
		body, _ = io.ReadAll(r.Body)
		r.Body = io.NopCloser(bytes.NewReader(body))
	}
	question := r.Clone(r.Context()) // the handler changes what it is given
	question.Body = io.NopCloser(bytes.NewReader(body))
	allowed, faults := i.valid.ValidateHttpRequestSync(question)

	out := &recorder{ResponseWriter: w, status: http.StatusOK}
	i.next.ServeHTTP(out, r)

	switch {
	case !allowed && (out.status < 400 || out.status >= 500):
		i.t.Errorf("%s %s is answered %d, and is not in the document: %s", r.Method, r.URL, out.status, told(faults))
		return
	case !allowed && (out.status == http.StatusNotFound || out.status == http.StatusMethodNotAllowed):
		return // no operation of the document: there is nothing to hold the answer against
	}
	question.Body = io.NopCloser(bytes.NewReader(body))
	answer := &http.Response{StatusCode: out.status, Header: out.Header(), Body: io.NopCloser(&out.json), Request: question}
	if ok, faults := i.valid.ValidateHttpResponse(question, answer); !ok {
		i.t.Errorf("%s %s: the answer %d is not as the document says: %s\n%.2000s", r.Method, r.URL, out.status, told(faults), out.json.String())
		return
	}
	if _, _, path := paths.FindPath(question, i.model, nil); out.status < 300 {
		i.mu.Lock()
		defer i.mu.Unlock()
		i.seen[r.Method+" "+path] = true
	}
}

// Unseen are the operations of the document that no request has succeeded with.
func (i *Inspector) Unseen() (list []string) {
	i.mu.Lock()
	defer i.mu.Unlock()
	for path, item := range i.model.Paths.PathItems.FromOldest() {
		for method := range item.GetOperations().FromOldest() {
			if name := strings.ToUpper(method) + " " + path; !i.seen[name] {
				list = append(list, name)
			}
		}
	}
	slices.Sort(list)
	return list
}

func told(faults []*errors.ValidationError) string {
	var b strings.Builder
	for _, fault := range faults {
		fmt.Fprintf(&b, "\n  %s: %s", fault.Message, fault.Reason)
		for _, one := range fault.SchemaValidationErrors {
			fmt.Fprintf(&b, "\n    %s: %s", one.FieldPath, one.Reason)
		}
	}
	return b.String()
}

// recorder keeps what is answered as JSON, and lets everything through.
type recorder struct {
	http.ResponseWriter

	status int
	json   bytes.Buffer
}

func (r *recorder) WriteHeader(status int) {
	r.status = status
	r.ResponseWriter.WriteHeader(status)
}

func (r *recorder) Write(p []byte) (int, error) {
	if strings.HasSuffix(r.Header().Get("Content-Type"), "json") && !strings.Contains(r.Header().Get("Content-Type"), "nd") {
		r.json.Write(p)
	}
	return r.ResponseWriter.Write(p)
}

// Unwrap is for [http.ResponseController].
func (r *recorder) Unwrap() http.ResponseWriter { return r.ResponseWriter }
