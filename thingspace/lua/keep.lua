-- keep: stores a renewed credential and forgets the attempts before it.
--   KEYS  1 credential, 2 lock, 3 attempts
--   ARGV  1 owner of the lock, also the id of its attempt, 2 credential, 3 its life in ms
--   returns 1 if stored; 0 if the lock was lost meanwhile and another credential stands already, which then stays
-- Safe to repeat: stored once by this owner, it is stored again as it was.
if redis.call('GET', KEYS[2]) ~= ARGV[1] then
  redis.call('HDEL', KEYS[3], ARGV[1])
  if redis.call('EXISTS', KEYS[1]) == 1 then
    return 0
  end
else
  redis.call('DEL', KEYS[3])
end
redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
return 1
