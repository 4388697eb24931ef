package pages

import (
	"errors"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/simshift/simshift/console/api"
)

// mostUpload is the largest file that is taken, in bytes: ten million rows have about one and a half thousand million.
const mostUpload = 8 << 30

type importBody struct {
	Form  url.Values
	Wrong string
}

func (p *Pages) importForm(w http.ResponseWriter, r *http.Request) error {
	return p.showImport(w, r, http.StatusOK, importBody{Form: r.URL.Query()})
}

func (p *Pages) showImport(w http.ResponseWriter, r *http.Request, status int, b importBody) error {
	p.show(w, r, status, "import", shell{Title: "Import a fleet", Here: "/import", Body: &b})
	return nil
}

// patient reads an upload for as long as it goes on.
type patient struct {
	io.Reader
	w http.ResponseWriter
}

func (p patient) Read(to []byte) (int, error) {
	c := http.NewResponseController(p.w)
	_ = errors.Join(c.SetReadDeadline(time.Now().Add(patience)), c.SetWriteDeadline(time.Now().Add(2*patience))) // where there are any
	return p.Reader.Read(to)
}

// upload streams the file of a form to the desk. The fields stand before the file.
func (p *Pages) upload(w http.ResponseWriter, r *http.Request) error {
	r.Body = struct {
		io.Reader
		io.Closer
	}{patient{http.MaxBytesReader(w, r.Body, mostUpload), w}, r.Body}
	parts, err := r.MultipartReader()
	if err != nil {
		return api.Misused("use the form of the page", "no file was sent: %w", err)
	}
	form := url.Values{}
	for {
		part, err := parts.NextPart()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return api.Misused("try it again", "the upload broke off: %w", err)
		}
		if part.FormName() != "fleet" {
			text, err := io.ReadAll(io.LimitReader(part, 4096))
			if err != nil {
				return api.Misused("try it again", "the upload broke off: %w", err)
			}
			form.Add(part.FormName(), strings.TrimSpace(string(text)))
			continue
		}
		if part.FileName() == "" {
			break
		}
		up, err := p.desk.Upload(r.Context(), part.FileName(), part)
		if wrong := new(api.Failure); errors.As(err, &wrong) && wrong.Code == api.Misuse {
			return p.showImport(w, r, http.StatusUnprocessableEntity, importBody{form, sentence(wrong.Error()) + ". " + sentence(wrong.Hint) + "."})
		}
		if err != nil {
			return err
		}
		form.Set("file", up.Name)
		http.Redirect(w, r, "/import/"+url.PathEscape(up.ID)+"?"+form.Encode(), http.StatusSeeOther)
		return nil
	}
	return p.showImport(w, r, http.StatusUnprocessableEntity, importBody{form,
		"No file was chosen: choose a CSV file with the columns eid and iccid."})
}

// orderOf reads an order's fields, with the names of its JSON.
func orderOf(f url.Values) (o api.Order, err error) {
	text := func(name string) string { return strings.TrimSpace(f.Get(name)) }
	number := func(name string) (n int64) {
		if text(name) == "" {
			return 0
		}
		n, wrong := strconv.ParseInt(strings.ReplaceAll(text(name), " ", ""), 10, 64)
		if wrong != nil {
			err = errors.Join(err, api.Misused("write it in digits", "%s is %q, and no number", strings.ReplaceAll(name, "_", " "), text(name)))
		}
		return n
	}
	o = api.Order{
		Name: text("name"), Target: text("target"), Account: text("account_name"), Plan: text("service_plan"), RevertPlan: text("revert_plan"),
		Strict: text("strict") != "", SkipRejects: text("skip_rejects") != "", Again: text("again") != "", Reason: text("reason"),
		BatchSize: int(number("batch_size")), Attempts: int(number("attempts")), AnswerWithin: text("answer_within"), Backoff: text("backoff"),
		BackoffMax: text("backoff_max"), DoubtGrace: text("doubt_grace"), Start: text("start"), Windows: lines(f["windows"]), Zone: text("tz"),
		PerWindow: number("per_window"), Waves: text("waves"), Gate: text("gate"), GateByHand: text("gate_by_hand") != "",
		Brakes:   lines(f["brake"]),
		Priority: int(number("priority")),
	}
	return o, err
}

// lines are the texts of fields that may hold several.
func lines(texts []string) (list []string) {
	for _, text := range texts {
		for line := range strings.FieldsFuncSeq(text, func(c rune) bool { return c == '\n' || c == ';' }) {
			if line = strings.TrimSpace(line); line != "" {
				list = append(list, line)
			}
		}
	}
	return list
}

type planBody struct {
	*api.Plan

	Upload  string
	File    string
	Form    url.Values
	Order   api.Order
	Wrong   string // why there is no plan
	Refused string // why it was not started
	Hint    string
	Sieve   string // where the rejected rows are
	Without string // where the plan goes on without them
	Twice   string // where the plan goes on with a file that is a job already
	Rejects []kind
	Warns   []kind
	Waves   []wavePlan
}

// kind is so many rows with the same fault or doubt.
type kind struct {
	Code    string
	Meaning string
	Rows    int64
}

type wavePlan struct {
	N       int
	Devices int64
	Until   int64
}

func (p *Pages) plan(w http.ResponseWriter, r *http.Request) error {
	return p.showPlan(w, r, http.StatusOK, r.URL.Query(), nil)
}

// showPlan shows what an import would do, and what kept it from being done.
func (p *Pages) showPlan(w http.ResponseWriter, r *http.Request, status int, form url.Values, kept *api.Failure) error {
	b := planBody{Upload: r.PathValue("upload"), File: form.Get("file"), Form: form}
	var err error
	if b.Order, err = orderOf(form); err == nil {
		b.Plan, err = p.desk.Plan(r.Context(), b.Upload, b.Order)
	}
	if wrong := new(api.Failure); errors.As(err, &wrong) && wrong.Code == api.Misuse {
		b.Wrong, b.Hint, err, status = sentence(wrong.Error())+".", wrong.Hint, nil, http.StatusUnprocessableEntity
	}
	if err != nil {
		return err
	}
	if kept != nil {
		b.Refused, b.Hint = sentence(kept.Error())+".", kept.Hint
	}
	if b.Plan != nil {
		b.arrange()
	}
	p.show(w, r, status, "plan", shell{
		Title: "The plan for " + b.File, Here: "/import", Zone: p.zoneNamed(b.Order.Zone), Body: &b,
	})
	return nil
}

func (b *planBody) arrange() {
	b.Rejects, b.Warns = kinds(b.Plan.Rejects), kinds(b.Warnings)
	before := int64(0)
	for i, end := range b.Plan.Waves {
		b.Waves = append(b.Waves, wavePlan{i + 1, end - before, end})
		before = end
	}
	path := "/import/" + url.PathEscape(b.Upload)
	b.Sieve, b.Without, b.Twice = path+"/rejects.csv?"+b.Form.Encode(), path+"?"+b.with("skip_rejects"), path+"?"+b.with("again")
}

// with is the form with a box ticked.
func (b *planBody) with(box string) string {
	form := maps.Clone(b.Form)
	form.Set(box, "1")
	return form.Encode()
}

// kinds are counts by code, the most frequent first.
func kinds(counts map[string]int64) []kind {
	var list []kind
	for code, rows := range counts {
		list = append(list, kind{code, meanings[code], rows})
	}
	slices.SortFunc(list, func(a, b kind) int {
		if a.Rows != b.Rows {
			return int(b.Rows - a.Rows)
		}
		return strings.Compare(a.Code, b.Code)
	})
	return list
}

func (p *Pages) rejects(w http.ResponseWriter, r *http.Request) error {
	order, err := orderOf(r.URL.Query())
	if err != nil || r.Method == http.MethodHead {
		return err
	}
	d := &download{ResponseWriter: w, name: "rejects.csv"}
	return d.end(p.desk.Rejects(r.Context(), r.PathValue("upload"), order, d))
}

func (p *Pages) start(w http.ResponseWriter, r *http.Request) error {
	r.Body = http.MaxBytesReader(w, r.Body, mostText)
	if err := r.ParseForm(); err != nil {
		return api.Misused("go back, and fill the form in anew", "the form can not be read: %w", err)
	}
	order, err := orderOf(r.PostForm)
	if err != nil {
		return err
	}
	if r.PostForm.Get("confirmed") == "" {
		return p.showPlan(w, r, http.StatusUnprocessableEntity, r.PostForm,
			&api.Failure{Err: errors.New("the box that confirms the start is not ticked; nothing was created")})
	}
	job, err := p.desk.Import(r.Context(), r.PathValue("upload"), order)
	if kept := new(api.Failure); errors.As(err, &kept) && kept.Code != api.Broken {
		return p.showPlan(w, r, http.StatusConflict, r.PostForm, kept)
	}
	if err != nil {
		return err
	}
	said := "The job is made."
	if job.Hold != "" {
		said += " It waits: " + job.Hold + "."
	}
	p.say(w, r, "/jobs/"+job.ID, said)
	return nil
}

// meanings say what is wrong with rows of a code, and what to do. Each row's own hint stands in rejects.csv.
var meanings = map[string]string{
	"encoding":          "Bytes that are not UTF-8, or a NUL. Save the file as CSV in UTF-8.",
	"too_long":          "A line of more than 64 KiB. Remove what does not belong there.",
	"quote":             "A quoted field is not closed, or goes on after its closing quote.",
	"ragged":            "More or fewer fields than the header. Quote fields that hold the delimiter.",
	"missing":           "No EID, ICCID or account. Fill it in, or give an account for rows without their own.",
	"digits":            "Something else than digits in an EID, ICCID or IMEI.",
	"length":            "Too many or too few digits: an EID has 32, an ICCID 19 or 20, an IMEI 15.",
	"imeisv":            "An IMEISV of 16 digits where an IMEI should be. Use the 15-digit IMEI, or leave it empty.",
	"excel":             "A spreadsheet has rounded the number, which can not be undone. Export the list anew, with the column as text.",
	"name":              "An account or plan that is too long, or holds control characters.",
	"conflict":          "Rows with the same EID say different things. Keep one of them.",
	"shared_iccid":      "Several EIDs name the same ICCID. A profile is on one eUICC only.",
	"held":              "Another unfinished job holds the device. Wait for its end, or cancel it.",
	"eid_check_digit":   "The check digits of the EID are wrong. Compare it with its source.",
	"iccid_check_digit": "The check digit of the ICCID is wrong. Compare it with its source.",
	"imei_check_digit":  "The check digit of the IMEI is wrong. Compare it with its source, or leave it empty.",
	"no_plan":           "Neither the row nor the form gives a service plan.",
	"shared_imei":       "Several EIDs have the same IMEI.",

	"previous_iccid_check_digit": "The check digit of the previous ICCID is wrong: the device can not be moved back.",
	"no_previous_iccid":          "The row gives no previous ICCID: the device can not be moved back.",
	"same_previous_iccid":        "The previous ICCID is the one to enable: the device can not be moved back.",
	"shared_previous_iccid":      "Several EIDs have the same previous ICCID: they can not be moved back.",
}
