package jobs

import (
	"regexp"
	"strings"
)

// Remedy is what helps against a failure. Its words are part of reports.
type Remedy string

// The remedies there are, the one that concerns most devices at once first.
const (
	RemedyAccount Remedy = "account" // settle the account or the plan, then another round
	RemedyLook    Remedy = "look"    // a person must find out what is true
	RemedyFile    Remedy = "file"    // correct the data, then import the devices again
	RemedyRetry   Remedy = "retry"   // another round, when the devices or the carrier are ready
	RemedyNone    Remedy = "none"    // nothing is to be done
)

// Explanation tells a person who does not know the carrier's codes what happened to a device.
type Explanation struct {
	Title   string `json:"title"`       // in a few words
	Meaning string `json:"meaning"`     // what it means
	Again   string `json:"tried_again"` // whether it was tried again
	Advice  string `json:"advice"`      // what to do
	Remedy  Remedy `json:"remedy"`
	Known   bool   `json:"known"` // false: the carrier's code is none of those that are documented
}

// Whether a device was tried again, in words.
const (
	triedAgain = "Yes, until the job's attempts were used up."
	notAgain   = "No: the same request would be answered the same way."
	noNeed     = "No, there was no need."
)

// Explain tells what an outcome means. It has an answer to everything: to a code that nobody documented, an honest one.
func Explain(state State, reason Reason, fault Fault) Explanation {
	if e, found := reasonExplanations[reason]; found {
		return e
	}
	if reason == NoReason && fault == (Fault{}) {
		return explainState(state)
	}
	return fault.explain()
}

// explainState is for a device whose state says all that there is to say.
func explainState(state State) Explanation {
	e := Explanation{Title: "not settled yet", Meaning: "The job has not come to its end for the device.", Again: noNeed,
		Advice: "Wait; `simshift jobs show JOB` tells what the job waits for.", Remedy: RemedyNone, Known: true}
	if state == Succeeded {
		e.Title, e.Meaning, e.Advice = "moved", "The carrier said that the profile is enabled.", "Nothing is to be done."
	}
	return e
}

// reasonExplanations are for the reasons that say all, whatever the fault beside them.
var reasonExplanations = map[Reason]Explanation{
	Silent: {
		Title: "the carrier never answered",
		Meaning: "The carrier took the request and sent no callback before the deadline. Nobody knows whether the device moved; " +
			"a late success is still taken.",
		Again:  triedAgain,
		Advice: "Look at a few of these devices, then give all of them another round: to enable an enabled profile does no harm.",
		Remedy: RemedyRetry, Known: true,
	},
	InDoubt: {
		Title: "the request's answer was lost",
		Meaning: "The connection broke, or nothing readable came, and no callback followed within the grace. Nobody knows whether " +
			"the carrier carried the request out.",
		Again:  triedAgain,
		Advice: "See that the carrier answers (`simshift doctor`), then give the devices another round.",
		Remedy: RemedyRetry, Known: true,
	},
	Contradicted: {
		Title: "moved to the wrong network",
		Meaning: "The carrier reports success, but in the role of the other network: the service plan, or the profile's ICCID, " +
			"belongs to the network that the device was to leave.",
		Again:  notAgain,
		Advice: "Compare plan and ICCID with the contract, and look where the devices are now. Then correct the file and import it.",
		Remedy: RemedyLook, Known: true,
	},
	Withdrawn: {
		Title: "cancelled by a person", Meaning: "The job, or this device, was cancelled before it was sent, or between two attempts.",
		Again: noNeed, Advice: "Nothing, if it was meant; the job's log says who did it and why.", Remedy: RemedyNone, Known: true,
	},
	AlreadyDone: {
		Title: "moved by an earlier request", Meaning: "The profile was active already when it was tried again: the first request, " +
			"whose answer was lost, had worked.",
		Again: "Yes, and the earlier one counts.", Advice: "Nothing is to be done.", Remedy: RemedyNone, Known: true,
	},
	Late: {
		Title: "moved late", Meaning: "The success came after the device had been given up or sent again.",
		Again: "Perhaps; the success counts.", Advice: "Nothing is to be done; a longer --answer-within waits for such answers.",
		Remedy: RemedyNone, Known: true,
	},
	Reopened: {
		Title: "given another round", Meaning: "A person gave the device another round, and it has not settled yet.",
		Again: "It will be.", Advice: "Wait; `simshift jobs watch JOB` follows it.", Remedy: RemedyNone, Known: true,
	},
}

// explain explains the carrier's code; its words are for people, and nothing depends on them.
func (f Fault) explain() Explanation {
	e, known := faultExplanations[f.class()]
	for _, general := range generalExplanations {
		if known {
			break
		}
		if known = general.fits(f); known {
			e = general.Explanation
		}
	}
	if !known {
		e = Explanation{
			Title: "a failure that the carrier does not document",
			Meaning: "The carrier gave no code, or one that simshift does not know; its own words, as far as there are any, stand " +
				"beside it.",
			Advice: "Ask the carrier what it means, with a request id from the results. Another round costs little meanwhile.",
			Remedy: RemedyRetry,
		}
	}
	e.Known = known
	if e.Again == "" {
		e.Again = notAgain
		if f.Verdict() == Transient {
			e.Again = triedAgain
		}
	}
	return e
}

// generalExplanation is for every code that fits.
type generalExplanation struct {
	fits func(Fault) bool
	Explanation
}

var gatewayCode = regexp.MustCompile(`^(HTTP\.[0-9]{3}|[0-9]{3}|90[0-9]{4}|3030[0-9]{2}|101[0-9]{3})$`)

func classBegins(prefix string) func(Fault) bool {
	return func(f Fault) bool { return strings.HasPrefix(f.class(), prefix) }
}

// generalExplanations are looked through in their order.
var generalExplanations = []generalExplanation{
	{func(f Fault) bool { return isPlanFault(f.class()) }, Explanation{
		Title:   "the service plan is unknown",
		Meaning: "The account has no service plan of this name, or not for the network that the devices go to.",
		Advice:  "Have the plan added to the account, or correct its name in the file: to US it is a Verizon plan, to Global a Global one.",
		Remedy:  RemedyAccount,
	}},
	{classBegins("REQUEST_FAILED.SessionToken."), Explanation{
		Title: "the session was not valid", Meaning: "The carrier's session had ended in the middle of the work.",
		Advice: "Give the devices another round.", Remedy: RemedyRetry,
	}},
	{classBegins("INPUT_INVALID."), Explanation{
		Title: "the carrier does not accept the data", Meaning: "Something in the request for this device is not as the carrier wants it.",
		Advice: "Read the carrier's words, correct the rows, and import them again.", Remedy: RemedyFile,
	}},
	{classBegins("REQUEST_ONHOLD"), Explanation{
		Title: "the carrier put the request on hold", Meaning: "Another action of the device or the account is under way at the carrier.",
		Advice: "Give the devices another round later.", Remedy: RemedyRetry,
	}},
	{classBegins("REQUEST_CANCELLED"), Explanation{
		Title: "the carrier cancelled the request", Meaning: "Somebody, or something, at the carrier's side took the request back.",
		Advice: "Ask the carrier why if there are many; then give the devices another round.", Remedy: RemedyRetry,
	}},
	{func(f Fault) bool { return gatewayCode.MatchString(f.Code) }, Explanation{
		Title:   "the carrier's gateway turned the request away",
		Meaning: "It was no answer of the carrier's own, but of the gateway before it, and the code tells nothing of the device.",
		Advice:  "`simshift doctor` tells whether address and credentials are right; then give the devices another round.",
		Remedy:  RemedyRetry,
	}},
}
