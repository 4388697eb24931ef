-- Writes a process's mark, unless an older one stands there than should: that is the proof that Redis has lost something,
-- and stays until what was lost is written again.
-- KEYS[1]  the marks: process -> mark and time (hash)        ARGV[1]  now, ms        ARGV[2]  the process
-- ARGV[3]  the mark that should stand there, -1 for none        ARGV[4]  the next one
-- ARGV[5]  marks older than this, ms, are forgotten
-- Returns the mark that stood there, -1 for none: below ARGV[3], nothing was written. Run twice, it gives ARGV[4].
local before = redis.call('HGET', KEYS[1], ARGV[2])
local stands = before and tonumber(string.match(before, '^(%d+)')) or -1
if stands < tonumber(ARGV[3]) then return stands end
local all = redis.call('HGETALL', KEYS[1])
for i = 1, #all, 2 do
  local at = tonumber(string.match(all[i + 1], '(%d+)$'))
  if at < tonumber(ARGV[5]) and all[i] ~= ARGV[2] then redis.call('HDEL', KEYS[1], all[i]) end
end
redis.call('HSET', KEYS[1], ARGV[2], ARGV[4] .. ' ' .. ARGV[1])
return stands
