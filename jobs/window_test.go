package jobs_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/simshift/simshift/jobs"
)

func TestWindowsAreReadAndHaveOneText(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"22:00-05:00":                         "22:00-05:00",
		" 9:30-17:00\t":                       "09:30-17:00",
		"mon-fri 22:00-05:00":                 "mon-fri 22:00-05:00",
		"sat,sun 10:00-14:00":                 "sat,sun 10:00-14:00",
		"sat-sun 10:00-14:00":                 "sat,sun 10:00-14:00",
		"fri-mon 23:00-01:00":                 "fri-mon 23:00-01:00",
		"sun,sat,mon,fri  23:00-01:00":        "fri-mon 23:00-01:00",
		"sun,mon 23:00-01:00":                 "sun,mon 23:00-01:00",
		"fri,mon-wed,wed 00:00-06:00":         "mon-wed,fri 00:00-06:00",
		"sat-mon,wed-thu 0:00-6:00":           "wed,thu,sat-mon 00:00-06:00",
		"mon,wed,fri 00:01-00:02":             "mon,wed,fri 00:01-00:02",
		"Mon-Mon 23:59-00:00":                 "mon 23:59-24:00",
		"SUN 20:00-24:00":                     "sun 20:00-24:00",
		"mon-sun 01:00-02:00":                 "01:00-02:00",
		"thu-wed 01:00-02:00":                 "01:00-02:00",
		"sat,sun,mon,tue-thu,fri 01:00-02:00": "01:00-02:00",
		"00:00-24:00":                         "00:00-24:00",
		"00:00-00:00":                         "00:00-24:00",
		"tue 06:00-06:00":                     "tue 06:00-06:00",
	} {
		w, err := jobs.ParseWindow(text)
		if err != nil || w.String() != want {
			t.Errorf("%q is %v (%v), want %s", text, w, err, want)
		}
		if again, err := jobs.ParseWindow(want); err != nil || again != w {
			t.Errorf("%q comes back as %v (%v)", want, again, err)
		}
	}
	if whole := (jobs.Window{}).String(); whole != "00:00-24:00" {
		t.Errorf("the zero window is %s, want the whole of every day", whole)
	}
}

func TestWhatIsNoWindowIsToldWithAnExample(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"":                        "it is empty",
		"  ":                      "it is empty",
		"22:00":                   "the hours have no end",
		"mon":                     "the hours have no end",
		"mon-fri":                 `"mon" is no time of day`,
		"22:00-":                  `"" is no time of day`,
		"22-05":                   `"22" is no time of day`,
		"22:0-05:00":              `"22:0" is no time of day`,
		"22:00-05:60":             `"05:60" is no time of day`,
		"25:00-05:00":             `"25:00" is no time of day`,
		"24:00-05:00":             `"24:00" is no time of day`,
		"22:00-24:01":             `"24:01" is no time of day`,
		"+2:00-05:00":             `"+2:00" is no time of day`,
		"022:00-05:00":            `"022:00" is no time of day`,
		"٢٢:00-05:00":             `"٢٢:00" is no time of day`,
		"22:00-05:00-06:00":       `"05:00-06:00" is no time of day`,
		"22:00:00-05:00":          `"22:00:00" is no time of day`,
		"monday 22:00-05:00":      `"monday" is no day`,
		"unm 22:00-05:00":         `"unm" is no day`,
		"mon, 22:00-05:00":        `"" is no day`,
		"mon-fri-sun 22:00-05:00": `"fri-sun" is no day`,
		"mon-,tue 22:00-05:00":    `"" is no day`,
		"mon 22:00 - 05:00":       "more than days and hours",
	} {
		w, err := jobs.ParseWindow(text)
		if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "like 22:00-05:00 or mon-fri") {
			t.Errorf("%q is %v (%v), want %s", text, w, err, want)
		}
	}
}

func TestWindowsTravelAsTheirText(t *testing.T) {
	t.Parallel()
	const text = `{"start":"2026-03-08T22:00:00-06:00","tz":"America/Chicago","windows":["mon-fri 22:00-05:00","00:00-24:00"]}`
	var s jobs.Schedule
	if err := json.Unmarshal([]byte(text), &s); err != nil {
		t.Fatal(err)
	}
	if back, err := json.Marshal(s); err != nil || string(back) != text {
		t.Errorf("came back as %s (%v)", back, err)
	}
	if diff := cmp.Diff(windows(t, "mon-fri 22:00-05:00", "0:00-0:00"), s.Windows, cmp.Comparer(equalWindows)); diff != "" {
		t.Error(diff)
	}
	if back, err := json.Marshal(jobs.Schedule{}); err != nil || string(back) != "{}" {
		t.Errorf("the zero schedule is %s (%v)", back, err)
	}
	if err := json.Unmarshal([]byte(`{"windows":["22:00"]}`), &s); err == nil {
		t.Error("a window without an end was taken")
	}
}

func equalWindows(a, b jobs.Window) bool { return a == b }

func windows(t interface{ Fatal(...any) }, texts ...string) []jobs.Window {
	var list []jobs.Window
	for _, text := range texts {
		w, err := jobs.ParseWindow(text)
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, w)
	}
	return list
}

// FuzzParseWindow holds that whatever is taken for a window comes back from its own text, which is the shortest way to it.
func FuzzParseWindow(f *testing.F) {
	for _, seed := range []string{
		"22:00-05:00", "mon-fri 22:00-05:00", "sat,sun 10:00-14:00", "fri-mon 23:00-01:00", "00:00-24:00", "5:00-5:00",
		"sun-sat 1:00-2:00", "MON,mon 24:00-24:00", "mon- 1:00-2:00", "", "-", ",", ":-:", "mon 1:00-2:00 x", "mon\u00a01:00-2:00",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		w, err := jobs.ParseWindow(text)
		if err != nil {
			if w != (jobs.Window{}) {
				t.Errorf("%q is %v, %v", text, w, err)
			}
			return
		}
		again, err := jobs.ParseWindow(w.String())
		if err != nil || again != w || again.String() != w.String() {
			t.Errorf("%q is %v, which is %v (%v)", text, w, again, err)
		}
		if len(w.String()) > len(strings.TrimSpace(text))+2 { // 9:00 becomes 09:00
			t.Errorf("%q is %v", text, w)
		}
		var read jobs.Window
		if packed, err := w.MarshalText(); err != nil || read.UnmarshalText(packed) != nil || read != w {
			t.Errorf("%v travels as %q and comes back as %v (%v)", w, packed, read, err)
		}
	})
}
