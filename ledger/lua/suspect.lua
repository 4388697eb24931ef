-- Notes that a request in doubt was answered with an error of the carrier's own.
-- ARGV[2]  the batch        ARGV[3]  the run that sent it        ARGV[4]  a note: the error
-- Returns 1 when it is noted, 0 when the batch is not this run's, or not in doubt.
local b = batch(ARGV[2])
if not b or b.run ~= ARGV[3] or b.state ~= S.submitting or b.request ~= '' then return 0 end
redis.call('HSET', batch_key(b.number), 'suspect', 1, 'note', ARGV[4])
return 1
