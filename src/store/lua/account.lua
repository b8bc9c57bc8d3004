-- with: names caller emit limit revocation
-- The accounts of a site, and its guests' names. user:<id>: hash, name, folded (the name), role, made (ms); users: the
-- ids by when they were made; name:<folded name>: whose it is.
-- ARGV, after the caller: 5 what, then of
--   guest: 6 7 8 limit; 9 user id; 10 how long the token lives, ms; 11... folded names to choose from. Returns which it is.
--   vacant: 6 7 8 limit; 9 user id; 10 folded name. Returns 1 when an account may be made so.
--   make: 6 user id; 7 hash; 8 name; 9 folded name; 10 the event for the audit. Returns the second after
--     which tokens count.
--   look: 6 7 8 limit; 9 user id. Returns {hash or ""}.
--   enter: 6 user id; 7 the hash that was looked at; 8 another one in its place, or ""; 9 the event for the audit. Returns
--     {second, name, role}.
--   fail: 6 user id; 7 the event for the audit.
--   change: 6 user id; 7 the hash that was looked at; 8 the new one; 9 the event for the audit. Returns as enter.
--   put: 6 user id; 7 hash or ""; 8 name or ""; 9 folded name; 10 role, "" = as it is, "none"; 11 the event for the audit;
--     12 "new" = only make one, "old" = only change one, else "". Returns 1, 2 when it is new.
--   drop: 6 user id; 7 the event for the audit.
--   list: 6 behind this user id, or ""; 7 so many. Returns {id, name, role, made}, ...
-- limit: 6 one every so many ms, 0 = no limit; 7 so many at once; 8 the address.
local what, whom = ARGV[5], ARGV[6]

if is_revoked() then
    return refuse('revoked')
end

local function limit(kind, by, mild)
    local every = tonumber(ARGV[6])
    local wait = every > 0 and take(site .. ':rate:' .. kind .. ':' .. by, every, tonumber(ARGV[7]), mild)
    if wait then
        count('limited')
        return refuse('limited', wait)
    end
end

local function named(folded)
    return site .. ':name:' .. folded
end

local function account(id)
    return site .. ':user:' .. id
end

-- The last second of which no token of the user counts, 0 = all do.
local function before(id)
    return tonumber(redis.call('ZSCORE', site .. ':before', id) or '0')
end

local function make(id, hash, called, folded, given)
    redis.call('HSET', account(id), 'hash', hash, 'name', called, 'folded', folded, 'role', given,
        'made', string.format('%.0f', now))
    redis.call('ZADD', site .. ':users', now, id)
    redis.call('SET', named(folded), id)
    redis.call('SET', named(string.lower(id)), id) -- nobody else is called so
end

local function rename(id, called, folded)
    local old = redis.call('HGET', account(id), 'folded')
    if old and old ~= string.lower(id) then
        free_name(old, id)
    end
    redis.call('SET', named(folded), id)
    redis.call('HSET', account(id), 'name', called, 'folded', folded)
end

local function enter(id, hash)
    local state = redis.call('HMGET', account(id), 'hash', 'name', 'role')
    if state[1] ~= hash then
        return refuse('wrong')
    end
    redis.call('DEL', site .. ':rate:account:' .. id)
    return nil, {before(id), state[2], state[3] or ''}
end

if what == 'guest' then
    local no = limit('guest', ARGV[8])
    if no then
        return no
    end
    for i = 11, #ARGV do
        if redis.call('SET', named(ARGV[i]), ARGV[9], 'NX', 'PX', ARGV[10]) then
            count('guest')
            return i - 11
        end
    end
    return refuse('name_taken')
elseif what == 'vacant' then
    local no = limit('register', ARGV[8])
    if no then
        return no
    elseif redis.call('EXISTS', account(ARGV[9])) == 1 then
        return refuse('user_taken')
    elseif redis.call('EXISTS', named(string.lower(ARGV[9]))) == 1 then
        return refuse('user_taken')
    elseif redis.call('EXISTS', named(ARGV[10])) == 1 then
        return refuse('name_taken')
    end
    return 1
elseif what == 'make' then
    if redis.call('EXISTS', account(whom)) == 1 then
        return refuse('user_taken')
    elseif redis.call('EXISTS', named(ARGV[9])) == 1 then
        return refuse('name_taken')
    end
    make(whom, ARGV[7], ARGV[8], ARGV[9], '')
    audit(ARGV[10])
    count('register')
    return before(whom)
elseif what == 'look' then
    -- Who is refused by his address does not use up what the account has left, nor may others keep its owner out long.
    local no = limit('login', ARGV[8]) or limit('account', ARGV[9], true)
    return no or {redis.call('HGET', account(ARGV[9]), 'hash') or ''}
elseif what == 'enter' then
    local no, state = enter(whom, ARGV[7])
    if no then
        return no
    elseif ARGV[8] ~= '' then
        redis.call('HSET', account(whom), 'hash', ARGV[8])
    end
    audit(ARGV[9])
    count('login')
    return state
elseif what == 'fail' then
    audit(ARGV[7])
    count('login failed')
    return 1
elseif what == 'change' then
    local no, state = enter(whom, ARGV[7])
    if no then
        return no
    end
    redis.call('HSET', account(whom), 'hash', ARGV[8])
    state[1] = revoke_user(whom)
    audit(ARGV[9])
    return state
elseif what == 'put' then
    local old = redis.call('HMGET', account(whom), 'hash', 'role')
    local called, folded = ARGV[8], ARGV[9]
    if not old[1] and called == '' then
        called, folded = whom, string.lower(whom)
    end
    local role_now, role_new = old[2] or '', ARGV[10] == 'none' and '' or ARGV[10]
    if not old[1] and (ARGV[7] == '' or ARGV[12] == 'old') then
        return refuse('user_missing')
    elseif old[1] and ARGV[12] == 'new' then
        return refuse('user_taken')
    end
    if called ~= '' and (redis.call('GET', named(folded)) or whom) ~= whom then
        return refuse('name_taken')
    end
    if not old[1] then
        count('register')
        make(whom, ARGV[7], called, folded, role_new)
    elseif ARGV[7] ~= '' then
        redis.call('HSET', account(whom), 'hash', ARGV[7])
    end
    if old[1] and called ~= '' then
        rename(whom, called, folded)
    end
    if ARGV[10] ~= '' then
        redis.call('HSET', account(whom), 'role', role_new)
    end
    -- Tokens tell the role that there was, and whoever knew the password may have some.
    if old[1] and (ARGV[7] ~= '' or (ARGV[10] ~= '' and role_now ~= role_new)) then
        revoke_user(whom)
    end
    audit(ARGV[11])
    return old[1] and 1 or 2
elseif what == 'drop' then
    local folded = redis.call('HGET', account(whom), 'folded')
    if not folded then
        return refuse('user_missing')
    elseif folded ~= string.lower(whom) then
        free_name(folded, whom)
    end
    -- The id is nobody else's: his inbox, conversations and roles stay with it.
    redis.call('DEL', account(whom), site .. ':rate:account:' .. whom)
    redis.call('HSET', account(whom), 'gone', string.format('%.0f', now))
    redis.call('ZREM', site .. ':users', whom)
    revoke_user(whom)
    audit(ARGV[7])
    return 1
end

local answer, rank_of = {}, whom ~= '' and redis.call('ZRANK', site .. ':users', whom)
local first = rank_of and rank_of + 1 or 0
for _, id in ipairs(redis.call('ZRANGE', site .. ':users', first, first + ARGV[7] - 1)) do
    local state = redis.call('HMGET', account(id), 'name', 'role', 'made')
    answer[#answer + 1] = {id, state[1] or id, state[2] or '', state[3] or '0'}
end
return answer
