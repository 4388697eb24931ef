-- Forms a batch of repeated attempts from retry waves that are alike but for their time.
-- ARGV[2]  the most devices        ARGV[3]  the group        ARGV[4]  the attempt the devices have behind them
-- ARGV[5]  1 if it repeats, else 0        ARGV[6]  when to look again if its task is lost, ms
-- ARGV[7]  the phase that may form        ARGV[8..] the buckets, group:attempt:again:due
-- Returns the batch's number, 0 where none was formed; and how many devices are left in the buckets.
local most = tonumber(ARGV[2])
if phase() ~= ARGV[7] then return { 0, 0 } end
local number = tonumber(redis.call('HGET', KEYS[1], 'batches') or '0') + 1
local attempt, taken, rest = tonumber(ARGV[4]), {}, 0

for i = 8, #ARGV do
  local bucket = ARGV[i]
  -- What was taken before stays in the list until all of it is: cutting it off would copy the rest each time.
  local offset = tonumber(redis.call('HGET', GATHERED, bucket) or '0')
  local list = ''
  if #taken < most then
    list = redis.call('GETRANGE', wait_key(bucket), offset, offset + (most - #taken) * 4 - 1)
  end
  for at = 1, #list, 4 do
    local place = read32(list, at)
    local record = read_record(place)
    local state, _, tried, flags = byte(record, 1, 4)
    if state == S.retrying and tried == attempt then
      write_record(place, encode(INBATCH, 0, attempt + 1, flags, floor(now / 1000), 0, number, past_of(record)), record)
      taken[#taken + 1] = sub(list, at, at + 3)
    end
  end
  local left = (redis.call('STRLEN', wait_key(bucket)) - offset - #list) / 4
  if left <= 0 then
    redis.call('DEL', wait_key(bucket))
    redis.call('ZREM', WAITS, bucket)
    redis.call('HDEL', GATHERED, bucket)
  else
    redis.call('HSET', GATHERED, bucket, offset + #list)
    rest = rest + left
  end
end

if #taken == 0 then return { 0, rest } end
redis.call('SET', list_key(number), table.concat(taken))
redis.call('HSET', batch_key(number), 'state', S.queued, 'group', ARGV[3], 'attempt', attempt + 1, 'repeat', ARGV[5],
  'listed', 1, 'size', #taken, 'open', #taken, 'formed_at', ARGV[1])
redis.call('ZADD', DUE, ARGV[6], number)
redis.call('HSET', KEYS[1], 'batches', number)
count(S.retrying, S.queued, #taken)
write_counts()
return { number, rest }
