-- Forms a batch of first attempts: a stretch of one chunk.
-- ARGV[2]  the chunk        ARGV[3]  the first position        ARGV[4]  how many positions
-- ARGV[5]  the group        ARGV[6]  when to look again if its task is lost, ms        ARGV[7]  the phase that may form
-- Returns the batch's number; 0 where the stretch is formed already, the job is not in that phase, the wave is not so
-- large, or no device of the stretch is pending any more.
local chunk, from, size = ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4])
if phase() ~= ARGV[7] then return 0 end
if tonumber(redis.call('HGET', FORMED, chunk) or '0') ~= from then return 0 end

local waves = redis.call('HMGET', KEYS[1], 'formed', 'opened')
if waves[2] and tonumber(waves[1] or '0') + size > tonumber(waves[2]) then return 0 end

local number = tonumber(redis.call('HGET', KEYS[1], 'batches') or '0') + 1
local record = encode(INBATCH, 0, 1, 0, floor(now / 1000), 0, number, 0)
local slice = redis.call('GETRANGE', state_key(chunk), from * RECORD, (from + size) * RECORD - 1)
local taken = size
if slice == string.rep('\0', size * RECORD) then
  slice = string.rep(record, size)
else
  taken = 0
  local pieces, untouched = {}, string.rep('\0', RECORD)
  for i = 0, size - 1 do
    local old = sub(slice, i * RECORD + 1, i * RECORD + RECORD)
    if old == untouched then
      old = record
      taken = taken + 1
    elseif present_wave() > 0 then -- it went another way before, and counts for this wave from now on
      local what = came_to(byte(old, 1))
      if what then in_wave(present_wave(), what, 1) end
    end
    pieces[i + 1] = old
  end
  slice = table.concat(pieces)
end

redis.call('HSET', FORMED, chunk, from + size)
redis.call('HINCRBY', KEYS[1], 'formed', size)
if present_wave() > 0 then in_wave(present_wave(), 'formed', size) end
if taken == 0 then
  write_counts()
  return 0
end
redis.call('SETRANGE', state_key(chunk), from * RECORD, slice)
redis.call('HSET', batch_key(number), 'state', S.queued, 'group', ARGV[5], 'attempt', 1, 'repeat', 0, 'listed', 0,
  'chunk', chunk, 'from', from, 'size', size, 'open', taken, 'formed_at', ARGV[1])
redis.call('ZADD', DUE, ARGV[6], number)
redis.call('HSET', KEYS[1], 'batches', number)
count(S.pending, S.queued, taken)
write_counts()
return number
