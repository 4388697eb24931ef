package app

import (
	"bufio"
	"context"
	"crypto/tls"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/simshift/simshift/console/access"
)

// The console ends with the process at once, however many look on; and where it ends TLS, cookies go over TLS only.
func TestAStopEndsStreamsOfEvents(t *testing.T) {
	t.Parallel()
	d := newDoor(t)
	pair := newPairFiles(t)
	cert, key := pairOf(t, 1)
	pair.write(pair.cert, cert)
	pair.write(pair.key, key)
	d.deploy.env.Flags["CONSOLE_TLS_CERT"], d.deploy.env.Flags["CONSOLE_TLS_KEY"] = pair.cert, pair.key
	private, err := d.deploy.openConsole(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	ended := make(chan error, 1)
	go func() { ended <- private.serve(ctx) }()

	transport := &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}
	defer transport.CloseIdleConnections()
	ask := func(method, path, form string) *http.Response {
		t.Helper()
		r, err := http.NewRequestWithContext(t.Context(), method, "https://"+private.socket.Addr().String()+path, strings.NewReader(form))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		if form == "" {
			d.bearer(access.Viewer)(r)
		}
		answer, err := transport.RoundTrip(r)
		if err != nil {
			t.Fatal(err)
		}
		return answer
	}
	login := ask(http.MethodPost, "/login", "token="+d.tokens[access.Viewer])
	_ = login.Body.Close()
	secured := login.Header.Get("Strict-Transport-Security") != ""
	if c := login.Cookies(); len(c) != 1 || c[0].Name != "__Host-simshift" || !c[0].Secure || !secured {
		t.Errorf("over TLS a login is answered %d, %v", login.StatusCode, login.Header)
	}
	stream := ask(http.MethodGet, "/api/v1/events", "")
	defer func() { _ = stream.Body.Close() }()
	lines := bufio.NewReader(stream.Body)
	if first, err := lines.ReadString('\n'); err != nil || !strings.HasPrefix(first, "retry:") {
		t.Fatalf("the stream begins with %q: %v", first, err)
	}
	stop()
	stopped := time.Now()
	if _, err := io.ReadAll(lines); err != nil {
		t.Errorf("the stream was cut off: %v", err)
	}
	if err := <-ended; err != nil || time.Since(stopped) > 3*time.Second {
		t.Errorf("the console ended after %v: %v", time.Since(stopped), err)
	}
}
