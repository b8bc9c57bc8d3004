-- with: names caller kinds emit limit listeners
-- Stores a message and publishes it, or only publishes it, with all that hangs on it; all or nothing.
-- ARGV, after the caller: 5 the event's JSON; 6 "1" = ephemeral; 7 how many events to keep; 8 for how long, ms, 0 = for
-- ever; 9 idempotency key or ""; 10 hash of the body; 11 how long the key is kept, ms; 12 an address to be limited by, ""
-- = by user; 13 one every so many ms, 0 = no limit; 14 so many at once; 15 id that it replies to, or ""; 16... users that
-- it may mention.
-- Returns {id, or "-ms" of an ephemeral event; streams open on the room; 1 when the key was used before; how many more
-- may be sent, -1 = no limit; when all may be again, ms}.
local json, ephemeral = ARGV[5], ARGV[6] == '1'
-- A room that was dropped, and came again, knows nothing of what was sent to the one before.
local done_key = ARGV[9] ~= '' and room .. ':idem:' .. (redis.call('GET', room .. ':generation') or '') .. ARGV[9]
local every, reply_to = tonumber(ARGV[13]), ARGV[15]
local own = string.sub(name, 1, 2) == '@!' -- earshot's own
local private = string.sub(name, 1, 1) == '@'

local no = admit('w')
if no then
    return no
end
local most, last = tonumber(keep or ARGV[7]), tonumber(age or ARGV[8])

if done_key then
    local id, hash = string.match(redis.call('GET', done_key) or '', '^(%S+) (%S+)$')
    if id and hash ~= ARGV[10] then
        return refuse('conflict')
    elseif id then
        return {id, listeners(), 1, -1, 0}
    end
end
if reply_to ~= '' then
    local root = redis.call('XRANGE', log, reply_to, reply_to)[1]
    if not root or not stands(root) then
        return refuse('reply')
    end
end

local left, back = -1, 0
if rank < MODERATOR then
    local wait
    if every > 0 then
        local key = rate_key(ARGV[12])
        if private and ARGV[12] == '' then
            key = site .. ':rate-direct:' .. user -- all whom he writes to together
        end
        wait, left, back = take(key, every, tonumber(ARGV[14]))
    end
    if not wait and slow and slow ~= '0' then
        wait, left, back = take(room .. ':slow:' .. (user ~= '' and user or ARGV[12]), tonumber(slow), 1, true)
    end
    if wait then
        count('limited')
        return refuse('limited', wait)
    end
end

local revived
if mode == 'dropped' or mode == 'gone' then
    revive()
    mode, revived = nil, true
end
local id, number, previous
if ephemeral then
    id = tell(room, json)
else
    id, number, previous = emit(room, json, true, most, last)
end
if done_key then
    redis.call('SET', done_key, id .. ' ' .. ARGV[10], 'PX', ARGV[11])
end
if own then
    return {id, listeners(), 0, left, back}
end

-- A message ends its sender's typing, and who sends has read.
if user ~= '' then
    redis.call('ZREM', room .. ':typing', user)
    if number and redis.call('HSET', room .. ':read', user, id .. ' ' .. number) == 1 then
        redis.call('ZADD', site .. ':mine:' .. user, now, name)
    end
end
-- The list of rooms is by the time of the last send, to the second. A room in which nothing was ever kept is none.
local keeps = number and tonumber(string.match(previous, '^%d+')) < now - 1000 or
    not number and redis.call('EXISTS', log) == 1
if not private and (revived or keeps) then
    list()
end
if number and reply_to ~= '' then
    redis.call('ZADD', room .. ':thread:' .. reply_to, redis.call('HINCRBY', room .. ':replies', reply_to, 1), id)
    redis.call('HSET', room .. ':changed', reply_to, id)
end

-- Who may be mentioned has been here, is a member, or has an account; in a room of members, only these.
local function is_known(other)
    local state = redis.call('HMGET', room .. ':room', 'role:' .. other, 'ban:' .. other)
    if lasts(state[2]) or state[1] then
        return not lasts(state[2])
    end
    return mode ~= 'members' and
        (redis.call('HEXISTS', room .. ':read', other) == 1 or redis.call('HEXISTS', room .. ':people', other) == 1 or
            redis.call('HEXISTS', site .. ':user:' .. other, 'hash') == 1)
end

-- Whom @name means: a user by his id, or a guest or account by the name.
local function meant(word)
    if is_known(word) then
        return word
    end
    local named = redis.call('GET', site .. ':name:' .. string.lower(word))
    return named and is_known(named) and named
end

-- Where it went besides: "user id user id", so that what is done to it can be done there too.
local forwards = {}
local function send_to(other, type)
    forwards[#forwards + 1] = other .. ' ' .. forward(other, type, json, id, tonumber(ARGV[7]), tonumber(ARGV[8]))
end

if number and private then
    for other in string.gmatch(string.sub(name, 2), '[^,]+') do
        redis.call('ZADD', site .. ':mine:' .. other, now, name)
        if other ~= user then
            send_to(other, 'direct')
        end
    end
elseif number then
    local sent = {}
    for i = 16, #ARGV do
        local other = meant(ARGV[i])
        if other and other ~= user and not sent[other] then
            sent[other] = true
            send_to(other, 'mention')
        end
    end
end
if #forwards > 0 then
    redis.call('HSET', room .. ':forwards', id, table.concat(forwards, ' '))
end
count(private and 'direct' or 'messages')
return {id, listeners(), 0, left, back}
