-- Puts a job's counters right after a recount, if nothing of the job has moved since the recount began.
-- ARGV[2]  what differed, in words        ARGV[3]  how many pairs of field and value follow that must stand as they did
-- ARGV[4..] these pairs, then pairs to set
-- Returns 1 when the counters are right now, 0 when the job has moved on.
local expected = tonumber(ARGV[3])
for i = 4, 2 + 2 * expected, 2 do
  if (redis.call('HGET', KEYS[1], ARGV[i]) or '') ~= ARGV[i + 1] then return 0 end
end
local fields = { 'drift', ARGV[2] }
for i = 4 + 2 * expected, #ARGV do fields[#fields + 1] = ARGV[i] end
redis.call('HSET', KEYS[1], unpack(fields))
return 1
