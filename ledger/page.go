package ledger

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/redis/go-redis/v9"

	"github.com/simshift/simshift/jobs"
)

// filterStep is how many entries of a list are looked at, at most, in one question for those that are wanted.
const filterStep = 1000

// beyond reads at most n entries of a sorted set, in its order or against it, which follow the one that a cursor was made from. That
// one may be gone meanwhile.
func (l *Ledger) beyond(ctx context.Context, key, cursor string, n int, down bool) ([]redis.Z, error) {
	args := redis.ZRangeArgs{Key: key, Start: "-inf", Stop: "+inf", ByScore: true, Rev: down, Count: int64(n)}
	if down {
		args.Start, args.Stop = args.Stop, args.Start
	}
	follows := func(redis.Z) bool { return true }
	if cursor != "" {
		score, last, found := strings.Cut(cursor, "-")
		at, err := strconv.ParseInt(score, 10, 64)
		if !found || err != nil {
			return nil, fmt.Errorf("%q is no place in a list: %w", cursor, jobs.ErrNotFound)
		}
		args.Start = at
		follows = func(z redis.Z) bool {
			member, _ := z.Member.(string)
			if int64(z.Score) != at {
				return true
			}
			return down && member < last || !down && member > last
		}
	}
	var entries []redis.Z
	for len(entries) < n {
		some, err := l.rdb.ZRangeArgsWithScores(ctx, args).Result()
		if err != nil {
			return nil, err
		}
		for _, z := range some {
			if follows(z) && len(entries) < n {
				entries = append(entries, z)
			}
		}
		if len(some) < n {
			break
		}
		args.Offset += int64(n) // of the same score as the cursor there may be many
	}
	return entries, nil
}

// cursorAt is the cursor behind an entry.
func cursorAt(z redis.Z) string {
	member, _ := z.Member.(string)
	return strconv.FormatInt(int64(z.Score), 10) + "-" + member
}

// cutPage leaves a page of entries, and gives the cursor behind it where more follow.
func cutPage(entries []redis.Z, limit int) (page []redis.Z, next string) {
	if len(entries) <= limit {
		return entries, ""
	}
	return entries[:limit], cursorAt(entries[limit-1])
}

func members(entries []redis.Z) []string {
	list := make([]string, len(entries))
	for i, z := range entries {
		list[i], _ = z.Member.(string)
	}
	return list
}
