package jobs

// Advice that several codes share.
const (
	askSupport     = "Settle it with the carrier's support, who see the account; then give the devices another round."
	correctAccount = "Correct the account at the carrier and give the devices another round, or account_name in the file and import it again."
	reportIt       = "The program should never send this: please report it, with a request id from the results."
)

// faultExplanations are for the documented codes, without their service prefix, and for the few that are only seen.
var faultExplanations = map[string]Explanation{
	"REQUEST_FAILED.DeviceNotFound": {
		Title:   "the carrier does not know the device",
		Meaning: "No device with this EID and ICCID is in the account: it was never added, was moved to another account, or is scrapped.",
		Advice:  "Compare the rows with the carrier's inventory. Take out what is gone, correct the rest, and import it again.",
		Remedy:  RemedyFile,
	},
	"REQUEST_FAILED.DeviceAlreadyActive": {
		Title:   "the profile was active before",
		Meaning: "The carrier says that the profile is enabled, in answer to the first request for it: the device was there already.",
		Advice:  "If that is where it should be, nothing. If many say so, the file may be that of an earlier night.",
		Remedy:  RemedyLook,
	},
	"REQUEST_FAILED.DeviceOffline": {
		Title:   "the device was offline",
		Meaning: "The device could not be reached: switched off, without coverage, or out of power. It must be on and connected to move.",
		Advice:  "Give the devices another round at a time when they are on; what stays off needs somebody on the spot.",
		Remedy:  RemedyRetry,
	},
	"REQUEST_FAILED.UnexpectedError": {
		Title:   "the carrier had an error of its own",
		Meaning: "Something went wrong at the carrier, or another action of the same device was under way there.",
		Advice:  "Give the devices another round. If it stays so, the carrier's support needs a request id from the results.",
		Remedy:  RemedyRetry,
	},
	"REQUEST_FAILED.AccountName": {
		Title:   "the account's name is wrong",
		Meaning: "The carrier does not accept the account's name for this user.", Advice: correctAccount, Remedy: RemedyAccount,
	},
	"REQUEST_FAILED.AccountNotFound": {
		Title:   "the account is unknown",
		Meaning: "The carrier knows no account of this name, or this user may not see it.", Advice: correctAccount, Remedy: RemedyAccount,
	},
	"REQUEST_FAILED.NoAccounts": {
		Title:   "the user has no account",
		Meaning: "The carrier's user that simshift logs in as has no billing account.", Advice: askSupport, Remedy: RemedyAccount,
	},
	"REQUEST_FAILED.MultipleAccounts": {
		Title:   "the account is ambiguous",
		Meaning: "More than one account fits, and the carrier does not choose.", Advice: correctAccount, Remedy: RemedyAccount,
	},
	"REQUEST_FAILED.DefaultIpPoolNotDefined": {
		Title:   "the account has no IP pool",
		Meaning: "The account has no default pool of addresses for the service plan, so no device of it can be connected.",
		Advice:  askSupport, Remedy: RemedyAccount,
	},
	"REQUEST_FAILED.LoginFailed": {
		Title: "the carrier did not accept the login", Meaning: "User name or password of the carrier's user are wrong.",
		Advice: "Correct the credentials; `simshift doctor` tries them. Then give the devices another round.", Remedy: RemedyAccount,
	},
	"REQUEST_FAILED.ContactLocked": {
		Title: "the carrier's user is locked", Meaning: "Too many failed logins locked the user; only the carrier's support unlocks it.",
		Advice: askSupport, Remedy: RemedyAccount,
	},
	"INPUT_INVALID.Account.NotDefined": {
		Title: "no account was named", Meaning: "The request named no account, or an empty one.", Advice: correctAccount, Remedy: RemedyAccount,
	},
	"INPUT_INVALID.Device.Account.Invalid": {
		Title: "the device is in another account", Meaning: "The device exists, but not in the account that the row names.",
		Advice: "Correct account_name in these rows and import them again.", Remedy: RemedyFile,
	},
	"INPUT_INVALID.Device.Identifier.Invalid": {
		Title:   "an identity is not valid",
		Meaning: "The carrier does not accept the EID, ICCID or IMEI, or they do not belong together.",
		Advice:  "Compare the three with the device's label or the carrier's inventory, correct the rows, and import them again.",
		Remedy:  RemedyFile,
	},
	"INPUT_INVALID.Device.Kind.Invalid": {
		Title: "a kind of identity is not accepted", Meaning: "The carrier did not take one of the kinds eid, iccid and imei.",
		Advice: reportIt, Remedy: RemedyLook,
	},
	"INPUT_INVALID.DeviceState.Invalid": {
		Title:   "the device is in a state that can not be moved",
		Meaning: "The device is suspended, deactivated, or not activated at the carrier, so that no profile can be enabled.",
		Advice:  "Have it activated or resumed at the carrier; then import the devices again.", Remedy: RemedyFile,
	},
	"INPUT_INVALID.Request.InvalidCharacter": {
		Title: "a character is not accepted", Meaning: "The row holds a character that the carrier does not take, likely in plan or account.",
		Advice: "Correct the rows and import them again.", Remedy: RemedyFile,
	},
	"INPUT_INVALID.RequestUndefined": {
		Title: "the carrier did not understand the request", Meaning: "The carrier found no request in what was sent.",
		Advice: reportIt, Remedy: RemedyLook,
	},
	"INPUT_INVALID.MaxRequestsExceeded": {
		Title: "too many devices in a request", Meaning: "The carrier takes fewer devices in one request than were sent.",
		Advice: "Import the devices again with a smaller --batch-size.", Remedy: RemedyFile,
	},
	"INPUT_INVALID.NumberofDevices": {
		Title: "the number of devices is not accepted", Meaning: "The carrier takes another number of devices in one request than was sent.",
		Advice: "Import the devices again with a smaller --batch-size.", Remedy: RemedyFile,
	},
}
