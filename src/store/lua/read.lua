-- with: names kinds emit
-- Reads a room's log after an id, with what tells whether something was lost, and who may read, from one moment.
-- ARGV: 1 read after this id; 2 at most so many events, 0 = none; 3 the version of what is known of who may read; 4 for
-- how long events are kept where the room does not say, ms, 0 = for ever.
-- Returns {last id ever given; oldest id kept, "0-0" = none; newest id that was trimmed away, "0-0" = none; that version
-- now; {mode, "ban:user", until in ms, "role:user", role, ...} when it is another, else {}; id, json, ...}. Before the
-- JSON of a message that was deleted stands "-id ", the id of the event that tells of it.
local state = redis.call('HMGET', room .. ':room', 'version', 'rules')
local answer = {'0-0', '0-0', '0-0', state[1] or '0', {}}
local age = tonumber(string.match(state[2] or '', '(%d+)$') or ARGV[4])

-- Where Redis cannot write, what is too old is read once more.
if age > 0 then
    pcall(age_out, room, age)
end

if answer[4] ~= ARGV[3] then
    local all, access = redis.call('HGETALL', room .. ':room'), answer[5]
    access[1] = string.find(state[2] or '', '^members ') and 'members' or string.find(state[2] or '', '^gone ') and 'members' or 'open'
    for i = 1, #all, 2 do
        -- Who is a member counts only where others may not read.
        if string.find(all[i], '^ban:') or (access[1] == 'members' and string.find(all[i], '^role:')) then
            access[#access + 1], access[#access + 2] = all[i], all[i + 1]
        end
    end
end
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
if tonumber(ARGV[2]) == 0 then
    return answer
end

-- After the greatest id there is nothing, which Redis calls an error.
local entries = redis.pcall('XRANGE', log, '(' .. ARGV[1], '+', 'COUNT', ARGV[2])
if entries.err then
    return answer
end
local edited = #entries > 0 and redis.call('EXISTS', room .. ':edits') == 1
for _, entry in ipairs(entries) do
    -- What was deleted is not told by an edit of it either.
    local of = edited and string.match(entry[2][2], '^{"type":"edit".-,"target":"(%d+%-%d+)"') or entry[1]
    local edit = edited and redis.call('HGET', room .. ':edits', of)
    answer[#answer + 1] = entry[1]
    answer[#answer + 1] = (is_tombstone(edit) and '-' .. edit .. ' ' or '') .. entry[2][2]
end
return answer
