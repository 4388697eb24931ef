package app

import (
	"context"
	"encoding/hex"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"sync"
	"testing"

	collector "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	traces "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"

	"github.com/simshift/simshift/internal/tracing"
)

// sink is a collector.
type sink struct {
	mu    sync.Mutex
	spans []*traces.Span
	paths map[string]bool
	said  string // all of it, as text
}

func (s *sink) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	var request collector.ExportTraceServiceRequest
	if err != nil || proto.Unmarshal(body, &request) != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.paths[r.URL.Path] = true
	s.said += request.String()
	for _, of := range request.ResourceSpans {
		for _, scope := range of.ScopeSpans {
			s.spans = append(s.spans, scope.Spans...)
		}
	}
}

func TestAJobIsOneTraceFromItsImportToItsCallbacks(t *testing.T) {
	t.Parallel()
	to := &sink{paths: make(map[string]bool)}
	server := httptest.NewServer(to)
	defer server.Close()
	d, job := badNight(t, 1000, func(d *deployment) {
		var err error
		d.tracer, err = tracing.New(context.WithoutCancel(t.Context()), server.URL, "test", slog.New(slog.DiscardHandler))
		if err != nil {
			t.Fatal(err)
		}
	})
	if err := d.tracer.Close(); err != nil {
		t.Fatal(err)
	}
	ids := make(map[string]*traces.Span)
	byName := make(map[string]int64)
	for _, span := range to.spans {
		if got, want := hex.EncodeToString(span.TraceId), strings.ReplaceAll(job.ID, "-", ""); got != want {
			t.Errorf("%s is in trace %s, not in the job's", span.Name, got)
		}
		if ids[string(span.SpanId)] != nil {
			t.Errorf("two spans have the id %x", span.SpanId)
		}
		ids[string(span.SpanId)] = span
		byName[span.Name]++
		if span.EndTimeUnixNano < span.StartTimeUnixNano {
			t.Errorf("%s ends before it begins", span.Name)
		}
	}
	if byName["import"] != 1 || byName["request"] != job.Requests || byName["callbacks"] == 0 {
		t.Errorf("%v, of %d requests", byName, job.Requests)
	}
	parents := map[string]string{"import": "", "request": "import", "callbacks": "request"}
	for _, span := range to.spans {
		parent := ""
		if above := ids[string(span.ParentSpanId)]; above != nil {
			parent = above.Name
		}
		if parent != parents[span.Name] {
			t.Errorf("%s stands under %q", span, parent)
		}
	}
	if found := identity.FindString(regexp.MustCompile(`unix_nano:\d+`).ReplaceAllString(to.said, "")); found != "" {
		t.Errorf("%s is told", found)
	}
	if !to.paths["/v1/traces"] || len(to.paths) != 1 {
		t.Errorf("spans are sent to %v", to.paths)
	}
}
