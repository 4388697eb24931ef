-- Opens the next wave of a running job.
-- ARGV[2]  the phase of a running job        ARGV[3]  the wave that is over        ARGV[4]  the next one
-- ARGV[5]  up to how many devices it goes        ARGV[6]  the log's entry
-- Returns 1 when it is opened by this call, else 0.
if phase() ~= ARGV[2] or (redis.call('HGET', KEYS[1], 'wave') or '') ~= ARGV[3] then return 0 end
open_wave(ARGV[4], ARGV[5])
redis.call('RPUSH', LOG, ARGV[6])
return 1
