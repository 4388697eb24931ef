package app

import (
	"context"
	"errors"
	"log/slog"

	"github.com/simshift/simshift/internal/tracing"
	"github.com/simshift/simshift/worker"
)

// readTracer makes the tracer that is set, or nil.
func readTracer(ctx context.Context, env *Env, log *slog.Logger) (*tracing.Tracer, error) {
	address, err := env.get("TRACES_URL")
	if err != nil || address == "" {
		return nil, err
	}
	tracer, err := tracing.New(context.WithoutCancel(ctx), address, processName(), log)
	if errors.Is(err, tracing.ErrURL) {
		return nil, usage("give the collector's address for OTLP over HTTP, as http://127.0.0.1:4318; what it asks for besides goes into "+
			"OTEL_EXPORTER_OTLP_HEADERS", "SIMSHIFT_TRACES_URL: %w", err)
	}
	return tracer, err
}

// told is the tracer as a worker takes it.
func (d *deployment) told() worker.Tracer {
	if d.tracer == nil {
		return nil
	}
	return d.tracer
}
