-- with: names caller emit people listeners
-- Tells who is here. ARGV: the caller.
-- Returns {streams open on the room; {user, since in ms, name, 1 when typing}, ...}.
local no = admit('r')
if no then
    return no
end
sweep()
local answer, all = {listeners()}, redis.call('HGETALL', room .. ':people')
for i = 1, #all, 2 do
    local since, called = string.match(all[i + 1], '^%d+ (%d+) (.*)$')
    answer[#answer + 1] = {all[i], since, called, redis.call('ZSCORE', room .. ':typing', all[i]) and 1 or 0}
end
return answer
