-- Put in front of every script of a job by Go, together with the tables S (state codes by name), MAY (the domain's
-- transition table: MAY[from][to]) and the constants INBATCH, REFUSED, FAULTED, ... so that no code is repeated here.
--
-- KEYS[1]  the job's hash, simshift:{JOB}:job. Every other key is of the same slot and named from it, here only.
-- ARGV[1]  now, in milliseconds since 1970; a script never asks a clock.
--
-- A script checks everything before its first write, because an error in Lua does not roll back; and it may be run twice
-- with the same arguments, because a reply can be lost after it took effect.
local base = string.sub(KEYS[1], 1, -4)
local now = tonumber(ARGV[1])
local floor, byte, char, sub = math.floor, string.byte, string.char, string.sub

local function state_key(chunk) return base .. 'state:' .. chunk end
local function batch_key(number) return base .. 'batch:' .. number end
local function list_key(number) return base .. 'list:' .. number end
local function wait_key(bucket) return base .. 'wait:' .. bucket end
local DUE, WAITS, FORMED, GATHERED = base .. 'due', base .. 'waits', base .. 'formed', base .. 'gathered'
local FAULTS, TIMELINE = base .. 'faults', base .. 'timeline'
local LOG, RECENT, BEFORE, TOLD = base .. 'log', base .. 'recent', base .. 'before', base .. 'told'
local REASONS, SENT, SETTLED = base .. 'reasons', base .. 'sent', base .. 'settled'
local WAVES, BOUNDS = base .. 'waves', base .. 'bounds'
local function story_key(chunk) return base .. 'story:' .. chunk end

-- Numbers as four bytes, big endian: places in lists, times and batches in records.
local function be32(n)
  return char(floor(n / 16777216) % 256, floor(n / 65536) % 256, floor(n / 256) % 256, n % 256)
end
local function read32(s, at)
  local a, b, c, d = byte(s, at, at + 3)
  return ((a * 256 + b) * 256 + c) * 256 + d
end

-- A device's record: state 1, reason 1, attempt 1, flags 1, changed 4 (seconds), fault 2, past 1, spare 1, batch 4.
-- The attempt counts within a round; past is the sum of those of earlier rounds, up to 255.
local RECORD = 16
local function encode(state, reason, attempt, flags, changed, fault, batch, past)
  return char(state, reason, attempt, flags) .. be32(changed) ..
    char(floor(fault / 256), fault % 256, past, 0) .. be32(batch)
end
local function past_of(record) return byte(record, 11) end
local function read_record(place)
  local chunk, pos = floor(place / 16384), place % 16384
  return redis.call('GETRANGE', state_key(chunk), pos * RECORD, pos * RECORD + RECORD - 1)
end

-- REASONS counts the devices that wait for a retry, or are final and have not succeeded, by what their records say:
-- STATE:REASON:FAULT.
local reasons = {}
local function weigh(record, n)
  local state, reason = byte(record, 1, 2)
  if state == S.pending or state == INBATCH or state == S.succeeded then return end
  local all = (state * 256 + reason) * 65536 + byte(record, 9) * 256 + byte(record, 10)
  reasons[all] = (reasons[all] or 0) + n
end
local function write_reasons()
  for all, n in pairs(reasons) do
    local field = string.format('%d:%d:%d', floor(all / 16777216), floor(all / 65536) % 256, all % 65536)
    if n ~= 0 and redis.call('HINCRBY', REASONS, field, n) == 0 then redis.call('HDEL', REASONS, field) end
  end
end

-- WAVES counts, for each wave of a job that has waves, the positions that were formed in it (WAVE:formed), and their devices that
-- have succeeded (WAVE:moved) or are final otherwise (WAVE:missed). BOUNDS tells of a chunk up to which position the waves before
-- the present one went that have some of it: 'WAVE:END WAVE:END ...'.
local waves, wave_ends, present = {}, {}, nil
local function present_wave()
  if present == nil then present = tonumber(redis.call('HGET', KEYS[1], 'wave') or '0') end
  return present
end
-- wave_of(place) is the wave in which a position was formed, or nil where it was not.
local function wave_of(place)
  local chunk, pos = floor(place / 16384), place % 16384
  local ends = wave_ends[chunk]
  if not ends then
    ends = { formed = tonumber(redis.call('HGET', FORMED, chunk) or '0') }
    local before = present_wave() > 1 and redis.call('HGET', BOUNDS, chunk) or ''
    for wave, upto in string.gmatch(before, '(%d+):(%d+)') do ends[#ends + 1] = { tonumber(wave), tonumber(upto) } end
    wave_ends[chunk] = ends
  end
  for _, bound in ipairs(ends) do
    if pos < bound[2] then return bound[1] end
  end
  if pos < ends.formed then return present_wave() end
end
local function in_wave(wave, what, n)
  local field = wave .. ':' .. what
  waves[field] = (waves[field] or 0) + n
end
local function came_to(state)
  if state == S.succeeded then return 'moved' end
  if state > S.succeeded then return 'missed' end
end
local function write_waves()
  for field, n in pairs(waves) do redis.call('HINCRBY', WAVES, field, n) end
end

-- changed(place, old, new) notes that a device's record changed; write_counts() moves the counters.
local function changed(place, old, new)
  weigh(old, -1)
  weigh(new, 1)
  local was, is = came_to(byte(old, 1)), came_to(byte(new, 1))
  if was == is or present_wave() == 0 then return end
  local wave = wave_of(place)
  if not wave then return end
  if was then in_wave(wave, was, -1) end
  if is then in_wave(wave, is, 1) end
end

-- write_record(place, record, old) puts a device's record in the place of its old one.
local function write_record(place, record, old)
  local chunk, pos = floor(place / 16384), place % 16384
  changed(place, old, record)
  redis.call('SETRANGE', state_key(chunk), pos * RECORD, record)
end

local function phase() return redis.call('HGET', KEYS[1], 'state') end

-- batch(n) is the batch as a table, or nil; read once in a script's run.
local batches = {}
local function batch(number)
  local b = batches[number]
  if b == nil then
    local v = redis.call('HMGET', batch_key(number), 'state', 'open', 'group', 'attempt', 'repeat', 'listed', 'chunk',
      'from', 'size', 'run', 'request', 'due', 'sent', 'window', 'sent_at')
    b = false
    if v[1] then
      b = {
        number = number, state = tonumber(v[1]), open = tonumber(v[2]), group = v[3], attempt = tonumber(v[4]),
        again = v[5], listed = v[6] == '1', chunk = tonumber(v[7]), from = tonumber(v[8]), size = tonumber(v[9]),
        run = v[10] or '', request = v[11] or '', due = tonumber(v[12] or '0'), sent = tonumber(v[13] or '0'),
        window = v[14] or '', sent_at = tonumber(v[15] or '0'),
      }
    end
    batches[number] = b
  end
  return b or nil
end

-- each_open(b, change) gives every device that is still open in batch b to change(place, record), which returns the
-- device's new record.
local function each_open(b, change)
  local mark = be32(b.number)
  if b.listed then
    local list = redis.call('GET', list_key(b.number)) or ''
    for at = 1, #list, 4 do
      local place = read32(list, at)
      local record = read_record(place)
      if byte(record, 1) == INBATCH and sub(record, 13, 16) == mark then
        write_record(place, change(place, record), record)
      end
    end
    return
  end
  local slice = redis.call('GETRANGE', state_key(b.chunk), b.from * RECORD, (b.from + b.size) * RECORD - 1)
  local pieces = {}
  for i = 0, b.size - 1 do
    local record = sub(slice, i * RECORD + 1, i * RECORD + RECORD)
    if byte(record, 1) == INBATCH and sub(record, 13, 16) == mark then
      local place = b.chunk * 16384 + b.from + i
      local new = change(place, record)
      changed(place, record, new)
      record = new
    end
    pieces[i + 1] = record
  end
  redis.call('SETRANGE', state_key(b.chunk), b.from * RECORD, table.concat(pieces))
end

-- SETTLED counts the devices that settled in a stretch of time by how long they took since their batch was sent:
-- MINUTE:LENGTH:BAND, where the stretch begins and how long it is, in minutes, and the seconds below which they took, 0 for longer
-- than all of BANDS. took(b, n) notes that n devices settled by a word on batch b, or its deadline. Stretches are longer in a job
-- that has run for long, so that a job of weeks has some hundreds more and not thousands.
local settled = {}
local function took(b, n)
  if not b or b.sent_at == 0 then return end
  if not b.band then
    b.band = 0
    for i = #BANDS, 1, -1 do
      if now - b.sent_at < BANDS[i] * 1000 then b.band = BANDS[i] end
    end
  end
  settled[b.band] = (settled[b.band] or 0) + n
end
local function write_settled()
  if next(settled) == nil then return end
  local days, length = (now - tonumber(redis.call('HGET', KEYS[1], 'started_at') or ARGV[1])) / 86400000, 10
  if days >= 2 then length = 60 end
  if days >= 14 then length = 1440 end
  local minute = floor(now / 60000 / length) * length
  for band, n in pairs(settled) do
    redis.call('HINCRBY', SETTLED, string.format('%d:%d:%d', minute, length, band), n)
  end
end

-- note(who, act, words) writes a decision of the program itself into the job's log.
local function note(who, act, words)
  redis.call('RPUSH', LOG, cjson.encode({ at = now, who = who, act = act, words = words }))
end

-- tell(place, ...) adds to a device's story what its record alone will not tell: everything but a plain first success.
-- An event: position 2, state 1 (0: a warning), reason 1, attempt over all rounds 1, spare 1, fault 2, time 4 (s), batch 4.
local stories = {}
local function tell(place, state, reason, attempt, fault, number)
  local chunk, pos = floor(place / 16384), place % 16384
  local events = stories[chunk] or {}
  stories[chunk] = events
  events[#events + 1] = char(floor(pos / 256), pos % 256, state, reason, math.min(255, attempt), 0,
    floor(fault / 256), fault % 256) .. be32(floor(now / 1000)) .. be32(number)
end

-- The brake. RECENT holds the latest answers, the newest first: 'SUCCEEDED FAILED CODE=N ...', each entry for a stretch of
-- at least a twentieth of what the brake looks at. An answer is what ends an attempt: of any attempt, silence included.
local fine, bad = 0, {}
local function parse_answers(text, sums)
  local ok, failed, rest = string.match(text, '^(%d+) (%d+)(.*)$')
  sums.ok, sums.failed = sums.ok + tonumber(ok), sums.failed + tonumber(failed)
  for code, n in string.gmatch(rest, ' ([^=]+)=(%d+)') do sums.codes[code] = (sums.codes[code] or 0) + tonumber(n) end
end
local function answers_text(sums)
  local parts = { string.format('%d %d', sums.ok, sums.failed) }
  for code, n in pairs(sums.codes) do parts[#parts + 1] = string.format('%s=%d', code, n) end
  return table.concat(parts, ' ')
end
local function percent(n, of) return string.format('%.1f%%', 100 * n / of) end

-- seen_words says which faults the failures had, the most frequent first.
local function seen_words(sums)
  local codes, words = {}, {}
  for code in pairs(sums.codes) do codes[#codes + 1] = code end
  table.sort(codes, function(a, b) return sums.codes[a] > sums.codes[b] or (sums.codes[a] == sums.codes[b] and a < b) end)
  for i = 1, math.min(3, #codes) do words[i] = string.format('%d %s', sums.codes[codes[i]], codes[i]) end
  return table.concat(words, ', ')
end

-- brake pauses a running job whose latest answers fail too often. The field brake is 'LAST LEAST SHARE CODE=SHARE ...'
-- with shares of 1; SHARE 2 is no brake on the sum.
local function brake()
  local failed = 0
  for _, n in pairs(bad) do failed = failed + n end
  if fine + failed == 0 then return end
  local set = redis.call('HGET', KEYS[1], 'brake')
  if not set then return end
  local last, least, share, by_code = string.match(set, '^(%d+) (%d+) (%S+)(.*)$')
  last, least, share = tonumber(last), tonumber(least), tonumber(share)

  local sums = { ok = fine, failed = failed, codes = bad }
  local newest = redis.call('LINDEX', RECENT, 0)
  if newest then
    local ok, not_ok = string.match(newest, '^(%d+) (%d+)')
    if ok + not_ok < last / 20 then
      parse_answers(newest, sums)
      redis.call('LPOP', RECENT)
    end
  end
  redis.call('LPUSH', RECENT, answers_text(sums))
  redis.call('LTRIM', RECENT, 0, 40)

  local window = { ok = 0, failed = 0, codes = {} }
  for _, entry in ipairs(redis.call('LRANGE', RECENT, 0, -1)) do
    parse_answers(entry, window)
    if window.ok + window.failed >= last then break end
  end
  local total = window.ok + window.failed
  if total < least or phase() ~= RUNNING then return end
  local why
  if window.failed / total >= share then
    why = string.format('%d of the last %d answers were failures (%s; the brake is at %s): %s', window.failed, total,
      percent(window.failed, total), percent(share, 1), seen_words(window))
  end
  for code, limit in string.gmatch(by_code, ' ([^=]+)=(%S+)') do
    local n = window.codes[code] or 0
    if not why and n / total >= tonumber(limit) then
      why = string.format('%d of the last %d answers were %s (%s; its brake is at %s)', n, total, code,
        percent(n, total), percent(tonumber(limit), 1))
    end
  end
  if not why then return end
  redis.call('HSET', KEYS[1], 'state', PAUSED, 'paused_by', 'brake', 'hold', 'the brake: ' .. why)
  note('brake', 'braked', why)
end

-- count(from, to, n, code) notes that n devices moved, for a fault or, with '', for want of an answer; write_counts() moves
-- all counters and the timeline, once for the script.
local left, entered = {}, {}
local function may(from, to) return MAY[from] ~= nil and MAY[from][to] == true end
local function count(from, to, n, code)
  left[from] = (left[from] or 0) + n
  entered[to] = (entered[to] or 0) + n
  if (from ~= S.submitting and from ~= S.submitted) or to == S.queued or to == S.submitting or to == S.submitted then return end
  if to == S.succeeded then
    fine = fine + n
  else
    code = string.gsub(code or '', '[%s=]', '_')
    if code == '' then code = 'no_answer' end
    bad[code] = (bad[code] or 0) + n
  end
end
local function write_counts()
  for chunk, events in pairs(stories) do redis.call('APPEND', story_key(chunk), table.concat(events)) end
  local minute = floor(now / 60000)
  for state, n in pairs(left) do redis.call('HINCRBY', KEYS[1], 'n:' .. state, -n) end
  for state, n in pairs(entered) do
    redis.call('HINCRBY', KEYS[1], 'n:' .. state, n)
    redis.call('HINCRBY', TIMELINE, minute .. ':' .. state, n)
  end
  write_reasons()
  write_waves()
  write_settled()
  brake()
end

-- fault_number is the number under which the job keeps a fault's code and words; 0 for none. A carrier that puts an
-- identity into its words would make a fault a device: beyond FAULTS_MOST only the code is kept.
local function fault_number(code, text)
  if code == '' and text == '' then return 0 end
  local field = code .. '\0' .. text
  local number = redis.call('HGET', FAULTS, field)
  if number then return tonumber(number) end
  local known = redis.call('HLEN', FAULTS)
  if known >= FAULTS_MOST then
    field = code .. '\0'
    number = redis.call('HGET', FAULTS, field)
    if number then return tonumber(number) end
    if known >= 60000 then return 0 end
  end
  redis.call('HSET', FAULTS, field, known + 1)
  return known + 1
end

-- wait_in(bucket, places, due) appends devices to a retry wave. The bucket's name is group:attempt:again:due, so that
-- all of a batch made from it are alike.
local function bucket_name(b, again, due) return b.group .. ':' .. b.attempt .. ':' .. again .. ':' .. due end
local function wait_in(bucket, places, due)
  redis.call('APPEND', wait_key(bucket), table.concat(places))
  redis.call('ZADD', WAITS, due, bucket)
end

-- close_batch(b) ends a batch that holds no open device any more.
local function close_batch(b)
  b.state = S.closed
  redis.call('HSET', batch_key(b.number), 'state', S.closed, 'open', 0, 'closed_at', ARGV[1])
  redis.call('ZREM', DUE, b.number)
  redis.call('ZREM', SENT, b.number)
end

-- open_wave(number, upto) lets the planner form batches up to so many devices of the job, and notes how far the former
-- waves went.
local function open_wave(number, upto)
  local last = redis.call('HGET', KEYS[1], 'wave') or '1'
  local before, known = redis.call('HGETALL', BEFORE), {}
  for i = 1, #before, 2 do known[before[i]] = before[i + 1] end
  local formed = redis.call('HGETALL', FORMED)
  for i = 1, #formed, 2 do
    local chunk, upto = formed[i], formed[i + 1]
    if known[chunk] ~= upto then
      redis.call('HSET', BEFORE, chunk, upto)
      redis.call('HSET', BOUNDS, chunk, (redis.call('HGET', BOUNDS, chunk) or '') .. last .. ':' .. upto .. ' ')
    end
  end
  redis.call('HSET', KEYS[1], 'wave', number, 'opened', upto)
end

-- unsent(b) takes a batch that was not taken off what its window has sent.
local function unsent(b)
  if b.window ~= '' then redis.call('HINCRBY', KEYS[1], 'sent:' .. b.window, -b.sent) end
end
