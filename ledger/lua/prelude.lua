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

-- Numbers as four bytes, big endian: places in lists, times and batches in records.
local function be32(n)
  return char(floor(n / 16777216) % 256, floor(n / 65536) % 256, floor(n / 256) % 256, n % 256)
end
local function read32(s, at)
  local a, b, c, d = byte(s, at, at + 3)
  return ((a * 256 + b) * 256 + c) * 256 + d
end

-- A device's record: state 1, reason 1, attempt 1, flags 1, changed 4 (seconds), fault 2, spare 2, batch 4.
local RECORD = 16
local function encode(state, reason, attempt, flags, changed, fault, batch)
  return char(state, reason, attempt, flags) .. be32(changed) ..
    char(floor(fault / 256), fault % 256, 0, 0) .. be32(batch)
end
local function read_record(place)
  local chunk, pos = floor(place / 16384), place % 16384
  return redis.call('GETRANGE', state_key(chunk), pos * RECORD, pos * RECORD + RECORD - 1)
end
local function write_record(place, record)
  local chunk, pos = floor(place / 16384), place % 16384
  redis.call('SETRANGE', state_key(chunk), pos * RECORD, record)
end

local function phase() return redis.call('HGET', KEYS[1], 'state') end

-- batch(n) is the batch as a table, or nil; read once in a script's run.
local batches = {}
local function batch(number)
  local b = batches[number]
  if b == nil then
    local v = redis.call('HMGET', batch_key(number), 'state', 'open', 'group', 'attempt', 'repeat', 'listed', 'chunk',
      'from', 'size', 'run', 'request', 'due', 'sent')
    b = false
    if v[1] then
      b = {
        number = number, state = tonumber(v[1]), open = tonumber(v[2]), group = v[3], attempt = tonumber(v[4]),
        again = v[5], listed = v[6] == '1', chunk = tonumber(v[7]), from = tonumber(v[8]), size = tonumber(v[9]),
        run = v[10] or '', request = v[11] or '', due = tonumber(v[12] or '0'), sent = tonumber(v[13] or '0'),
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
        write_record(place, change(place, record))
      end
    end
    return
  end
  local slice = redis.call('GETRANGE', state_key(b.chunk), b.from * RECORD, (b.from + b.size) * RECORD - 1)
  local pieces = {}
  for i = 0, b.size - 1 do
    local record = sub(slice, i * RECORD + 1, i * RECORD + RECORD)
    if byte(record, 1) == INBATCH and sub(record, 13, 16) == mark then
      record = change(b.chunk * 16384 + b.from + i, record)
    end
    pieces[i + 1] = record
  end
  redis.call('SETRANGE', state_key(b.chunk), b.from * RECORD, table.concat(pieces))
end

-- count(from, to, n) notes that n devices moved; write_counts() moves the counters and the timeline, once for the script.
local left, entered = {}, {}
local function may(from, to) return MAY[from] ~= nil and MAY[from][to] == true end
local function count(from, to, n)
  left[from] = (left[from] or 0) + n
  entered[to] = (entered[to] or 0) + n
end
local function write_counts()
  local minute = floor(now / 60000)
  for state, n in pairs(left) do redis.call('HINCRBY', KEYS[1], 'n:' .. state, -n) end
  for state, n in pairs(entered) do
    redis.call('HINCRBY', KEYS[1], 'n:' .. state, n)
    redis.call('HINCRBY', TIMELINE, minute .. ':' .. state, n)
  end
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
end
