-- view: events as history shows them.
-- For each event: {id, json, edit or "", reactions or "", the caller's own or "", number of replies}. An edit is "id
-- members", or a bare id where the message was deleted; reactions are a JSON array of [emoji, count].
local function view(entries)
    local ids, rows = {}, {}
    for i, entry in ipairs(entries) do
        ids[i] = entry[1]
        rows[i] = {entry[1], entry[2][2], '', '', '', '0'}
    end
    if #ids == 0 or redis.call('EXISTS', room .. ':edits', room .. ':reactions', room .. ':replies') == 0 then
        return rows
    end
    local edits = redis.call('HMGET', room .. ':edits', unpack(ids))
    local reactions = redis.call('HMGET', room .. ':reactions', unpack(ids))
    local replies = redis.call('HMGET', room .. ':replies', unpack(ids))
    for i, row in ipairs(rows) do
        row[3], row[4], row[6] = edits[i] or '', reactions[i] or '', replies[i] or '0'
        if reactions[i] and user ~= '' then
            row[5] = redis.call('HGET', room .. ':reacted:' .. row[1], user) or ''
        end
    end
    return rows
end
