package tracing

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"slices"
	"time"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/sdk/resource"
	sdk "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
	"golang.org/x/time/rate"

	"github.com/simshift/simshift/jobs"
)

const (
	// groupsPerSecond is how many groups of callbacks a process tells of: a fleet's are a million.
	groupsPerSecond = 10
	// groupLinks is how many further batches of one group are named.
	groupLinks = 16
	// closeWithin bounds the wait for a collector at the end of a process.
	closeWithin = 3 * time.Second
)

// ErrURL says that an address is none that spans can be sent to.
var ErrURL = errors.New("it is no http or https URL without a user, a query or a fragment")

// Tracer tells of what was done, when it is done. It never blocks: what can not be delivered in time is dropped. It is safe
// for concurrent use.
type Tracer struct {
	provider *sdk.TracerProvider
	tracer   trace.Tracer
	groups   *rate.Limiter
}

// New makes a tracer that sends spans by OTLP over HTTP to the address, to /v1/traces of it where it has no path. process
// tells one process from the others. It fails with [ErrURL].
func New(ctx context.Context, address, process string, log *slog.Logger) (*Tracer, error) {
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return nil, ErrURL
	}
	if u.Path == "" || u.Path == "/" {
		u.Path = "/v1/traces"
	}
	exporter, err := otlptracehttp.New(ctx, otlptracehttp.WithEndpointURL(u.String()))
	if err != nil {
		return nil, fmt.Errorf("tell of traces: %w", err)
	}
	otel.SetErrorHandler(otel.ErrorHandlerFunc(func(err error) {
		log.WarnContext(ctx, "spans not delivered", "error", err)
	}))
	provider := sdk.NewTracerProvider(sdk.WithBatcher(exporter), sdk.WithIDGenerator(ids{}), sdk.WithResource(
		resource.NewSchemaless(attribute.String("service.name", "simshift"), attribute.String("service.instance.id", process))))
	return &Tracer{
		provider: provider, tracer: provider.Tracer("github.com/simshift/simshift"),
		groups: rate.NewLimiter(groupsPerSecond, groupsPerSecond),
	}, nil
}

// Close delivers what is still to be told, if that can be done soon.
func (t *Tracer) Close() error {
	ctx, cancel := context.WithTimeout(context.Background(), closeWithin)
	defer cancel()
	if err := t.provider.Shutdown(ctx); err != nil {
		return fmt.Errorf("deliver the last spans: %w", err)
	}
	return nil
}

// Imported tells of a job's import.
func (t *Tracer) Imported(job *jobs.Job, from, to time.Time) {
	t.tell(as(context.Background(), importOf(job.ID)), "import", span{from: from, to: to, words: []attribute.KeyValue{
		attribute.String("job", job.ID), attribute.Int64("devices", job.Devices), attribute.String("target", string(job.Target)),
	}})
}

// Sent tells of a request that was made for a batch, what the carrier called it, and whether it can have been executed: its
// callbacks then belong to it.
func (t *Tracer) Sent(b *jobs.Batch, requestID string, executed bool, from, to time.Time, err error) {
	id := jobs.BatchID{Job: b.Job, Batch: b.Number}
	ctx := trace.ContextWithRemoteSpanContext(context.Background(), importOf(id.Job))
	if executed {
		ctx = as(ctx, requestOf(id))
	}
	words := []attribute.KeyValue{
		attribute.String("job", id.Job), attribute.Int64("batch", id.Batch), attribute.Int("attempt", b.Attempt),
		attribute.Int("devices", b.Open),
	}
	if requestID != "" {
		words = append(words, attribute.String("request", requestID))
	}
	t.tell(ctx, "request", span{from: from, to: to, failed: err != nil, kind: trace.SpanKindClient, words: words})
}

// Settled tells of callbacks of a job that were written together, if it has not told of many in this second.
func (t *Tracer) Settled(job string, events []jobs.Event, from, to time.Time) {
	if len(events) == 0 || !t.groups.Allow() {
		return
	}
	batches := make([]int64, len(events))
	for i, e := range events {
		batches[i] = e.Batch
	}
	slices.Sort(batches)
	batches = slices.Compact(batches)
	s := span{from: from, to: to, kind: trace.SpanKindServer, words: []attribute.KeyValue{
		attribute.String("job", job), attribute.Int64("batch", batches[0]), attribute.Int("callbacks", len(events)),
		attribute.Int("batches", len(batches)),
	}}
	for _, batch := range batches[1:min(len(batches), groupLinks+1)] {
		s.links = append(s.links, trace.Link{SpanContext: requestOf(jobs.BatchID{Job: job, Batch: batch})})
	}
	parent := requestOf(jobs.BatchID{Job: job, Batch: batches[0]})
	t.tell(trace.ContextWithRemoteSpanContext(context.Background(), parent), "callbacks", s)
}

// span is what is told of one.
type span struct {
	from, to time.Time
	failed   bool
	kind     trace.SpanKind
	words    []attribute.KeyValue
	links    []trace.Link
}

func (t *Tracer) tell(ctx context.Context, name string, s span) {
	_, told := t.tracer.Start(ctx, name, trace.WithTimestamp(s.from), trace.WithSpanKind(s.kind), trace.WithAttributes(s.words...),
		trace.WithLinks(s.links...))
	if s.failed {
		told.SetStatus(codes.Error, "") // the carrier's words may name a device: they stand in the log, masked
	}
	told.End(trace.WithTimestamp(s.to))
}
