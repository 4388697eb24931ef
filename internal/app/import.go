package app

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/simshift/simshift/console/api"
	"github.com/simshift/simshift/jobs"
	"github.com/simshift/simshift/ledger"
)

// ImportOptions are the flags of plan and import.
type ImportOptions struct {
	Target      string
	Account     string // of rows without their own
	Plan        string // of rows without their own
	Name        string
	Policy      jobs.Policy
	Rollout     Rollout
	Strict      bool
	SkipRejects bool
	Again       bool
	Reason      string
	Yes         bool
	RejectsFile string
	Format      Format

	remote bool            // asked over the API: rejected rows are not kept in a file here
	stamp  func(*jobs.Job) // says of the job where it comes from, if that is no file of a person's
}

// settingHelp is what to do about a setting of a job that is out of its range.
const settingHelp = "`simshift import --help` shows every setting with its default"

// NewImportOptions gives the defaults.
func NewImportOptions() *ImportOptions { return &ImportOptions{Policy: jobs.DefaultPolicy()} }

// proposal is a fleet that was read and checked, here or where the desk is, and what would become of it. Nothing is written
// yet.
type proposal interface {
	planned() *api.Plan
	// rejects writes the rejected rows with what is wrong with each.
	rejects(ctx context.Context, w io.Writer) error
	// commit makes the job.
	commit(ctx context.Context) (jobs.Job, error)
	close()
}

// propose reads and checks a fleet.
func propose(ctx context.Context, env *Env, desk api.Desk, path string, o *ImportOptions) (proposal, error) {
	if d, here := desk.(*deployment); here {
		s, err := d.survey(ctx, path, o)
		if err != nil {
			return nil, err
		}
		return s, nil
	}
	return sendFleet(ctx, env, desk, path, o)
}

// Import checks a fleet, creates its job and queues it, and prints the job's id.
func Import(ctx context.Context, env *Env, path string, o *ImportOptions) error {
	if _, err := o.target(); err != nil {
		return err
	}
	return atDesk(ctx, env, func(desk api.Desk) error {
		job, err := importFleet(ctx, env, desk, path, o)
		if errors.Is(err, context.Canceled) {
			return errStopped
		}
		if err != nil {
			return err
		}
		return printImported(env, job, o.Format)
	})
}

// errStopped is an interrupted import.
var errStopped = &Failure{Code: ExitError, Err: errors.New("stopped; nothing was created"), Hint: "run it again from the start"}

// printImported prints a new job's id, and what comes next.
func printImported(env *Env, job jobs.Job, format Format) error {
	if format == JSON {
		return printJSON(env.Out, job)
	}
	fmt.Fprintln(env.Out, job.ID)
	if job.State == jobs.Paused {
		fmt.Fprintf(env.Err, "job %s waits: %s\n", job.ID, job.Hold)
		return nil
	}
	fmt.Fprintf(env.Err, "job %s is queued: `simshift jobs watch %s` follows it\n", job.ID, job.ID)
	return nil
}

// importFleet takes a file all the way to a running job.
func importFleet(ctx context.Context, env *Env, desk api.Desk, path string, o *ImportOptions) (jobs.Job, error) {
	p, err := propose(ctx, env, desk, path, o)
	if err != nil {
		return jobs.Job{}, err
	}
	defer p.close()
	if err := allow(ctx, env, p, path, o); err != nil {
		return jobs.Job{}, err
	}
	return p.commit(ctx)
}

func (o *ImportOptions) target() (jobs.Target, error) {
	target, err := jobs.ParseTarget(o.Target)
	if o.Target == "" {
		err = errors.New("there is no --target")
	}
	if err != nil {
		return target, usage("say where the profiles belong: --target global or --target us", "%w", err)
	}
	return target, nil
}

// allow stops an import that should not happen: rejected rows, a file imported before, or a person's no.
func allow(ctx context.Context, env *Env, p proposal, path string, o *ImportOptions) error {
	if err := refuseAgain(p.planned(), o); err != nil { // before the rejects: every device of the file would be held by its first job
		return err
	}
	if err := keepRejects(ctx, env, p, path, o); err != nil {
		return err
	}
	if err := refuseRejects(p.planned(), o); err != nil {
		return err
	}
	if !env.Asks || o.Yes {
		return nil
	}
	if err := printPlan(env.Err, p.planned()); err != nil {
		return err
	}
	return ask(env, fmt.Sprintf("Move %d devices to %s?", p.planned().Devices, o.Target))
}

// ask asks a person, and takes no answer for a no.
func ask(env *Env, question string) error {
	fmt.Fprintf(env.Err, "\n%s [y/N] ", question)
	answer, _ := bufio.NewReader(env.In).ReadString('\n')
	if a := strings.ToLower(strings.TrimSpace(answer)); a != "y" && a != "yes" {
		return refuse("--yes imports without asking", "nothing was created")
	}
	return nil
}

// refuseAgain refuses a file that is a job already.
func refuseAgain(p *api.Plan, o *ImportOptions) error {
	if p.ImportedAs == "" || o.Again {
		return nil
	}
	return refuse("`simshift jobs show "+p.ImportedAs+"` shows it; --again imports the file a second time",
		"this very file was imported before, as job %s", p.ImportedAs)
}

// create writes the job. Until its last step nothing of it runs, and a death at any point leaves nothing that matters.
func (d *deployment) create(ctx context.Context, s *survey, o *ImportOptions) (job jobs.Job, err error) {
	target, err := o.target()
	if err != nil {
		return job, err
	}
	id, err := uuid.NewV7()
	if err != nil {
		return job, fmt.Errorf("make a job id: %w", err)
	}
	job = jobs.Job{
		ID: id.String(), Name: o.Name, Target: target, Policy: o.Policy, File: filepath.Base(s.path),
		FileSHA256: s.plan.SHA256, Reading: o.reading(), CreatedAt: d.env.Now().UTC().Truncate(time.Millisecond), Priority: o.Rollout.Priority,
	}
	if job.Name == "" {
		job.Name = strings.TrimSuffix(job.File, filepath.Ext(job.File))
	}
	if s.path == "-" {
		job.File = "standard input"
		job.Name = cmp.Or(o.Name, "stdin")
	}
	if o.stamp != nil {
		o.stamp(&job)
	}
	for _, g := range s.plan.Groups {
		job.Groups = append(job.Groups, g.Group)
	}
	job.Duplicates, job.Rejected = s.plan.Duplicates, s.plan.Rejected
	e, err := d.act(ctx, jobs.ActImported, fmt.Sprintf("%d devices from %s", s.plan.Devices, job.File), o.Reason)
	if err != nil {
		return job, err
	}
	job.CreatedBy = e.Who
	if err := d.ledger.Create(ctx, job); err != nil {
		return job, err
	}
	committed := false
	defer func() {
		if err != nil && !committed {
			after := context.WithoutCancel(ctx)
			err = errors.Join(err, d.ledger.Abandon(after, job.ID), d.ledger.Delete(after, job.ID))
		}
	}()
	gate, err := d.enterGate(ctx, job.ID)
	if err != nil {
		return job, err
	}
	defer func() { err = errors.Join(err, gate.Leave(context.WithoutCancel(ctx))) }()

	// What was checked before the gate is checked again behind it, where no other import can commit any more.
	if err := d.recheck(ctx, s, o); err != nil {
		return job, err
	}
	if err := d.write(ctx, s, job.ID); err != nil {
		return job, err
	}
	hold, err := d.approval(job.ID, s.plan.Devices)
	if err != nil {
		return job, err
	}
	if err := d.ledger.Commit(ctx, job, s.plan.Devices, hold, e); err != nil {
		return job, err
	}
	committed = true
	if job.Devices = s.plan.Devices; d.tracer != nil {
		d.tracer.Imported(&job, job.CreatedAt, d.env.Now())
	}
	if hold != "" {
		note := jobs.Entry{Who: "simshift", Act: jobs.ActApproval, Words: hold}
		if err := d.ledger.Note(ctx, job.ID, note); err != nil {
			return job, err
		}
	}
	return d.start(ctx, job.ID)
}

// approval is what a job waits for that is too large for one person to decide about; "" where it does not.
func (d *deployment) approval(id string, devices int64) (string, error) {
	if most, err := d.approveAbove(); err != nil || most == 0 || devices <= most {
		return "", err
	}
	return "a second person must say `simshift jobs approve " + id + "`: the job has more devices than SIMSHIFT_APPROVE_ABOVE", nil
}

// approveAbove is how many devices one person may decide about; 0: any number.
func (d *deployment) approveAbove() (int64, error) {
	r := reader{env: d.env}
	most := r.number("APPROVE_ABOVE", 0, 1<<40)
	return most, r.err
}

// start wakes a worker for a new job and reads it. A failure here is none of the import's: the job is committed, and
// the sweeper of any worker finds it.
func (d *deployment) start(ctx context.Context, id string) (jobs.Job, error) {
	if err := d.tasks.Advance(ctx, id); err != nil {
		d.log.WarnContext(ctx, "the job is there, but no worker was woken; the next sweep will", "job", id, "error", err)
	}
	return d.ledger.Job(ctx, id)
}

// recheck looks for what other imports did since the survey.
func (d *deployment) recheck(ctx context.Context, s *survey, o *ImportOptions) error {
	before := s.plan.Rejected
	if err := d.lookUp(ctx, s); err != nil {
		return err
	}
	if err := refuseAgain(&s.plan, o); err != nil {
		return err
	}
	if err := d.markHeld(ctx, s); err != nil {
		return err
	}
	if s.plan.Rejected == before {
		return nil
	}
	// The groups and counts of the job are written already; a fleet that changed under our hands starts over.
	return &Failure{
		Code: ExitIncomplete, Err: errors.New("another import took some of these devices meanwhile; nothing was created"),
		Hint: "run the import again: it will name them",
	}
}

// write writes the roster.
func (d *deployment) write(ctx context.Context, s *survey, job string) error {
	bar := newProgress(d.env)
	defer bar.close()
	var written int64
	err := s.fleet.Chunks(ctx, func(chunk jobs.Chunk, devices []jobs.Device) error {
		if err := d.ledger.AddChunk(ctx, job, chunk, devices); err != nil {
			return err
		}
		written += int64(chunk.Size)
		bar.set("writing", written, s.plan.Devices, "devices", false)
		return nil
	})
	if err != nil {
		return fmt.Errorf("write the roster: %w", err)
	}
	return nil
}

// enterGate waits until this import is the only one that writes.
func (d *deployment) enterGate(ctx context.Context, job string) (*ledger.Gate, error) {
	const look = time.Second
	for told := ""; ; {
		gate, holder, until, err := d.ledger.EnterGate(ctx, job)
		if err != nil || gate != nil {
			return gate, err
		}
		if holder != told {
			told = holder
			fmt.Fprintf(d.env.Err, "waits: another import (%s) is writing; if it died, this one goes on at %s\n", holder, clock(until))
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(look):
		}
	}
}

// rejectsPath is where rejected rows are written: FLEET.rejected.csv beside FLEET.csv.
func rejectsPath(path string, o *ImportOptions) string {
	if o.RejectsFile != "" {
		return o.RejectsFile
	}
	if path == "-" {
		return "stdin.rejected.csv"
	}
	return strings.TrimSuffix(path, filepath.Ext(path)) + ".rejected.csv"
}

// keepRejects writes the rejected rows into a file, and says so.
func keepRejects(ctx context.Context, env *Env, p proposal, path string, o *ImportOptions) error {
	plan := p.planned()
	if plan.Rejected == 0 || o.remote {
		return nil
	}
	to := rejectsPath(path, o)
	file, err := os.OpenFile(to, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600) //nolint:gosec // the user names it
	if err != nil {
		return &Failure{Code: ExitError, Err: fmt.Errorf("write the rejected rows: %w", err), Hint: "name another file with --rejects"}
	}
	if err := errors.Join(p.rejects(ctx, file), file.Close()); err != nil {
		return fmt.Errorf("write the rejected rows: %w", err)
	}
	fmt.Fprintf(env.Err, "%d of %d rows are rejected (%s); %s tells which, and why\n", plan.Rejected, plan.Rows, byCode(plan.Rejects), to)
	return nil
}

// refuseRejects refuses an import because of rejected rows, unless they are to be skipped.
func refuseRejects(p *api.Plan, o *ImportOptions) error {
	switch {
	case p.Rejected == 0:
		return nil
	case p.Devices == 0:
		return &Failure{Code: ExitIncomplete, Err: errors.New("no row is left to import; nothing was created"),
			Hint: "the rejected rows tell what is wrong with each"}
	case o.SkipRejects:
		return nil
	}
	return &Failure{Code: ExitIncomplete, Err: fmt.Errorf("%d rows are rejected; nothing was created", p.Rejected),
		Hint: "correct them, or go on without them with --skip-rejects"}
}
