package csvimport

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"syscall"
	"testing"
)

func testSpool(t *testing.T) *spool {
	t.Helper()
	s, err := newSpool(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.close() })
	return s
}

func TestSorterKeepsTheOrderWithinABucketOverManyRuns(t *testing.T) {
	s := newSorter(testSpool(t), entrySize)
	const rows, buckets = 3 * slabSize / entrySize, 300
	for i := range uint32(rows) {
		e := entry{}
		e.Row = i
		if err := s.add(i*7%buckets, e.append(nil, false)); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.release(); err != nil {
		t.Fatal(err)
	}
	seen := 0
	for bucket := range s.count() {
		last := int64(-1)
		for p, err := range s.records(bucket, make([]byte, 5*entrySize+3)) {
			if err != nil {
				t.Fatal(err)
			}
			row := packed(p).row()
			if int64(row) <= last || int(row*7%buckets) != bucket {
				t.Fatalf("bucket %d has row %d after %d", bucket, row, last)
			}
			last = int64(row)
			seen++
		}
	}
	if seen != rows || len(s.runs) < 3 || s.holds(buckets) || !s.holds(7) {
		t.Errorf("%d of %d records in %d runs", seen, rows, len(s.runs))
	}
}

func TestAFullDiskIsExplained(t *testing.T) {
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if err != nil {
		t.Skip("this system has no /dev/full")
	}
	s := &spool{file: full, dir: "/spool/folder", forecast: func(int64) int64 { return 1_680_000 }}
	defer func() { _ = s.file.Close() }()
	_, err = s.append([]byte("x"))
	if !errors.Is(err, ErrSpool) || !errors.Is(err, syscall.ENOSPC) ||
		!strings.Contains(err.Error(), "/spool/folder") || !strings.Contains(err.Error(), "1680000 bytes") {
		t.Error(err)
	}
}

func TestRefusesAFileWithAbsurdlyManyGroups(t *testing.T) {
	var text strings.Builder
	text.WriteString(standard)
	for i := range maxGroups + 1 {
		fmt.Fprintf(&text, "%032d,%019d,,A%d,P\n", i, i, i)
	}
	_, err := Read(t.Context(), strings.NewReader(text.String()), "", Options{TempDir: t.TempDir()})
	if !errors.Is(err, ErrFile) || !strings.Contains(err.Error(), "10000 pairs") {
		t.Error(err)
	}
}
