package thingspace

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

func TestNothingThatNeverLeftIsInDoubt(t *testing.T) {
	closed := httptest.NewServer(http.NotFoundHandler())
	closed.Close()
	untrusted := httptest.NewUnstartedServer(http.NotFoundHandler())
	untrusted.Config.ErrorLog = log.New(io.Discard, "", 0)
	untrusted.StartTLS()
	defer untrusted.Close()
	plain := httptest.NewServer(http.NotFoundHandler())
	defer plain.Close()
	for name, base := range map[string]string{
		"nobody listens":            closed.URL,
		"a certificate not trusted": untrusted.URL,
		"TLS to a plain listener":   strings.Replace(plain.URL, "http:", "https:", 1),
		"no such host":              "http://carrier.invalid",
		"no URL":                    "http://%zz",
	} {
		client := newClient(t, newCarrier(t))
		mustEnable(t, client) // tokens are there: only the enable itself meets the trouble
		client.cfg.BaseURL = base
		if fault := enable(t, client); fault == nil || fault.Outcome != NotExecuted || fault.Op != "enable" {
			t.Errorf("%s: %v", name, fault)
		}
	}
}

func TestACancelledContextIsInDoubtOnlyOnceSomethingWasSent(t *testing.T) {
	server := newCarrier(t)
	client := newClient(t, server)
	mustEnable(t, client)
	ctx, cancel := context.WithCancel(context.Background())
	server.on(enablePath, func(_ http.ResponseWriter, r *http.Request) {
		cancel()
		<-r.Context().Done()
	})
	_, err := client.Enable(ctx, oneDevice())
	if fault := failure(t, err); fault == nil || fault.Outcome != Unknown || !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled under way: %v", err)
	}
	_, err = client.Enable(ctx, oneDevice())
	if fault := failure(t, err); fault == nil || fault.Outcome != NotExecuted || !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled before: %v", err)
	}
	server.asked(t, 1, 1, 2)
}

func TestAnAnswerThatNeverComesWholeLeavesTheOutcomeUnknown(t *testing.T) {
	for name, handle := range map[string]http.HandlerFunc{
		"cut without an answer": cutting,
		"too slow":              func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() },
		"slow within the body": func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.WriteString(w, `{"requestId":`)
			_ = http.NewResponseController(w).Flush()
			<-r.Context().Done()
		},
		"cut within the body": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "100")
			_, _ = io.WriteString(w, `{"requestId":"abc"}`)
		},
		"a refusal whose reason was cut": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "1000")
			w.WriteHeader(http.StatusBadRequest)
			_, _ = io.WriteString(w, `{"errorCode":"UnifiedWeb`)
		},
		"too large": func(w http.ResponseWriter, _ *http.Request) {
			_, _ = io.WriteString(w, `{"requestId":"abc"}`+strings.Repeat(" ", largestAnswer))
		},
		"no HTTP": func(w http.ResponseWriter, _ *http.Request) {
			conn, _, _ := http.NewResponseController(w).Hijack()
			_, _ = io.WriteString(conn, "220 smtp ready\r\n")
			_ = conn.Close()
		},
		"endless headers": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("X", strings.Repeat("x", 1<<20))
		},
	} {
		server := newCarrier(t)
		client := newClient(t, server)
		mustEnable(t, client)
		client.cfg.Timeout = 200 * time.Millisecond
		server.on(enablePath, handle)
		if fault := enable(t, client); fault == nil || fault.Outcome != Unknown {
			t.Errorf("%s: %v", name, fault)
		}
		server.asked(t, 1, 1, 2)
	}
}

func TestAConnectionResetAfterTheBodyIsInDoubtAndSentOnce(t *testing.T) {
	listener := newRawListener(t, func(conn net.Conn) {
		_, err := http.ReadRequest(bufio.NewReader(conn))
		if err == nil {
			_ = conn.(*net.TCPConn).SetLinger(0) // close sends a reset
		}
	})
	client := newClient(t, newCarrier(t))
	mustEnable(t, client)
	client.cfg.BaseURL = listener.url
	if fault := enable(t, client); fault == nil || fault.Outcome != Unknown {
		t.Errorf("got %v", fault)
	}
	if n := listener.connections.Load(); n != 1 {
		t.Errorf("%d connections for one request", n)
	}
}

func TestAConnectionClosedAtOnceIsNeverTriedAgain(t *testing.T) {
	listener := newRawListener(t, func(net.Conn) {})
	client := newClient(t, newCarrier(t))
	mustEnable(t, client)
	client.cfg.BaseURL = listener.url
	for range 20 {
		if fault := enable(t, client); fault == nil || fault.Outcome == Refused {
			t.Errorf("got %v", fault)
		}
	}
	if n := listener.connections.Load(); n != 20 {
		t.Errorf("%d connections for 20 requests", n)
	}
}

func TestDyingKeepAliveConnectionsNeitherRepeatNorEndangerRequests(t *testing.T) {
	// The server promises keep-alive, then closes after each answer, as load balancers do at their idle time-out.
	const answer = `{"requestId":"abc"}`
	var bodies atomic.Int64
	listener := newRawListener(t, func(conn net.Conn) {
		r, err := http.ReadRequest(bufio.NewReader(conn))
		if err != nil {
			return
		}
		if body, err := io.ReadAll(r.Body); err == nil && bytes.HasSuffix(body, []byte("}")) {
			bodies.Add(1)
		}
		_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\nConnection: keep-alive\r\nContent-Length: 19\r\n\r\n"+answer)
	})
	client := newClient(t, newCarrier(t))
	mustEnable(t, client)
	client.cfg.BaseURL = listener.url
	for range 50 {
		mustEnable(t, client)
	}
	if n := bodies.Load(); n != 50 {
		t.Errorf("the server got %d requests for 50", n)
	}
}

func TestNeverFollowsARedirect(t *testing.T) {
	elsewhere := newCarrier(t)
	for _, status := range []int{301, 302, 303, 307, 308} {
		server := newCarrier(t)
		server.on(enablePath, answering(status, "", "Location", elsewhere.URL+enablePath))
		if fault := enable(t, newClient(t, server)); fault == nil || fault.Outcome != NotExecuted {
			t.Errorf("%d: %v", status, fault)
		}
		server.asked(t, 1, 1, 1)
	}
	elsewhere.asked(t, 0, 0, 0)
}

func TestASealedBodySendsNothingAnyMore(t *testing.T) {
	body := &outgoing{rest: bytes.NewReader([]byte("body"))}
	for range 2 {
		if body.fate() != NotExecuted {
			t.Error("an untouched body is in doubt")
		}
	}
	if n, err := body.Read(make([]byte, 4)); n != 0 || err == nil {
		t.Errorf("a sealed body gave %d bytes, %v", n, err)
	}
	body = &outgoing{rest: bytes.NewReader([]byte("body"))}
	if _, err := body.Read(make([]byte, 1)); err != nil || body.fate() != Unknown {
		t.Error("a body that was read from is not in doubt")
	}
}

// rawListener takes connections below HTTP; each is closed when the handler returns.
type rawListener struct {
	url         string
	connections atomic.Int64
}

func newRawListener(t *testing.T, handle func(net.Conn)) *rawListener {
	t.Helper()
	var config net.ListenConfig
	l, err := config.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	raw := &rawListener{url: "http://" + l.Addr().String() + "/api"}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			raw.connections.Add(1)
			handle(conn)
			_ = conn.Close()
		}
	}()
	t.Cleanup(func() {
		_ = l.Close()
		<-done
	})
	return raw
}
