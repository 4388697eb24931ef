-- Asks, when the time of a turn has come, whether it still stands.
-- ARGV[1]  the account        ARGV[2]  the latest time at which the turn may be used
-- Returns: 1 when it stands, else 0; the wait before asking for another turn, µs (-1: until released); 'hold' or
-- 'late'; the hold's reason.
local wait, reason = blocked(ARGV[1])
if wait then return { 0, wait, 'hold', reason } end
if now > tonumber(ARGV[2]) then return { 0, 0, 'late', '' } end
return { 1, 0, '', '' }
