-- Moves the job to another phase, if it is in one of those allowed.
-- ARGV[2]   the new phase
-- ARGV[3]   how many phases follow that it may come from
-- ARGV[4]   an entry for the job's log, '' for none
-- ARGV[5..] these phases, then field, value, ... to set with it
-- Returns 1 when it moved, 2 when it was there already, else the phase it is in ('' for no such job).
local current = phase()
if not current then return '' end
if current == ARGV[2] then return 2 end
local allowed, count_from = false, tonumber(ARGV[3])
for i = 1, count_from do
  if ARGV[4 + i] == current then allowed = true end
end
if not allowed then return current end
local fields = { 'state', ARGV[2] }
for i = 5 + count_from, #ARGV do fields[#fields + 1] = ARGV[i] end
redis.call('HSET', KEYS[1], unpack(fields))
if ARGV[4] ~= '' then redis.call('RPUSH', LOG, ARGV[4]) end
return 1
