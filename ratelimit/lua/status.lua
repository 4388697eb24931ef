-- Reads everything, and drops the holds that are over.
-- ARGV[1..5]  the limits where none are stored
-- Returns: the five limits; 1 when they are stored, else 0; the share of the full rate, in thousandths; the devices in
-- flight; how long ago the limits were stored, µs (-1: nobody knows), and why; then four for each hold: its scope, how
-- long it goes on, µs (-1: until released), how long it has been, µs, its reason.
local list, stored = limits_in_force(1)
list[6] = stored
list[7] = math.floor(share() * 1000 + 0.5)
list[8] = in_flight()
local set = redis.call('HMGET', KEYS[2], 'set_at', 'reason')
list[9] = set[1] and math.max(0, now - tonumber(set[1])) or -1
list[10] = set[2] or ''
for _, scope in ipairs(redis.call('HKEYS', KEYS[3])) do
  local ends, since, reason = hold(scope)
  if ends then
    local rest = -1
    if ends > 0 then rest = ends - now end
    for _, item in ipairs({ scope, rest, now - since, reason }) do list[#list + 1] = item end
  else
    redis.call('HDEL', KEYS[3], scope)
  end
end
return list
