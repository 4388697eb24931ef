-- Stores the limits, and ends a slow-down.
-- ARGV[1..5]  the limits        ARGV[6]  why
-- Returns {1}.
redis.call('HSET', KEYS[2], 'requests_count', ARGV[1], 'requests_per', ARGV[2], 'devices_count', ARGV[3],
  'devices_per', ARGV[4], 'max_in_flight', ARGV[5], 'reason', ARGV[6], 'set_at', whole(now))
redis.call('HDEL', KEYS[1], 'share', 'cut_at')
return { 1 }
