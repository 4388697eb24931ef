-- drop: deletes a key if it still holds the value: a lock of one's own, a credential that was seen failing.
--   KEYS  1 key
--   ARGV  1 value
--   returns 1 if deleted, else 0
if redis.call('GET', KEYS[1]) == ARGV[1] then
  return redis.call('DEL', KEYS[1])
end
return 0
