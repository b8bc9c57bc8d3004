-- with: names caller emit people limit
-- Says what is not kept: that somebody types, or a signal to one person.
-- ARGV, after the caller: 5 the event's JSON; 6 "typing", "idle", or the user that it is for, after "@"; 7 one every so
-- many ms, 0 = no limit; 8 so many at once. Returns the event's id, "" = nothing had to be said.
local TYPING, AGAIN = 10000, 3000 -- ms: how long it lasts, and when it is said again
local json, what = ARGV[5], ARGV[6]
local typing = room .. ':typing'

local no = admit('w')
if no then
    return no
end
if tonumber(ARGV[7]) > 0 and rank < MODERATOR then
    local wait = take(room .. ':rate-say:' .. user, tonumber(ARGV[7]), tonumber(ARGV[8]))
    if wait then
        return refuse('limited', wait)
    end
end
if what == 'idle' then
    return redis.call('ZREM', typing, user) == 1 and tell(room, json) or ''
elseif what == 'typing' then
    local last = redis.call('ZSCORE', typing, user)
    if last and tonumber(last) - TYPING + AGAIN > now then
        return ''
    end
    redis.call('ZADD', typing, now + TYPING, user)
    redis.call('PEXPIRE', typing, 60000)
    return tell(room, json)
end

local other = string.sub(what, 2)

-- By his inbox a signal reaches only who may be in the room.
local function may_read()
    local state = redis.call('HMGET', room .. ':room', 'role:' .. other, 'ban:' .. other)
    return not lasts(state[2]) and (mode ~= 'members' or state[1])
end

sweep()
if redis.call('HEXISTS', room .. ':people', other) == 1 then
    return tell(room, json)
elseif may_read() and redis.call('HEXISTS', keys_of('@' .. other) .. ':people', other) == 1 then
    return tell(keys_of('@' .. other), json)
end
return refuse('nobody')
