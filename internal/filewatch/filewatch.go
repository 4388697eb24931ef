// Package filewatch tells when files have changed, to whoever goes on with what was in them: certificates, who may use the console.
package filewatch

import (
	"os"
	"slices"
	"time"
)

// Every is how often the files are looked at, at most.
const Every = time.Second

// Files are looked at together. They are no good for use by several goroutines at once.
type Files struct {
	paths  []string
	read   []stamp // when they were read last, good or bad
	looked time.Time
}

// stamp changes when a file does. The zero stamp is a file that can not be looked at.
type stamp struct{ changed, size int64 }

// Over begins to watch files that are about to be read: what changes after this is news.
func Over(now time.Time, paths ...string) *Files {
	f := &Files{paths: paths, looked: now}
	f.read = f.stamps()
	return f
}

// Changed tells whether the files are to be read again: they are others than they were when it said so last. It looks before
// they are read, so that what changes meanwhile is read again next time.
func (f *Files) Changed(now time.Time) bool {
	if now.Sub(f.looked).Abs() < Every {
		return false
	}
	f.looked = now
	there := f.stamps()
	if slices.Equal(there, f.read) {
		return false
	}
	f.read = there
	return true
}

func (f *Files) stamps() []stamp {
	stamps := make([]stamp, len(f.paths))
	for i, path := range f.paths {
		if info, err := os.Stat(path); err == nil {
			stamps[i] = stamp{info.ModTime().UnixNano(), info.Size()}
		}
	}
	return stamps
}
