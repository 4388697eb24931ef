package jobs

import "strings"

// Fault is the carrier's code and words for a failure, as they came.
type Fault struct {
	Code string `json:"code"`
	Text string `json:"text"`
}

// Verdict is what a fault means for the device.
type Verdict uint8

const (
	// Transient faults are worth another attempt: the device was off, the carrier was busy, or the code is unknown.
	Transient Verdict = iota
	// Permanent faults will be the same next time: somebody must change the data.
	Permanent
	// AlreadyActive says that the profile is enabled. It is success in answer to a repeat, else a permanent fault.
	AlreadyActive
)

// verdicts maps the known codes, without their service prefix (THINGSPACE names both Service.CLASS.Name and bare forms).
// A code that is not here is Transient: the attempts are bounded, a wrong "permanent" is not undone.
var verdicts = map[string]Verdict{
	"REQUEST_FAILED.DeviceAlreadyActive":     AlreadyActive,
	"REQUEST_FAILED.DeviceNotFound":          Permanent,
	"REQUEST_FAILED.AccountName":             Permanent,
	"REQUEST_FAILED.AccountNotFound":         Permanent,
	"REQUEST_FAILED.NoAccounts":              Permanent,
	"REQUEST_FAILED.MultipleAccounts":        Permanent,
	"REQUEST_FAILED.DefaultIpPoolNotDefined": Permanent,
}

// groupFaults are refusals of an account or a plan: they hold for every device of the request alike.
var groupFaults = map[string]bool{
	"INPUT_INVALID.Account.NotDefined":       true,
	"REQUEST_FAILED.AccountName":             true,
	"REQUEST_FAILED.AccountNotFound":         true,
	"REQUEST_FAILED.NoAccounts":              true,
	"REQUEST_FAILED.MultipleAccounts":        true,
	"REQUEST_FAILED.DefaultIpPoolNotDefined": true,
}

// Verdict classifies the fault by its code alone; the words are for people.
func (f Fault) Verdict() Verdict {
	name := f.class()
	if verdict, known := verdicts[name]; known {
		return verdict
	}
	if strings.HasPrefix(name, "INPUT_INVALID.") || isPlanFault(name) {
		return Permanent
	}
	return Transient
}

// WholeRequest tells whether a refusal with this fault is about the account or plan, so that halving the request to
// find a bad device would be in vain.
func (f Fault) WholeRequest() bool {
	name := f.class()
	return groupFaults[name] || isPlanFault(name)
}

// class is the code without its service prefix: "UnifiedWebService.REQUEST_FAILED.X" is "REQUEST_FAILED.X".
func (f Fault) class() string {
	for _, class := range []string{"INPUT_INVALID.", "REQUEST_FAILED.", "REQUEST_ONHOLD", "REQUEST_CANCELLED"} {
		if at := strings.Index(f.Code, class); at >= 0 {
			return f.Code[at:]
		}
	}
	return f.Code
}

// isPlanFault matches REQUEST_FAILED.<service plan>.NotFound, where the plan's name stands in the code.
func isPlanFault(name string) bool {
	return strings.HasPrefix(name, "REQUEST_FAILED.") && strings.HasSuffix(name, ".NotFound")
}

// Passing tells whether a refusal with this fault is about the carrier's moment and not about the request's content, so
// that the same request may do better later.
func (f Fault) Passing() bool {
	name := f.class()
	return name == "REQUEST_FAILED.UnexpectedError" || strings.HasPrefix(name, "REQUEST_ONHOLD") ||
		strings.HasPrefix(name, "REQUEST_CANCELLED")
}
