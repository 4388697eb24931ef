package thingspace

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"testing"
	"time"
)

// parrot answers with everything it was sent, in some shape of error.
func parrot(status int, shape string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		words := fmt.Sprintf("auth %s session %s body %s", r.Header.Get("Authorization"), r.Header.Get("VZ-M2M-Token"), body)
		quoted, _ := json.Marshal(words)
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		_, _ = fmt.Fprintf(w, shape, quoted)
	}
}

func TestNeitherErrorsNorLogsNorHoldsTellASecret(t *testing.T) {
	shapes := []string{
		`{"errorCode":%[1]s,"errorMessage":%[1]s}`, `{"fault":{"code":%[1]s,"message":%[1]s,"description":%[1]s}}`,
		`{"error":%[1]s,"error_description":%[1]s}`, `<fault><code>%[1]s</code><message>%[1]s</message></fault>`,
		`<html>%s</html>`, `%s`, `{"requestId":%s`,
	}
	for _, path := range []string{tokenPath, loginPath, enablePath, "/api/m2m/v1/callbacks/account"} {
		for _, shape := range shapes {
			for _, status := range []int{200, 400, 401, 403, 500} {
				server, db := newCarrier(t), redisServer(t)
				server.on(path, parrot(status, shape))
				var logged bytes.Buffer
				client := New(configFor(server), storeIn(t, db), WithClock(func() time.Time { return noon }))
				client.log = slog.New(slog.NewTextHandler(&logged, &slog.HandlerOptions{Level: slog.LevelDebug}))
				_, enableErr := client.Enable(t.Context(), oneDevice())
				rest(db)
				listener := Listener{Service: ProfileService, URL: "https://host", Username: "u", Password: "listener-password"}
				listenErr := client.Register(t.Context(), "account", listener)
				hold, err := client.LoginHold(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				all := fmt.Sprintf("%v %+v %v %+v %+v %s", enableErr, errors.Unwrap(enableErr), listenErr,
					errors.Unwrap(listenErr), hold, logged.String())
				holdsNoSecret(t, fmt.Sprintf("%s %d %s", path, status, shape), all)
			}
		}
	}
}

func TestSecretValuesDoNotPrint(t *testing.T) {
	config := Config{BaseURL: "https://host", Key: "application-key", Secret: "application-secret", Password: "correct horse"}
	listener := Listener{Account: "a", Service: "s", URL: "u", Password: "listener-password"}
	callback := Callback{RequestID: "id", Username: "session-token", Password: "listener-password"}
	var logged bytes.Buffer
	slog.New(slog.NewJSONHandler(&logged, nil)).Info("all", "config", config, "listener", listener, "callback", callback)
	slog.New(slog.NewTextHandler(&logged, nil)).Info("all", "config", config, "listener", listener, "callback", callback)
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		fmt.Fprintf(&logged, verb+verb+verb, listener, callback, config)
	}
	encoded, err := json.Marshal([]any{listener, callback})
	if err != nil {
		t.Fatal(err)
	}
	holdsNoSecret(t, "what was printed", logged.String()+string(encoded))
}

func TestScrubbingSparesOrdinaryWords(t *testing.T) {
	for text, want := range map[string]string{
		"the password pass is wrong": "the password [secret] is wrong",
		"pass":                       "[secret]",
		"bypass pass-by, passé":      "bypass [secret]-by, passé",
		"in-averylongsecret-deed":    "in-[secret]-deed",
		"xaverylongsecretx":          "x[secret]x",
		"nothing here":               "nothing here",
	} {
		if got := scrub(text, []string{"pass", "averylongsecret", ""}); got != want {
			t.Errorf("%q became %q, want %q", text, got, want)
		}
	}
}
