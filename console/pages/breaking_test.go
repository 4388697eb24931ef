package pages_test

import (
	"context"
	"errors"
	"io"

	"github.com/simshift/simshift/console/api"
)

// breaking is a desk whose results break off.
type breaking struct{ api.Desk }

func (breaking) Results(_ context.Context, _ string, _ api.ResultsQuery, w io.Writer) error {
	_, _ = io.WriteString(w, "row,eid\n")
	return errors.New("Redis went away")
}
