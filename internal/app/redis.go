package app

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
)

// connect opens Redis and makes sure that it answers. The anchor learns of every connection.
func connect(ctx context.Context, env *Env, anchored *anchor) (redis.UniversalClient, error) {
	r := reader{env: env}
	address := r.text("REDIS_URL")
	if r.err != nil {
		return nil, r.err
	}
	if _, flag := env.Flags["REDIS_URL"]; flag && hasPassword(address) {
		return nil, usage("set SIMSHIFT_REDIS_URL or SIMSHIFT_REDIS_URL_FILE instead: every user of the machine can read a command line",
			"--redis-url holds a password")
	}
	options, err := parseRedis(address)
	if err != nil {
		return nil, usage("use redis://HOST:PORT/DB, rediss://..., redis+sentinel://HOST,HOST/MASTER/DB or redis+cluster://HOST,HOST",
			"SIMSHIFT_REDIS_URL: %w", err)
	}
	redis.SetLogger(silent{})            // its lines would stand before every good error of ours
	options.ContextTimeoutEnabled = true // a callback's patience must reach the socket
	options.OnConnect = anchored.connected
	client := redis.NewUniversalClient(options)
	asking, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	if err := client.Ping(asking).Err(); err != nil {
		_ = client.Close()
		if answer := redis.Error(nil); errors.As(err, &answer) {
			return nil, &Failure{Code: ExitUsage, Err: fmt.Errorf("redis at %s refuses us: %w", strings.Join(options.Addrs, ", "), err),
				Hint: "check the user, the password, the database's number and the form of SIMSHIFT_REDIS_URL"}
		}
		return nil, &Failure{Code: ExitError, Err: fmt.Errorf("redis at %s does not answer: %w", strings.Join(options.Addrs, ", "), err),
			Hint: "start Redis, or set SIMSHIFT_REDIS_URL; `simshift demo` needs none"}
	}
	return client, nil
}

// silent drops what go-redis says on its own; every error reaches us as one.
type silent struct{}

func (silent) Printf(context.Context, string, ...any) {}

// hasPassword looks at the text alone: net/url takes no list of hosts with ports.
func hasPassword(address string) bool {
	_, rest, _ := strings.Cut(address, "://")
	login, _ := splitLogin(rest)
	return strings.Contains(login, ":")
}

// splitLogin parts user:password from what comes after it. No host has an @, but a password may.
func splitLogin(rest string) (login, hosts string) {
	at := strings.LastIndexByte(rest, '@')
	return rest[:max(at, 0)], rest[at+1:]
}

// parseRedis reads the URL forms of SIMSHIFT_REDIS_URL. Errors never repeat the URL: it may hold a password.
func parseRedis(address string) (*redis.UniversalOptions, error) {
	scheme, rest, _ := strings.Cut(address, "://")
	switch scheme {
	case "redis", "rediss", "unix":
		one, err := redis.ParseURL(address)
		if err != nil || one.DB < 0 {
			return nil, errors.New("the URL is not well formed")
		}
		return &redis.UniversalOptions{
			Addrs: []string{one.Addr}, DB: one.DB, Username: one.Username, Password: one.Password, TLSConfig: one.TLSConfig,
		}, nil
	case "redis+cluster", "redis+sentinel":
		return parseMany(scheme, rest)
	}
	return nil, errors.New("the scheme, before ://, is not one of ours")
}

func parseMany(scheme, rest string) (*redis.UniversalOptions, error) {
	login, rest := splitLogin(rest)
	hosts, path, _ := strings.Cut(rest, "/")
	options := &redis.UniversalOptions{Addrs: strings.Split(hosts, ","), IsClusterMode: scheme == "redis+cluster"}
	options.Username, options.Password, _ = strings.Cut(login, ":")
	if slices.Contains(options.Addrs, "") {
		return nil, errors.New("a host is not named")
	}
	if options.IsClusterMode {
		return options, nil
	}
	master, db, _ := strings.Cut(path, "/")
	if options.MasterName = master; master == "" {
		return nil, errors.New("no sentinel master is named: redis+sentinel://HOST,HOST/MASTER/DB")
	}
	if db == "" {
		return options, nil
	}
	n, err := strconv.Atoi(db)
	if err != nil || n < 0 {
		return nil, errors.New("the database is not a number from 0")
	}
	options.DB = n
	return options, nil
}
