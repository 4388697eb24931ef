package jobs_test

import (
	"testing"

	"github.com/simshift/simshift/jobs"
)

func TestFaultsAreWeighedByTheirCodeWithoutItsService(t *testing.T) {
	t.Parallel()
	for code, want := range map[string]jobs.Verdict{
		"UnifiedWebService.REQUEST_FAILED.DeviceAlreadyActive": jobs.AlreadyActive,
		"REQUEST_FAILED.DeviceAlreadyActive":                   jobs.AlreadyActive,
		"DeviceProfileService.REQUEST_FAILED.DeviceNotFound":   jobs.Permanent,
		"X.INPUT_INVALID.Device.Identifier.Invalid":            jobs.Permanent,
		"UnifiedWebService.REQUEST_FAILED.Global IoT.NotFound": jobs.Permanent,
		"UnifiedWebService.REQUEST_FAILED.UnexpectedError":     jobs.Transient,
		"UnifiedWebService.REQUEST_FAILED.DeviceOffline":       jobs.Transient,
		"UnifiedWebService.REQUEST_ONHOLD":                     jobs.Transient,
		"400":                                                  jobs.Transient,
		"":                                                     jobs.Transient,
	} {
		if got := (jobs.Fault{Code: code, Text: "words decide nothing: DeviceNotFound"}).Verdict(); got != want {
			t.Errorf("%q is %d, want %d", code, got, want)
		}
	}
}

func TestOnlyFaultsOfAccountOrPlanHoldForTheWholeRequest(t *testing.T) {
	t.Parallel()
	for code, want := range map[string]bool{
		"X.REQUEST_FAILED.AccountNotFound":          true,
		"X.INPUT_INVALID.Account.NotDefined":        true,
		"X.REQUEST_FAILED.SomePlan.NotFound":        true,
		"X.REQUEST_FAILED.DeviceNotFound":           false,
		"X.INPUT_INVALID.Device.Identifier.Invalid": false,
	} {
		if got := (jobs.Fault{Code: code}).WholeRequest(); got != want {
			t.Errorf("%q is about the whole request: %v", code, got)
		}
	}
}
