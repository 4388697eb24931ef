package worker

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/simshift/simshift/thingspace"
)

// callback is one of the carrier's size.
func callback(username, password string) string {
	return fmt.Sprintf(`{"username":%q,"password":%q,"requestId":"r","status":"SUCCESS","deviceIds":[{"kind":"Eid",`+
		`"id":"89049032123451234512345678901235"}],"note":%q}`, username, password, strings.Repeat("x", 800))
}

var genuine = callback("carrier", "hush")

// openGate opens a gate on a real socket and gives its address. Without a writer, every callback is written at once.
func openGate(t *testing.T, g *Gate, intake *Intake) string {
	t.Helper()
	if intake == nil {
		written := func(context.Context, []Received) error { return nil }
		intake = &Intake{settle: written, queue: make(chan *delivery, groupMost), log: slog.New(slog.DiscardHandler)}
	}
	g.Now, g.Log = time.Now, slog.New(slog.DiscardHandler)
	if g.Connections == 0 {
		g.Connections = 100
	}
	if g.Secret == (Credentials{}) {
		g.Secret = Credentials{Username: "carrier", Password: "hush"}
	}
	socket, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.WithoutCancel(t.Context()))
	ended := make(chan error, 1)
	go func() { ended <- g.Serve(ctx, socket, intake) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	return socket.Addr().String()
}

// dial opens a connection that the test's end closes. What is not answered in 20 s fails instead of hanging.
func dial(t *testing.T, address string) net.Conn {
	t.Helper()
	conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	if err := conn.SetDeadline(time.Now().Add(20 * time.Second)); err != nil {
		t.Fatal(err)
	}
	return conn
}

// request is a callback as it goes over the wire.
func request(body string, headers ...string) string {
	return fmt.Sprintf("POST %s HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n%s\r\n%s", CallbackPath, len(body),
		strings.Join(append(headers, ""), "\r\n"), body)
}

func write(t *testing.T, conn net.Conn, text string) {
	t.Helper()
	if _, err := io.WriteString(conn, text); err != nil {
		t.Fatal(err)
	}
}

// status reads the answer.
func status(conn net.Conn) (int, error) {
	response, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		return 0, err
	}
	return response.StatusCode, response.Body.Close()
}

func answered(t *testing.T, conn net.Conn, want int) {
	t.Helper()
	if got, err := status(conn); err != nil || got != want {
		t.Errorf("answered %d (%v), want %d", got, err, want)
	}
}

// closed waits until the other side has closed the connection.
func closed(t *testing.T, conn net.Conn) {
	t.Helper()
	if text, err := io.ReadAll(conn); len(text) > 0 || errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("answered %q (%v) instead of closed", text, err)
	}
}

func TestThePreviousPairIsTakenAsAPairAndNothingBetween(t *testing.T) {
	t.Parallel()
	both := Credentials{Username: "carrier", Password: "hush", PreviousUsername: "before", PreviousPassword: "hush-hush"}
	sameName := Credentials{Username: "carrier", Password: "hush", PreviousPassword: "hush-hush"}
	none := Credentials{Username: "carrier", Password: "hush"}
	for _, c := range []struct {
		secret             Credentials
		username, password string
		want               int
	}{
		{both, "carrier", "hush", http.StatusOK},
		{both, "before", "hush-hush", http.StatusOK},
		{both, "carrier", "hush-hush", http.StatusUnauthorized},
		{both, "before", "hush", http.StatusUnauthorized},
		{both, "", "", http.StatusUnauthorized},
		{sameName, "carrier", "hush-hush", http.StatusOK},
		{sameName, "", "hush-hush", http.StatusUnauthorized},
		{none, "carrier", "hush", http.StatusOK},
		{none, "carrier", "", http.StatusUnauthorized},
		{none, "", "", http.StatusUnauthorized},
	} {
		conn := dial(t, openGate(t, &Gate{Secret: c.secret}, nil))
		write(t, conn, request(callback(c.username, c.password)))
		if got, err := status(conn); err != nil || got != c.want {
			t.Errorf("%s/%s: %d (%v), want %d", c.username, c.password, got, err, c.want)
		}
	}
}

func TestWhatIsNoCallbackIsRefusedAndItsConnectionClosed(t *testing.T) {
	t.Parallel()
	address := openGate(t, &Gate{}, nil)
	var bomb bytes.Buffer
	packer := gzip.NewWriter(&bomb)
	if _, err := packer.Write(make([]byte, 4<<20)); err != nil {
		t.Fatal(err)
	}
	if err := packer.Close(); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		text string
		want int
	}{
		"gzip bomb":         {request(bomb.String(), "Content-Encoding: gzip"), http.StatusUnsupportedMediaType},
		"unnamed gzip bomb": {request(bomb.String()), http.StatusBadRequest},
		"1 MB of headers":   {request(genuine, "X: "+strings.Repeat("x", 1<<20)), http.StatusRequestHeaderFieldsTooLarge},
		"1 MB of lines":     {request(genuine, strings.Repeat("X: x\r\n", 1<<17)+"Y: y"), http.StatusRequestHeaderFieldsTooLarge},
		"no HTTP":           {"\x16\x03\x01\x02\x00\r\n\r\n", http.StatusBadRequest},
		"no JSON":           {request("\x00\xff\xfe"), http.StatusBadRequest},
		"nothing":           {request(""), http.StatusBadRequest},
		"cut short":         {strings.Replace(request(genuine), "Content-Length: ", "Content-Length: 9", 1), http.StatusBadRequest},
		"wrong password":    {request(callback("carrier", "guess")), http.StatusUnauthorized},
		"another path":      {"GET / HTTP/1.1\r\nHost: x\r\n\r\n", http.StatusNotFound},
		"another method":    {"GET " + CallbackPath + " HTTP/1.1\r\nHost: x\r\n\r\n", http.StatusMethodNotAllowed},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			conn := dial(t, address)
			go func() { // the server may refuse before all of it is sent
				_, _ = io.WriteString(conn, c.text)
				if tcp, ok := conn.(*net.TCPConn); ok {
					_ = tcp.CloseWrite()
				}
			}()
			response, err := http.ReadResponse(bufio.NewReader(conn), nil)
			if err != nil {
				t.Fatal(err)
			}
			defer response.Body.Close()
			if response.StatusCode != c.want || !response.Close {
				t.Errorf("answered %d, closing %v, want %d", response.StatusCode, response.Close, c.want)
			}
		})
	}
}

func TestALargeBodyIsRefusedWithoutBeingReadWhetherItTellsItsLengthOrNot(t *testing.T) {
	t.Parallel()
	address := openGate(t, &Gate{}, nil)
	const size, part = 100 << 20, 64 << 10
	for name, c := range map[string]struct{ header, before, after string }{
		"told":    {header: fmt.Sprintf("Content-Length: %d", size)},
		"chunked": {header: "Transfer-Encoding: chunked", before: fmt.Sprintf("%x\r\n", part), after: "\r\n"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			conn := dial(t, address)
			write(t, conn, "POST "+CallbackPath+" HTTP/1.1\r\nHost: x\r\n"+c.header+"\r\n\r\n")
			sent := make(chan int, 1)
			go func() {
				n := 0
				for text := c.before + strings.Repeat("x", part) + c.after; n < size; n += part {
					if _, err := io.WriteString(conn, text); err != nil {
						break
					}
				}
				sent <- n
			}()
			answered(t, conn, http.StatusRequestEntityTooLarge)
			if n := <-sent; n >= size/2 { // what the system itself takes in is a few megabytes
				t.Errorf("%d bytes were taken", n)
			}
		})
	}
}

func TestOnlySoManyLargeBodiesAreHeldAtOnceAndTheyKeepNoUsualOneOut(t *testing.T) {
	t.Parallel()
	written := func(context.Context, []Received) error { return nil }
	intake := &Intake{settle: written, queue: make(chan *delivery, groupMost), log: slog.New(slog.DiscardHandler)}
	ctx, stop := context.WithCancel(t.Context())
	running := make(chan struct{})
	go func() { defer close(running); intake.Run(ctx) }()
	defer func() { stop(); <-running }()
	endpoint := newEndpoint(&Gate{Now: time.Now, Log: slog.New(slog.DiscardHandler)}, intake)
	post := func(body io.Reader) int {
		w := httptest.NewRecorder()
		endpoint.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodPost, CallbackPath, body))
		return w.Code
	}
	large := strings.Replace(genuine, "xxx", strings.Repeat("x", usualBody), 1)

	var slow [largeBodies]*io.PipeWriter
	answers := make(chan int, largeBodies)
	for i := range slow {
		body, sender := io.Pipe()
		slow[i] = sender
		go func() { answers <- post(body) }()
		if _, err := io.WriteString(sender, large[:usualBody+1]); err != nil { // returns when all of it is read
			t.Fatal(err)
		}
	}
	if got := post(strings.NewReader(large)); got != http.StatusServiceUnavailable {
		t.Errorf("one too many was answered %d", got)
	}
	if got := post(strings.NewReader(genuine)); got != http.StatusOK {
		t.Errorf("a usual one was answered %d", got)
	}
	for _, sender := range slow {
		if _, err := io.WriteString(sender, large[usualBody+1:]); err != nil {
			t.Fatal(err)
		}
		_ = sender.Close()
		if got := <-answers; got != http.StatusOK {
			t.Errorf("a large one was answered %d", got)
		}
	}
	if got := post(strings.NewReader(large)); got != http.StatusOK {
		t.Errorf("after them, one was answered %d", got)
	}
	if got := post(strings.NewReader(strings.Repeat("x", thingspace.LargestCallback+1))); got != http.StatusRequestEntityTooLarge {
		t.Errorf("one byte too many was answered %d", got)
	}
}

func networksOf(t *testing.T, text string) []netip.Prefix {
	t.Helper()
	list, err := ParseNetworks(text)
	if err != nil {
		t.Fatal(err)
	}
	return list
}

func TestAPeerThatIsNotAllowedIsClosedAtAcceptWhateverItsHeadersSay(t *testing.T) {
	t.Parallel()
	conn := dial(t, openGate(t, &Gate{Sources: Sources{Allowed: networksOf(t, "192.0.2.0/24")}}, nil))
	_, _ = io.WriteString(conn, request(genuine, "X-Forwarded-For: 192.0.2.7"))
	closed(t, conn)
}

func TestWithoutATrustedProxyNobodysForwardedForIsBelieved(t *testing.T) {
	t.Parallel()
	conn := dial(t, openGate(t, &Gate{Sources: Sources{Allowed: networksOf(t, "127.0.0.1")}}, nil))
	write(t, conn, request(genuine, "X-Forwarded-For: 203.0.113.1"))
	answered(t, conn, http.StatusOK)
	elsewhere := Sources{Allowed: networksOf(t, "192.0.2.0/24"), Proxies: networksOf(t, "10.0.0.0/8")}
	conn = dial(t, openGate(t, &Gate{Sources: elsewhere}, nil))
	write(t, conn, request(genuine, "X-Forwarded-For: 192.0.2.7"))
	answered(t, conn, http.StatusForbidden)
}

func TestBehindATrustedProxyASourceThatIsNotAllowedIsAnsweredBeforeItsBodyIsRead(t *testing.T) {
	t.Parallel()
	sources := Sources{Allowed: networksOf(t, "192.0.2.0/24"), Proxies: networksOf(t, "127.0.0.1")}
	address := openGate(t, &Gate{Sources: sources}, nil)
	conn := dial(t, address)
	write(t, conn, request(genuine, "X-Forwarded-For: 203.0.113.1, 192.0.2.7"))
	answered(t, conn, http.StatusOK)
	for _, refused := range []string{"X-Forwarded-For: 192.0.2.7, 203.0.113.1", "X-Forwarded-For: unknown", "X: y"} {
		conn = dial(t, address)
		head, _, _ := strings.Cut(request(genuine, refused), "{")
		write(t, conn, head)
		answered(t, conn, http.StatusForbidden)
	}
}

func TestTLSIsEndedHereAndAHandshakeThatStandsStillMakesRoom(t *testing.T) {
	t.Parallel()
	lender := httptest.NewTLSServer(http.NotFoundHandler()) // has a certificate for 127.0.0.1
	defer lender.Close()
	pair := lender.TLS.Certificates[0]
	address := openGate(t, &Gate{
		Connections: 1, Certificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return &pair, nil },
	}, nil)
	silent := dial(t, address)
	transport, ok := lender.Client().Transport.(*http.Transport)
	if !ok {
		t.Fatal("not a transport")
	}
	client := &http.Client{Transport: transport.Clone()}
	client.Timeout = 20 * time.Second
	defer client.CloseIdleConnections()
	post, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "https://"+address+CallbackPath, strings.NewReader(genuine))
	if err != nil {
		t.Fatal(err)
	}
	response, err := client.Do(post)
	if err != nil {
		t.Fatal(err)
	}
	_ = response.Body.Close()
	if response.StatusCode != http.StatusOK || response.ProtoMajor != 1 {
		t.Errorf("answered %d over %s", response.StatusCode, response.Proto)
	}
	closed(t, silent)

	old := tls.Client(dial(t, address), &tls.Config{MaxVersion: tls.VersionTLS11, InsecureSkipVerify: true})
	if err := old.HandshakeContext(t.Context()); err == nil {
		t.Error("TLS 1.1 was taken")
	}
}

func TestWhoStillSendsWhenTheTimeToStopIsOverIsCutOffWithoutAnError(t *testing.T) {
	t.Parallel()
	socket, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	reading, ended := make(chan struct{}), make(chan error, 1)
	g := &Gate{Log: slog.New(slog.DiscardHandler)}
	server := g.server(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		close(reading)
		_, _ = io.Copy(io.Discard, r.Body)
	}))
	go func() { ended <- server.Serve(socket) }()
	slow := dial(t, socket.Addr().String())
	write(t, slow, request(genuine)[:200])
	<-reading
	over, cancel := context.WithDeadline(t.Context(), time.Now())
	defer cancel()
	if err := shutdown(over, server); err != nil {
		t.Error(err)
	}
	closed(t, slow)
	if err := <-ended; !errors.Is(err, http.ErrServerClosed) {
		t.Error(err)
	}
}
