-- touch: gives a credential that was just used its whole life again, unless another has taken its place.
--   KEYS  1 credential
--   ARGV  1 its value, 2 its life in ms
--   returns 1 if prolonged, else 0
if redis.call('GET', KEYS[1]) == ARGV[1] then
  return redis.call('PEXPIRE', KEYS[1], ARGV[2])
end
return 0
