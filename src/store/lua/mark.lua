-- with: names caller emit
-- Reads or moves the caller's read marker, which only goes forward.
-- ARGV, after the caller: 5 "" to read it, else the JSON of the event that tells of it; 6 up to this id, "" = all.
-- Returns {the marker's id, "0-0" = none; how many are unread; the newest id}.
local no = admit('r')
if no then
    return no
end
local last, total = newest(room)
local id, number = marker(room, user)

if ARGV[5] ~= '' and redis.call('EXISTS', log) == 1 then
    local entry = redis.call('XREVRANGE', log, ARGV[6] ~= '' and ARGV[6] or '+', '-', 'COUNT', 1)[1]
    local to, count = entry and entry[1] or '0-0', entry and tonumber(entry[2][6]) or 0
    if count > number or (count == number and id == '0-0' and to ~= id) then
        id, number = to, count
        redis.call('HSET', room .. ':read', user, id .. ' ' .. number)
        tell(room, string.sub(ARGV[5], 1, -2) .. ',"target":"' .. id .. '"}')
    end
    redis.call('ZADD', site .. ':mine:' .. user, now, name)
end
return {id, unread(room, number, total), last}
