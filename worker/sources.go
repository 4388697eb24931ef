package worker

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
)

// carriersSources are words that stand for a carrier's published addresses. Source: ThingSpace, "Callback listeners".
var carriersSources = map[string]string{
	"verizon": "3.87.163.45,3.91.119.203,54.197.62.209,35.165.205.14,54.200.43.232,34.216.81.234,137.117.33.109,168.62.173.153",
}

// Sources says who may send callbacks.
type Sources struct {
	Allowed []netip.Prefix // none: anyone
	Proxies []netip.Prefix // whose X-Forwarded-For is believed
}

// ParseAllowed reads a list of addresses and networks, in which a carrier's name stands for its published addresses.
func ParseAllowed(text string) ([]netip.Prefix, error) {
	var list []netip.Prefix
	for word := range words(text) {
		if addresses, known := carriersSources[strings.ToLower(word)]; known {
			word = addresses
		}
		prefixes, err := ParseNetworks(word)
		if err != nil {
			return nil, err
		}
		list = append(list, prefixes...)
	}
	return list, nil
}

// ParseNetworks reads a list of addresses and networks, as 192.0.2.7,10.0.0.0/8,2001:db8::/32.
func ParseNetworks(text string) ([]netip.Prefix, error) {
	var list []netip.Prefix
	for word := range words(text) {
		prefix, err := parseNetwork(word)
		if err != nil {
			return nil, err
		}
		list = append(list, prefix)
	}
	return list, nil
}

func words(text string) func(yield func(string) bool) {
	return func(yield func(string) bool) {
		for word := range strings.SplitSeq(text, ",") {
			if word = strings.TrimSpace(word); word != "" && !yield(word) {
				return
			}
		}
	}
}

func parseNetwork(word string) (netip.Prefix, error) {
	if !strings.Contains(word, "/") {
		address, err := netip.ParseAddr(word)
		if err != nil || address.Zone() != "" {
			return netip.Prefix{}, fmt.Errorf("%q is no IP address", word)
		}
		address = address.Unmap()
		return netip.PrefixFrom(address, address.BitLen()), nil
	}
	prefix, err := netip.ParsePrefix(word)
	if err != nil {
		return netip.Prefix{}, fmt.Errorf("%q is no network", word)
	}
	if prefix.Addr().Is4In6() { // the sources it is compared with are unmapped
		if prefix.Bits() < 96 {
			return netip.Prefix{}, fmt.Errorf("%q is neither a network of IPv4 nor one of IPv6", word)
		}
		prefix = netip.PrefixFrom(prefix.Addr().Unmap(), prefix.Bits()-96)
	}
	return prefix.Masked(), nil
}

// allow tells whether callbacks are taken from an address.
func (s *Sources) allow(source netip.Addr) bool {
	return len(s.Allowed) == 0 || within(s.Allowed, source)
}

// refuseAtOnce tells whether nothing that a peer may say can change that it is refused.
func (s *Sources) refuseAtOnce(peer netip.Addr) bool { return len(s.Proxies) == 0 && !s.allow(peer) }

var errForwarded = errors.New("X-Forwarded-For is not understood")

// of gives the address that sent a request: the peer's, or where that is a trusted proxy, the nearest one before it that
// is none. What stands further left may be anybody's invention, and is not looked at. Where only proxies stand there, it
// is the furthest of them.
func (s *Sources) of(r *http.Request) (netip.Addr, error) {
	peer, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return netip.Addr{}, err
	}
	source := plain(peer.Addr())
	if !within(s.Proxies, source) {
		return source, nil
	}
	for _, line := range slices.Backward(r.Header.Values("X-Forwarded-For")) {
		for _, entry := range slices.Backward(strings.Split(line, ",")) {
			if source, err = parseForwarded(strings.TrimSpace(entry)); err != nil || !within(s.Proxies, source) {
				return source, err
			}
		}
	}
	return source, nil
}

// parseForwarded reads one entry: an address, which some proxies put in brackets, and to which some add the port.
func parseForwarded(entry string) (netip.Addr, error) {
	if address, err := netip.ParseAddr(entry); err == nil {
		return plain(address), nil
	}
	for _, form := range []string{entry, entry + ":0"} {
		if both, err := netip.ParseAddrPort(form); err == nil {
			return plain(both.Addr()), nil
		}
	}
	return netip.Addr{}, errForwarded
}

// addressOf gives a peer's address, or the invalid one, which no network contains.
func addressOf(peer net.Addr) netip.Addr {
	if tcp, ok := peer.(*net.TCPAddr); ok {
		return plain(tcp.AddrPort().Addr())
	}
	return netip.Addr{}
}

// plain makes one address of the forms in which it comes: mapped into IPv6, and with a zone.
func plain(address netip.Addr) netip.Addr { return address.Unmap().WithZone("") }

func within(list []netip.Prefix, address netip.Addr) bool {
	return slices.ContainsFunc(list, func(p netip.Prefix) bool { return p.Contains(address) })
}
