-- with: names
-- How Redis is, how much is sent, and what the hubs have answered; and asks them anew. KEYS[1] is the log of the room
-- @!figures. ARGV: 1 the key of the answers within "answers:", or ""; 2 the question, or "".
-- Returns {hubs that hear the question; messages sent today; in 1000 s, lately, -1 = this is the first look; INFO; what
-- hubs answered, one by one}. Where Redis takes no writes, only what it remembers is missing.
local LATELY, APART, REMEMBERED = 6000, 900, '30000' -- ms

local function sent_on(day)
    local counts = redis.call('HMGET', site .. ':stats:' .. day, 'messages', 'direct')
    return (tonumber(counts[1]) or 0) + (tonumber(counts[2]) or 0)
end

-- The rate is over the last seconds in which somebody looked, so that it needs no clockwork of its own: "ms total ..."
-- of each look, the oldest first.
local today = math.floor(now / 86400000)
local sent = sent_on(today)
local total, looks, rate = sent + sent_on(today - 1), {}, -1 -- with yesterday, else midnight would be a loss
for at, was in string.gmatch(redis.call('GET', site .. ':sent') or '', '(%d+) (%d+)') do
    looks[#looks + 1] = {at = tonumber(at), was = tonumber(was)}
end
while #looks > 1 and now - looks[1].at > LATELY do
    table.remove(looks, 1)
end
if #looks > 0 and now - looks[1].at >= APART then
    rate = math.floor(math.max(total - looks[1].was, 0) * 1000000 / (now - looks[1].at))
end
if #looks == 0 or now - looks[#looks].at >= APART then
    local text = {}
    looks[#looks + 1] = {at = now, was = total}
    for i, look in ipairs(looks) do
        text[i] = string.format('%.0f %.0f', look.at, look.was)
    end
    redis.pcall('SET', site .. ':sent', table.concat(text, ' '), 'PX', REMEMBERED)
end

local answers = {}
if ARGV[1] ~= '' then
    answers = redis.call('HVALS', site .. ':answers:' .. ARGV[1])
    redis.pcall('DEL', site .. ':answers:' .. ARGV[1])
end
local heard = ARGV[2] ~= '' and redis.call('PUBLISH', 'earshot:hubs', ARGV[2]) or 0
return {heard, sent, rate, redis.call('INFO'), unpack(answers)}
