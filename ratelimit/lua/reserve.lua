-- Takes the next turn, if it comes soon enough.
-- ARGV[1]  the account        ARGV[2]  how many devices        ARGV[3]  the turn's id
-- ARGV[4]  how far ahead a turn may be taken, µs        ARGV[5]  how long it counts as in flight by itself, µs
-- ARGV[6..10]  the limits where none are stored
-- Returns: 1 when taken, else 0; the wait, µs (-1: until released; not taken: until it is worth asking again); the time
-- at which the turn starts; why it must wait: '', 'hold', 'requests', 'devices' or 'in_flight'; the hold's reason, or
-- how many are in flight; the five limits.
-- Asked again with the same id, after a reply was lost, it answers the same.
local devices, turn, ahead = tonumber(ARGV[2]), ARGV[3], tonumber(ARGV[4])
local limits = limits_in_force(6)
local function answer(taken, wait, start, why, words)
  return { taken, wait, start, why, words, limits[1], limits[2], limits[3], limits[4], limits[5] }
end

local wait, reason = blocked(ARGV[1])
if wait then return answer(0, wait, 0, 'hold', reason) end

local pace = redis.call('HMGET', KEYS[1], 'last', 'devices', 'turn', 'sent')
local last = pace[1] and tonumber(pace[1])
if last and pace[3] == turn then return answer(1, math.max(0, last - now), last, '', '') end

if limits[5] > 0 then
  local others = in_flight()
  if others > 0 and others + devices > limits[5] then return answer(0, 0, 0, 'in_flight', whole(others)) end
end

-- Each turn waits for the cost of the one before it.
local start, why, slower = now, '', MARGIN / share()
local function not_before(n, count, per, name)
  if count == 0 then return end
  local free = last + math.ceil(n * per / count * slower)
  if free > start then start, why = free, name end
end
if last then
  -- A turn further ahead than any could be taken means that the clock was set back: it counts as taken now.
  if last > now + ahead then last = now end
  not_before(1, limits[1], limits[2], 'requests')
  not_before(tonumber(pace[2]), limits[3], limits[4], 'devices')
end

-- Where batches differ in size, or their size does not divide the limit, that alone would let the last batch in a
-- window pass the limit: so it also waits until the oldest have left the window. One that no window can hold goes alone.
local span = math.floor(limits[4] * slower)
local sent, total = within(pace[4], now - span, now + ahead)
for _, batch in ipairs(sent) do
  if batch.at + span > start then
    if total + devices <= limits[3] then break end
    start, why = batch.at + span, 'devices'
  end
  total = total - batch.devices
end
if start - now > ahead then return answer(0, start - now - ahead, 0, why, '') end

redis.call('HSET', KEYS[1], 'last', whole(start), 'devices', devices, 'turn', turn,
  'sent', sending(sent, start, devices, span))
if last then
  redis.call('HSET', KEYS[1], 'before_last', whole(last), 'before_devices', pace[2])
else
  redis.call('HDEL', KEYS[1], 'before_last', 'before_devices')
end
if limits[5] > 0 then redis.call('HSET', KEYS[4], turn, devices .. ' ' .. whole(start + tonumber(ARGV[5]))) end
-- Of a part that is forgotten meanwhile nothing must stay: no rate looks back further than this.
if KEYS[5] then
  redis.call('PEXPIRE', KEYS[1], 8 * 86400000)
  redis.call('PEXPIRE', KEYS[4], 8 * 86400000)
end
return answer(1, start - now, start, why, '')
