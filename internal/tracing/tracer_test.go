package tracing

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	sdk "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"
	"go.uber.org/goleak"
	"golang.org/x/time/rate"

	"github.com/simshift/simshift/jobs"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(patient{m}) }

// patient gives what tests leave behind the time to end: whoever could deliver nothing goes on for a while, and on a busy machine
// for longer than goleak looks.
type patient struct{ *testing.M }

func (p patient) Run() int {
	code := p.M.Run()
	for looks := 0; looks < 30 && goleak.Find() != nil; looks++ { // each takes a second and more
	}
	return code
}

var night = time.Date(2026, 3, 1, 22, 0, 0, 0, time.UTC)

const job = "0198c5a2-7844-7849-8d55-1f14c2205bc3"

// recorded is a tracer whose spans stay here.
func recorded(t *testing.T, perSecond rate.Limit) (*Tracer, *tracetest.SpanRecorder) {
	t.Helper()
	recorder := tracetest.NewSpanRecorder()
	provider := sdk.NewTracerProvider(sdk.WithSpanProcessor(recorder), sdk.WithIDGenerator(ids{}))
	t.Cleanup(func() { _ = provider.Shutdown(context.WithoutCancel(t.Context())) })
	return &Tracer{provider: provider, tracer: provider.Tracer("test"), groups: rate.NewLimiter(perSecond, 2)}, recorder
}

func TestARequestThatWasNotTakenIsASpanOfItsOwn(t *testing.T) {
	t.Parallel()
	tracer, recorder := recorded(t, rate.Inf)
	batch := &jobs.Batch{Job: job, Number: 7, Attempt: 1, Open: 10}
	turned := errors.New("turned away at the door")
	tracer.Sent(batch, "", false, night, night.Add(time.Second), turned)
	tracer.Sent(batch, "", false, night, night.Add(time.Second), turned)
	tracer.Sent(batch, "r-1", true, night.Add(time.Minute), night.Add(time.Minute+time.Second), nil)
	tracer.Settled(job, []jobs.Event{{Batch: 9}, {Batch: 7}, {Batch: 9}}, night.Add(time.Hour), night.Add(time.Hour))
	spans := recorder.Ended()
	if len(spans) != 4 {
		t.Fatalf("%d spans", len(spans))
	}
	seen := make(map[trace.SpanID]bool)
	for _, span := range spans {
		if seen[span.SpanContext().SpanID()] {
			t.Errorf("%s has the id of another", span.Name())
		}
		seen[span.SpanContext().SpanID()] = true
	}
	taken, callbacks := spans[2], spans[3]
	if callbacks.Parent().SpanID() != taken.SpanContext().SpanID() {
		t.Error("callbacks do not stand under the request that they answer")
	}
	if links := callbacks.Links(); len(links) != 1 || links[0].SpanContext.SpanID() != requestOf(jobs.BatchID{Job: job, Batch: 9}).SpanID() {
		t.Errorf("callbacks of two batches have the links %v", links)
	}
	if !taken.StartTime().Equal(night.Add(time.Minute)) || taken.EndTime().Sub(taken.StartTime()) != time.Second {
		t.Errorf("the request went from %v to %v", taken.StartTime(), taken.EndTime())
	}
}

func TestAFleetsCallbacksDoNotFloodTheCollector(t *testing.T) {
	t.Parallel()
	tracer, recorder := recorded(t, 0)
	for range 100 {
		tracer.Settled(job, []jobs.Event{{Batch: 1}}, night, night)
	}
	if n := len(recorder.Ended()); n != 2 {
		t.Errorf("%d of 100 groups are told", n)
	}
}

func TestAnAddressThatIsNoneIsRefused(t *testing.T) {
	t.Parallel()
	for _, address := range []string{
		"127.0.0.1:4318", "grpc://127.0.0.1:4317", "http://", "http://user:hush@127.0.0.1:4318", "http://127.0.0.1:4318/?token=hush",
	} {
		if _, err := New(t.Context(), address, "me", slog.New(slog.DiscardHandler)); !errors.Is(err, ErrURL) {
			t.Errorf("%s: %v", address, err)
		}
	}
}

func TestACollectorThatHangsHoldsNobodyUp(t *testing.T) {
	if testing.Short() {
		t.Skip("takes as long as a process waits at its end")
	}
	hang := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-hang }))
	defer server.Close()
	defer close(hang)
	tracer, err := New(t.Context(), server.URL, "me", slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	for range 10_000 { // more than it keeps
		tracer.Imported(&jobs.Job{ID: job}, night, night)
	}
	if took := time.Since(began); took > closeWithin {
		t.Errorf("telling took %v", took)
	}
	if err := tracer.Close(); err == nil {
		t.Error("nothing could be delivered, and nobody says so")
	}
	if took := time.Since(began); took > 3*closeWithin {
		t.Errorf("the end took %v", took)
	}
}
