-- with: names caller kinds emit view limit
-- Changes a message: edits or deletes it, reacts to it or no longer; once, however often it is asked for.
-- ARGV, after the caller: 5 "edit", "delete", "react" or "unreact"; 6 the message's id; 7 the JSON of the event that
-- tells of it; 8 how many events to keep; 9 for how long, ms; 10 the version that it must have, "" = any; 11 the new
-- members of an edit, or the emoji; 12 an address to be limited by, "" = by user; 13 one every so many ms, 0 = no limit;
-- 14 so many at once; 15 an event for the audit or "".
-- Returns {id of the event, "" = nothing changed; the message's version; a row of view()}.
local what, id, json, value = ARGV[5], ARGV[6], ARGV[7], ARGV[11]
local EMOJIS, OWN_EMOJIS = 50, 20 -- of one message, and of one person on it

local no = admit('w')
if no then
    return no
end
local most, last = tonumber(keep or ARGV[8]), tonumber(age or ARGV[9])
local entry = redis.call('XRANGE', log, id, id)[1]
if not entry or not stands(entry) or type_of(entry) == 'room' or type_of(entry) == 'member' or
    is_old(id, last) then
    return refuse('missing')
end
local author = string.match(entry[2][2], '^{"type":"[^"]*","room":"[^"]*","userId":"([^"]*)"')
local mine = author == user and user ~= ''
local edit = redis.call('HGET', room .. ':edits', id)
local deleted = is_tombstone(edit)
local version = redis.call('HGET', room .. ':changed', id) or id

if not mine and (what == 'edit' or (what == 'delete' and rank < MODERATOR)) then
    return refuse('author')
elseif deleted and what ~= 'delete' then
    return refuse('deleted')
elseif ARGV[10] ~= '' and ARGV[10] ~= version then
    return refuse('changed')
end

-- The caller's own emojis, one a line.
local reacted = '\n' .. (redis.call('HGET', room .. ':reacted:' .. id, user) or '')
local has = string.find(reacted, '\n' .. value .. '\n', 1, true)

local function is_done()
    if what == 'edit' then
        return edit and string.match(edit, ' (.*)$') == value
    elseif what == 'delete' then
        return deleted
    end
    return (what == 'react') == (has ~= nil)
end

if is_done() then
    return {'', version, view({entry})[1]}
end

-- One more or one less of the emoji. Returns how many there are, or nil when there are too many.
local function tally(step)
    local all, at = cjson.decode(redis.call('HGET', room .. ':reactions', id) or '[]'), nil
    for i, one in ipairs(all) do
        at = one[1] == value and i or at
    end
    if not at then
        at = #all + 1
        all[at] = {value, 0}
    end
    all[at][2] = all[at][2] + step
    if #all > EMOJIS then
        return nil
    elseif all[at][2] <= 0 then
        table.remove(all, at)
    end
    if #all == 0 then
        redis.call('HDEL', room .. ':reactions', id)
    else
        redis.call('HSET', room .. ':reactions', id, cjson.encode(all))
    end
    return #all
end

if rank < MODERATOR and tonumber(ARGV[13]) > 0 then
    local wait = take(rate_key(ARGV[12]), tonumber(ARGV[13]), tonumber(ARGV[14]))
    if wait then
        return refuse('limited', wait)
    end
end
if what == 'react' then
    local _, own = string.gsub(reacted, '[^\n]+', '')
    if own >= OWN_EMOJIS or not tally(1) then
        return refuse('full')
    end
    redis.call('HSET', room .. ':reacted:' .. id, user, string.sub(reacted, 2) .. value .. '\n')
elseif what == 'unreact' then
    tally(-1)
    local rest = string.sub(reacted, 2, has) .. string.sub(reacted, has + #value + 2)
    if rest == '' then
        redis.call('HDEL', room .. ':reacted:' .. id, user)
    else
        redis.call('HSET', room .. ':reacted:' .. id, user, rest)
    end
end

local done = emit(room, json, false, most, last)
if #redis.call('XRANGE', log, id, id) == 0 then
    return {done, done, view({entry})[1]} -- its event was the one too many
end
redis.call('HSET', room .. ':changed', id, done)

-- Puts the edit, or the tombstone, over a message, here or in an inbox that it went to.
local function overlay(at, target, event)
    redis.call('HSET', at .. ':edits', target, what == 'edit' and event .. ' ' .. value or event)
end

-- Text is replaced as it stands: neither a room nor an id is a pattern.
local function replace(text, old, new)
    local first, last = string.find(text, old, 1, true)
    return string.sub(text, 1, first - 1) .. new .. string.sub(text, last + 1)
end

local function change_forwards()
    for owner, copy in string.gmatch(redis.call('HGET', room .. ':forwards', id) or '', '(%S+) (%S+)') do
        local at = keys_of('@' .. owner)
        if #redis.call('XRANGE', at .. ':log', copy, copy) > 0 then
            local there = replace(json, '"room":"' .. name .. '"', '"room":"@' .. owner .. '"')
            there = replace(there, ',"target":"' .. id .. '"', ',"target":"' .. copy .. '"')
            overlay(at, copy, (emit(at, there, false, tonumber(ARGV[8]), tonumber(ARGV[9]))))
        end
    end
end

if what == 'edit' or what == 'delete' then
    overlay(room, id, done)
    change_forwards()
end
if what == 'delete' then
    redis.call('HDEL', room .. ':reactions', id)
    redis.call('DEL', room .. ':reacted:' .. id)
    if not mine and ARGV[15] ~= '' then
        audit(ARGV[15])
    end
end
count(what)
return {done, done, view({entry})[1]}
