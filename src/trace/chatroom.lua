-- Wireshark dissector for the chatroom protocol.
--
--   chatroom generate dissector > chatroom.lua
--   wireshark -X lua_script:chatroom.lua capture.pcap
--
-- Messages are lines; an older protocol without line ends, where a message is one segment, is read
-- as well. What a client sends first is its name. If segments arrive out of order, give Wireshark
-- -o tcp.reassemble_out_of_order:TRUE.

local chatroom = Proto("chatroom", "Chatroom")

local TYPES = {
    join = "join", message = "message", copy = "copy", leave = "leave", notice = "notice",
    command = "command",
}
local LONGEST_LINE = 65536

local f_type = ProtoField.string("chatroom.type", "Type")
local f_name = ProtoField.string("chatroom.name", "Name", base.UNICODE)
local f_text = ProtoField.string("chatroom.text", "Text", base.UNICODE)
local f_line = ProtoField.string("chatroom.line", "Line", base.UNICODE)
local f_len = ProtoField.uint32("chatroom.len", "Length", base.DEC)
chatroom.fields = { f_type, f_name, f_text, f_line, f_len }

local e_long = ProtoExpert.new("chatroom.long", "Line is longer than the room accepts",
    expert.group.PROTOCOL, expert.severity.WARN)
chatroom.experts = { e_long }

local AUTO, LINES, SEGMENTS = 0, 1, 2
chatroom.prefs.port = Pref.uint("Port", 5050, "The room's TCP port")
chatroom.prefs.framing = Pref.enum("Framing", AUTO, "What ends a message",
    { { 0, "Lines if there are any", AUTO }, { 1, "Lines", LINES }, { 2, "Segments", SEGMENTS } }, false)
chatroom.prefs.desegment = Pref.bool("Reassemble lines", true,
    "Reassemble lines that span several segments")

local f_stream = Field.new("tcp.stream")

-- All of this is keyed by frame and offset, so that a second pass gives the same answers.
local names      -- [stream] = { key = where the name stood, name = it }
local decided    -- [frame] = LINES or SEGMENTS
local lines_seen

function chatroom.init()
    names = {}
    decided = {}
    lines_seen = false
end

local function safe(text)
    return (text:gsub("[%c\127]", "."))
end

-- Says whether a line is a command: a slash and letters, as far as the first word goes. Bytes beyond
-- ASCII are taken for letters.
local function is_command(text)
    return text:match("^%s*/[%a\128-\255]*$") or text:match("^%s*/[%a\128-\255]*%s")
end

-- Says what a unit is. `up` is true if a client sent it.
local function classify(stream, key, text, up)
    if up then
        local known = names[stream]
        if known == nil then
            names[stream] = { key = key, name = text }
            return TYPES.join, text, nil
        elseif known.key == key then
            return TYPES.join, known.name, nil
        end
        if is_command(text) then
            return TYPES.command, known.name, text
        end
        return TYPES.message, known.name, text
    end
    -- No name has a space or a colon, and no notice starts with a name: the start of a line says
    -- what it is.
    local left = text:match("^([^ :]+) has left the chatroom!$")
    if left then
        return TYPES.leave, left, nil
    end
    local joined = text:match("^([^ :]+) is joined to the chatroom!$")
    if joined then
        return TYPES.join, joined, nil
    end
    local name, said = text:match("^([^ :]+): (.*)$")
    if name == nil then
        name, said = text:match("^([^ :]+) %(privately%): (.*)$")
    end
    if name then
        return TYPES.copy, name, said
    end
    return TYPES.notice, nil, text
end

local function add_unit(range, text, pinfo, tree, stream, up, infos)
    local key = pinfo.number .. ":" .. range:offset()
    local kind, name, said = classify(stream, key, text, up)
    local shown = safe(text)
    local item = tree:add(chatroom, range, "Chatroom, " .. kind .. ": " .. shown)
    item:add(f_type, range, kind)
    if name then item:add(f_name, range, name) end
    if said then item:add(f_text, range, said) end
    item:add(f_line, range, text)
    item:add(f_len, range, #text)
    if #text > LONGEST_LINE then item:add_proto_expert_info(e_long) end
    infos[#infos + 1] = kind .. ": " .. shown
end

-- Finds out what ends a message: once a line end was seen on the port, lines do. What was decided
-- for a frame in the first pass holds in the second.
local function framing_of(tvb, pinfo)
    local pref = chatroom.prefs.framing
    if pref == LINES or pref == SEGMENTS then return pref end
    if decided[pinfo.number] == nil then
        if not lines_seen then
            for at = 0, tvb:len() - 1 do
                if tvb(at, 1):uint() == 10 then
                    lines_seen = true
                    break
                end
            end
        end
        decided[pinfo.number] = lines_seen and LINES or SEGMENTS
    end
    return decided[pinfo.number]
end

function chatroom.dissector(tvb, pinfo, tree)
    local length = tvb:len()
    -- A packet that was cut by the snap length can't be told apart from a short one.
    if length == 0 or length ~= tvb:reported_len() then return 0 end

    local field = f_stream()
    local stream = field and field.value or 0
    local up = pinfo.dst_port == chatroom.prefs.port
    local infos = {}
    pinfo.cols.protocol = "CHATROOM"

    if framing_of(tvb, pinfo) == SEGMENTS then
        add_unit(tvb(0, length), tvb(0, length):raw(), pinfo, tree, stream, up, infos)
    else
        local start = 0
        for at = 0, length - 1 do
            if tvb(at, 1):uint() == 10 then
                local last = at
                if last > start and tvb(last - 1, 1):uint() == 13 then last = last - 1 end
                if last > start then
                    local text = tvb(start, last - start):raw()
                    add_unit(tvb(start, at + 1 - start), text, pinfo, tree, stream, up, infos)
                end
                start = at + 1
            end
        end
        if start < length and chatroom.prefs.desegment and pinfo.can_desegment > 0 then
            pinfo.desegment_offset = start
            pinfo.desegment_len = DESEGMENT_ONE_MORE_SEGMENT
        elseif start < length then
            local text = tvb(start, length - start):raw()
            add_unit(tvb(start, length - start), text, pinfo, tree, stream, up, infos)
        end
    end
    if #infos > 0 then
        pinfo.cols.info = table.concat(infos, " | ")
    end
    return length
end

local tcp_port = DissectorTable.get("tcp.port")
local registered = chatroom.prefs.port
tcp_port:add(registered, chatroom)

function chatroom.prefs_changed()
    if registered ~= chatroom.prefs.port then
        tcp_port:remove(registered, chatroom)
        registered = chatroom.prefs.port
        tcp_port:add(registered, chatroom)
    end
end
