-- with: names caller emit limit listeners
-- Stores a message and publishes it, or only publishes it, with all that hangs on it; all or nothing.
-- ARGV, after the caller: 5 the event's JSON; 6 "1" = ephemeral; 7 how many events to keep; 8 for how long, ms, 0 = for
-- ever; 9 idempotency key or ""; 10 hash of the body; 11 how long the key is kept, ms; 12 an address to be limited by, ""
-- = by user; 13 one every so many ms, 0 = no limit; 14 so many at once; 15 id that it replies to, or ""; 16... users that
-- it may mention.
-- Returns {id, or "-ms" of an ephemeral event; streams open on the room; 1 when the key was used before; how many more
-- may be sent, -1 = no limit; when all may be again, ms}.
local json, ephemeral = ARGV[5], ARGV[6] == '1'
local done_key = ARGV[9] ~= '' and room .. ':idem:' .. ARGV[9]
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
if reply_to ~= '' and #redis.call('XRANGE', log, reply_to, reply_to) == 0 then
    return refuse('reply')
end

local left, back = -1, 0
if rank < 2 then
    local wait
    if every > 0 then
        local key = ARGV[12] ~= '' and site .. ':rate:' .. ARGV[12] or room .. ':rate:' .. user
        wait, left, back = take(key, every, tonumber(ARGV[14]))
    end
    if not wait and slow and slow ~= '0' then
        wait, left, back = take(room .. ':slow:' .. (user ~= '' and user or ARGV[12]), tonumber(slow), 1)
    end
    if wait then
        count('limited')
        return refuse('limited', wait)
    end
end

if mode == 'dropped' then
    revive()
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
    if number then
        if redis.call('HSET', room .. ':read', user, id .. ' ' .. number) == 1 then
            redis.call('ZADD', site .. ':mine:' .. user, now, name)
        end
    end
end
-- The list of rooms is by the time of the last send, to the second.
if not private and (mode == 'dropped' or not number or tonumber(string.match(previous, '^%d+')) < now - 1000) then
    redis.call('ZADD', site .. ':rooms', now, name)
end
if number and reply_to ~= '' then
    redis.call('ZADD', room .. ':thread:' .. reply_to, redis.call('HINCRBY', room .. ':replies', reply_to, 1), id)
    redis.call('HSET', room .. ':changed', reply_to, id)
end

-- Who may be mentioned has been here, is a member, or has an account; in a room of members, only these.
local function is_known(other)
    if redis.call('HEXISTS', room .. ':room', 'role:' .. other) == 1 then
        return true
    end
    return mode ~= 'members' and not lasts(redis.call('HGET', room .. ':room', 'ban:' .. other)) and
        (redis.call('HEXISTS', room .. ':read', other) == 1 or redis.call('HEXISTS', room .. ':people', other) == 1 or
            redis.call('EXISTS', site .. ':user:' .. other) == 1)
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
    for i = 16, #ARGV do
        if ARGV[i] ~= user and is_known(ARGV[i]) then
            send_to(ARGV[i], 'mention')
        end
    end
end
if #forwards > 0 then
    redis.call('HSET', room .. ':forwards', id, table.concat(forwards, ' '))
end
count(private and 'direct' or 'messages')
return {id, listeners(), 0, left, back}
