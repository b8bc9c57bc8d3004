-- with: names caller listeners
-- Describes a room. ARGV: the caller.
-- Returns {1 when there is such a room; topic or ""; newest id kept, "0-0" = none; streams open on it; people in it; mode
-- or ""; slow mode, ms; events kept, "" = as configured; for how long, ms, "" = as configured; when it was made, ms; the
-- caller's role or ""}.
local no = admit('r')
if no then
    return no
end
local newest = redis.call('XREVRANGE', log, '+', '-', 'COUNT', 1)[1]
local more = redis.call('HMGET', room .. ':room', 'topic', 'made')
return {
    mode ~= 'dropped' and mode ~= 'gone' and redis.call('EXISTS', log, room .. ':room') > 0 and 1 or 0, more[1] or '', newest and newest[1] or '0-0', listeners(),
    redis.call('HLEN', room .. ':people'), mode or '', slow or '0', keep or '', age or '', more[2] or '0', role or ''
}
