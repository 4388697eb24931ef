package csvimport

// Code names why a row was rejected, or what it was warned for. Codes are stable: they stand in rejects files.
type Code string

// Codes of rejected rows.
const (
	BadEncoding Code = "encoding"        // bytes that are not UTF-8, or a NUL
	TooLong     Code = "too_long"        // a line of more than 64 KiB
	BadQuote    Code = "quote"           // a quoted field that is not closed, or goes on after its closing quote
	Ragged      Code = "ragged"          // more or fewer fields than the header
	Missing     Code = "missing"         // no EID, ICCID or account
	NotDigits   Code = "digits"          // an EID, ICCID, IMEI or previous ICCID with something else than digits
	BadLength   Code = "length"          // an EID, ICCID, IMEI or previous ICCID with too many or too few digits
	IMEISV      Code = "imeisv"          // 16 digits where an IMEI should be: with a software version
	Excel       Code = "excel"           // a number that a spreadsheet has rounded
	BadName     Code = "name"            // an account or plan that is too long, or holds control characters
	Conflict    Code = "conflict"        // an EID whose rows contradict each other
	SharedICCID Code = "shared_iccid"    // an ICCID on several EIDs
	HeldByJob   Code = "held"            // an EID that another unfinished job holds
	EIDCheck    Code = "eid_check_digit" // wrong check digits; a warning unless strict
	ICCIDCheck  Code = "iccid_check_digit"
	IMEICheck   Code = "imei_check_digit"

	PreviousCheck Code = "previous_iccid_check_digit" // of a previous ICCID; the same
)

// Codes that are only ever warnings.
const (
	NoPlan     Code = "no_plan"     // neither the row nor the options give a service plan
	SharedIMEI Code = "shared_imei" // an IMEI on several EIDs

	// Of files with a column for the previous ICCID only: these devices could not be moved back.
	NoPrevious     Code = "no_previous_iccid"     // the row does not give it
	SamePrevious   Code = "same_previous_iccid"   // it is the ICCID to enable
	SharedPrevious Code = "shared_previous_iccid" // it is on several EIDs
)

// codes numbers the codes for the spool.
var codes = [...]Code{
	BadEncoding, TooLong, BadQuote, Ragged, Missing, NotDigits, BadLength, IMEISV, Excel, BadName, Conflict, SharedICCID,
	HeldByJob, EIDCheck, ICCIDCheck, IMEICheck, NoPlan, SharedIMEI, PreviousCheck, NoPrevious, SamePrevious, SharedPrevious,
}

// tally counts rows by code.
type tally [len(codes)]int64

func (t *tally) count(code Code) { t[code.number()]++ }

func (t *tally) add(other *tally) {
	for i, n := range other {
		t[i] += n
	}
}

// byCode lists the codes that occurred.
func (t *tally) byCode() map[Code]int64 {
	counts := make(map[Code]int64)
	for i, n := range t {
		if n > 0 {
			counts[codes[i]] = n
		}
	}
	return counts
}

func (c Code) number() uint8 {
	for i := range codes {
		if codes[i] == c {
			return uint8(i) // len(codes) is far below 256
		}
	}
	return uint8(len(codes))
}
