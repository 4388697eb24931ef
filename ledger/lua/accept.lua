-- Gives a sent batch its request id, from the carrier's answer or from a callback that came before it, and starts the
-- deadline of its callbacks. A batch whose grace is over keeps its end; it only learns its request id.
-- ARGV[2]  the batch        ARGV[3]  the request id        ARGV[4]  the deadline, ms
-- ARGV[5]  the run, if the id comes from the carrier's own answer to it, which outranks one adopted from a callback; else ''
-- Returns 1 when the batch has this request id now, 0 when it has another one or was never sent.
local b = batch(ARGV[2])
if not b or ARGV[3] == '' then return 0 end
if b.request == ARGV[3] then return 1 end
if b.run == '' or ARGV[5] ~= '' and b.run ~= ARGV[5] then return 0 end
if ARGV[5] == '' and (b.request ~= '' or b.state == S.queued) then return 0 end
redis.call('HSET', batch_key(b.number), 'request', ARGV[3], 'note', '')
if may(b.state, S.submitted) then
  redis.call('HSET', batch_key(b.number), 'state', S.submitted, 'due', ARGV[4])
  redis.call('ZADD', DUE, ARGV[4], b.number)
  redis.call('ZADD', SENT, b.sent_at, b.number)
  count(b.state, S.submitted, b.open)
  write_counts()
end
return 1
