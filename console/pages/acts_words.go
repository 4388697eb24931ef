package pages

import (
	"fmt"

	"github.com/simshift/simshift/console/api"
	"github.com/simshift/simshift/console/words"
	"github.com/simshift/simshift/jobs"
)

// Title is the question that an act's page asks.
func (b *actBody) Title() string {
	switch b.Act {
	case api.Pause:
		return "Pause the job?"
	case api.Resume:
		return "Let the job go on?"
	case api.Approve:
		return "Approve the job?"
	case api.Cancel:
		return "Cancel the job for good?"
	case api.Retry:
		return "Give devices another round?"
	case api.Priority:
		return "Change the job’s priority?"
	case revertAct:
		return "Move the devices back?"
	}
	return "Cancel single devices?"
}

// what says exactly what will happen, and to how many devices.
func (b *actBody) what() []string {
	rest, away := unsent(b.Counts), flying(b.Counts)
	switch b.Act {
	case api.Pause:
		return []string{
			words.Devices(rest) + " will not be sent until somebody resumes the job.",
			settling(away) + ": what was sent can not be called back.",
		}
	case api.Resume:
		return []string{b.resumes(), settling(away) + "."}
	case api.Approve:
		return []string{
			fmt.Sprintf("%s will be sent to %s, as far as the job’s windows and waves allow.", words.Devices(rest), network(b.Target)),
			"You say so as the second person: " + b.CreatedBy + " imported them.",
		}
	case api.Cancel:
		return []string{
			"What is not sent, or waits for another attempt, is cancelled: " + words.Devices(rest) + ". This can not be undone.",
			settling(away) + ".",
			"What is settled stays as it is: " + words.Devices(b.Counts.Final()) + ".",
		}
	case api.Retry:
		return []string{fmt.Sprintf("The devices chosen below, %s as they stand now, get up to %s each.",
			words.Number(b.Total), several(b.Policy.Attempts, "attempt"))}
	case api.Priority:
		return []string{fmt.Sprintf("While this job can send, jobs with a lower priority wait. It is %d now; 0 is usual.", b.Priority),
			words.Devices(rest) + " of it are not sent yet."}
	case revertAct:
		return []string{fmt.Sprintf("A new job moves the %s that succeeded back to %s, to the profiles they had before. Devices whose former "+
			"profile is not known are in the way unless they are left out.", words.Devices(b.Counts[jobs.Succeeded]), network(b.Target.Opposite()))}
	}
	return []string{fmt.Sprintf("The devices you name are cancelled for good, if they are among the %s that are not with the carrier now and "+
		"not settled. The rest of the job goes on.", words.Devices(rest))}
}

// settling tells what becomes of devices that are with the carrier.
func settling(n int64) string {
	if n == 1 {
		return "1 device with the carrier still settles"
	}
	return words.Devices(n) + " with the carrier still settle"
}

func (b *actBody) resumes() string {
	switch b.PausedBy {
	case jobs.ByGate:
		ends := b.Policy.WaveEnds(b.Devices)
		next := min(b.Wave+1, len(ends))
		return fmt.Sprintf("Wave %d of %d opens: up to %s more are sent.", next, len(ends), words.Devices(ends[next-1]-b.Opened))
	case jobs.ByBrake:
		return "The brake lets go and forgets what it saw: " + words.Devices(unsent(b.Counts)) + " are sent, until it pulls again."
	}
	return words.Devices(unsent(b.Counts)) + " are sent, as far as the job’s windows and waves allow."
}
