-- with: names caller emit
-- Changes a room, or who is what in it; once, however often it is asked for.
-- ARGV, after the caller: 5 "put", "drop", "role", "ban" or "mute"; 6 the user that it concerns, or ""; 7 the JSON of the
-- event that tells of it; 8 how many events to keep; 9 for how long, ms; 10 the event for the audit; 11 the notice for
-- that user's inbox, or ""; 12 of put: name, value, ... ("" = as it was at first); of role: the role, of ban and mute:
-- until when, ms, 0 = for ever; "" = no longer.
-- Returns {1 when something changed, 2 when the room is new; id of the event or ""}.
local what, whom, json = ARGV[5], ARGV[6], ARGV[7]
local most, last = tonumber(ARGV[8]), tonumber(ARGV[9])
local hash = room .. ':room'

local leaves = what == 'role' and whom == user and ARGV[12] == ''
local missing = redis.call('EXISTS', log, hash) == 0 or
    unpack_rules(redis.call('HGET', hash, 'rules')) == 'dropped'
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
    local given = what == 'role' and ranks[ARGV[12]] or 0
    return leaves or (rank > theirs and (rank > given or rank == 3))
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

-- The rules with those that are given in place of the old.
local function new_rules()
    local given = {mode = mode or '-', slow = slow or '-', keep = keep or '-', age = age or '-'}
    for i = 12, #ARGV, 2 do
        given[ARGV[i]] = ARGV[i + 1] ~= '' and ARGV[i + 1] or '-'
    end
    keep, age = given.keep, given.age
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
    if rank < 3 then
        return refuse('forbidden')
    end
    changed = true
elseif not outranks() then
    return refuse('forbidden')
elseif what == 'role' then
    changed = set('role:' .. whom, ARGV[12])
    if changed and ARGV[12] ~= '' then
        redis.call('ZADD', site .. ':mine:' .. whom, now, name)
    end
else
    changed = set(what .. ':' .. whom, ARGV[12])
    if what == 'ban' and ARGV[12] ~= '' then
        changed = set('role:' .. whom, '') or changed
        redis.call('ZREM', site .. ':mine:' .. whom, name)
        redis.call('HDEL', room .. ':read', whom) -- by which send knows that he has the room among his
    end
end
if not changed and not creates then
    return {0, ''}
end

-- Hubs compare the version with theirs, and ask who may read when it is another.
redis.call('HINCRBY', hash, 'version', 1)
local id = emit(room, json, false, tonumber(keep) or most, tonumber(age) or last)
if string.sub(name, 1, 1) ~= '@' and what ~= 'drop' then
    redis.call('ZADD', site .. ':rooms', now, name)
end
if ARGV[11] ~= '' and whom ~= user then
    forward(whom, 'notice', ARGV[11], id, most, last)
end
audit(ARGV[10])
count(what)

-- Of a room that is dropped the word that it was stays for an hour, for those who come back to it; and its version, lest
-- a hub takes the rules of the next room of this name for those that it knows.
if what == 'drop' then
    local version = redis.call('HGET', hash, 'version')
    trim(room, 1, 0)
    for _, key in ipairs({':room', ':read', ':typing', ':edits', ':reactions', ':replies', ':changed',
        ':forwards'}) do
        redis.call('DEL', room .. key)
    end
    redis.call('HSET', hash, 'version', version, 'rules', 'dropped - - -')
    redis.call('PEXPIRE', hash, 3600000)
    redis.call('PEXPIRE', log, 3600000)
    redis.call('ZREM', site .. ':rooms', name)
end
return {creates and 2 or 1, id}
