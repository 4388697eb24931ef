-- Forms a batch of repeated attempts from a retry wave.
-- ARGV[2]  the bucket, group:attempt:again:due        ARGV[3]  the most devices
-- ARGV[4]  the group        ARGV[5]  the attempt the devices have behind them        ARGV[6]  1 if it repeats, else 0
-- ARGV[7]  when to look again if its task is lost, ms        ARGV[8]  the phase that may form
-- Returns the batch's number, 0 where none was formed; and how many devices are left in the bucket.
local bucket, most = ARGV[2], tonumber(ARGV[3])
if phase() ~= ARGV[8] then return { 0, 0 } end
-- What was taken before stays in the list until all of it is: cutting it off would copy the rest each time.
local offset = tonumber(redis.call('HGET', GATHERED, bucket) or '0')
local list = redis.call('GETRANGE', wait_key(bucket), offset, offset + most * 4 - 1)
local number = tonumber(redis.call('HGET', KEYS[1], 'batches') or '0') + 1
local attempt, taken = tonumber(ARGV[5]), {}

for at = 1, #list, 4 do
  local place = read32(list, at)
  local record = read_record(place)
  local state, _, tried, flags = byte(record, 1, 4)
  if state == S.retrying and tried == attempt then
    write_record(place, encode(INBATCH, 0, attempt + 1, flags, floor(now / 1000), 0, number))
    taken[#taken + 1] = sub(list, at, at + 3)
  end
end

local rest = (redis.call('STRLEN', wait_key(bucket)) - offset - #list) / 4
if rest <= 0 then
  redis.call('DEL', wait_key(bucket))
  redis.call('ZREM', WAITS, bucket)
  redis.call('HDEL', GATHERED, bucket)
else
  redis.call('HSET', GATHERED, bucket, offset + #list)
end
if #taken == 0 then return { 0, rest } end
redis.call('SET', list_key(number), table.concat(taken))
redis.call('HSET', batch_key(number), 'state', S.queued, 'group', ARGV[4], 'attempt', attempt + 1, 'repeat', ARGV[6],
  'listed', 1, 'size', #taken, 'open', #taken, 'formed_at', ARGV[1])
redis.call('ZADD', DUE, ARGV[7], number)
redis.call('HSET', KEYS[1], 'batches', number)
count(S.retrying, S.queued, #taken)
write_counts()
return { number, rest }
