package access

import (
	"bufio"
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode"

	"github.com/simshift/simshift/jobs"
)

// roleNames are the roles as they stand in a tokens file.
var roleNames = map[string]Role{"viewer": Viewer, "operator": Operator, "approver": Approver}

// ParseRole reads viewer, operator or approver.
func ParseRole(text string) (Role, error) {
	if role, known := roleNames[text]; known {
		return role, nil
	}
	return Anyone, fmt.Errorf("the role is %q, but must be viewer, operator or approver", text)
}

func (r Role) String() string {
	for name, role := range roleNames {
		if role == r {
			return name
		}
	}
	return "anyone"
}

// Bounds of a tokens file.
const (
	mostPeople = 10_000
	mostName   = 100 // bytes
)

// Holder is a person and what is kept of the token.
type Holder struct {
	Person

	Digest Digest
}

// ParseHolders reads a tokens file: a line for each person, with name, role and digest between blanks; what follows a # at
// the beginning of a line is a comment. A name holds no blanks, and stands once.
func ParseHolders(r io.Reader) ([]Holder, error) {
	var list []Holder
	lines := bufio.NewScanner(r)
	for number := 1; lines.Scan(); number++ {
		line := strings.TrimSpace(lines.Text())
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		holder, err := parseHolder(line)
		if err == nil && slices.ContainsFunc(list, func(h Holder) bool { return h.Name == holder.Name || h.Digest == holder.Digest }) {
			err = fmt.Errorf("the name or the token of %s stands twice", holder.Name)
		}
		if err == nil && len(list) == mostPeople {
			err = fmt.Errorf("there are more than %d people", mostPeople)
		}
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", number, err)
		}
		list = append(list, holder)
	}
	return list, lines.Err()
}

// parseHolder does not repeat in its errors what it does not understand: it may be a token.
func parseHolder(line string) (h Holder, err error) {
	fields := strings.Fields(line)
	if len(fields) != 3 {
		return h, fmt.Errorf("a line has three fields, name, role and digest, and this one %d", len(fields))
	}
	if h.Name, err = fields[0], CheckName(fields[0]); err != nil {
		return h, err
	}
	if h.Role, err = ParseRole(fields[1]); err != nil {
		return h, fmt.Errorf("%s has no role that is known: viewer, operator or approver", h.Name)
	}
	h.Digest, err = parseDigest(fields[2])
	return h, err
}

// programs are names under which the program itself stands in a job's log.
var programs = []string{jobs.ByGate, jobs.ByBrake, "simshift"}

// CheckName tells what keeps a text from being a person's name: it is one word, which can be printed.
func CheckName(name string) error {
	if slices.Contains(programs, strings.ToLower(name)) {
		return fmt.Errorf("in the jobs' logs %q is the program itself, and no person", name)
	}
	odd := func(r rune) bool { return unicode.IsSpace(r) || !unicode.IsPrint(r) }
	if name == "" || len(name) > mostName || strings.ContainsFunc(name, odd) || name[0] == '#' {
		return fmt.Errorf("a name is one word of at most %d bytes, as dana or dana@example.com", mostName)
	}
	return nil
}

// WriteHolders writes a tokens file, sorted by name.
func WriteHolders(w io.Writer, list []Holder) error {
	list = slices.SortedFunc(slices.Values(list), func(a, b Holder) int { return cmp.Compare(a.Name, b.Name) })
	_, err := fmt.Fprintln(w, "# who may use the console and the API: name, role (viewer, operator, approver), SHA-256 of the token")
	for _, h := range list {
		if err == nil {
			_, err = fmt.Fprintln(w, h.Name, h.Role, h.Digest)
		}
	}
	return err
}
