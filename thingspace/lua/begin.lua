-- begin: notes an attempt that is about to be sent, and gives the lock that covers it its whole life again.
--   KEYS  1 lock, 2 attempts
--   ARGV  1 owner of the lock, also the id of its attempt, 2 record of the attempt, 3 the lock's life in ms
--   returns 1 if noted; 0 if the lock was lost meanwhile: then nothing is noted, and nothing may be sent
-- Safe to repeat: the same attempt is noted once.
if redis.call('GET', KEYS[1]) ~= ARGV[1] then
  return 0
end
redis.call('HSET', KEYS[2], ARGV[1], ARGV[2])
redis.call('PEXPIRE', KEYS[1], ARGV[3])
return 1
