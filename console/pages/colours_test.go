package pages_test

import (
	"math"
	"os"
	"regexp"
	"strconv"
	"testing"

	"github.com/simshift/simshift/console/chart"
)

var colour = regexp.MustCompile(`--([a-z-]+): #([0-9a-f]{6});`)

// Of the two schemes the light one comes first in each file, then the dark one.
func palettes(t *testing.T) (light, dark map[string]float64) {
	t.Helper()
	text, err := os.ReadFile("static/console.css")
	if err != nil {
		t.Fatal(err)
	}
	light, dark = map[string]float64{}, map[string]float64{}
	for _, css := range []string{chart.Style, string(text)} {
		for _, c := range colour.FindAllStringSubmatch(css, -1) {
			if _, known := light[c[1]]; !known {
				light[c[1]] = luminance(c[2])
			} else if _, known := dark[c[1]]; !known {
				dark[c[1]] = luminance(c[2])
			}
		}
	}
	return light, dark
}

// luminance is relative, as WCAG 2.2 defines it.
func luminance(hex string) float64 {
	sum := 0.0
	for i, weight := range []float64{0.2126, 0.7152, 0.0722} {
		n, _ := strconv.ParseUint(hex[2*i:2*i+2], 16, 8)
		part := float64(n) / 255
		if part <= 0.04045 {
			part /= 12.92
		} else {
			part = math.Pow((part+0.055)/1.055, 2.4)
		}
		sum += weight * part
	}
	return sum
}

func TestColoursCanBeToldApart(t *testing.T) {
	t.Parallel()
	light, dark := palettes(t)
	for name, palette := range map[string]map[string]float64{"light": light, "dark": dark} {
		for _, pair := range []struct {
			front, back []string
			least       float64
		}{
			{[]string{"ink", "soft", "link", "good", "stop", "alarm"}, []string{"paper", "card"}, 4.5},
			{[]string{"ink", "soft"}, []string{"calm-tint", "code"}, 4.5},
			{[]string{"good"}, []string{"good-tint"}, 4.5}, {[]string{"stop"}, []string{"stop-tint"}, 4.5},
			{[]string{"alarm"}, []string{"alarm-tint"}, 4.5}, {[]string{"on-main"}, []string{"main", "main-hover"}, 4.5},
			{[]string{"edge", "focus", "ok", "again", "bad", "wrong", "silent", "off", "air"}, []string{"paper", "card"}, 3},
		} {
			for _, front := range pair.front {
				for _, back := range pair.back {
					a, knownA := palette[front]
					b, knownB := palette[back]
					if contrast := (max(a, b) + 0.05) / (min(a, b) + 0.05); !knownA || !knownB || contrast < pair.least {
						t.Errorf("%s: %s on %s has a contrast of %.2f, but %.1f is wanted", name, front, back, contrast, pair.least)
					}
				}
			}
		}
	}
}
