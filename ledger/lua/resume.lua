-- Lets a paused job go on.
-- ARGV[2]  the phase to come from        ARGV[3]  the phase of a running job        ARGV[4]  who must have paused it
-- ARGV[5]  the wave that is opened by this, '' for none        ARGV[6]  up to how many devices        ARGV[7]  the log's entry
-- Returns 1 when it runs now, else the phase it is in ('' for no such job).
local current = phase()
if not current then return '' end
if current ~= ARGV[2] or (redis.call('HGET', KEYS[1], 'paused_by') or '') ~= ARGV[4] then return current end
if ARGV[5] ~= '' then open_wave(ARGV[5], ARGV[6]) end
redis.call('DEL', RECENT) -- what the brake saw is looked at and answered for
redis.call('HSET', KEYS[1], 'state', ARGV[3], 'paused_by', '', 'hold', '', 'reopening', 0)
redis.call('RPUSH', LOG, ARGV[7])
return 1
