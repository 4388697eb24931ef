-- Put in front of every script of the limiter by Go. Times are microseconds of Redis's own clock.
--
-- KEYS[1]  the pace, a hash: last, devices, turn (when the latest turn starts, how many devices it sends, its id), the
--          same of the turn before it as before_last and before_devices; sent, what the devices' window may still hold,
--          as 'START:DEVICES ...', oldest first; share and cut_at of the latest slow-down
-- KEYS[2]  the limits, a hash: requests_count, requests_per, devices_count, devices_per, max_in_flight; 0 is no limit;
--          and set_at and reason
-- KEYS[3]  the holds, a hash: scope ('' is everything) -> 'UNTIL SINCE REASON'; UNTIL 0 is until it is released
-- KEYS[4]  what is in flight, a hash: id -> 'DEVICES UNTIL'; of a part, only the turns that have not become a batch
-- KEYS[5]  of a part only: what is in flight of everything. Of it the part counts the ids that begin with the last of the
--          arguments, which stands behind those that each script tells of
--
-- What is kept is when and how much was sent, and what that costs is reckoned when the next turn is asked for: a
-- changed rate counts at once, and no debt of a former rate outlives it.
local clock = redis.call('TIME')
local now = tonumber(clock[1]) * 1000000 + tonumber(clock[2])

-- Turns are paced a hundredth slower than the limit. The carrier counts arrivals, which jitter.
local MARGIN = 1.01
-- After a slow-down the rate rises by a tenth of the full one each minute.
local RISE = 0.1 / 60000000

-- whole writes a number with all its digits: tostring gives only fourteen.
local function whole(n) return string.format('%.0f', n) end

-- limits_in_force is the five limits as stored, or those that begin at ARGV[first]; and whether they are stored.
local function limits_in_force(first)
  local stored = redis.call('HMGET', KEYS[2],
    'requests_count', 'requests_per', 'devices_count', 'devices_per', 'max_in_flight')
  local limits = {}
  for i = 1, 5 do limits[i] = tonumber(stored[1] and stored[i] or ARGV[first + i - 1]) end
  return limits, stored[1] and 1 or 0
end

-- share is the part of the full rate that slow-downs leave, 0 to 1.
local function share()
  local cut = redis.call('HMGET', KEYS[1], 'share', 'cut_at')
  if not cut[1] then return 1 end
  return math.min(1, tonumber(cut[1]) + RISE * math.max(0, now - tonumber(cut[2])))
end

-- hold is the hold on a scope that is in force, as until, since, reason; or nothing.
local function hold(scope)
  local value = redis.call('HGET', KEYS[3], scope)
  if not value then return nil end
  local ends, since, reason = string.match(value, '^(%d+) (%d+) (.*)$')
  ends = tonumber(ends)
  if ends > 0 and ends <= now then return nil end
  return ends, tonumber(since), reason
end

-- blocked tells whether an account stands still: the wait (-1: until released) and the reason, or nothing.
local function blocked(account)
  local ends, _, reason = hold('')
  local own_ends, _, own_reason = hold(account)
  if own_ends and (not ends or own_ends == 0 or (ends > 0 and own_ends > ends)) then
    ends, reason = own_ends, own_reason
  end
  if not ends then return nil end
  if ends == 0 then return -1, reason end
  return ends - now, reason
end

-- counted is the sum of the devices under the ids with a beginning, and drops what has expired.
local function counted(key, beginning)
  local all, sum = redis.call('HGETALL', key), 0
  for i = 1, #all, 2 do
    local devices, ends = string.match(all[i + 1], '^(%d+) (%d+)$')
    if tonumber(ends) <= now then
      redis.call('HDEL', key, all[i])
    elseif string.sub(all[i], 1, #beginning) == beginning then
      sum = sum + tonumber(devices)
    end
  end
  return sum
end

-- in_flight is the sum of the devices in flight.
local function in_flight()
  if KEYS[5] then return counted(KEYS[4], '') + counted(KEYS[5], ARGV[#ARGV]) end
  return counted(KEYS[4], '')
end

-- within reads what was sent after one time and not after another, and adds up its devices.
local function within(text, after, last)
  local sent, total = {}, 0
  for at, devices in string.gmatch(text or '', '(%d+):(%d+)') do
    local batch = { at = tonumber(at), devices = tonumber(devices) }
    if batch.at > after and batch.at <= last then
      sent[#sent + 1] = batch
      total = total + batch.devices
    end
  end
  return sent, total
end

local function written(sent)
  local parts = {}
  for i, batch in ipairs(sent) do parts[i] = whole(batch.at) .. ':' .. whole(batch.devices) end
  return table.concat(parts, ' ')
end

-- sending adds a batch to what was sent. Batches in the same two hundredth of the window become one, at the later time,
-- so that many small ones stay few; without a window nothing is kept.
local function sending(sent, start, devices, span)
  if span == 0 then return '' end
  local latest, grain = sent[#sent], span / 200
  if latest and math.floor(latest.at / grain) == math.floor(start / grain) then
    latest.at, latest.devices = start, latest.devices + devices
  else
    sent[#sent + 1] = { at = start, devices = devices }
  end
  return written(sent)
end

-- unsending takes the devices of the latest batch off again.
local function unsending(sent, devices)
  local latest = sent[#sent]
  if latest then
    latest.devices = latest.devices - devices
    if latest.devices <= 0 then sent[#sent] = nil end
  end
  return written(sent)
end
