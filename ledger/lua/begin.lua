-- Writes the intent to send a batch, before anything is sent: queued becomes submitting.
-- ARGV[2]  the batch        ARGV[3]  the run that sends it        ARGV[4]  when its grace is over, ms
-- ARGV[5]  the phase in which a job may send
-- ARGV[6]  the window it is sent in, '' where windows are not bounded        ARGV[7]  the most devices a window sends
-- Returns 1 when this run may send it (also when it asked before); 0 when not; -1 when the window has sent its share.
local b = batch(ARGV[2])
if not b then return 0 end
if b.state == S.submitting and b.run == ARGV[3] then return 1 end
if phase() ~= ARGV[5] or not may(b.state, S.submitting) or b.open == 0 then return 0 end
local window = ARGV[6]
if window ~= '' then
  local sent = tonumber(redis.call('HGET', KEYS[1], 'sent:' .. window) or '0')
  if sent + b.open > tonumber(ARGV[7]) then return -1 end
  redis.call('HINCRBY', KEYS[1], 'sent:' .. window, b.open)
end
redis.call('HSET', batch_key(b.number), 'window', window, 'state', S.submitting, 'run', ARGV[3], 'due', ARGV[4], 'sent_at', ARGV[1],
  'note', '', 'sent', b.open)
redis.call('ZADD', DUE, ARGV[4], b.number)
redis.call('HINCRBY', KEYS[1], 'requests', 1)
redis.call('HINCRBY', KEYS[1], 'attempts', b.open)
if b.again == '1' then redis.call('HINCRBY', KEYS[1], 'repeats', b.open) end
redis.call('HSETNX', KEYS[1], 'started_at', ARGV[1])
count(b.state, S.submitting, b.open)
write_counts()
return 1
