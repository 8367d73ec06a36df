-- KEYS: the record of each token.
-- Answers two things a token: its value, or nil, and for how many milliseconds it may still be kept.
local answer = {}
for _, key in ipairs(KEYS) do
  local value = get(key)
  answer[#answer + 1] = value
  answer[#answer + 1] = value and redis.call('PTTL', key) or 0
end
return answer
