-- Writes again what Redis has lost of a request that was sent: a batch of its devices, in doubt. Devices that have moved on
-- since, by their callbacks or in a later attempt, are left alone. Devices that stand before it, in an attempt whose end is lost
-- too, are taken: whoever knows of that end may write it after this, and it must not send them once more.
-- ARGV[2]  the batch's number before        ARGV[3]  the run that sent it        ARGV[4]  when its grace is over, ms
-- ARGV[5]  the group        ARGV[6]  the attempt        ARGV[7]  '1' if it repeats        ARGV[8]  when it was sent, ms
-- ARGV[9]  the places of its devices, four bytes each        ARGV[10]  a note
-- Returns the number of the batch that holds the devices now: the same where nothing was lost, 0 where none of them is
-- to be had; how many devices were written again; and 1 where that batch is in doubt, so that callbacks may adopt it.
local function doubtful(b) return b.state == S.submitting and b.request == '' and 1 or 0 end
local old = batch(ARGV[2])
if old and old.run == ARGV[3] then return { tonumber(old.number), 0, doubtful(old) } end
if not phase() then return { 0, 0, 0 } end
local attempt, list = tonumber(ARGV[6]), ARGV[9]
local number = tonumber(redis.call('HGET', KEYS[1], 'batches') or '0') + 1

local mine -- the batch that this run holds already: written again before, by a call whose reply was lost
-- lost tells from which state a device is taken back into flight, and from which batch; or nil where it is not.
local function lost(record)
  local state, _, tried = byte(record, 1, 3)
  if (state == S.pending or state == S.retrying) and tried < attempt then return state end
  if state ~= INBATCH or tried > attempt then return nil end
  local holder = batch(read32(record, 13))
  if holder and tried == attempt and holder.run == ARGV[3] then mine = holder end
  if holder and (tried < attempt or holder.state == S.queued) then return holder.state, holder end
end
-- leads_here tells whether the states that are lost with them lead from one to a batch of this request.
local function leads_here(from)
  return from == S.queued or may(from, S.queued) or may(from, S.retrying) and may(S.retrying, S.queued)
end

local wanted = {}
for at = 1, #list, 4 do
  local place = read32(list, at)
  local record = read_record(place)
  if #record == RECORD then
    local from, holder = lost(record)
    if from and leads_here(from) and may(S.queued, S.submitting) then
      wanted[#wanted + 1] = { place = place, from = from, holder = holder, flags = byte(record, 4), past = past_of(record),
        record = record }
    end
  end
end
if mine then return { mine.number, 0, doubtful(mine) } end
if #wanted == 0 then return { 0, 0, 0 } end

local taken, emptied = {}, {}
for i, device in ipairs(wanted) do
  write_record(device.place, encode(INBATCH, 0, attempt, device.flags, floor(now / 1000), 0, number, device.past), device.record)
  taken[i] = be32(device.place)
  count(device.from, S.submitting, 1)
  if device.holder then
    device.holder.open = device.holder.open - 1
    emptied[device.holder.number] = device.holder
  end
end
for queued, holder in pairs(emptied) do
  if holder.open == 0 then close_batch(holder) else redis.call('HSET', batch_key(queued), 'open', holder.open) end
end
redis.call('SET', list_key(number), table.concat(taken))
redis.call('HSET', batch_key(number), 'state', S.submitting, 'group', ARGV[5], 'attempt', attempt, 'repeat', ARGV[7],
  'listed', 1, 'size', #taken, 'open', #taken, 'formed_at', ARGV[8], 'sent_at', ARGV[8], 'sent', #taken, 'run', ARGV[3],
  'due', ARGV[4], 'note', ARGV[10])
redis.call('ZADD', DUE, ARGV[4], number)
redis.call('HSET', KEYS[1], 'batches', number)
redis.call('HINCRBY', KEYS[1], 'requests', 1)
redis.call('HINCRBY', KEYS[1], 'attempts', #taken)
if ARGV[7] == '1' then redis.call('HINCRBY', KEYS[1], 'repeats', #taken) end
redis.call('HSETNX', KEYS[1], 'started_at', ARGV[8])
write_counts()
return { number, #taken, 1 }
