-- emit: stores events and publishes them; trims. `at` is a room's keys, as keys_of() gives them.

-- The id and the number of the newest event; where all was trimmed, of the last that there was. Events are numbered so
-- that what is unread can be told by a difference.
local function newest(at)
    local entry = redis.call('XREVRANGE', at .. ':log', '+', '-', 'COUNT', 1)[1]
    if entry then
        return entry[1], tonumber(entry[2][6]) or 0
    end
    if redis.call('EXISTS', at .. ':log') == 0 then
        return '0-0', 0
    end
    local info = redis.call('XINFO', 'STREAM', at .. ':log')
    for i = 1, #info, 2 do
        if info[i] == 'last-generated-id' then
            return info[i + 1], tonumber(redis.call('HGET', at .. ':room', 'number')) or 0
        end
    end
end

-- Removes these oldest events, and what is kept beside the log of each. A thread lasts as long as a reply in it.
local function drop(at, entries, length)
    local ids, ended = {}, {}
    for i, entry in ipairs(entries) do
        local root = string.match(entry[2][2], '.*,"replyTo":"(%d+%-%d+)"')
        ids[i] = entry[1]
        redis.call('DEL', at .. ':reacted:' .. entry[1])
        if root then
            redis.call('ZREM', at .. ':thread:' .. root, entry[1])
        end
        for _, id in ipairs({entry[1], root}) do
            if redis.call('EXISTS', at .. ':thread:' .. id) == 0 then
                ended[#ended + 1] = id
            end
        end
    end
    for _, beside in ipairs({':edits', ':reactions', ':changed', ':forwards'}) do
        redis.call('HDEL', at .. beside, unpack(ids))
    end
    redis.call('HDEL', at .. ':replies', '', unpack(ended))
    if #ids == length then
        redis.call('HSET', at .. ':room', 'number', entries[#ids][2][6] or 0)
    end
    redis.call('XTRIM', at .. ':log', 'MAXLEN', length - #ids)
end

-- Removes the oldest events until `stays(entry, length)` says so of one.
local function drop_until(at, stays)
    local length = redis.call('XLEN', at .. ':log')
    while length > 0 do
        local going = {}
        for _, entry in ipairs(redis.call('XRANGE', at .. ':log', '-', '+', 'COUNT', 100)) do
            if stays(entry, length - #going) then
                break
            end
            going[#going + 1] = entry
        end
        if #going == 0 then
            return
        end
        drop(at, going, length)
        length = length - #going
    end
end

-- Keeps the newest `most` of what one may have unread (some hundredths more, so that not each send trims), of which the
-- last has the number `total`, and what came between: changes do not push messages out, but for ten times as many.
local function trim(at, most, total)
    local length, slack = redis.call('XLEN', at .. ':log'), math.floor(most / 100)
    if length <= most + slack then
        return
    end
    local oldest, cap = redis.call('XRANGE', at .. ':log', '-', '+', 'COUNT', 1)[1], most * 10 + 100
    local first = tonumber(oldest[2][6]) or 0
    if first > total - most - slack and length <= cap then
        return
    end
    -- Nothing but messages, and nothing beside them: Redis itself does that fastest.
    if total - first + 1 == length and redis.call('EXISTS', at .. ':edits', at .. ':reactions', at .. ':replies',
        at .. ':changed', at .. ':forwards') == 0 then
        redis.call('XTRIM', at .. ':log', 'MAXLEN', most)
        return
    end
    drop_until(at, function(entry, left)
        return (tonumber(entry[2][6]) or 0) > total - most and left <= cap
    end)
end

-- Keeps what is not older than `last` ms.
local function age_out(at, last)
    drop_until(at, function(entry)
        return tonumber(string.match(entry[1], '^%d+')) >= now - last
    end)
end

-- Stores an event and returns its id, its number and the id before it; `counts` = somebody may have it unread.
local function emit(at, json, counts, most, last)
    local previous, number = newest(at)
    number = counts and number + 1 or number
    -- With the id before it, so that a reader can tell what was trimmed from what never was.
    local id = redis.call('XADD', at .. ':log', '*', 'e', json, 'p', previous, 'n', number)
    trim(at, most, number)
    if last > 0 then
        age_out(at, last)
    end
    -- After XADD: the other way round delivers ghosts when Redis is out of memory.
    redis.call('PUBLISH', at .. ':live', previous .. ' ' .. id .. ' ' .. json)
    return id, number, previous
end

-- Publishes what is not kept; returns its id, "-ms".
local function tell(at, json)
    local id = '-' .. string.format('%.0f', now)
    redis.call('PUBLISH', at .. ':live', newest(at) .. ' ' .. id .. ' ' .. json)
    return id
end

-- Puts a room into the list that it belongs to, by the time of now.
local function list()
    local private = mode == 'members'
    redis.call('ZADD', site .. (private and ':private' or ':rooms'), now, name)
    redis.call('ZREM', site .. (private and ':rooms' or ':private'), name)
end

-- A room that was dropped is one again.
local function revive()
    redis.call('HDEL', room .. ':room', 'rules')
    redis.call('PERSIST', room .. ':room')
    redis.call('PERSIST', log)
end

local function audit(json)
    emit(keys_of('@!audit'), json, true, 100000, 0)
end

-- Where somebody has read up to: id and number, 0-0 and 0 = nowhere.
local function marker(at, reader)
    local id, number = string.match(redis.call('HGET', at .. ':read', reader) or '0-0 0', '^(%S+) (%d+)$')
    return id, tonumber(number)
end

-- How many of the events up to `total` are unread behind `number`: of those that there are.
local function unread(at, number, total)
    local oldest = total > number and redis.call('XRANGE', at .. ':log', '-', '+', 'COUNT', 1)[1]
    if not oldest then
        return 0
    end
    -- The oldest itself may be none that counts; one is the difference then.
    return math.min(total - number, total - (tonumber(oldest[2][6]) or 0) + 1)
end

-- The same event for somebody's inbox: `type` in place of its own, and where it comes from. Returns its id there.
local function forward(owner, type, json, id, most, last)
    local _, stop = string.find(json, '"room":"' .. name .. '"', 1, true)
    return emit(keys_of('@' .. owner), '{"type":"' .. type .. '","room":"@' .. owner .. '","source":"' .. name ..
        '","target":"' .. id .. '"' .. string.sub(json, stop + 1), true, most, last)
end
