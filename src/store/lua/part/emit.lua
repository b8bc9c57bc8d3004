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

-- Removes these oldest events, and what is kept beside the log of each.
local function drop(at, entries, length)
    local ids = {}
    for i, entry in ipairs(entries) do
        ids[i] = entry[1]
        redis.call('DEL', at .. ':reacted:' .. entry[1], at .. ':thread:' .. entry[1])
    end
    for _, beside in ipairs({':edits', ':reactions', ':replies', ':changed', ':forwards'}) do
        redis.call('HDEL', at .. beside, unpack(ids))
    end
    if #ids == length then
        redis.call('HSET', at .. ':room', 'number', entries[#ids][2][6] or 0)
    end
    redis.call('XTRIM', at .. ':log', 'MAXLEN', length - #ids)
end

-- Keeps at most `most` events (some hundredths more, so that not each send trims) of the last `last` ms, 0 = of all times.
local function trim(at, most, last)
    local length = redis.call('XLEN', at .. ':log')
    if length > most + math.floor(most / 100) then
        if redis.call('EXISTS', at .. ':edits', at .. ':reactions', at .. ':replies', at .. ':forwards') == 0 then
            redis.call('XTRIM', at .. ':log', 'MAXLEN', most)
            length = most
        end
        while length > most do
            local entries = redis.call('XRANGE', at .. ':log', '-', '+', 'COUNT', math.min(length - most, 500))
            drop(at, entries, length)
            length = length - #entries
        end
    end
    while last > 0 do
        local entries = redis.call('XRANGE', at .. ':log', '-', string.format('%.0f', now - last), 'COUNT', 500)
        if #entries == 0 then
            return
        end
        drop(at, entries, length)
        length = length - #entries
    end
end

-- Stores an event and returns its id, its number and the id before it; `counts` = somebody may have it unread.
local function emit(at, json, counts, most, last)
    local previous, number = newest(at)
    number = counts and number + 1 or number
    -- With the id before it, so that a reader can tell what was trimmed from what never was.
    local id = redis.call('XADD', at .. ':log', '*', 'e', json, 'p', previous, 'n', number)
    trim(at, most, last)
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

-- A room that was dropped is one again.
local function revive()
    redis.call('HDEL', room .. ':room', 'rules')
    redis.call('PERSIST', room .. ':room')
    redis.call('PERSIST', log)
end

local function audit(json)
    emit(keys_of('@!audit'), json, false, 100000, 0)
end

-- The same event for somebody's inbox: `type` in place of its own, and where it comes from. Returns its id there.
local function forward(owner, type, json, id, most, last)
    local _, stop = string.find(json, '"room":"' .. name .. '"', 1, true)
    return emit(keys_of('@' .. owner), '{"type":"' .. type .. '","room":"@' .. owner .. '","source":"' .. name ..
        '","target":"' .. id .. '"' .. string.sub(json, stop + 1), true, most, last)
end
