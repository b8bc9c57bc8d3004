-- Reads a room's log after an id, with what tells whether something was lost, from one moment.
-- KEYS[1] the room's log. ARGV: 1 read after this id; 2 at most so many events, 0 = none.
-- Returns {last id ever given; oldest id kept, "0-0" = none; 1 when events were ever trimmed; id, json, ...}.
local log = KEYS[1]
local answer = {'0-0', '0-0', 0}
if redis.call('EXISTS', log) == 0 then
    return answer
end

local info = redis.call('XINFO', 'STREAM', log)
local length, added
for i = 1, #info, 2 do
    local name, value = info[i], info[i + 1]
    if name == 'last-generated-id' then
        answer[1] = value
    elseif name == 'first-entry' and value then
        answer[2] = value[1]
    elseif name == 'length' then
        length = value
    elseif name == 'entries-added' then
        added = value
    end
end
-- Before Redis 7 nothing counts what was added: then what is not known to be whole counts as trimmed.
if added == nil or added ~= length then
    answer[3] = 1
end
if tonumber(ARGV[2]) > 0 then
    for _, entry in ipairs(redis.call('XRANGE', log, '(' .. ARGV[1], '+', 'COUNT', ARGV[2])) do
        answer[#answer + 1] = entry[1]
        answer[#answer + 1] = entry[2][2]
    end
end
return answer
