package tracing

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"strconv"

	"github.com/google/uuid"
	"go.opentelemetry.io/otel/trace"

	"github.com/simshift/simshift/jobs"
)

// traceOf is a job's trace: its id, which is a UUID.
func traceOf(job string) trace.TraceID {
	if id, err := uuid.Parse(job); err == nil {
		return trace.TraceID(id)
	}
	sum := sha256.Sum256([]byte(job))
	return trace.TraceID(sum[:16])
}

// importOf is the span of a job's import, the root of its trace.
func importOf(job string) trace.SpanContext { return spanOf(job, "import") }

// requestOf is the span of the request that a batch's callbacks answer. There is one at most: a batch that the carrier may
// have taken is never sent again.
func requestOf(id jobs.BatchID) trace.SpanContext {
	return spanOf(id.Job, "batch "+strconv.FormatInt(id.Batch, 10))
}

func spanOf(job, name string) trace.SpanContext {
	sum := sha256.Sum256([]byte(job + " " + name))
	return trace.NewSpanContext(trace.SpanContextConfig{
		TraceID: traceOf(job), SpanID: trace.SpanID(sum[:8]), TraceFlags: trace.FlagsSampled, Remote: true,
	})
}

// as is a context in which the next span is one that is known beforehand.
func as(ctx context.Context, span trace.SpanContext) context.Context {
	return context.WithValue(ctx, known{}, span)
}

type known struct{}

// ids gives spans the ids that they are to have, and random ones to the others.
type ids struct{}

func (ids) NewIDs(ctx context.Context) (trace.TraceID, trace.SpanID) {
	if span, ok := ctx.Value(known{}).(trace.SpanContext); ok {
		return span.TraceID(), span.SpanID()
	}
	var id trace.TraceID
	_, _ = rand.Read(id[:]) // never fails
	return id, random()
}

func (ids) NewSpanID(ctx context.Context, _ trace.TraceID) trace.SpanID {
	if span, ok := ctx.Value(known{}).(trace.SpanContext); ok {
		return span.SpanID()
	}
	return random()
}

func random() (id trace.SpanID) {
	_, _ = rand.Read(id[:])
	return id
}
