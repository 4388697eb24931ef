-- Ends the job when no device of it is open any more.
-- ARGV[2]  the phase of a job that ran to its end
-- ARGV[3]  the phase of a job that was cancelled
-- ARGV[4]  the phase that leads to ARGV[3]
-- ARGV[5..] the phases that may end
-- A job that is being reopened does not end before its reopening is over, or has run out of time.
-- Returns the phase the job is in now.
local current = phase()
local ending = false
for i = 5, #ARGV do
  if ARGV[i] == current then ending = true end
end
if not ending then return current or '' end
if tonumber(redis.call('HGET', KEYS[1], 'reopening') or '0') > now then return current end
local open = 0
for _, state in ipairs({ S.pending, S.queued, S.submitting, S.submitted, S.retrying }) do
  open = open + tonumber(redis.call('HGET', KEYS[1], 'n:' .. state) or '0')
end
if open > 0 then return current end
local final = ARGV[2]
if current == ARGV[4] then final = ARGV[3] end
redis.call('HSET', KEYS[1], 'state', final, 'finished_at', ARGV[1], 'hold', '', 'paused_by', '')
note('simshift', 'finished', 'every device is final: the job is ' .. final)
return final
