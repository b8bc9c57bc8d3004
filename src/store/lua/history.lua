-- with: names caller kinds view
-- Reads history. ARGV, after the caller: 5 "before", "after", "one" or "replies"; 6 an id, "" = none; 7 at most so many;
-- 8 for how long events are kept, ms, 0 = for ever; 9 of replies: behind this one, "" = from the first.
-- Returns {1 when there is more in this direction; where the reading ended or ""; the last change of the one, or the
-- newest of all events where the newest page was asked for, or ""; rows of view(), in the direction of reading}.
local way, id, most = ARGV[5], ARGV[6], tonumber(ARGV[7])
local SCANNED = 5000 -- events at once: of these may be changes without end

local no = admit('r')
if no then
    return no
end
local last = tonumber(age or ARGV[8])
-- What is too old is not shown, trimmed or not.
local oldest = last > 0 and string.format('%.0f', now - last) or '-'

local function read(edge, number)
    if way == 'after' then
        return redis.call('XRANGE', log, edge, '+', 'COUNT', number)
    end
    return redis.call('XREVRANGE', log, edge, oldest, 'COUNT', number)
end

local function page()
    local found, scanned, edge, rest, first = {}, 0, way == 'after' and oldest or '+', true, ''
    if id ~= '' and not (way == 'after' and is_old(id, last)) then
        edge = '(' .. id
    end
    while rest and #found <= most and scanned < SCANNED do
        local number = math.min(most + 1 - #found + 32, 500)
        local entries = read(edge, number)
        rest = #entries == number
        scanned = scanned + #entries
        if way == 'before' and id == '' and first == '' and entries[1] then
            first = entries[1][1]
        end
        for _, entry in ipairs(entries) do
            edge = '(' .. entry[1]
            if stands(entry) then
                found[#found + 1] = entry
            end
            if #found > most then
                break
            end
        end
    end
    local more = #found > most or rest
    if #found > most then
        found[#found] = nil
        edge = '(' .. found[#found][1]
    end
    return {more and 1 or 0, string.match(edge, '%d+%-%d+') or '', first, unpack(view(found))}
end

local function one()
    local entry = id ~= '' and redis.call('XRANGE', log, id, id)[1]
    if not entry or not stands(entry) or is_old(id, last) then
        return refuse('missing')
    end
    return {0, '', redis.call('HGET', room .. ':changed', id) or id, unpack(view({entry}))}
end

-- A thread outlives its root, whose tombstone or trimming leaves the replies as they are.
local function replies()
    local thread, from = room .. ':thread:' .. id, 0
    if ARGV[9] ~= '' then
        from = redis.call('ZSCORE', thread, ARGV[9])
        if not from then
            return refuse('missing')
        end
    end
    if id == '' or (redis.call('EXISTS', thread) == 0 and #redis.call('XRANGE', log, id, id) == 0) then
        return refuse('missing')
    end
    local ids = redis.call('ZRANGEBYSCORE', thread, '(' .. from, '+inf', 'LIMIT', 0, most + 1)
    local found, more = {}, #ids > most
    for i = 1, math.min(#ids, most) do
        local entry = redis.call('XRANGE', log, ids[i], ids[i])[1]
        found[#found + 1] = entry and not is_old(ids[i], last) and entry or nil
    end
    return {more and 1 or 0, ids[math.min(#ids, most)] or '', '', unpack(view(found))}
end

if way == 'one' then
    return one()
elseif way == 'replies' then
    return replies()
end
return page()
