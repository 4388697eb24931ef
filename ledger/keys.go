package ledger

import (
	"strconv"

	"github.com/simshift/simshift/jobs"
)

const prefix = "simshift:"

// Keys that belong to no job, each in a slot of its own.
const (
	indexKey   = prefix + "jobs"    // every job's id by its time of creation (sorted set)
	filesKey   = prefix + "files"   // SHA-256 of an imported CSV -> job (hash)
	gateKey    = prefix + "import"  // which import writes now, and until when its claim lasts
	marksKey   = prefix + "marks"   // process -> its last mark and when it wrote it (hash)
	lossesKey  = prefix + "losses"  // what Redis has lost and what became of it, in words (list)
	unknownKey = prefix + "unknown" // batches sent whose request id is not known, by the time they were sent (sorted set)
)

func base(job string) string        { return prefix + "{" + job + "}:" }
func specKey(job string) string     { return base(job) + "spec" }
func jobKey(job string) string      { return base(job) + "job" }
func chunksKey(job string) string   { return base(job) + "chunks" }
func formedKey(job string) string   { return base(job) + "formed" }
func dueKey(job string) string      { return base(job) + "due" }
func sentKey(job string) string     { return base(job) + "sent" }
func waitsKey(job string) string    { return base(job) + "waits" }
func gatheredKey(job string) string { return base(job) + "gathered" }
func faultsKey(job string) string   { return base(job) + "faults" }
func timelineKey(job string) string { return base(job) + "timeline" }
func reasonsKey(job string) string  { return base(job) + "reasons" }
func settledKey(job string) string  { return base(job) + "settled" }
func wavesKey(job string) string    { return base(job) + "waves" }
func boundsKey(job string) string   { return base(job) + "bounds" }
func logKey(job string) string      { return base(job) + "log" }
func recentKey(job string) string   { return base(job) + "recent" }
func beforeKey(job string) string   { return base(job) + "before" }

// toldKey says, for each herald, up to where it was told of the job's log, and of which entries beyond.
func toldKey(job string) string { return base(job) + "told" }

func waitKey(job, bucket string) string      { return base(job) + "wait:" + bucket }
func rosterKey(job string, chunk int) string { return base(job) + "roster:" + strconv.Itoa(chunk) }
func sieveKey(job string, chunk int) string  { return base(job) + "sieve:" + strconv.Itoa(chunk) }
func storyKey(job string, chunk int) string  { return base(job) + "story:" + strconv.Itoa(chunk) }
func stateKey(job string, chunk int) string  { return base(job) + "state:" + strconv.Itoa(chunk) }

// previousKey holds the chunk's previous ICCIDs, 10 bytes a device; it is there only where a device of the chunk has one.
func previousKey(job string, chunk int) string { return base(job) + "previous:" + strconv.Itoa(chunk) }

func batchKey(job string, n int64) string { return base(job) + "batch:" + strconv.FormatInt(n, 10) }
func listKey(job string, n int64) string  { return base(job) + "list:" + strconv.FormatInt(n, 10) }

// requestKey says which batch a request id belongs to.
func requestKey(requestID string) string { return prefix + "request:" + requestID }

func countField(s jobs.State) string { return "n:" + strconv.Itoa(int(s)) }
