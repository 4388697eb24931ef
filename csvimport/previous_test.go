package csvimport

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/simshift/simshift/jobs"
)

const extended = "eid,iccid,imei,account_name,service_plan,previous_iccid\n"

// moved is line with a previous ICCID.
func moved(n int, previous string) string {
	return strings.Replace(line(n), "\n", ","+previous+"\n", 1)
}

func TestReadsThePreviousICCIDByEveryUsualName(t *testing.T) {
	for _, name := range []string{"previous_iccid", "Previous ICCID", "old_iccid", "former_iccid", "From-ICCID", "OLD SIM (US)"} {
		text := name + ",EID,ICCID,Account\n" + fmt.Sprintf("'%s,%s,%s,A\n=\"%s\",%s,%s,A\n,%s,%s,A\n",
			iccid(101), eid(1), iccid(1), iccid(102), eid(2), iccid(2), eid(3), iccid(3))
		r := read(t, text, Options{})
		if r.Devices != 3 || len(r.rejects) != 0 || r.Warnings[NoPrevious] != 1 {
			t.Fatalf("%s: %+v %v", name, r.Summary, r.rejects)
		}
		for i, want := range []string{iccid(101), iccid(102), ""} {
			if got := r.devices[i].Previous; got.Known() != (want != "") || got.Known() && got.String() != want {
				t.Errorf("%s: device %d has the previous ICCID %s, not %s", name, i, got, want)
			}
		}
	}
}

func TestAFileWithoutPreviousICCIDsWarnsOfNone(t *testing.T) {
	r := read(t, standard+line(1), Options{})
	if r.Devices != 1 || len(r.Warnings) != 0 || r.devices[0].Previous != (jobs.ICCID{}) {
		t.Errorf("%+v %v", r.Summary, r.devices)
	}
}

func TestRejectsPreviousICCIDsThatCanNotBeRead(t *testing.T) {
	const rounded = "8914139078123450000"
	for previous, want := range map[string]string{
		"none": "digits", iccid(9)[:18]: "length", iccid(9) + "12": "length", "8.91E+18": "excel", rounded: "excel",
	} {
		r := read(t, extended+moved(1, iccid(101))+moved(2, previous), Options{})
		if got := r.codes(); !slices.Equal(got, []string{"2:" + want}) || r.rejects[0].column != "previous_iccid" ||
			!strings.HasSuffix(r.rejects[0].hint, "or leave it empty: the device can not be reverted then") {
			t.Errorf("%s: %v", previous, r.rejects)
		}
	}
}

func TestAFewRoundedPreviousICCIDsAreTakenForChance(t *testing.T) {
	var text strings.Builder
	text.WriteString(extended + moved(1, "8914139078123450000"))
	for i := range 2000 {
		text.WriteString(moved(10+i, iccid(5000+i)))
	}
	if r := read(t, text.String(), Options{}); r.Rejected != 0 || r.Warnings[PreviousCheck] != 1 || len(r.Warnings) != 1 {
		t.Errorf("%+v", r.Summary)
	}
}

func TestWrongCheckDigitsOfPreviousICCIDsWarnOrRejectIfStrict(t *testing.T) {
	text := extended + moved(1, "8914139078080078426") + moved(2, iccid(102))
	if r := read(t, text, Options{}); r.Devices != 2 || r.Warnings[PreviousCheck] != 1 {
		t.Errorf("%+v", r.Summary)
	}
	r := read(t, text, Options{Strict: true})
	if got := r.codes(); !slices.Equal(got, []string{"1:previous_iccid_check_digit"}) || !strings.Contains(r.rejects[0].hint, "Luhn") {
		t.Errorf("%v", r.rejects)
	}
}

func TestWarnsOfDevicesThatCouldNotBeMovedBack(t *testing.T) {
	text := extended + moved(1, "") + moved(2, iccid(2)) + moved(3, iccid(100)) + moved(4, iccid(100)) + moved(5, iccid(105))
	r := read(t, text, Options{})
	want := map[Code]int64{NoPrevious: 1, SamePrevious: 1, SharedPrevious: 2}
	if r.Devices != 5 || !maps.Equal(r.Warnings, want) {
		t.Errorf("%+v", r.Summary)
	}
}

func TestRowsOfOneDeviceThatDifferInThePreviousICCIDContradictEachOther(t *testing.T) {
	text := extended + moved(1, iccid(101)) + moved(2, iccid(102)) + moved(1, iccid(109)) + // two former profiles
		moved(3, iccid(103)) + moved(3, "") + // given and left out
		moved(4, iccid(104)) + moved(4, "'"+iccid(104)) // the same, written in two ways
	r := read(t, text, Options{})
	want := []string{"1:conflict", "3:conflict", "4:conflict", "5:conflict"}
	if got := r.codes(); !slices.Equal(got, want) || r.Devices != 2 || r.Duplicates != 1 {
		t.Errorf("%v %+v", got, r.Summary)
	}
}

func TestPreviousICCIDsStayWithTheirDevicesOverManyBlocksAndGroups(t *testing.T) {
	var text strings.Builder
	text.WriteString(extended)
	for i := range 20_000 {
		fmt.Fprintf(&text, "%s,%s,,A%d,P,%s\n", eid(i), iccid(i), i%7, iccid(100_000+i))
	}
	r := read(t, text.String(), Options{ChunkSize: 1000})
	if r.Devices != 20_000 || len(r.Warnings) != 0 {
		t.Fatalf("%+v", r.Summary)
	}
	for _, device := range r.devices {
		if device.Previous.String() != iccid(100_000+int(device.Row)-1) {
			t.Fatalf("%+v", device)
		}
	}
}
