package rest_test

import (
	"github.com/simshift/simshift/console/api"
	"github.com/simshift/simshift/jobs"
)

// operation is what the document says of a route, beside what the route itself tells.
type operation struct {
	id    string
	does  string
	query []parameter
	takes any // what comes as JSON; nil: nothing
	gives any // what is answered as JSON; or a media type
	csv   bool
	makes bool // answered 201
}

// parameter is one of the query.
type parameter struct {
	name string
	like any // of the same type
	one  []string
	most int
	text string
}

const (
	csvText = "text/csv"
	ndjson  = "application/x-ndjson"
	events  = "text/event-stream"
)

var page = []parameter{
	{name: "after", like: "", text: "The `next` of the page before; without it, the first page."},
	{name: "limit", like: 0, most: api.MostLimit, text: "Most entries of the page; without it, 50."},
}

const eventsText = "The stream of server-sent events never ends by itself. Each event is named `job`, and its data are a Tick: at " +
	"first how every job stands, then a job whenever something of it has changed, at most once a second. Whoever does not keep up is " +
	"let go, and hears how things stand when he comes again."

func control(id, does string) operation {
	return operation{id: id, does: does, takes: api.Command{}, gives: api.Controlled{}}
}

// operations has an entry for every route of the API.
var operations = map[string]operation{
	"GET /openapi.json": {id: "document", does: "This document.", gives: map[string]any{}},
	"GET /whoami":       {id: "whoAmI", does: "Tells whose token it is, and what it may do.", gives: api.Me{}},
	"GET /overview":     {id: "overview", does: "The fleet at a glance.", gives: api.Overview{}},
	"GET /health":       {id: "health", does: "How workers, queues and Redis are.", gives: api.Health{}},
	"GET /events":       {id: "events", does: "Tells how all unfinished jobs go. " + eventsText, gives: events},
	"GET /jobs": {id: "jobs", does: "Lists jobs, the newest first.", gives: api.JobPage{}, query: append([]parameter{
		{name: "which", like: "", one: []string{"open", "ended"}, text: "Only those; without it, all."},
	}, page...)},
	"GET /jobs/{job}": {id: "job", does: "Shows a job.", gives: jobs.Job{}},
	"GET /jobs/{job}/progress": {id: "progress", does: "How a job goes: its night, waves, faults and holds. It costs the same whatever " +
		"the job's size.", gives: api.Progress{}},
	"GET /jobs/{job}/batches": {id: "batches", does: "Lists a job's batches and their requests, the newest first.", gives: api.BatchPage{},
		query: append([]parameter{{name: "open", like: false, text: "Only those that hold open devices."}}, page...)},
	"GET /jobs/{job}/log": {id: "log", does: "What was done to a job and decided about it, the oldest first.", gives: []jobs.Entry{}},
	"GET /jobs/{job}/report": {id: "report",
		does:  "How a job went. It goes over every device: for a job of ten million it takes many seconds.",
		gives: api.Report{}},
	"GET /jobs/{job}/limits": {id: "jobLimits", does: "The limits of a job.", gives: api.Limits{}},
	"GET /jobs/{job}/results": {id: "results",
		does: "The outcome of every device, in the order of the CSV's rows: as CSV, or as one Result " +
			"of JSON a line. The answer is streamed; where it breaks off, the connection is broken, too.",
		gives: csvText, query: []parameter{
			{name: "state", like: []string{}, text: "Only devices in one of these states."},
			{name: "fault", like: []string{}, text: "Only devices with one of these fault codes, whole or from one of their dots on."},
			{name: "account", like: []string{}, text: "Only devices of these accounts."},
			{name: "min_attempts", like: 0, most: 255, text: "Only devices with so many attempts at least."},
			{name: "format", like: "", one: []string{"csv", "jsonl"}, text: "Without it, what Accept says, else CSV."},
		}},
	"GET /jobs/{job}/events": {id: "jobEvents", does: "Tells how a job goes. " + eventsText, gives: events},
	"GET /limits": {
		id: "limits", does: "The limits of the deployment, and the jobs with limits of their own.", gives: api.Limits{},
	},
	"GET /devices/{identity}": {id: "device", does: "Finds a device by EID, ICCID or IMEI in every job that has it, the newest job first. " +
		"None is an empty list.", gives: []api.Device{}},
	"GET /callbacks/parked": {id: "parked", does: "Lists callbacks that fit no known request, the oldest first.", gives: api.ParkedPage{},
		query: page},

	"POST /uploads": {id: "upload", does: "Takes a fleet. It is kept for an hour, or until it is a job, by the process that took it.",
		csv: true, gives: api.Upload{}, makes: true, query: []parameter{
			{name: "file", like: "", text: "The file's name, for people."},
		}},
	"POST /uploads/{upload}/plan": {
		id: "plan", does: "Tells what would become of an upload, and changes nothing.", takes: api.Order{}, gives: api.Plan{},
	},
	"POST /uploads/{upload}/rejects": {
		id: "rejects", does: "The rejected rows of an upload, with what is wrong with each.", takes: api.Order{},
		gives: csvText,
	},
	"POST /jobs": {id: "import",
		does: "Makes a job: of an upload, with the order as JSON; or of the fleet that is the body, with the order " +
			"in the query. Rejected rows are answered 422, and nothing is made, unless they are to be skipped.",
		csv: true, takes: api.UploadOrder{}, gives: jobs.Job{}, makes: true},
	"POST /jobs/{job}/pause":    control("pause", "Stops sending. What is in flight still settles."),
	"POST /jobs/{job}/resume":   control("resume", "Goes on after a pause, a brake or a gate."),
	"POST /jobs/{job}/cancel":   control("cancel", "Ends a job: what is not with the carrier is cancelled."),
	"POST /jobs/{job}/approve":  control("approve", "Lets a large job go that somebody else imported."),
	"POST /jobs/{job}/retry":    control("retry", "Gives devices another round."),
	"POST /jobs/{job}/priority": control("priority", "Sets which of several jobs sends first."),
	"POST /jobs/{job}/devices/cancel": {
		id: "drop", does: "Cancels single devices, as far as they are not with the carrier.", takes: api.Drop{},
		gives: []api.Dropped{},
	},
	"POST /jobs/{job}/revert": {id: "revert", does: "Makes a job that moves the devices which succeeded back.", takes: api.RevertOrder{},
		gives: jobs.Job{}},
	"PUT /jobs/{job}/limits": {id: "setJobLimits", does: "Sets limits of a job.", takes: api.LimitsChange{}, gives: api.Limits{}},
	"PUT /limits": {
		id: "setLimits", does: "Sets limits of the deployment.", takes: api.LimitsChange{}, gives: api.Limits{},
	},
	"POST /callbacks/parked/replay": {
		id: "replay", does: "Tries parked callbacks again now; without ids, all of them.", takes: api.ParkedIDs{}, gives: api.Replayed{},
	},
	"POST /callbacks/parked/forget": {
		id: "forget", does: "Drops parked callbacks for good.", takes: api.ParkedIDs{}, gives: api.ParkedIDs{},
	},
}

// needed are the fields of bodies that can not be left out; of any other body's, all can.
var needed = map[string][]string{
	"UploadOrder": {"target", "upload"},
	"Drop":        {"devices"},
}
