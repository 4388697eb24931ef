package pages

import (
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/simshift/simshift/console/api"
)

// patience is how long a reader may take for a piece of a download, and a writer for one of an upload.
const patience = time.Minute

// download is a response that begins with its first byte, so that what fails before it is told as any other failure. Long
// ones may take as long as they go on.
type download struct {
	http.ResponseWriter

	name  string
	begun bool
}

func (d *download) Write(piece []byte) (int, error) {
	if !d.begun {
		d.begun = true
		h := d.Header()
		h.Set("Content-Type", "text/csv; charset=utf-8")
		h.Set("Content-Disposition", `attachment; filename="`+d.name+`"`)
		h.Set("Cache-Control", "no-store")
	}
	_ = http.NewResponseController(d.ResponseWriter).SetWriteDeadline(time.Now().Add(patience)) // where there is one
	return d.ResponseWriter.Write(piece)
}

// end breaks a download off that failed half way: a short file must not look like a whole one.
func (d *download) end(err error) error {
	if err != nil && d.begun {
		panic(http.ErrAbortHandler)
	}
	return err
}

func (p *Pages) results(w http.ResponseWriter, r *http.Request) error {
	query := r.URL.Query()
	q := api.ResultsQuery{States: query["state"], Faults: nonEmpty(query["fault"]), Accounts: nonEmpty(query["account"])}
	if least := query.Get("min_attempts"); least != "" {
		var err error
		if q.MinAttempts, err = strconv.Atoi(least); err != nil {
			return api.Misused("give a number", "%q is no number of attempts", least)
		}
	}
	job, err := p.desk.Job(r.Context(), r.PathValue("job"))
	if err != nil {
		return err
	}
	if r.Method == http.MethodHead {
		return nil
	}
	d := &download{ResponseWriter: w, name: "results-" + fileName(job.Name) + ".csv"}
	return d.end(p.desk.Results(r.Context(), job.ID, q, d))
}

func nonEmpty(list []string) (kept []string) {
	for _, text := range list {
		if text != "" {
			kept = append(kept, text)
		}
	}
	return kept
}

// fileName is a name with nothing in it that a header or a file system minds.
func fileName(name string) string {
	safe := strings.Map(func(c rune) rune {
		if c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '-' || c == '_' || c == '.' {
			return c
		}
		return '-'
	}, name)
	safe = strings.Trim(safe, "-.")
	return safe[:min(len(safe), 60)]
}
