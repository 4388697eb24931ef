package main

import (
	"bytes"
	"cmp"
	"context"
	"flag"
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"image/png"
	"maps"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/simshift/simshift/console/access"
	"github.com/simshift/simshift/console/fixture"
	"github.com/simshift/simshift/console/pages"
	"github.com/simshift/simshift/internal/browsertest"
	"github.com/simshift/simshift/internal/madeup"
	"github.com/simshift/simshift/jobs"
)

// write is where the pictures of the documents go; without it, none are taken.
var write = flag.String("write", "", "take pictures of the console's pages into this `folder`")

const (
	largest = 200_000 // bytes of a picture
	tallest = 1300    // pixels
)

// picture is a page as somebody sees it.
type picture struct {
	name, path string
	width      int
	scheme     browsertest.Scheme
}

// The pictures of README.md and docs/console.md: the same night each time, at the same moment.
func TestPictures(t *testing.T) {
	if *write == "" {
		t.Skip("`make screenshots` takes the pictures")
	}
	now := func() time.Time { return fixture.Midnight }
	desk := fixture.New(now, 1)
	desk.Tidy()
	handler, hub := console(desk, access.Person{Name: "mara", Role: access.Operator}, pages.Options{Now: now, Zone: time.UTC})
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() { defer close(ended); hub.Run(ctx) }()
	server := httptest.NewServer(handler)
	t.Cleanup(func() { stop(); <-ended; server.Close() })

	page := browsertest.Start(t).Page(t)
	job := "/jobs/" + desk.JobNamed(fixture.Night)
	for _, p := range []picture{
		{"overview", "/", 1280, browsertest.Light},
		{"job", job, 1280, browsertest.Light},
		{"job-dark", job, 1280, browsertest.Dark},
		{"job-phone", job, 390, browsertest.Light},
		{"plan", planned(t, desk), 1280, browsertest.Light},
		{"device", told(t, desk), 1280, browsertest.Light},
	} {
		page.Show(p.width, p.scheme)
		page.Open(server.URL + p.path)
		save(t, filepath.Join(*write, "console-"+p.name+".png"), page.PNG())
	}
}

// planned uploads a fleet with two rows that are rejected, and gives the path of its plan.
func planned(t *testing.T, desk *fixture.Desk) string {
	t.Helper()
	var fleet bytes.Buffer
	fleet.WriteString("eid,iccid,imei,account_name\n" +
		"8.90149E+31,8944538000000000002,,0000123456-00001\n,8944538000000000010,,0000123456-00001\n")
	for i := range 64_000 {
		d := madeup.Device(1_000_000 + i)
		fmt.Fprintf(&fleet, "%s,%s,%s,0000123456-%05d\n", d.EID, d.ICCID, d.IMEI, 1+i%3/2)
	}
	up, err := desk.Upload(t.Context(), "midwest-summer.csv", &fleet)
	if err != nil {
		t.Fatal(err)
	}
	how := url.Values{
		"file": {up.Name}, "target": {"global"}, "name": {"Midwest fleet, summer move"}, "service_plan": {"Global IoT 5MB"},
		"waves": {"100,5%,100%"}, "gate": {"95%"}, "windows": {"mon-fri 22:00-05:00"}, "tz": {"America/Chicago"}, "skip_rejects": {"1"},
	}
	return "/import/" + up.ID + "?" + how.Encode()
}

// told gives the path of a device that did not move at once.
func told(t *testing.T, desk *fixture.Desk) string {
	t.Helper()
	for i := range 10_000 {
		eid := madeup.Device(i).EID
		found, err := desk.Device(t.Context(), eid)
		if err != nil {
			t.Fatal(err)
		}
		if len(found[0].Story) > 2 && found[0].State == jobs.Succeeded {
			return "/devices?q=" + eid
		}
	}
	t.Fatal("no device has a story")
	return ""
}

// save cuts a picture to the height of the tallest, and packs it as small as it gets.
func save(t *testing.T, path string, text []byte) {
	t.Helper()
	shot, err := png.Decode(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	edge := shot.Bounds()
	edge.Max.Y = min(edge.Max.Y, tallest)
	var b bytes.Buffer
	if err := (&png.Encoder{CompressionLevel: png.BestCompression}).Encode(&b, inFewColours(shot, edge)); err != nil {
		t.Fatal(err)
	}
	if b.Len() > largest {
		t.Errorf("%s has %d bytes, which is much for a document", path, b.Len())
	}
	if err := os.WriteFile(path, b.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
}

// inFewColours copies a part of a picture in its 256 most frequent colours: pages have few, and the rest is on the edges of letters.
func inFewColours(from image.Image, part image.Rectangle) image.Image {
	whole := image.NewNRGBA(part)
	draw.Draw(whole, part, from, part.Min, draw.Src)
	times := make(map[color.NRGBA]int)
	for pixel := range slices.Chunk(whole.Pix, 4) {
		times[color.NRGBA{pixel[0], pixel[1], pixel[2], pixel[3]}]++
	}
	colours := slices.SortedFunc(maps.Keys(times), func(a, b color.NRGBA) int {
		return cmp.Or(times[b]-times[a], int(a.R)-int(b.R), int(a.G)-int(b.G), int(a.B)-int(b.B))
	})
	var palette color.Palette
	for _, c := range colours[:min(len(colours), 256)] {
		palette = append(palette, c)
	}
	few := image.NewPaletted(part, palette)
	draw.Draw(few, part, whole, part.Min, draw.Src)
	return few
}
