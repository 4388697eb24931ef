package worker

import (
	"net/http"
	"net/netip"
	"strings"
	"testing"
)

func TestAllowedSourcesAreAddressesNetworksAndTheCarriersName(t *testing.T) {
	t.Parallel()
	list, err := ParseAllowed(" Verizon, 192.0.2.7,10.1.2.3/8 ,2001:db8::/32,::ffff:198.51.100.0/120,, ")
	if err != nil {
		t.Fatal(err)
	}
	s := Sources{Allowed: list}
	for address, want := range map[string]bool{
		"3.87.163.45": true, "168.62.173.153": true, "3.87.163.46": false,
		"192.0.2.7": true, "192.0.2.8": false, "10.200.0.1": true, "11.0.0.1": false,
		"2001:db8:1::1": true, "2001:db9::1": false, "198.51.100.9": true, "198.51.101.9": false,
		"::ffff:192.0.2.7": true,
	} {
		if got := s.allow(plain(netip.MustParseAddr(address))); got != want {
			t.Errorf("%s: %v", address, got)
		}
	}
	if list, err := ParseAllowed(""); err != nil || len(list) != 0 {
		t.Errorf("empty: %v, %v", list, err)
	}
	for _, wrong := range []string{"verizn", "10.0.0.0/33", "10.0.0", "fe80::1%eth0", "::ffff:0:0/95", "192.0.2.7:443"} {
		if list, err := ParseAllowed(wrong); err == nil {
			t.Errorf("%s: %v", wrong, list)
		}
	}
	if _, err := ParseNetworks("verizon"); err == nil {
		t.Error("a carrier is taken for a proxy")
	}
}

func TestTheSourceIsTheNearestThatIsNoTrustedProxy(t *testing.T) {
	t.Parallel()
	proxies, err := ParseNetworks("10.0.0.0/8,2001:db8::1")
	if err != nil {
		t.Fatal(err)
	}
	s := Sources{Proxies: proxies}
	for _, c := range []struct{ peer, lines, want string }{
		{"192.0.2.1:5", "", "192.0.2.1"},
		{"192.0.2.1:5", "203.0.113.9", "192.0.2.1"}, // no proxy: its header is its own invention
		{"[::ffff:192.0.2.1]:5", "", "192.0.2.1"},
		{"10.0.0.1:5", "", "10.0.0.1"},
		{"10.0.0.1:5", "192.0.2.1", "192.0.2.1"},
		{"[::ffff:10.0.0.1]:5", "::ffff:192.0.2.1", "192.0.2.1"},
		{"10.0.0.1:5", "203.0.113.9, 192.0.2.1", "192.0.2.1"},
		{"10.0.0.1:5", "203.0.113.9,192.0.2.1 , 10.0.0.2", "192.0.2.1"},
		{"10.0.0.1:5", "203.0.113.9|192.0.2.1|10.0.0.2,10.0.0.3", "192.0.2.1"},
		{"10.0.0.1:5", "rubbish, 192.0.2.1", "192.0.2.1"}, // left of the source anybody may write anything
		{"10.0.0.1:5", "10.0.0.3, 10.0.0.2", "10.0.0.3"},
		{"10.0.0.1:5", "192.0.2.1:443", "192.0.2.1"},
		{"[2001:db8::1]:5", "[2001:db8::2]:443", "2001:db8::2"},
		{"10.0.0.1:5", "[2001:db8::2]", "2001:db8::2"},
		{"10.0.0.1:5", "192.0.2.1, unknown", "refused"},
		{"10.0.0.1:5", "192.0.2.1, ", "refused"},
		{"10.0.0.1:5", "192.0.2.1, [10.0.0.2", "refused"},
		{"@", "", "refused"},
	} {
		r := &http.Request{RemoteAddr: c.peer, Header: make(http.Header)}
		for line := range strings.SplitSeq(c.lines, "|") {
			if line != "" {
				r.Header.Add("X-Forwarded-For", line)
			}
		}
		source, err := s.of(r)
		got := source.String()
		if err != nil {
			got = "refused"
		}
		if got != c.want {
			t.Errorf("%s, %q: %s, want %s", c.peer, c.lines, got, c.want)
		}
	}
}

func FuzzForwardedForNeverNamesAProxyUnlessAllAreProxies(f *testing.F) {
	f.Add("192.0.2.1, 10.0.0.2")
	f.Add("[::1]:5,,unknown")
	proxies := []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}
	f.Fuzz(func(t *testing.T, line string) {
		s := Sources{Proxies: proxies}
		r := &http.Request{RemoteAddr: "10.0.0.1:1", Header: http.Header{"X-Forwarded-For": {line}}}
		source, err := s.of(r)
		if err != nil || !within(proxies, source) {
			return
		}
		for entry := range strings.SplitSeq(line, ",") {
			if address, err := parseForwarded(strings.TrimSpace(entry)); err != nil || !within(proxies, address) {
				t.Errorf("%q: %s", line, source)
			}
		}
	})
}
