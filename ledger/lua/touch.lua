-- Counts one more task made for a queued batch, and puts off the time somebody must look at it.
-- ARGV[2]  the batch        ARGV[3]  that time, ms
-- Returns how many were made; 0 when the batch is not queued: its deadline is then another one, and stays.
local b = batch(ARGV[2])
if not b or b.state ~= S.queued then return 0 end
redis.call('ZADD', DUE, ARGV[3], b.number)
return redis.call('HINCRBY', batch_key(b.number), 'tasks', 1)
