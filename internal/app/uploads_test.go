package app

import (
	"errors"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/simshift/simshift/console/api"
	"github.com/simshift/simshift/jobs"
)

// newSpool makes a spool in a TMPDIR of its own, with a clock that the test moves.
func newSpool(t *testing.T, most int64) (s *spool, now *time.Time) {
	t.Helper()
	t.Setenv("TMPDIR", t.TempDir())
	at := time.Now() // files are dated by the system's clock
	s, err := openSpool(most, func() time.Time { return at })
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.close)
	return s, &at
}

func spooled(t *testing.T, s *spool) int {
	t.Helper()
	files, err := os.ReadDir(s.folder)
	if err != nil {
		t.Fatal(err)
	}
	return len(files)
}

func TestAnUploadIsKeptForAnHour(t *testing.T) {
	s, now := newSpool(t, 100)
	u, err := s.keep("fleet.csv", strings.NewReader("eid,iccid\n"))
	if err != nil {
		t.Fatal(err)
	}
	const sum = "411f09571f610205fa0c389fa47c42172c1a34a3b4fe5bdfef01d14f9229653d"
	if text, err := os.ReadFile(s.path(u.ID)); err != nil || string(text) != "eid,iccid\n" || u.Size != 10 || u.SHA256 != sum {
		t.Errorf("%+v holds %q (%v)", u, text, err)
	}
	if info, err := os.Stat(s.folder); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("the folder is %v (%v)", info.Mode(), err)
	}
	*now = now.Add(time.Hour - time.Minute)
	if _, err := s.find(u.ID); err != nil {
		t.Error(err)
	}
	*now = now.Add(2 * time.Minute)
	if _, err := s.find(u.ID); !errors.Is(err, jobs.ErrNotFound) || Hint(err) == "" {
		t.Errorf("after an hour: %v", err)
	}
	s.expire()
	if n := spooled(t, s); n != 0 {
		t.Errorf("%d files are left", n)
	}
}

// brokenReader breaks off in the middle.
type brokenReader struct{ io.Reader }

func (r brokenReader) Read(p []byte) (int, error) {
	n, err := r.Reader.Read(p)
	if errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	return n, err
}

func TestAnUploadThatIsTooLargeOrBreaksOffLeavesNothing(t *testing.T) {
	s, _ := newSpool(t, 10)
	if _, err := s.keep("f", strings.NewReader("0123456789")); err != nil {
		t.Errorf("as large as may be: %v", err)
	}
	_, err := s.keep("f", strings.NewReader("0123456789a"))
	p := api.ProblemOf(err)
	if p.Status != http.StatusRequestEntityTooLarge || p.Code != ExitUsage || !strings.Contains(p.Hint, "UPLOAD_MAX") {
		t.Errorf("too large: %+v", p)
	}
	if _, err := s.keep("f", brokenReader{strings.NewReader("012")}); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("broken off: %v", err)
	}
	if n := spooled(t, s); n != 1 || len(s.held) != 1 {
		t.Errorf("%d files and %d uploads are left, not one", n, len(s.held))
	}
}

func TestUploadsAreBoundedAndMakeRoomWhenTheyAreOld(t *testing.T) {
	s, now := newSpool(t, 10)
	for range uploadsMost {
		if _, err := s.keep("f", strings.NewReader("x")); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := s.keep("f", strings.NewReader("x")); ExitCode(err) != ExitRefused {
		t.Errorf("one more: %v", err)
	}
	*now = now.Add(2 * time.Hour)
	if _, err := s.keep("f", strings.NewReader("x")); err != nil {
		t.Errorf("after two hours: %v", err)
	}
}

// slowReader is an upload that takes longer than one is kept.
type slowReader struct {
	io.Reader

	meanwhile func()
}

func (r slowReader) Read(p []byte) (int, error) {
	r.meanwhile()
	return r.Reader.Read(p)
}

func TestAnUploadThatTakesLongIsNotTooOldMeanwhile(t *testing.T) {
	s, now := newSpool(t, 10)
	u, err := s.keep("f", slowReader{strings.NewReader("x"), func() {
		*now = now.Add(time.Hour)
		s.expire()
	}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.find(u.ID); err != nil || spooled(t, s) != 1 {
		t.Errorf("%d files, %v", spooled(t, s), err)
	}
}

func TestWhatADeadProcessLeftIsClearedAway(t *testing.T) {
	temp := t.TempDir()
	t.Setenv("TMPDIR", temp)
	folder := filepath.Join(temp, "simshift-uploads-123")
	if err := os.Mkdir(folder, 0o700); err != nil {
		t.Fatal(err)
	}
	old, fresh, theirs := uuid.NewString()+".csv", uuid.NewString()+".csv", "fleet.csv"
	now := time.Now()
	for name, age := range map[string]time.Duration{old: 3 * time.Hour, fresh: time.Hour, theirs: 3 * time.Hour} {
		path := filepath.Join(folder, name)
		if err := errors.Join(os.WriteFile(path, nil, 0o600), os.Chtimes(path, now.Add(-age), now.Add(-age))); err != nil {
			t.Fatal(err)
		}
	}
	s, err := openSpool(10, func() time.Time { return now })
	if err != nil {
		t.Fatal(err)
	}
	defer s.close()
	for name, left := range map[string]bool{old: false, fresh: true, theirs: true} {
		if _, err := os.Stat(filepath.Join(folder, name)); (err == nil) != left {
			t.Errorf("%s is left: %v (%v)", name, err == nil, err)
		}
	}
}
