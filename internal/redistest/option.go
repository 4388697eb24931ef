package redistest

import "path/filepath"

// Option changes the configuration that [Start] begins with.
type Option func(*Server) setting

type setting struct{ name, value string }

// Set sets any directive of redis.conf that takes one value.
func Set(name, value string) Option {
	return func(*Server) setting { return setting{name, value} }
}

// Fsync sets when the append-only file is synced: "always", "everysec" (the default here) or "no".
func Fsync(when string) Option { return Set("appendfsync", when) }

// MaxMemory sets a bound, such as "8mb", beyond which writes are refused: nothing is ever evicted.
func MaxMemory(size string) Option { return Set("maxmemory", size) }

// UnixSocket makes the server listen on [Server.Socket] as well.
func UnixSocket() Option {
	return func(s *Server) setting {
		s.Socket = filepath.Join(s.Dir, "redis.sock")
		return setting{"unixsocket", s.Socket}
	}
}
