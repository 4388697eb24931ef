package simulator

import (
	"bufio"
	"encoding/csv"
	"encoding/json"
	"iter"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// showSummary is GET /_simulator/book: [Summary] as JSON. What the book's file lacks is written first, so that whoever reads
// both finds there what the figures say.
func (s *Simulator) showSummary(w http.ResponseWriter, r *http.Request) {
	if err := s.journal.flush(); err != nil {
		s.log.ErrorContext(r.Context(), "the simulator's book can not be written", "error", err)
	}
	s.wrote(writeJSON(w, s.Book().Summary()))
}

// showRequests is GET /_simulator/requests: a [RequestEntry] a line, in the order of arrival; with ?eids=1 whole.
func (s *Simulator) showRequests(w http.ResponseWriter, r *http.Request) {
	s.wrote(writeLines(w, s.Book().requests(r.URL.Query().Get("eids") == "1")))
}

// showIncidents is GET /_simulator/incidents: an [Incident] a line, in the order of booking.
func (s *Simulator) showIncidents(w http.ResponseWriter, _ *http.Request) {
	s.wrote(writeLines(w, slices.Values(s.Book().Incidents())))
}

// showDevices is GET /_simulator/devices: a [DeviceEntry] a line, by rising EID; as CSV with ?format=csv, there with
// the request ids in one column, parted by spaces.
func (s *Simulator) showDevices(w http.ResponseWriter, r *http.Request) {
	if r.URL.Query().Get("format") != "csv" {
		s.wrote(writeLines(w, s.Book().Devices()))
		return
	}
	w.Header().Set("Content-Type", "text/csv; charset=utf-8")
	out := csv.NewWriter(w)
	// The writer keeps its first error for Flush.
	_ = out.Write([]string{
		"eid", "iccid", "final", "fault", "accepts", "request_ids", "last_change", "role", "told", "doubles",
	})
	for d := range s.Book().Devices() {
		if out.Write([]string{
			d.EID, d.ICCID, d.Final, d.Fault, strconv.Itoa(d.Accepts), strings.Join(d.RequestIDs, " "),
			d.LastChange.Format(time.RFC3339Nano), d.Role, d.Told, strconv.Itoa(d.Doubles),
		}) != nil {
			break
		}
	}
	out.Flush()
	s.wrote(out.Error())
}

// writeLines answers with JSON lines.
func writeLines[T any](w http.ResponseWriter, all iter.Seq[T]) error {
	w.Header().Set("Content-Type", "application/x-ndjson")
	buffered := bufio.NewWriterSize(w, 64<<10)
	out := json.NewEncoder(buffered)
	for one := range all {
		if err := out.Encode(one); err != nil {
			return err
		}
	}
	return buffered.Flush()
}
