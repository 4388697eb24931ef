package app

import "testing"

func TestAPasswordIsSeenInEveryFormOfTheURL(t *testing.T) {
	t.Parallel()
	for address, want := range map[string]bool{
		"redis://:hush@host:6379/0":                   true,
		"redis+sentinel://u:hush@a:26379,b:26379/m/1": true,
		"redis+cluster://u:hush@a:6379,b:6379":        true,
		"redis://user@host":                           false,
		"redis://host:6379":                           false,
		"redis+sentinel://a:26379,b:26379/m":          false,
		"redis+sentinel://user:hu@sh@a:26379/m":       true,
		"redis://localhost:6379/0?client_name=a:b":    false,
	} {
		if hasPassword(address) != want {
			t.Errorf("%s: %t", address, !want)
		}
	}
}

func TestAnAtSignInAPasswordIsNoPartOfTheHost(t *testing.T) {
	t.Parallel()
	options, err := parseRedis("redis+sentinel://user:hu@sh@a:26379,b:26379/master/3")
	if err != nil || options.Password != "hu@sh" || len(options.Addrs) != 2 || options.Addrs[0] != "a:26379" || options.DB != 3 {
		t.Errorf("read as %v, database %d, %v", options.Addrs, options.DB, err)
	}
}
