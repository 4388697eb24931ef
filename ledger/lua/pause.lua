-- Pauses a running job.
-- ARGV[2]  the phase to come from        ARGV[3]  the phase of a paused job        ARGV[4]  who paused it, for the resume
-- ARGV[5]  the wave that must be the present one, '' for any        ARGV[6]  why, in words        ARGV[7]  the log's entry
-- Returns 1 when it is paused by this call, else the phase it is in ('' for no such job).
local current = phase()
if not current then return '' end
if current ~= ARGV[2] then return current end
if ARGV[5] ~= '' and (redis.call('HGET', KEYS[1], 'wave') or '') ~= ARGV[5] then return current end
redis.call('HSET', KEYS[1], 'state', ARGV[3], 'paused_by', ARGV[4], 'hold', ARGV[6])
redis.call('RPUSH', LOG, ARGV[7])
return 1
