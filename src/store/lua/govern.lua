-- with: names caller emit limit
-- Changes a room, or who is what in it; once, however often it is asked for.
-- ARGV, after the caller: 5 "put", "drop", "role", "ban", "kick" or "mute"; 6 the user that it concerns, or ""; 7 the
-- JSON of the event that tells of it; 8 how many events to keep; 9 for how long, ms; 10 the event for the audit; 11 the
-- notice for that user's inbox, or ""; 12 an address to be limited by, "" = by user; 13 one every so many ms, 0 = no limit; 14 so many
-- at once; 15 of put: name, value, ... ("" = as it was at first); of role: the role, of ban, kick and mute: until when, ms,
-- 0 = for ever; "" = no longer.
-- Returns {1 when something changed, 2 when the room is new; id of the event or ""}.
local what, whom, json = ARGV[5], ARGV[6], ARGV[7]
local most, last = tonumber(ARGV[8]), tonumber(ARGV[9])
local hash = room .. ':room'

local leaves = what == 'role' and whom == user and ARGV[15] == ''
local state = unpack_rules(redis.call('HGET', hash, 'rules'))
local missing = redis.call('EXISTS', log, hash) == 0 or state == 'dropped' or state == 'gone'
local creates = what == 'put' and missing
local no = admit((creates or leaves) and (leaves and 'r' or 'w') or 'm')
if no then
    return no
elseif missing and not creates then
    return refuse('hidden')
end

-- One may do to others what one's rank is above, and oneself leave.
local function outranks()
    local theirs = ranks[redis.call('HGET', hash, 'role:' .. whom) or ''] or 0
    local given = what == 'role' and ranks[ARGV[15]] or 0
    return leaves or (rank > theirs and (rank > given or rank == OWNER))
end

-- Changes are rarer than messages, and reach inboxes and the audit: a tenth as often, in all rooms together.
if rank < ADMIN and tonumber(ARGV[13]) > 0 then
    local by = ARGV[12] ~= '' and ARGV[12] or user
    local wait = take(site .. ':rate-govern:' .. by, 10 * ARGV[13], math.max(math.floor(ARGV[14] / 5), 5))
    if wait then
        count('limited')
        return refuse('limited', wait)
    end
end

-- What is over goes, lest it is told to the hubs for ever.
local function forget_over()
    local all = redis.call('HGETALL', hash)
    for i = 1, #all, 2 do
        if string.find(all[i], '^ban:') or string.find(all[i], '^mute:') then
            if not lasts(all[i + 1]) then
                redis.call('HDEL', hash, all[i])
            end
        end
    end
end

local function set(field, value)
    local old = redis.call('HGET', hash, field)
    if (old or '') == value then
        return false
    elseif value == '' then
        redis.call('HDEL', hash, field)
    else
        redis.call('HSET', hash, field, value)
    end
    return true
end

-- The room is no longer among those of the user; by his read marker, send knows that it is.
local function lose()
    redis.call('ZREM', site .. ':mine:' .. whom, name)
    redis.call('HDEL', room .. ':read', whom)
end

-- The rules with those that are given in place of the old.
local function new_rules()
    local given = {mode = mode or '-', slow = slow or '-', keep = keep or '-', age = age or '-'}
    for i = 15, #ARGV, 2 do
        given[ARGV[i]] = ARGV[i + 1] ~= '' and ARGV[i + 1] or '-'
    end
    mode, keep, age = given.mode, given.keep, given.age
    local rules = given.mode .. ' ' .. given.slow .. ' ' .. given.keep .. ' ' .. given.age
    return rules ~= '- - - -' and rules or '', given.topic
end

local changed = false
if what == 'put' then
    if creates then
        revive()
        mode, slow, keep, age = nil, nil, nil, nil
    end
    local rules, topic = new_rules()
    changed = set('rules', rules)
    if topic then
        changed = set('topic', topic ~= '-' and topic or '') or changed
    end
    if creates then
        redis.call('HSET', hash, 'made', string.format('%.0f', now), 'role:' .. user, 'owner')
        redis.call('ZADD', site .. ':mine:' .. user, now, name)
    end
elseif what == 'drop' then
    if rank < OWNER then
        return refuse('forbidden')
    end
    changed = true
elseif not outranks() then
    return refuse('forbidden')
elseif what == 'role' then
    if ARGV[15] ~= '' and lasts(redis.call('HGET', hash, 'ban:' .. whom)) then
        return refuse('banned_there')
    end
    changed = set('role:' .. whom, ARGV[15])
    if ARGV[15] == '' then
        lose()
    elseif changed then
        redis.call('ZADD', site .. ':mine:' .. whom, now, name)
    end
elseif what == 'mute' then
    changed = set('mute:' .. whom, ARGV[15])
else
    local old, new = redis.call('HGET', hash, 'ban:' .. whom), ARGV[15]
    -- Who is kicked may be banned for longer.
    if what == 'kick' and lasts(old) and (old == '0' or tonumber(old) > tonumber(new)) then
        new = old
    end
    changed = set('ban:' .. whom, new)
    if new ~= '' then
        changed = set('role:' .. whom, '') or changed
        lose()
    end
end
if not changed and not creates then
    return {0, ''}
end

-- Hubs compare the version with theirs, and ask who may read when it is another.
redis.call('HINCRBY', hash, 'version', 1)
forget_over()
local id = emit(room, json, false, tonumber(keep) or most, tonumber(age) or last)
if what ~= 'drop' then
    list()
end
if ARGV[11] ~= '' and whom ~= user then
    forward(whom, 'notice', ARGV[11], id, most, last)
end
audit(ARGV[10])
count(what)

-- Of a room that is dropped the word that it was stays for an hour, for those who come back to it; and its version, lest
-- a hub takes the rules of the next room of this name for those that it knows; and for a day, or as long as keys of sends
-- are kept, that those are of another room.
if what == 'drop' then
    local version = redis.call('HGET', hash, 'version')
    drop_until(room, function(_, length)
        return length == 1
    end)
    for _, key in ipairs({':room', ':read', ':typing', ':edits', ':reactions', ':replies', ':changed', ':forwards'}) do
        redis.call('DEL', room .. key)
    end
    redis.call('HSET', hash, 'version', version, 'rules', (mode == 'members' and 'gone' or 'dropped') .. ' - - -')
    redis.call('PEXPIRE', hash, 3600000)
    redis.call('PEXPIRE', log, 3600000)
    redis.call('SET', room .. ':generation', id, 'PX', 30 * 86400000)
    redis.call('ZREM', site .. ':rooms', name)
    redis.call('ZREM', site .. ':private', name)
end
return {creates and 2 or 1, id}
