package thingspace

import (
	"cmp"
	"context"
	_ "embed" // for the scripts
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
)

// SessionStore keeps what the deployment shares of its standing with the carrier: the tokens, who renews them now, and
// the logins that may have failed. One hash tag holds all its keys together, so it runs on Redis Cluster:
//
//	simshift:{thingspace}:SCOPE:KIND           the token; gone when it should no longer be used (string)
//	simshift:{thingspace}:SCOPE:KIND:lock      who renews it (string)
//	simshift:{thingspace}:SCOPE:KIND:attempts  attempts to renew it that were refused, or whose outcome is not known, since
//	                                           the last success: id -> JSON (hash)
//
// SCOPE stands for the carrier's address and the user; KIND is "token" for the bearer and "login" for the session.
// All lives are Redis's own time-outs, so the clocks of the processes do not matter.
type SessionStore struct{ rdb redis.UniversalClient }

// NewSessionStore keeps sessions in the given Redis, which stays the caller's to close.
func NewSessionStore(rdb redis.UniversalClient) *SessionStore { return &SessionStore{rdb: rdb} }

//go:embed lua/begin.lua
var beginSource string

//go:embed lua/keep.lua
var keepSource string

//go:embed lua/drop.lua
var dropSource string

//go:embed lua/touch.lua
var touchSource string

var (
	beginScript = redis.NewScript(beginSource)
	keepScript  = redis.NewScript(keepSource)
	dropScript  = redis.NewScript(dropSource)
	touchScript = redis.NewScript(touchSource)
)

// slot is the place of one shared credential. Every method is safe to repeat, because go-redis repeats a command whose
// reply was lost.
type slot struct {
	rdb redis.UniversalClient
	key string
}

func (s *SessionStore) slot(scope, kind string) slot {
	return slot{rdb: s.rdb, key: "simshift:{thingspace}:" + scope + ":" + kind}
}

func (s slot) lockKey() string     { return s.key + ":lock" }
func (s slot) attemptsKey() string { return s.key + ":attempts" }

// token is an issued credential. Two issues of the same value are two tokens: whoever saw the first one fail must not
// think that the second has failed too.
type token struct {
	issue, value string
	life         time.Duration // what was left of it in the store when it was read
}

func (t token) text() string { return t.issue + " " + t.value }

// current is the token in force, or the zero token if there is none.
func (s slot) current(ctx context.Context) (token, error) {
	pipe := s.rdb.Pipeline()
	text, life := pipe.Get(ctx, s.key), pipe.PTTL(ctx, s.key)
	if _, err := pipe.Exec(ctx); err != nil && !errors.Is(err, redis.Nil) {
		return token{}, fmt.Errorf("read the shared token: %w", err)
	}
	issue, value, _ := strings.Cut(text.Val(), " ")
	return token{issue, value, life.Val()}, nil
}

// keep stores a token that owner has got, and forgets the attempts that failed before it; false: the lock was lost and
// another token stands.
func (s slot) keep(ctx context.Context, owner string, t token) (bool, error) {
	keys := []string{s.key, s.lockKey(), s.attemptsKey()}
	kept, err := keepScript.Run(ctx, s.rdb, keys, owner, t.text(), t.life.Milliseconds()).Bool()
	if err != nil {
		return false, fmt.Errorf("store the shared token: %w", err)
	}
	return kept, nil
}

// drop takes the token out of use, unless another has replaced it.
func (s slot) drop(ctx context.Context, t token) error {
	return dropScript.Run(ctx, s.rdb, []string{s.key}, t.text()).Err()
}

// touch gives the token its whole life again, unless another has replaced it.
func (s slot) touch(ctx context.Context, t token, life time.Duration) error {
	return touchScript.Run(ctx, s.rdb, []string{s.key}, t.text(), life.Milliseconds()).Err()
}

// lock takes the right to renew for at most life; false: another has it.
func (s slot) lock(ctx context.Context, owner string, life time.Duration) (bool, error) {
	err := s.rdb.SetArgs(ctx, s.lockKey(), owner, redis.SetArgs{Mode: "NX", TTL: life}).Err()
	if errors.Is(err, redis.Nil) { // taken; by ourselves, if the reply of a first try was lost
		var holder string
		holder, err = s.rdb.Get(ctx, s.lockKey()).Result()
		if err == nil || errors.Is(err, redis.Nil) {
			return holder == owner, nil
		}
	}
	if err != nil {
		return false, fmt.Errorf("lock the shared token: %w", err)
	}
	return true, nil
}

// unlock gives the right back, unless it has passed on meanwhile.
func (s slot) unlock(ctx context.Context, owner string) error {
	return dropScript.Run(ctx, s.rdb, []string{s.lockKey()}, owner).Err()
}

// prolong gives the lock its whole life again, unless it has passed on meanwhile.
func (s slot) prolong(ctx context.Context, owner string, life time.Duration) error {
	return touchScript.Run(ctx, s.rdb, []string{s.lockKey()}, owner, life.Milliseconds()).Err()
}

// attempt is one try to renew that stays on record until it is taken back or another succeeds.
type attempt struct {
	Who     string    `json:"who"`
	At      time.Time `json:"at"`
	Refused bool      `json:"refused,omitempty"` // it was judged, and the answer was no; else nobody knows what became of it
	Status  int       `json:"status,omitempty"`
	Code    string    `json:"code,omitempty"`
	Note    string    `json:"note"`
}

// begin writes the attempt that owner is about to make, and prolongs its lock; false: the lock was lost, and nothing is
// written. An attempt has an id of its own, and is no counter, so that a repeated command counts once.
func (s slot) begin(ctx context.Context, owner string, a attempt, life time.Duration) (bool, error) {
	record, err := json.Marshal(a)
	if err != nil {
		return false, err
	}
	keys := []string{s.lockKey(), s.attemptsKey()}
	begun, err := beginScript.Run(ctx, s.rdb, keys, owner, record, life.Milliseconds()).Bool()
	if err != nil {
		return false, fmt.Errorf("note the attempt: %w", err)
	}
	return begun, nil
}

// note writes what became of an attempt, whoever has the lock by now.
func (s slot) note(ctx context.Context, id string, a attempt) error {
	record, err := json.Marshal(a)
	if err != nil {
		return err
	}
	if err := s.rdb.HSet(ctx, s.attemptsKey(), id, record).Err(); err != nil {
		return fmt.Errorf("note the attempt: %w", err)
	}
	return nil
}

// forgive takes the attempt back.
func (s slot) forgive(ctx context.Context, id string) error {
	return s.rdb.HDel(ctx, s.attemptsKey(), id).Err()
}

// attempts lists what is on record, oldest first.
func (s slot) attempts(ctx context.Context) ([]attempt, error) {
	records, err := s.rdb.HGetAll(ctx, s.attemptsKey()).Result()
	if err != nil {
		return nil, fmt.Errorf("read the failed attempts: %w", err)
	}
	var list []attempt
	for _, record := range records {
		var a attempt
		if json.Unmarshal([]byte(record), &a) != nil {
			a = attempt{Refused: true, Note: "unreadable record"} // it may have been the worst
		}
		list = append(list, a)
	}
	slices.SortFunc(list, func(a, b attempt) int {
		return cmp.Or(a.At.Compare(b.At), strings.Compare(a.Who, b.Who))
	})
	return list, nil
}

// clear forgets all attempts.
func (s slot) clear(ctx context.Context) error { return s.rdb.Del(ctx, s.attemptsKey()).Err() }
