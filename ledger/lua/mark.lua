-- Writes a process's mark, and tells which one of it was there.
-- KEYS[1]  the marks: process -> mark and time (hash)        ARGV[1]  now, ms        ARGV[2]  the process
-- ARGV[3]  its mark        ARGV[4]  marks older than this, ms, are forgotten
-- Returns the mark that stood there, -1 for none.
local before = redis.call('HGET', KEYS[1], ARGV[2])
local all = redis.call('HGETALL', KEYS[1])
for i = 1, #all, 2 do
  local at = tonumber(string.match(all[i + 1], '(%d+)$'))
  if at < tonumber(ARGV[4]) and all[i] ~= ARGV[2] then redis.call('HDEL', KEYS[1], all[i]) end
end
redis.call('HSET', KEYS[1], ARGV[2], ARGV[3] .. ' ' .. ARGV[1])
if not before then return -1 end
return tonumber(string.match(before, '^(%d+)'))
