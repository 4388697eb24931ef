-- Claims the gate through which one import at a time goes.
-- KEYS[1]  the gate        ARGV[1]  now, ms        ARGV[2]  the claimant        ARGV[3]  until when, ms; 0 gives it back
-- ARGV[4]  the claimant whose expired claim is taken over, '' for none
-- Returns {'mine', 0}, or the present claimant and the time at which its claim ends. An expired claim is shown like any
-- other: whoever takes it over must first make sure that its owner can do no more, and then name it in ARGV[4].
local current = redis.call('GET', KEYS[1])
local owner, ends = '', 0
if current then
  owner, ends = string.match(current, '^(%S+) (%d+)$')
  ends = tonumber(ends)
end
if ARGV[3] == '0' then
  if owner == ARGV[2] then redis.call('DEL', KEYS[1]) end
  return { 'mine', 0 }
end
if owner ~= '' and owner ~= ARGV[2] and not (owner == ARGV[4] and ends <= tonumber(ARGV[1])) then
  return { owner, ends }
end
redis.call('SET', KEYS[1], ARGV[2] .. ' ' .. ARGV[3])
return { 'mine', 0 }
