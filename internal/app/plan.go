package app

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/simshift/simshift/console/api"
	"github.com/simshift/simshift/csvimport"
	"github.com/simshift/simshift/jobs"
)

// survey is a file that was read and checked, and what would become of it. Nothing is written yet.
type survey struct {
	d      *deployment
	o      *ImportOptions
	path   string
	source io.Closer
	fleet  *csvimport.Fleet
	asked  map[string]bool // jobs whose devices were compared
	plan   api.Plan
}

// ShowPlan prints what import would do with a file. It fails with [ExitIncomplete] where rows are rejected.
func ShowPlan(ctx context.Context, env *Env, path string, o *ImportOptions) error {
	if o.Target != "" { // import needs it, plan does not
		if _, err := o.target(); err != nil {
			return err
		}
	}
	return atDesk(ctx, env, func(desk api.Desk) error {
		proposed, err := propose(ctx, env, desk, path, o)
		if err != nil {
			return err
		}
		defer proposed.close()
		p := proposed.planned()
		if o.Format == JSON {
			err = printJSON(env.Out, p)
		} else {
			err = printPlan(env.Out, p)
		}
		if err != nil || p.Rejected == 0 {
			return err
		}
		return &Failure{Code: ExitIncomplete, Err: fmt.Errorf("%d of %d rows would be rejected", p.Rejected, p.Rows),
			Hint: "`simshift import` writes them, with what is wrong, to " + rejectsPath(path, o)}
	})
}

func (s *survey) planned() *api.Plan { return &s.plan }

func (s *survey) rejects(ctx context.Context, w io.Writer) error { return s.fleet.WriteRejects(ctx, w) }

func (s *survey) commit(ctx context.Context) (jobs.Job, error) { return s.d.create(ctx, s, s.o) }

// lookUp asks whether the file is a job already.
func (d *deployment) lookUp(ctx context.Context, s *survey) (err error) {
	s.plan.ImportedAs, err = d.ledger.ImportedAs(ctx, s.plan.SHA256)
	return err
}

// survey reads and checks a file, against itself and against the unfinished jobs.
func (d *deployment) survey(ctx context.Context, path string, o *ImportOptions) (*survey, error) {
	if err := o.Rollout.apply(&o.Policy, d.env.Now()); err != nil {
		return nil, err
	}
	if err := o.Policy.Validate(); err != nil {
		return nil, usage(settingHelp, "%w", err)
	}
	if _, err := d.approveAbove(); err != nil { // before a large file is read
		return nil, err
	}
	source, err := openSource(d.env, path)
	if err != nil {
		return nil, err
	}
	fleet, err := readFleet(ctx, d.env, source, path, o.reading())
	if err != nil {
		return nil, errors.Join(err, source.Close())
	}
	s := &survey{d: d, o: o, path: path, source: source, fleet: fleet, asked: make(map[string]bool)}
	s.plan.HeldBy, s.plan.Advice = []string{}, []string{} // none is [] as JSON
	s.update(o)
	if err := d.markHeld(ctx, s); err != nil {
		s.close()
		return nil, err
	}
	s.update(o)
	if err := cmp.Or(d.lookUp(ctx, s), d.reckon(ctx, s, o)); err != nil {
		s.close()
		return nil, err
	}
	return s, nil
}

// openSource opens a CSV file; - is standard input.
func openSource(env *Env, path string) (io.ReadCloser, error) {
	if path == "-" {
		return io.NopCloser(env.In), nil
	}
	file, err := os.Open(path) //nolint:gosec // the user names it
	if err != nil {
		return nil, usage("name a CSV file, or - for standard input", "%w", err)
	}
	if info, err := file.Stat(); err != nil || info.IsDir() {
		_ = file.Close()
		return nil, usage("name a CSV file, or - for standard input", "%s is no file", path)
	}
	return file, nil
}

// reading is how the file is read.
func (o *ImportOptions) reading() jobs.Reading {
	return jobs.Reading{Account: o.Account, Plan: o.Plan, Strict: o.Strict}
}

// close lets go of the file; until then its rows can be read again, for the rejects.
func (s *survey) close() { _ = errors.Join(s.fleet.Close(), s.source.Close()) }

// readFleet reads a file and shows how far it is.
func readFleet(ctx context.Context, env *Env, source io.Reader, path string, how jobs.Reading) (*csvimport.Fleet, error) {
	bar := newProgress(env)
	defer bar.close()
	var size int64
	if info, err := os.Stat(path); err == nil {
		size = info.Size()
	}
	fleet, err := csvimport.Read(ctx, source, path, csvimport.Options{
		Account: how.Account, Plan: how.Plan, Strict: how.Strict,
		Progress: func(bytes, rows int64) { bar.set("reading", bytes, size, fmt.Sprintf("bytes, %d rows", rows), false) },
	})
	if errors.Is(err, csvimport.ErrFile) {
		return nil, usage("`simshift import --help` tells which columns are needed", "%w", err)
	}
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", path, err)
	}
	return fleet, nil
}

// markHeld rejects the rows of devices that an unfinished job holds. Jobs that were asked before are not asked again.
func (d *deployment) markHeld(ctx context.Context, s *survey) error {
	open, err := d.ledger.OpenJobs(ctx)
	if err != nil {
		return err
	}
	for _, id := range open {
		if s.asked[id] {
			continue
		}
		s.asked[id] = true
		held, err := s.fleet.Held(ctx, id, d.ledger.EIDs(ctx, id))
		if err != nil {
			return fmt.Errorf("compare with job %s: %w", id, err)
		}
		if held > 0 {
			s.plan.HeldBy = append(s.plan.HeldBy, id)
		}
	}
	s.plan.Rejected = s.fleet.Summary().Rejected
	return nil
}

// update takes the counts over from the fleet.
func (s *survey) update(o *ImportOptions) {
	sum, p := s.fleet.Summary(), &s.plan
	p.Rows, p.Devices, p.Duplicates, p.Rejected, p.SHA256 = sum.Rows, sum.Devices, sum.Duplicates, sum.Rejected, sum.SHA256
	p.Rejects, p.Warnings = named(sum.ByCode), named(sum.Warnings)
	p.Groups, p.Batches = []api.GroupPlan{}, 0
	for _, g := range sum.Groups {
		p.Groups = append(p.Groups, api.GroupPlan{Group: g.Group, Devices: g.Devices})
	}
	for group := range o.Policy.Batches(groupSizes(p)) {
		p.Groups[group].Batches++
		p.Batches++
	}
}

// reckon tells how long sending takes at least, under the limits.
func (d *deployment) reckon(ctx context.Context, s *survey, o *ImportOptions) (err error) {
	if s.plan.Limits, _, err = d.limiter.Limits(ctx); err == nil {
		forecast(&s.plan, o.Policy, d.env.Now())
	}
	return err
}

// named is counts by the names of their codes.
func named(counts map[csvimport.Code]int64) map[string]int64 {
	byName := make(map[string]int64, len(counts))
	for code, n := range counts {
		byName[string(code)] = n
	}
	return byName
}

func byCode(counts map[string]int64) string {
	codes := make([]string, 0, len(counts))
	for code, n := range counts {
		codes = append(codes, fmt.Sprintf("%s %d", code, n))
	}
	slices.Sort(codes)
	return strings.Join(codes, ", ")
}

// groupsShown is how many groups a plan lists for a person.
const groupsShown = 20

// printPlan prints a plan for a person.
func printPlan(out io.Writer, p *api.Plan) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintf(w, "rows\t%d\n", p.Rows)
	fmt.Fprintf(w, "devices\t%d\n", p.Devices)
	fmt.Fprintf(w, "duplicates\t%d\n", p.Duplicates)
	fmt.Fprintf(w, "rejected\t%d  %s\n", p.Rejected, byCode(p.Rejects))
	fmt.Fprintf(w, "warnings\t%s\n", byCode(p.Warnings))
	fmt.Fprintf(w, "batches\t%d\n", p.Batches)
	for i, g := range p.Groups {
		if i == groupsShown {
			fmt.Fprintf(w, "  ...\tand %d groups more\n", len(p.Groups)-groupsShown)
			break
		}
		fmt.Fprintf(w, "  %s\t%s: %d devices in %d batches\n", g.Account, g.Plan, g.Devices, g.Batches)
	}
	fmt.Fprintf(w, "takes at least\t%s to send once  (%s)\n", p.Least, p.Reckoning)
	if len(p.Waves) > 1 {
		fmt.Fprintf(w, "waves\tthey end after %s devices\n", strings.Trim(fmt.Sprint(p.Waves), "[]"))
	}
	fmt.Fprintf(w, "sends from\t%s%s\n", clock(p.Starts), p.Schedule)
	if p.Ends != nil {
		fmt.Fprintf(w, "all sent\t%s at the earliest, in %d windows; the last answers and further attempts come after that\n",
			clock(*p.Ends), p.Windows)
	} else {
		fmt.Fprintf(w, "all sent\tnot within ten years: the windows are too short\n")
	}
	for _, advice := range p.Advice {
		fmt.Fprintf(w, "advice\t%s\n", advice)
	}
	if p.ImportedAs != "" {
		fmt.Fprintf(w, "imported before\tas job %s; import will want --again\n", p.ImportedAs)
	}
	for _, job := range p.HeldBy {
		fmt.Fprintf(w, "held\tsome of these devices are in the unfinished job %s\n", job)
	}
	return w.Flush()
}
