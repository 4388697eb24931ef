package app

import (
	"context"
	"encoding/csv"
	"fmt"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/simshift/simshift/console/api"
	"github.com/simshift/simshift/jobs"
)

// ShowLog prints everything that was done to a job and decided about it, the oldest first.
func ShowLog(ctx context.Context, env *Env, word string, format Format) error {
	var entries []jobs.Entry
	err := atDesk(ctx, env, func(desk api.Desk) (err error) {
		entries, err = desk.Log(ctx, word)
		return err
	})
	if err != nil {
		return err
	}
	switch format {
	case JSON:
		return printJSON(env.Out, entries)
	case CSV:
		w := csv.NewWriter(env.Out)
		_ = w.Write([]string{"at", "who", "from", "act", "words"}) // Error tells
		for _, e := range entries {
			_ = w.Write([]string{e.At.Format(time.RFC3339Nano), plain(e.Who), plain(e.From), plain(e.Act), plain(e.Words)})
		}
		w.Flush()
		if err := w.Error(); err != nil {
			return fmt.Errorf("print: %w", err)
		}
		return nil
	}
	w := tabwriter.NewWriter(env.Out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "AT\tWHO\tACT\tWORDS")
	for _, e := range entries {
		who := e.Who
		if e.From != "" {
			who += " at " + e.From
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", clock(e.At), who, e.Act, e.Words)
	}
	return w.Flush()
}

// plain keeps a spreadsheet from taking a text for a formula.
func plain(text string) string {
	if text != "" && strings.ContainsRune("=+-@\t\r", rune(text[0])) {
		return "'" + text
	}
	return text
}
