package app

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/google/uuid"

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

	stamp func(*jobs.Job) // says of the job where it comes from, if that is no file of a person's
}

// settingHelp is what to do about a setting of a job that is out of its range.
const settingHelp = "`simshift import --help` shows every setting with its default"

// NewImportOptions gives the defaults.
func NewImportOptions() *ImportOptions { return &ImportOptions{Policy: jobs.DefaultPolicy()} }

// Import checks a fleet, creates its job and queues it, and prints the job's id.
func Import(ctx context.Context, env *Env, path string, o *ImportOptions) error {
	d, err := open(ctx, env)
	if err != nil {
		return err
	}
	defer d.Close()
	job, err := d.imported(ctx, path, o)
	if err != nil {
		return err
	}
	return d.printImported(job, o.Format)
}

// errStopped is an interrupted import.
var errStopped = &Failure{Code: ExitError, Err: errors.New("stopped; nothing was created"), Hint: "run it again from the start"}

// imported is importFleet for a person who may interrupt it.
func (d *deployment) imported(ctx context.Context, path string, o *ImportOptions) (jobs.Job, error) {
	job, err := d.importFleet(ctx, path, o)
	if errors.Is(err, context.Canceled) {
		return job, errStopped
	}
	return job, err
}

// printImported prints a new job's id, and what comes next.
func (d *deployment) printImported(job jobs.Job, format Format) error {
	env := d.env
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
func (d *deployment) importFleet(ctx context.Context, path string, o *ImportOptions) (jobs.Job, error) {
	target, err := o.target()
	if err != nil {
		return jobs.Job{}, err
	}
	if _, err := d.approveAbove(); err != nil { // before anything is written
		return jobs.Job{}, err
	}
	survey, err := d.survey(ctx, path, o)
	if err != nil {
		return jobs.Job{}, err
	}
	defer survey.close()
	if err := d.allow(ctx, survey, o); err != nil {
		return jobs.Job{}, err
	}
	return d.create(ctx, survey, target, o)
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
func (d *deployment) allow(ctx context.Context, s *survey, o *ImportOptions) error {
	if err := d.refuseAgain(ctx, s, o); err != nil { // before the rejects: every device of the file would be held by its first job
		return err
	}
	if err := s.refuseRejects(ctx, d.env, o); err != nil {
		return err
	}
	if !d.env.Asks || o.Yes {
		return nil
	}
	if err := s.print(d.env.Err, Table); err != nil {
		return err
	}
	fmt.Fprintf(d.env.Err, "\nMove %d devices to %s? [y/N] ", s.plan.Devices, o.Target)
	answer, _ := bufio.NewReader(d.env.In).ReadString('\n') // no answer is a no
	if a := strings.ToLower(strings.TrimSpace(answer)); a != "y" && a != "yes" {
		return refuse("--yes imports without asking", "nothing was created")
	}
	return nil
}

// refuseAgain refuses a file that is a job already.
func (d *deployment) refuseAgain(ctx context.Context, s *survey, o *ImportOptions) error {
	if o.Again {
		return nil
	}
	job, err := d.ledger.ImportedAs(ctx, s.plan.SHA256)
	if err != nil {
		return err
	}
	if job != "" {
		return refuse("`simshift jobs show "+job+"` shows it; --again imports the file a second time",
			"this very file was imported before, as job %s", job)
	}
	return nil
}

// create writes the job. Until its last step nothing of it runs, and a death at any point leaves nothing that matters.
func (d *deployment) create(ctx context.Context, s *survey, target jobs.Target, o *ImportOptions) (job jobs.Job, err error) {
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
	e, err := d.act(jobs.ActImported, fmt.Sprintf("%d devices from %s", s.plan.Devices, job.File), o.Reason)
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
	if err := d.refuseAgain(ctx, s, o); err != nil {
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

// writeRejects writes the rejected rows with what is wrong with each.
func (s *survey) writeRejects(ctx context.Context, path string) error {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600) //nolint:gosec // the user names it
	if err != nil {
		return &Failure{Code: ExitError, Err: fmt.Errorf("write the rejected rows: %w", err), Hint: "name another file with --rejects"}
	}
	if err := errors.Join(s.fleet.WriteRejects(ctx, file), file.Close()); err != nil {
		return fmt.Errorf("write the rejected rows: %w", err)
	}
	return nil
}
