package csvimport

import "strings"

// column is what a CSV column means to us.
type column uint8

const (
	unknown column = iota
	eidColumn
	iccidColumn
	imeiColumn
	accountColumn
	planColumn
	previousColumn // the profile before the move
)

// columnNames are the names in our own files, and the keys of gocsv's struct tags.
var columnNames = [...]string{"", "eid", "iccid", "imei", "account_name", "service_plan", "previous_iccid"}

func (c column) String() string { return columnNames[c] }

// aliases are the names a column goes by, as people write them; see fold for what is ignored in them.
var aliases = map[column][]string{
	eidColumn: {
		"eid", "EID number", "EID no", "eUICC", "eUICC ID", "eUICC identifier", "eUICC EID", "eSIM EID", "device EID",
	},
	iccidColumn: {
		"iccid", "ICCID number", "ICC ID", "SIM", "SIM number", "SIM ID", "SIM ICCID", "SIM card", "SIM card number",
		"SIM serial number", "target ICCID", "new ICCID", "enable ICCID", "to ICCID", "profile ICCID", "eSIM ICCID",
	},
	imeiColumn: {
		"imei", "IMEI number", "IMEI no", "device ID", "device IMEI", "modem IMEI", "equipment ID",
	},
	accountColumn: {
		"account_name", "account", "account number", "account no", "account ID", "billing account", "billing account name",
		"billing account number", "billing account ID", "carrier account", "customer account", "acct", "acct name",
	},
	planColumn: {
		"service_plan", "service plan name", "service plan code", "plan", "plan name", "plan code", "rate plan",
		"rate plan name", "rate plan code", "target plan", "target service plan", "new plan", "new service plan",
		"data plan", "carrier service plan",
	},
	previousColumn: {
		"previous_iccid", "prev ICCID", "previous SIM", "old ICCID", "old SIM", "current ICCID", "current SIM",
		"from ICCID", "from SIM", "former ICCID", "former SIM", "source ICCID", "source SIM", "prior ICCID",
	},
}

// columns finds a column by its folded name.
var columns = func() map[string]column {
	folded := make(map[string]column)
	for column, names := range aliases {
		for _, name := range names {
			folded[fold(name)] = column
		}
	}
	return folded
}()

// columnOf tells what a column of this name holds.
func columnOf(name string) column { return columns[fold(name)] }

// fold leaves of a name only what tells it from others: no case, no spacing, no punctuation, nothing in brackets.
func fold(name string) string {
	name, _, _ = strings.Cut(clean(name), "(")
	return strings.Map(func(r rune) rune {
		switch {
		case r >= 'A' && r <= 'Z':
			return r - 'A' + 'a'
		case r >= 'a' && r <= 'z', r >= '0' && r <= '9', r > 0x7F:
			return r
		}
		return -1
	}, name)
}
