package app

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"text/tabwriter"

	"github.com/simshift/simshift/console/api"
	"github.com/simshift/simshift/jobs"
	"github.com/simshift/simshift/thingspace"
)

// RegisterCallbacks makes our URL an account's listener. Another URL that stands there is left alone without replace.
func RegisterCallbacks(ctx context.Context, env *Env, account string, replace bool) error {
	own, err := listener(env)
	if err != nil {
		return err
	}
	if own.URL == "" {
		return usage("set SIMSHIFT_CALLBACK_URL or give --callback-url", "there is no URL to register")
	}
	return withCarrier(ctx, env, func(client *thingspace.Client) error {
		standing, err := profileListener(ctx, client, account)
		if err != nil {
			return err
		}
		if standing != nil && standing.URL != own.URL && !replace {
			return refuse("add --replace to take it over; whoever listens there then gets no callbacks any more",
				"account %s sends its callbacks to %s", account, standing.URL)
		}
		if err := client.Register(ctx, account, own); err != nil {
			return fmt.Errorf("register: %w", err)
		}
		fmt.Fprintf(env.Err, "account %s now sends its callbacks to %s\n", account, own.URL)
		return nil
	})
}

// ListCallbacks prints an account's listeners, of whatever service.
func ListCallbacks(ctx context.Context, env *Env, account string, format Format) error {
	return withCarrier(ctx, env, func(client *thingspace.Client) error {
		standing, err := listeners(ctx, client, account)
		if err != nil {
			return err
		}
		if format == JSON {
			return printJSON(env.Out, append([]thingspace.Listener{}, standing...)) // none is [], not null
		}
		if len(standing) == 0 {
			fmt.Fprintf(env.Err, "account %s has no listener: the carrier drops its callbacks. "+
				"`simshift callbacks register --account %s` sets one\n", account, account)
			return nil
		}
		w := tabwriter.NewWriter(env.Out, 0, 0, 2, ' ', 0)
		fmt.Fprintln(w, "ACCOUNT\tSERVICE\tURL")
		for _, l := range standing {
			fmt.Fprintf(w, "%s\t%s\t%s\n", l.Account, l.Service, l.URL)
		}
		return w.Flush()
	})
}

// RemoveCallbacks ends an account's listener for profile actions.
func RemoveCallbacks(ctx context.Context, env *Env, account string) error {
	return withCarrier(ctx, env, func(client *thingspace.Client) error {
		if err := client.Remove(ctx, account, thingspace.ProfileService); err != nil {
			return fmt.Errorf("remove: %w", err)
		}
		fmt.Fprintf(env.Err, "account %s sends no callbacks of profile actions any more\n", account)
		return nil
	})
}

// ParkedCallbacks prints the callbacks that fit no known request, the oldest first.
func ParkedCallbacks(ctx context.Context, env *Env, most int64, format Format) error {
	if most < 1 {
		return usage("give a number of callbacks, as --most 50", "--most is %d", most)
	}
	return atDesk(ctx, env, func(desk api.Desk) error {
		parked, total, err := parkedUpTo(ctx, desk, most)
		if err != nil {
			return err
		}
		if format == JSON {
			return printJSON(env.Out, parked)
		}
		fmt.Fprintf(env.Err, "%d callbacks are parked\n", total)
		w := tabwriter.NewWriter(env.Out, 0, 0, 2, ' ', 0)
		for i, p := range parked {
			if i == 0 {
				fmt.Fprintln(w, "ID\tCAME\tREQUEST\tEID\tWHY")
			}
			fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\n", p.ID, clock(p.At), p.RequestID, p.EID, p.Reason)
		}
		return w.Flush()
	})
}

// parkedUpTo puts pages together; none is [], not null.
func parkedUpTo(ctx context.Context, desk api.Desk, most int64) (list []jobs.Parked, total int64, err error) {
	list = []jobs.Parked{}
	for after := ""; ; {
		page, err := desk.Parked(ctx, api.PageQuery{After: after, Limit: int(min(most-int64(len(list)), api.MostLimit))})
		if err != nil {
			return nil, 0, err
		}
		list = append(list, page.Parked...)
		if after = page.Next; after == "" || int64(len(list)) >= most {
			return list, page.Total, nil
		}
	}
}

// ReplayParked tries parked callbacks again now: those of the given ids, or all of them. Workers do so by themselves.
func ReplayParked(ctx context.Context, env *Env, ids []string) error {
	return atDesk(ctx, env, func(desk api.Desk) error {
		done, err := desk.Replay(ctx, ids)
		if err != nil {
			return err
		}
		fmt.Fprintf(env.Err, "%d of %d parked callbacks were matched; the others stay parked\n", done.Matched, done.Tried)
		return nil
	})
}

// ForgetParked drops parked callbacks for good.
func ForgetParked(ctx context.Context, env *Env, ids []string) error {
	return atDesk(ctx, env, func(desk api.Desk) error {
		if err := desk.Forget(ctx, ids); err != nil {
			return err
		}
		fmt.Fprintf(env.Err, "%d parked callbacks are forgotten\n", len(ids))
		return nil
	})
}

// Parked are the callbacks that fit no known request, the oldest first.
func (d *deployment) Parked(ctx context.Context, q api.PageQuery) (*api.ParkedPage, error) {
	total, err := d.ledger.ParkedCount(ctx)
	if err != nil {
		return nil, err
	}
	list, next, err := d.ledger.ParkedPage(ctx, q.After, q.Limited())
	if err != nil {
		return nil, cursorFailure(err, q.After)
	}
	return &api.ParkedPage{Parked: append([]jobs.Parked{}, list...), Total: total, Next: next}, nil
}

// Replay tries parked callbacks again.
func (d *deployment) Replay(ctx context.Context, ids []string) (*api.Replayed, error) {
	if err := d.knowParked(ctx, ids); err != nil {
		return nil, err
	}
	matched, tried, err := d.settler().Replay(ctx, ids)
	return &api.Replayed{Matched: matched, Tried: tried}, err
}

// Forget drops parked callbacks.
func (d *deployment) Forget(ctx context.Context, ids []string) error {
	if len(ids) == 0 {
		return usage("name them: `simshift callbacks parked` lists their ids", "--forget drops the callbacks it is given, and there are none")
	}
	if err := d.knowParked(ctx, ids); err != nil {
		return err
	}
	return d.ledger.Unpark(ctx, ids...)
}

// knowParked fails where one of the ids is not parked.
func (d *deployment) knowParked(ctx context.Context, ids []string) error {
	parked, err := d.ledger.ParkedByID(ctx, ids)
	if err != nil {
		return err
	}
	for _, id := range ids {
		if !slices.ContainsFunc(parked, func(p jobs.Parked) bool { return p.ID == id }) {
			return &Failure{Code: ExitError, Err: fmt.Errorf("no callback %q is parked", id),
				Hint: "`simshift callbacks parked` lists those that are; it may have been matched meanwhile"}
		}
	}
	return nil
}

// withCarrier does something with the carrier, through the session that all processes share.
func withCarrier(ctx context.Context, env *Env, do func(*thingspace.Client) error) error {
	d, err := open(ctx, env)
	if err != nil {
		return err
	}
	defer d.Close()
	client, _, err := d.carrier()
	if err != nil {
		return err
	}
	if err = do(client); err != nil && Hint(err) == "" {
		return &Failure{Code: ExitCode(err), Err: err, Hint: "`simshift doctor` checks the credentials and what else it takes"}
	}
	return err
}

// listeners lists an account's listeners; an account that the carrier does not list has none.
func listeners(ctx context.Context, client *thingspace.Client, account string) ([]thingspace.Listener, error) {
	standing, err := client.Listeners(ctx, account)
	if fault := new(thingspace.Error); errors.As(err, &fault) && fault.Status == http.StatusNotFound {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("list listeners of account %s: %w", account, err)
	}
	return standing, nil
}

func profileListener(ctx context.Context, client *thingspace.Client, account string) (*thingspace.Listener, error) {
	standing, err := listeners(ctx, client, account)
	for i := range standing {
		if standing[i].Service == thingspace.ProfileService {
			return &standing[i], err
		}
	}
	return nil, err
}
