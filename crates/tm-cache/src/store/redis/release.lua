-- KEYS: the lease of each token. ARGV: whose they have to be.
-- Answers how many it gave back.
local released = 0
for _, key in ipairs(KEYS) do
  if get(key) == ARGV[1] then
    redis.call('DEL', key)
    released = released + 1
  end
end
return released
