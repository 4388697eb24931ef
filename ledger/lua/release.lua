-- Puts a batch back that the carrier certainly did not take: submitting becomes queued.
-- ARGV[2]  the batch        ARGV[3]  the run that sent it        ARGV[4]  when to look again if its task is lost, ms
-- ARGV[5]  a note: why it waits
-- Returns 1 when it is queued again, 0 when it is not this run's to release.
local b = batch(ARGV[2])
if not b or b.run ~= ARGV[3] then return 0 end
if b.state == S.queued then return 1 end
if b.request ~= '' or b.state ~= S.submitting or not may(b.state, S.queued) then return 0 end
redis.call('HSET', batch_key(b.number), 'state', S.queued, 'note', ARGV[5])
redis.call('HDEL', batch_key(b.number), 'due')
redis.call('ZADD', DUE, ARGV[4], b.number)
redis.call('HINCRBY', KEYS[1], 'attempts', -b.sent)
unsent(b)
if b.again == '1' then redis.call('HINCRBY', KEYS[1], 'repeats', -b.sent) end
count(b.state, S.queued, b.open)
write_counts()
return 1
