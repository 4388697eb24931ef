package pages

import (
	"net/http"
	"net/http/httptest"
	"testing"
)

// What an act said goes over TLS only where browsers come by TLS, also by a proxy that the request tells nothing of.
func TestWhatWasSaidKeepsToTLS(t *testing.T) {
	t.Parallel()
	for _, secure := range []bool{true, false} {
		p := New(nil, Options{Secure: secure})
		w := httptest.NewRecorder()
		p.say(w, httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/", nil), "/", "done")
		if cookies := w.Result().Cookies(); len(cookies) != 1 || cookies[0].Secure != secure || !cookies[0].HttpOnly {
			t.Errorf("secure %v: %v", secure, cookies)
		}
	}
}
