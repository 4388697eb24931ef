-- Finds the devices of some chunks that have an identity, by the packed rosters themselves: no index of every device.
-- ARGV[2]  the field's offset in a device        ARGV[3]  the packed identity        ARGV[4]  a device's packed size
-- ARGV[5..8] where the identity stands in a sieve, modulo its size        ARGV[9..] the chunks to search
-- Returns the places. Searches for the identity's last four bytes first, because its first ones are the same in a fleet.
local function may_hold(chunk)
  local key = base .. 'sieve:' .. chunk
  local bits = redis.call('STRLEN', key) * 8
  if bits == 0 then return true end -- a job from before there were sieves
  for i = 5, 8 do
    if redis.call('GETBIT', key, ARGV[i] % bits) == 0 then return false end
  end
  return true
end
local offset, needle, size = tonumber(ARGV[2]), ARGV[3], tonumber(ARGV[4])
local tail, found = sub(needle, -4), {}
for i = 9, #ARGV do
  local roster = may_hold(ARGV[i]) and redis.call('GET', base .. 'roster:' .. ARGV[i]) or ''
  local at = string.find(roster, tail, 1, true)
  while at do
    local start = at + 4 - #needle - offset
    if start >= 1 and (start - 1) % size == 0 and sub(roster, start + offset, start + offset + #needle - 1) == needle then
      found[#found + 1] = tonumber(ARGV[i]) * 16384 + (start - 1) / size
    end
    at = string.find(roster, tail, at + 1, true)
  end
end
return found
