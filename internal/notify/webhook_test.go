package notify_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
	"go.uber.org/goleak"

	"github.com/simshift/simshift/internal/notify"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var (
	secret = "whsec_" + base64.StdEncoding.EncodeToString([]byte("thirty-two bytes, and no one more"))
	brake  = notify.News{
		ID: "job-7-1", Job: "job", Name: "night", State: "paused", Act: "braked", Words: "the brake: 20%", Who: "brake",
		At: time.Date(2026, 3, 1, 22, 0, 0, 0, time.UTC), Hold: "the brake", Devices: 10, Counts: map[string]int64{"failed": 2},
	}
)

// receiver answers each request with the next status, the last one again and again.
func receiver(t *testing.T, statuses ...int) (address string, got func() []*http.Request) {
	t.Helper()
	var requests []*http.Request
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		r.Body = io.NopCloser(strings.NewReader(string(body)))
		requests = append(requests, r)
		w.Header().Set("Location", "/elsewhere")
		w.WriteHeader(statuses[min(len(requests), len(statuses))-1])
	}))
	t.Cleanup(server.Close)
	return server.URL + "/hush", func() []*http.Request { server.Close(); return requests }
}

func TestNewsIsPostedAndSigned(t *testing.T) {
	t.Parallel()
	address, got := receiver(t, http.StatusNoContent)
	webhook, err := notify.NewWebhook(address, secret, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	if err := webhook.Send(t.Context(), brake); err != nil {
		t.Fatal(err)
	}
	request := got()[0]
	body, _ := io.ReadAll(request.Body)
	judge, err := standardwebhooks.NewWebhook(secret)
	if err != nil {
		t.Fatal(err)
	}
	if err := judge.Verify(body, request.Header); err != nil {
		t.Error(err)
	}
	if request.URL.Path != "/hush" || request.Header.Get("webhook-id") != brake.ID ||
		request.Header.Get("Content-Type") != "application/json" {
		t.Errorf("%s with %v", request.URL, request.Header)
	}
	var news notify.News
	if err := json.Unmarshal(body, &news); err != nil || !cmp.Equal(news, brake) {
		t.Errorf("%v: %s", err, cmp.Diff(brake, news))
	}
}

// handmade signs as the specification says, without its library.
func handmade(text string) string {
	mac := hmac.New(sha256.New, []byte("thirty-two bytes, and no one more"))
	_, _ = io.WriteString(mac, text) // a hash does not fail
	return base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

func TestTheSignatureIsThatOfTheSpecification(t *testing.T) {
	t.Parallel()
	address, got := receiver(t, http.StatusOK)
	webhook, err := notify.NewWebhook(address, secret, func() time.Time { return time.Unix(1614265330, 0) })
	if err != nil {
		t.Fatal(err)
	}
	if err := webhook.Send(t.Context(), brake); err != nil {
		t.Fatal(err)
	}
	request := got()[0]
	body, _ := io.ReadAll(request.Body)
	if at := request.Header.Get("webhook-timestamp"); at != "1614265330" {
		t.Errorf("sent at %s", at)
	}
	if got, want := request.Header.Get("webhook-signature"), "v1,"+handmade(brake.ID+".1614265330."+string(body)); got != want {
		t.Errorf("signed %s, want %s", got, want)
	}
}

func TestOnlyAnAnswerOf2xxIsSuccessAndNoRedirectIsFollowed(t *testing.T) {
	t.Parallel()
	for status, well := range map[int]bool{200: true, 204: true, 302: false, 307: false, 400: false, 429: false, 500: false} {
		address, got := receiver(t, status, http.StatusOK)
		webhook, err := notify.NewWebhook(address, "", time.Now)
		if err != nil {
			t.Fatal(err)
		}
		err = webhook.Send(t.Context(), brake)
		if requests := got(); (err == nil) != well || len(requests) != 1 || requests[0].Header.Get("webhook-signature") != "" {
			t.Errorf("%d: %v, %d requests", status, err, len(requests))
		}
	}
}

func TestAnErrorTellsTheHostAndNoMore(t *testing.T) {
	t.Parallel()
	address, got := receiver(t, http.StatusBadGateway)
	webhook, err := notify.NewWebhook(strings.Replace(address, "//", "//me:hush@", 1)+"?token=hush", secret, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	answered := webhook.Send(t.Context(), brake)
	got() // closes it
	refused := webhook.Send(t.Context(), brake)
	for _, err := range []error{answered, refused} {
		if err == nil || strings.Contains(err.Error(), "hush") || !strings.Contains(err.Error(), "127.0.0.1:") {
			t.Errorf("%v", err)
		}
	}
}

func TestAWebhookIsHTTPSOrOnThisMachine(t *testing.T) {
	t.Parallel()
	for address, want := range map[string]error{
		"https://ops.example.com/hooks/x": nil,
		"http://127.0.0.1:8080":           nil,
		"http://[::1]:8080/x":             nil,
		"http://localhost/x":              nil,
		"http://ops.example.com/hush":     notify.ErrPlainHTTP,
		"http://192.0.2.7/hush":           notify.ErrPlainHTTP,
		"http://localhost.example.com":    notify.ErrPlainHTTP,
		"ops.example.com/hush":            notify.ErrURL,
		"https:///hush":                   notify.ErrURL,
		"ftp://ops.example.com/hush":      notify.ErrURL,
		"https://ops.example.com/\x7fhus": notify.ErrURL,
	} {
		_, err := notify.NewWebhook(address, "", time.Now)
		if !errors.Is(err, want) || err != nil && strings.Contains(err.Error(), "hus") {
			t.Errorf("%s: %v", address, err)
		}
	}
	for _, secret := range []string{"hush", "whsec_hush", strings.TrimPrefix(secret, "whsec_"), "whsec_" + strings.Repeat("aGVz", 22)} {
		if _, err := notify.NewWebhook("https://ops.example.com", secret, time.Now); !errors.Is(err, notify.ErrSecret) ||
			strings.Contains(err.Error(), secret) {
			t.Errorf("%s: %v", secret, err)
		}
	}
}
