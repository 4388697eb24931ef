package app

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/simshift/simshift/console/api"
	"github.com/simshift/simshift/jobs"
	"github.com/simshift/simshift/ledger"
)

// dropMost is how many devices one command cancels at most: each is searched for in the roster.
const dropMost = 1000

// CancelDevices cancels single devices of a job, by EID, ICCID or IMEI: those that are not with the carrier now.
func CancelDevices(ctx context.Context, env *Env, c Control, ids []string, file string) error {
	ids, err := deviceList(ids, file)
	if err != nil {
		return err
	}
	return atDesk(ctx, env, func(desk api.Desk) error {
		dropped, err := desk.Drop(ctx, c.Job, api.Drop{Devices: ids, Reason: c.Reason})
		if err != nil {
			return err
		}
		if err := printDropped(env, dropped, c.Format); err != nil {
			return err
		}
		missed := 0
		for _, one := range dropped {
			if one.State != jobs.Cancelled.String() {
				missed++
			}
		}
		if missed == 0 {
			return nil
		}
		return &Failure{Code: ExitIncomplete, Err: fmt.Errorf("%d of %d devices were not cancelled", missed, len(dropped)),
			Hint: "what is submitted or final can not be called back; `simshift device ID` tells a device's story"}
	})
}

// Drop cancels single devices.
func (d *deployment) Drop(ctx context.Context, word string, drop api.Drop) ([]api.Dropped, error) {
	if err := checkDevices(drop.Devices); err != nil {
		return nil, err
	}
	job, err := d.named(ctx, word)
	if err != nil {
		return nil, err
	}
	if !job.State.Open() {
		return nil, refuse("every device of it is final", "job %s is %s", job.ID, job.State)
	}
	ids := slices.Compact(slices.Clone(drop.Devices))
	dropped, places, err := d.locate(ctx, job.ID, ids)
	if err != nil {
		return nil, err
	}
	e, err := d.act(ctx, jobs.ActDropped, strings.Join(ids[:min(len(ids), 5)], ", ")+more(len(ids), 5), drop.Reason)
	if err != nil {
		return nil, err
	}
	states, err := d.ledger.Drop(ctx, job.ID, places, e)
	if err != nil {
		return nil, err
	}
	for i := range dropped {
		if dropped[i].EID != "" {
			dropped[i].State, states = states[0].String(), states[1:]
		}
	}
	return dropped, d.tasks.Advance(ctx, job.ID)
}

func more(n, shown int) string {
	if n <= shown {
		return ""
	}
	return fmt.Sprintf(" and %d more", n-shown)
}

// locate finds the devices in the roster. The places are those of the devices that are there, in their order.
func (d *deployment) locate(ctx context.Context, job string, ids []string) (dropped []api.Dropped, places []jobs.Place, err error) {
	for _, id := range ids {
		found, err := d.ledger.Find(ctx, job, id)
		if err != nil {
			return nil, nil, err
		}
		switch len(found) {
		case 0:
			dropped = append(dropped, api.Dropped{ID: id, State: "not in this job"})
		case 1:
			dropped = append(dropped, api.Dropped{ID: id, EID: found[0].EID.String()})
			places = append(places, found[0].Place)
		default:
			return nil, nil, usage("name them by their EIDs", "%d devices of the job have %s; nothing was cancelled", len(found), id)
		}
	}
	return dropped, places, nil
}

// deviceList puts the devices that were named and those of a file, one a line, into one list.
func deviceList(ids []string, file string) ([]string, error) {
	ids = slices.Clone(ids)
	if file != "" {
		f, err := os.Open(file) //nolint:gosec // the user names it
		if err != nil {
			return nil, usage("name a file with one EID, ICCID or IMEI a line", "%w", err)
		}
		defer func() { _ = f.Close() }()
		for lines := bufio.NewScanner(f); lines.Scan(); {
			if line := strings.TrimSpace(lines.Text()); line != "" {
				ids = append(ids, line)
			}
		}
	}
	return ids, checkDevices(ids)
}

// checkDevices refuses too many devices at once, and what can not be one.
func checkDevices(ids []string) error {
	if len(ids) == 0 || len(ids) > dropMost {
		return usage("name 1 to 1000 devices with --device or --devices-file; without either the whole job is cancelled",
			"%d devices are named", len(ids))
	}
	for _, id := range ids {
		if err := ledger.CheckIdentity(id); err != nil {
			return usage("give the digits of an EID, ICCID or IMEI", "%w", err)
		}
	}
	return nil
}

func printDropped(env *Env, list []api.Dropped, format Format) error {
	if format == JSON {
		return printJSON(env.Out, list)
	}
	for _, one := range list {
		fmt.Fprintf(env.Out, "%s\t%s\n", one.ID, one.State)
	}
	return nil
}
