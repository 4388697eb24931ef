package app

import (
	"net/url"
	"strings"
	"testing"
)

// FuzzParseRedis holds that what is taken names a server and a database, and that an error never repeats a password.
func FuzzParseRedis(f *testing.F) {
	for _, seed := range []string{
		"redis://localhost:6379/0", "rediss://user:hush@host:6380/15", "unix:///run/redis.sock?db=2", "redis://:hush@[::1]/1",
		"redis+sentinel://user:hush@a:26379,b:26379/master/3", "redis+sentinel://a/master", "redis+sentinel://a", "redis+cluster://a,b",
		"redis+cluster://user:hush@", "redis+sentinel://:hush@a/m/hush", "redis+sentinel://a/m/-1", "http://user:hush@host",
		"redis://user:hush@host/x", "", "hush", "redis+cluster://,", "redis+sentinel://user:hu@sh@a/m/1", "hush@x://a", "redis+cluster://a,,b",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, address string) {
		options, err := parseRedis(address)
		if err != nil {
			if u, bad := url.Parse(address); bad == nil && u.User != nil {
				password, _ := u.User.Password()
				if len(password) > 8 && strings.Contains(err.Error(), password) {
					t.Errorf("the error tells the password: %v", err)
				}
			}
			return
		}
		if options.DB < 0 || len(options.Addrs) == 0 {
			t.Errorf("%q is %v, database %d", address, options.Addrs, options.DB)
		}
		for _, addr := range options.Addrs {
			if addr == "" {
				t.Errorf("%q names an empty host among %q", address, options.Addrs)
			}
		}
	})
}
