-- Cancels the devices of a chunk that are in no batch: the pending, and those that wait for a retry.
-- ARGV[2]  the chunk        ARGV[3]  how many devices it has        ARGV[4]  the phase in which that is right
-- Returns how many it cancelled; -1 when the job is in another phase.
if phase() ~= ARGV[4] then return -1 end
local size, seconds = tonumber(ARGV[3]), floor(now / 1000)
local slice = redis.call('GETRANGE', state_key(ARGV[2]), 0, size * RECORD - 1)
local pieces, moved = {}, 0
for i = 0, size - 1 do
  local record = sub(slice, i * RECORD + 1, i * RECORD + RECORD)
  local state, _, attempt, flags = byte(record, 1, 4)
  if state == S.pending or state == S.retrying then
    local fault = byte(record, 9) * 256 + byte(record, 10)
    local old = record
    record = encode(S.cancelled, WITHDRAWN, attempt, flags, seconds, fault, read32(record, 13), past_of(record))
    changed(ARGV[2] * 16384 + i, old, record)
    count(state, S.cancelled, 1)
    moved = moved + 1
  end
  pieces[i + 1] = record
end
if moved > 0 then
  redis.call('SETRANGE', state_key(ARGV[2]), 0, table.concat(pieces))
  write_counts()
end
return moved
