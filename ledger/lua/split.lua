-- Halves a batch that the carrier refused for its content, or that is overdue in doubt: two batches of the same attempt
-- take its open devices.
-- ARGV[2]  the batch        ARGV[3]  the run that sent it, '' for one that is overdue in doubt, and so may have been
-- executed        ARGV[4]  when to look again if a task is lost, ms        ARGV[5]  a note: the refusal
-- Returns the two numbers; nothing where the batch is not this run's to split or has fewer than two devices.
local b = batch(ARGV[2])
if not b or b.state ~= S.submitting or b.request ~= '' or b.size < 2 then return {} end
local doubtful = ARGV[3] == ''
if doubtful and b.due > now or not doubtful and b.run ~= ARGV[3] then return {} end
local first = tonumber(redis.call('HGET', KEYS[1], 'batches')) + 1
local half = floor(b.size / 2)
local seen, open = 0, { 0, 0 }
local middle = b.chunk and (b.chunk * 16384 + b.from + half)
local list = b.listed and redis.call('GET', list_key(b.number))
local upper = {}
if list then
  for at = half * 4 + 1, #list, 4 do upper[read32(list, at)] = true end
end

each_open(b, function(place, record)
  local side = 1
  if upper[place] or (not list and place >= middle) then side = 2 end
  open[side] = open[side] + 1
  local flags = byte(record, 4)
  if doubtful and flags % 2 == 0 then flags = flags + 1 end
  return sub(record, 1, 3) .. char(flags) .. sub(record, 5, 12) .. be32(first + side - 1)
end)

local sizes = { half, b.size - half }
for side = 1, 2 do
  local number = first + side - 1
  redis.call('HSET', batch_key(number), 'state', S.queued, 'group', b.group, 'attempt', b.attempt,
    'repeat', doubtful and 1 or b.again,
    'size', sizes[side], 'open', open[side], 'formed_at', ARGV[1], 'parent', b.number)
  if list then
    redis.call('HSET', batch_key(number), 'listed', 1)
    redis.call('SET', list_key(number), sub(list, (side - 1) * half * 4 + 1, side == 1 and half * 4 or -1))
  else
    redis.call('HSET', batch_key(number), 'listed', 0, 'chunk', b.chunk, 'from', b.from + (side - 1) * half)
  end
  if open[side] > 0 then
    redis.call('ZADD', DUE, ARGV[4], number)
  else
    redis.call('HSET', batch_key(number), 'state', S.closed)
  end
end
redis.call('HSET', KEYS[1], 'batches', first + 1)
if not doubtful then
  redis.call('HINCRBY', KEYS[1], 'attempts', -b.sent)
  unsent(b)
  if b.again == '1' then redis.call('HINCRBY', KEYS[1], 'repeats', -b.sent) end
end
redis.call('HSET', batch_key(b.number), 'note', ARGV[5])
count(b.state, S.queued, open[1] + open[2])
write_counts()
close_batch(b)
return { first, first + 1 }
