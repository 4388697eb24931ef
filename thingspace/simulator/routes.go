package simulator

import (
	"net/http"
	"strings"
)

// bodyLimit is far above the largest sound request: 10,000 devices take about 2 MB.
const bodyLimit = 16 << 20

// routes is everything that the simulator answers.
func (s *Simulator) routes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /ts/v1/oauth2/token", s.token)
	mux.HandleFunc("POST /m2m/v1/session/login", s.behindBearer(s.login))
	mux.HandleFunc("POST /m2m/v1/session/logout", s.behindSession(s.logout))
	mux.HandleFunc("POST /m2m/v1/callbacks/{account}", s.behindSession(s.register))
	mux.HandleFunc("GET /m2m/v1/callbacks/{account}", s.behindSession(s.list))
	mux.HandleFunc("DELETE /m2m/v1/callbacks/{account}/name/{service}", s.behindSession(s.remove))
	mux.HandleFunc("POST /m2m/v1/devices/profile/actions/enable", s.enable)
	mux.HandleFunc("GET /_simulator/book", s.showSummary)
	mux.HandleFunc("GET /_simulator/devices", s.showDevices)
	mux.HandleFunc("GET /_simulator/requests", s.showRequests)
	mux.HandleFunc("GET /_simulator/incidents", s.showIncidents)
	mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) { s.refused(w, noSuchPath) })
	return tidyPaths(mux)
}

// tidyPaths takes off the /api prefix and makes double slashes single: the document has one in the path of enable, and
// a [http.ServeMux] would answer that with a redirect, which no client follows with its body.
func tidyPaths(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		tidy := *r
		address := *r.URL
		address.Path = "/" + strings.Join(strings.FieldsFunc(address.Path, func(c rune) bool { return c == '/' }), "/")
		if rest, found := strings.CutPrefix(address.Path, "/api/"); found {
			address.Path = "/" + rest
		}
		address.RawPath = ""
		tidy.URL = &address
		next.ServeHTTP(w, &tidy)
	})
}

// answer handles a request and gives the body of a 200, or a refusal.
type answer func(r *http.Request) (body any, no *refusal)

// behindBearer asks for the bearer first.
func (s *Simulator) behindBearer(next answer) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		r.Body = http.MaxBytesReader(w, r.Body, bodyLimit)
		no := s.gate.checkBearer(r.Header.Get("Authorization"))
		var body any
		if no == nil {
			body, no = next(r)
		}
		if no != nil {
			s.refused(w, no)
			return
		}
		s.wrote(writeJSON(w, body))
	}
}

// behindSession asks for the bearer and for the session first.
func (s *Simulator) behindSession(next answer) http.HandlerFunc {
	return s.behindBearer(func(r *http.Request) (any, *refusal) {
		if no := s.gate.checkSession(s.mind.Load(), r.Header.Get("VZ-M2M-Token")); no != nil {
			return nil, no
		}
		return next(r)
	})
}

func (s *Simulator) refused(w http.ResponseWriter, no *refusal) { s.wrote(no.write(w)) }

// wrote takes note of an answer that could not be written: the client has gone, which is its own affair.
func (s *Simulator) wrote(err error) {
	if err != nil {
		s.log.Debug("an answer could not be written", "error", err)
	}
}
