package jobs_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/simshift/simshift/jobs"
)

// simulated finds the codes that the simulated carrier words, in its source.
var simulated = regexp.MustCompile(`(failure|refuse|refuseInput)\((?:http\.\w+, )?"([\w.]+)"`)

func TestEveryFaultOfTheSimulatorIsExplained(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("../thingspace/simulator/*.go")
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, match := range simulated.FindAllStringSubmatch(string(text), -1) {
			code := "UnifiedWebService." + map[string]string{
				"failure": "REQUEST_FAILED.", "refuseInput": "INPUT_INVALID.", "refuse": "",
			}[match[1]] + match[2]
			if strings.HasSuffix(code, ".") { // the rest of the code is put together
				code += "Some plan.NotFound"
			}
			found++
			if e := jobs.Explain(jobs.Failed, jobs.Faulted, jobs.Fault{Code: code}); !e.Known {
				t.Errorf("%s: %s has no explanation of its own", name, code)
			} else {
				complete(t, code, e)
			}
		}
	}
	if found < 15 {
		t.Errorf("only %d faults were found", found)
	}
	for _, code := range []string{"HTTP.413", "900908", "303001", "403"} {
		if !jobs.Explain(jobs.Failed, jobs.Refused, jobs.Fault{Code: code}).Known {
			t.Errorf("%s has no explanation of its own", code)
		}
	}
}

func TestEveryReasonIsExplained(t *testing.T) {
	t.Parallel()
	for reason := jobs.NoReason; !strings.HasPrefix(reason.String(), "reason("); reason++ {
		e := jobs.Explain(jobs.Failed, reason, jobs.Fault{})
		complete(t, reason.String(), e)
		if byFault := reason == jobs.Faulted || reason == jobs.Refused; byFault == e.Known {
			t.Errorf("%q without a fault: known is %t", reason, e.Known)
		}
	}
	for _, state := range jobs.States {
		complete(t, state.String(), jobs.Explain(state, jobs.NoReason, jobs.Fault{}))
	}
}

func TestWhatIsSaidOfTryingAgainIsWhatHappens(t *testing.T) {
	t.Parallel()
	for code, again := range map[string]string{
		"UnifiedWebService.REQUEST_FAILED.DeviceOffline": "Yes", "REQUEST_FAILED.DeviceNotFound": "No", "nobody.knows": "Yes",
		"UnifiedWebService.REQUEST_FAILED.Global IoT 5MB.NotFound": "No", "INPUT_INVALID.Whatever": "No", "": "Yes",
	} {
		fault := jobs.Fault{Code: code, Text: "words"}
		if e := jobs.Explain(jobs.Failed, jobs.Faulted, fault); !strings.HasPrefix(e.Again, again) {
			t.Errorf("%q: tried again: %s", code, e.Again)
		}
	}
	if e := jobs.Explain(jobs.Failed, jobs.Faulted, jobs.Fault{Code: "nobody.knows"}); e.Known || e.Remedy != jobs.RemedyRetry {
		t.Errorf("an unknown code is explained as %+v", e)
	}
}

func complete(t *testing.T, what string, e jobs.Explanation) {
	t.Helper()
	if e.Title == "" || e.Meaning == "" || e.Again == "" || e.Advice == "" || e.Remedy == "" {
		t.Errorf("the explanation of %q is not complete: %+v", what, e)
	}
}
