package housekeeping

import (
	"io/fs"
	"path"
	"regexp"
	"strings"
	"testing"
)

// largestPicture bounds what a picture costs whoever reads a document, in bytes.
const largestPicture = 200_000

func TestWhatDocumentsLinkToIsThere(t *testing.T) {
	t.Parallel()
	files := root(t)
	documents, err := fs.Glob(files, "docs/*.md")
	if err != nil {
		t.Fatal(err)
	}
	links := regexp.MustCompile(`\]\(([^)#:]+)(?:#[^)]*)?\)|src="([^":]+)"`)
	found := make(map[string]bool)
	for _, document := range append(documents, "README.md", "CONTRIBUTING.md", "CHANGELOG.md") {
		for _, link := range links.FindAllStringSubmatch(read(t, files, document), -1) {
			to := path.Join(path.Dir(document), link[1]+link[2])
			found[to] = true
			if info, err := fs.Stat(files, to); err != nil {
				t.Errorf("%s links to %s: %v", document, to, err)
			} else if strings.HasSuffix(to, ".png") && info.Size() > largestPicture {
				t.Errorf("%s shows %s, which has %d bytes", document, to, info.Size())
			}
		}
	}
	pictures, err := fs.Glob(files, "docs/images/*")
	if err != nil || len(pictures) == 0 {
		t.Fatalf("no pictures: %v", err)
	}
	for _, picture := range pictures {
		if !found[picture] {
			t.Errorf("no document shows %s", picture)
		}
	}
}
