-- kinds: what an entry of the log is.
local hidden = {edit = true, delete = true, reaction = true}

local function type_of(entry)
    return string.match(entry[2][2], '^{"type":"([^"]*)"')
end

-- Is it one that stands for itself, and not for a change to another?
local function stands(entry)
    return not hidden[type_of(entry)]
end

-- Is it older than `last` ms? 0 is for ever.
local function is_old(id, last)
    return last > 0 and tonumber(string.match(id, '^%d+')) < now - last
end

-- Does what the hash of edits has of a message, "id members" or a bare id, say that it was deleted?
local function is_tombstone(edit)
    return edit and not string.find(edit, ' ', 1, true)
end
