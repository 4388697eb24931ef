-- Gives a turn back that was not used. If another was taken after it, its time is lost, and only that.
-- ARGV[1]  the turn's id
-- Returns {1} when its time is free again, else {0}.
redis.call('HDEL', KEYS[4], ARGV[1])
local pace = redis.call('HMGET', KEYS[1], 'turn', 'devices', 'sent', 'before_last', 'before_devices')
if pace[1] ~= ARGV[1] then return { 0 } end
if pace[4] then
  local sent = within(pace[3], 0, math.huge)
  redis.call('HSET', KEYS[1], 'last', pace[4], 'devices', pace[5], 'sent', unsending(sent, tonumber(pace[2])))
  redis.call('HDEL', KEYS[1], 'turn', 'before_last', 'before_devices')
else
  redis.call('HDEL', KEYS[1], 'last', 'devices', 'turn', 'sent')
end
return { 1 }
