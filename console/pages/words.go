package pages

import (
	"fmt"
	"strings"

	"github.com/simshift/simshift/console/chart"
	"github.com/simshift/simshift/console/words"
	"github.com/simshift/simshift/jobs"
)

// status is where a job stands, in a word or two.
type status struct{ Icon, Tone, Words string }

func statusOf(job *jobs.Job) status {
	switch job.State {
	case jobs.Importing:
		return status{"wait", "calm", "being imported"}
	case jobs.Running:
		if job.Hold != "" {
			return status{"wait", "calm", "waiting"}
		}
		return status{"run", "good", "running"}
	case jobs.Paused:
		return pausedStatus(job.PausedBy)
	case jobs.Cancelling:
		return status{"off", "calm", "being cancelled"}
	case jobs.Finished:
		if n := missed(job.Counts); n > 0 {
			return status{"ok", "mixed", "finished, " + words.Number(n) + " did not move"}
		}
		return status{"ok", "good", "finished"}
	case jobs.Stopped:
		return status{"off", "calm", "cancelled"}
	case jobs.Abandoned:
		return status{"off", "calm", "abandoned import"}
	}
	return status{"wait", "calm", string(job.State)}
}

func pausedStatus(by string) status {
	switch by {
	case jobs.ByGate:
		return status{"gate", "stop", "held at the gate"}
	case jobs.ByBrake:
		return status{"brake", "alarm", "stopped by the brake"}
	case jobs.ByApproval:
		return status{"hand", "stop", "awaits approval"}
	}
	return status{"pause", "stop", "paused"}
}

// network is a target for a person.
func network(target jobs.Target) string {
	if target == jobs.US {
		return "US"
	}
	return "Global"
}

// flying is how many devices are with the carrier.
func flying(counts jobs.Counts) int64 { return counts[jobs.Submitting] + counts[jobs.Submitted] }

// unsent is how many devices wait to be sent for the first time, or again.
func unsent(counts jobs.Counts) int64 {
	return counts[jobs.Pending] + counts[jobs.Queued] + counts[jobs.Retrying]
}

// several is a number with a word that takes an s.
func several(n int, word string) string {
	if n == 1 {
		return "1 " + word
	}
	return fmt.Sprintf("%s %ss", words.Number(int64(n)), word)
}

// sentence begins with a capital.
func sentence(text string) string {
	if text == "" {
		return ""
	}
	return strings.ToUpper(text[:1]) + text[1:]
}

// size is a number of bytes for a person.
func size(bytes int64) string {
	value, units := float64(bytes), []string{"B", "KiB", "MiB", "GiB", "TiB"}
	for i, unit := range units {
		if value < 1024 || i == len(units)-1 {
			if i == 0 {
				return fmt.Sprintf("%d B", bytes)
			}
			return fmt.Sprintf("%.1f %s", value, unit)
		}
		value /= 1024
	}
	return ""
}

// stateClass is the colour of a device's state.
func stateClass(state jobs.State) string { return chart.Class(state) }

// missed is how many devices settled otherwise than by moving.
func missed(counts jobs.Counts) int64 { return counts.Final() - counts[jobs.Succeeded] }

func percent(part float64) string { return fmt.Sprintf("%.0f%%", 100*part) }
