package app

import (
	"context"
	"errors"
	"fmt"
	"net/url"
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

func hasPassword(address string) bool {
	u, err := url.Parse(address)
	if err != nil || u.User == nil {
		return false
	}
	_, set := u.User.Password()
	return set
}

// parseRedis reads the URL forms of SIMSHIFT_REDIS_URL. Errors never repeat the URL: it may hold a password.
func parseRedis(address string) (*redis.UniversalOptions, error) {
	scheme, rest, _ := strings.Cut(address, "://")
	switch scheme {
	case "redis", "rediss", "unix":
		one, err := redis.ParseURL(address)
		if err != nil {
			return nil, errors.New("the URL is not well formed")
		}
		return &redis.UniversalOptions{
			Addrs: []string{one.Addr}, DB: one.DB, Username: one.Username, Password: one.Password, TLSConfig: one.TLSConfig,
		}, nil
	case "redis+cluster", "redis+sentinel":
		return parseMany(scheme, rest)
	}
	return nil, fmt.Errorf("the scheme %q is not known", scheme)
}

func parseMany(scheme, rest string) (*redis.UniversalOptions, error) {
	login, hosts, found := strings.Cut(rest, "@")
	if !found {
		login, hosts = "", rest
	}
	hosts, path, _ := strings.Cut(hosts, "/")
	options := &redis.UniversalOptions{Addrs: strings.Split(hosts, ","), IsClusterMode: scheme == "redis+cluster"}
	options.Username, options.Password, _ = strings.Cut(login, ":")
	if hosts == "" {
		return nil, errors.New("no host is named")
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
	if err != nil {
		return nil, fmt.Errorf("the database %q is not a number", db)
	}
	options.DB = n
	return options, nil
}
