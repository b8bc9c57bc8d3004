-- Reads a room's log after an id, with what tells whether something was lost, from one moment.
-- KEYS[1] the room's log. ARGV: 1 read after this id; 2 at most so many events, 0 = none.
-- Returns {last id ever given; oldest id kept, "0-0" = none; newest id that was trimmed away, "0-0" = none;
-- id, json, ...}.
local log = KEYS[1]
local answer = {'0-0', '0-0', '0-0'}
if redis.call('EXISTS', log) == 0 then
    return answer
end

local info = redis.call('XINFO', 'STREAM', log)
local length, added, oldest
for i = 1, #info, 2 do
    local name, value = info[i], info[i + 1]
    if name == 'last-generated-id' then
        answer[1] = value
    elseif name == 'first-entry' then
        oldest = value
    elseif name == 'length' then
        length = value
    elseif name == 'entries-added' then
        added = value
    end
end
if not oldest then
    answer[3] = answer[1]
else
    answer[2] = oldest[1]
    if added ~= length then
        -- Each event names the one before it; of one that does not, all is supposed that may be.
        answer[3] = oldest[2][3] == 'p' and oldest[2][4] or oldest[1]
    end
end
if tonumber(ARGV[2]) > 0 then
    -- After the greatest id there is nothing, which Redis calls an error.
    local entries = redis.pcall('XRANGE', log, '(' .. ARGV[1], '+', 'COUNT', ARGV[2])
    for _, entry in ipairs(entries.err and {} or entries) do
        answer[#answer + 1] = entry[1]
        answer[#answer + 1] = entry[2][2]
    end
end
return answer
