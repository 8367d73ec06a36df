-- KEYS, two a token: its record, its grave.
-- ARGV, two a token: the new record, for how many milliseconds to keep it.
-- Keeps what beats what is there and is not buried. Answers how many it kept.
local now = clock()
local kept = 0
for i = 1, #KEYS, 2 do
  local record = ARGV[i]
  local grave, there = get(KEYS[i + 1]), get(KEYS[i])
  local buried = is_grave(grave) and buries(grave, record)
  -- What is there stays only if it is believable: then the new one must be so too, and later.
  local beaten = remaining_of(there, now) > 0 and believable(there, now)
    and not (believable(record, now) and beats(record, 11, there, 11))
  if not buried and not beaten then
    -- In halves: a Redis of 32 bits packs no more at once.
    local ends = now + tonumber(ARGV[i + 1])
    ends = struct.pack('>I4I4', math.floor(ends / 4294967296), ends % 4294967296)
    redis.call('SET', KEYS[i], record .. ends, 'PX', ARGV[i + 1])
    kept = kept + 1
  end
end
return kept
