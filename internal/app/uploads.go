package app

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/simshift/simshift/console/api"
	"github.com/simshift/simshift/jobs"
)

// How long an upload is kept, and how many at once.
const (
	uploadKept  = time.Hour
	uploadsMost = 16
)

// spool keeps fleets that came over the API in a folder that only this user can look into, until they are jobs or too old.
type spool struct {
	folder string
	most   int64 // bytes of one
	now    func() time.Time

	mu   sync.Mutex
	held map[string]api.Upload
}

// spoolFolder is how the folders of spools are named in TMPDIR.
const spoolFolder = "simshift-uploads-*"

// openSpool makes a spool in TMPDIR, and clears away what processes that died left there.
func openSpool(most int64, now func() time.Time) (*spool, error) {
	folder, err := os.MkdirTemp("", spoolFolder) // 0700
	if err == nil {
		err = clearSpools(os.TempDir(), now().Add(-2*uploadKept))
	}
	if err != nil {
		return nil, &Failure{Code: ExitError, Err: fmt.Errorf("make a folder for uploads: %w", err),
			Hint: "set TMPDIR to a folder that can be written"}
	}
	return &spool{folder: folder, most: most, now: now, held: make(map[string]api.Upload)}, nil
}

// clearSpools removes uploads that nobody has written to since: no living process keeps one for so long. Folders stay, since a
// living process may have them. TMPDIR belongs to all users of the machine: names that are none of ours, and whatever leads out
// of it, are left alone.
func clearSpools(temp string, since time.Time) error {
	root, err := os.OpenRoot(temp)
	if err != nil {
		return err
	}
	defer func() { _ = root.Close() }()
	left, err := fs.Glob(root.FS(), spoolFolder+"/*.csv")
	for _, path := range left {
		info, err := root.Lstat(path)
		if _, wrong := uuid.Parse(strings.TrimSuffix(filepath.Base(path), ".csv")); err == nil && wrong == nil && info.ModTime().Before(since) {
			_ = root.Remove(path) // it may be another user's, or gone
		}
	}
	return err
}

func (s *spool) close() { _ = os.RemoveAll(s.folder) }

// reserve makes room for one more. Its file is not there yet.
func (s *spool) reserve(name string) (api.Upload, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.expire()
	if len(s.held) >= uploadsMost {
		return api.Upload{}, refuse("make jobs of them, or wait: each is dropped after an hour", "%d uploads are kept already", len(s.held))
	}
	u := api.Upload{ID: uuid.NewString(), Name: name}
	s.held[u.ID] = u
	return u, nil
}

// expire drops what is too old. The lock is held. An upload that is still coming has no end yet.
func (s *spool) expire() {
	now := s.now()
	for id, u := range s.held {
		if !u.Expires.IsZero() && now.After(u.Expires) {
			delete(s.held, id)
			_ = os.Remove(s.path(id))
		}
	}
}

// run drops what is too old, until ctx is done.
func (s *spool) run(ctx context.Context) {
	tick := time.NewTicker(time.Minute)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			s.mu.Lock()
			s.expire()
			s.mu.Unlock()
		}
	}
}

func (s *spool) path(id string) string { return filepath.Join(s.folder, id+".csv") }

// keep writes an upload to the disk, from where it is read as any file.
func (s *spool) keep(name string, body io.Reader) (u api.Upload, err error) {
	if u, err = s.reserve(name); err != nil {
		return u, err
	}
	defer func() {
		if err != nil {
			s.drop(u.ID)
		}
	}()
	file, err := os.OpenFile(s.path(u.ID), os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return u, explainTemp(err)
	}
	sum := sha256.New()
	u.Size, err = io.Copy(io.MultiWriter(file, sum), io.LimitReader(body, s.most+1))
	if err = errors.Join(err, file.Close()); err != nil {
		return u, fmt.Errorf("take the upload: %w", err)
	}
	if u.Size > s.most {
		return u, usage("split the file, or raise SIMSHIFT_UPLOAD_MAX", "the file is %w: it has more than %d bytes", api.ErrTooLarge, s.most)
	}
	u.SHA256, u.Expires = hex.EncodeToString(sum.Sum(nil)), s.now().Add(uploadKept).UTC().Truncate(time.Second)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.held[u.ID] = u
	return u, nil
}

func (s *spool) find(id string) (api.Upload, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	u, known := s.held[id]
	if !known || s.now().After(u.Expires) || u.SHA256 == "" {
		return u, &Failure{Code: ExitError, Err: fmt.Errorf("upload %q: %w", id, jobs.ErrNotFound),
			Hint: "send the file again: an upload is kept for an hour, by the process that took it"}
	}
	return u, nil
}

func (s *spool) drop(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.held, id)
	_ = os.Remove(s.path(id))
}

// errNoSpool is what a desk says that nobody can send files to.
var errNoSpool = errors.New("uploads are taken by simshift serve")

// Upload keeps a fleet.
func (d *deployment) Upload(_ context.Context, name string, csv io.Reader) (*api.Upload, error) {
	if d.uploads == nil {
		return nil, errNoSpool
	}
	u, err := d.uploads.keep(fileName(name), csv)
	if err != nil {
		return nil, err
	}
	return &u, nil
}

// fileName is the last part of a name that came from elsewhere, which may be a path of another system.
func fileName(name string) string {
	name = name[strings.LastIndexAny(name, `/\`)+1:]
	name = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return -1
		}
		return r
	}, strings.ToValidUTF8(name, ""))
	if name == "" {
		return "fleet.csv"
	}
	return name[:min(len(name), 200)]
}

// surveyed reads and checks an upload.
func (d *deployment) surveyed(ctx context.Context, id string, order api.Order, use func(*survey) error) error {
	if d.uploads == nil {
		return errNoSpool
	}
	u, err := d.uploads.find(id)
	if err != nil {
		return err
	}
	o, err := optionsOf(&order)
	if err != nil {
		return err
	}
	if o.Target != "" { // a plan can do without
		if _, err := o.target(); err != nil {
			return err
		}
	}
	o.stamp = func(job *jobs.Job) {
		job.File = u.Name
		if order.Name == "" {
			job.Name = strings.TrimSuffix(u.Name, filepath.Ext(u.Name))
		}
	}
	s, err := d.survey(ctx, d.uploads.path(id), o)
	if err != nil {
		return err
	}
	defer s.close()
	return use(s)
}

// Plan tells what would become of an upload.
func (d *deployment) Plan(ctx context.Context, upload string, order api.Order) (p *api.Plan, err error) {
	err = d.surveyed(ctx, upload, order, func(s *survey) error {
		p = s.planned()
		return nil
	})
	return p, err
}

// Rejects writes an upload's rejected rows.
func (d *deployment) Rejects(ctx context.Context, upload string, order api.Order, w io.Writer) error {
	return d.surveyed(ctx, upload, order, func(s *survey) error { return s.rejects(ctx, w) })
}

// Import makes a job of an upload. What may not become one is refused as by the command.
func (d *deployment) Import(ctx context.Context, upload string, order api.Order) (job *jobs.Job, err error) {
	if _, err := (&ImportOptions{Target: order.Target}).target(); err != nil {
		return nil, err
	}
	err = d.surveyed(ctx, upload, order, func(s *survey) error {
		if err := allow(ctx, d.env, s, s.path, s.o); err != nil {
			return err
		}
		made, err := s.commit(ctx)
		job = &made
		return err
	})
	if err != nil {
		return nil, err
	}
	d.uploads.drop(upload)
	return job, nil
}

// sent is a fleet that lies where the desk is.
type sent struct {
	desk   api.Desk
	upload string
	order  api.Order
	plan   *api.Plan
}

// sendFleet sends a file to where the desk is, and asks what would become of it.
func sendFleet(ctx context.Context, env *Env, desk api.Desk, path string, o *ImportOptions) (*sent, error) {
	tried := o.Policy // what is wrong with the policy is told before a large file is sent
	tried.Brake.Faults = nil
	if err := o.Rollout.apply(&tried, env.Now()); err != nil {
		return nil, err
	}
	if err := tried.Validate(); err != nil {
		return nil, usage(settingHelp, "%w", err)
	}
	source, err := openSource(env, path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = source.Close() }()
	name := filepath.Base(path)
	if path == "-" {
		name = "standard input"
	}
	upload, err := desk.Upload(ctx, name, showingUpload(env, source, path))
	if err != nil {
		return nil, err
	}
	s := &sent{desk: desk, upload: upload.ID, order: orderOf(o)}
	if path == "-" && s.order.Name == "" {
		s.order.Name = "stdin"
	}
	s.plan, err = desk.Plan(ctx, upload.ID, s.order)
	return s, err
}

func (s *sent) planned() *api.Plan { return s.plan }

func (s *sent) rejects(ctx context.Context, w io.Writer) error {
	return s.desk.Rejects(ctx, s.upload, s.order, w)
}

func (s *sent) commit(ctx context.Context) (jobs.Job, error) {
	job, err := s.desk.Import(ctx, s.upload, s.order)
	if err != nil {
		return jobs.Job{}, err
	}
	return *job, nil
}

// close leaves the upload to its end: it is not worth a request.
func (s *sent) close() {}

// showingUpload shows how much of a file has been sent.
func showingUpload(env *Env, source io.Reader, path string) io.Reader {
	var size int64
	if info, err := os.Stat(path); err == nil {
		size = info.Size()
	}
	return &shownReader{source: source, bar: newProgress(env), size: size}
}

type shownReader struct {
	source     io.Reader
	bar        *progress
	sent, size int64
}

func (r *shownReader) Read(p []byte) (int, error) {
	n, err := r.source.Read(p)
	r.sent += int64(n)
	r.bar.set("sending", r.sent, r.size, "bytes", false)
	if err != nil {
		r.bar.close()
	}
	return n, err
}
