-- SPDX-License-Identifier: Apache-2.0
--
-- GRASP (RFC 8990) for Wireshark 4.0 and later: UDP and TCP port 7017, and the TCP ports that
-- discoveries, responses and floods name. See README.md beside this file.
--
-- A message is one CBOR array without any framing, so the end is found by decoding. decode()
-- turns bytes into items (position, major type, argument, children); show_*() put items into the
-- tree and note what does not fit RFC 8990. Input is hostile: depth and size are bounded, every
-- child takes at least one byte, and no count from the wire is trusted.

local PORT = 7017
local DEPTH_MAX = 64
local MESSAGE_MAX = 131072 -- a stream that goes on longer is none of GRASP

local grasp = Proto("grasp", "Generic Autonomic Signaling Protocol")

local TYPES = {
	[0] = "M_NOOP", [1] = "M_DISCOVERY", [2] = "M_RESPONSE", [3] = "M_REQ_NEG",
	[4] = "M_REQ_SYN", [5] = "M_NEGOTIATE", [6] = "M_END", [7] = "M_WAIT", [8] = "M_SYNCH",
	[9] = "M_FLOOD", [99] = "M_INVALID",
}
local OPTIONS = {
	[100] = "O_DIVERT", [101] = "O_ACCEPT", [102] = "O_DECLINE", [103] = "O_IPv6_LOCATOR",
	[104] = "O_IPv4_LOCATOR", [105] = "O_FQDN_LOCATOR", [106] = "O_URI_LOCATOR",
}
local PROTOCOLS = { [6] = "TCP", [17] = "UDP" }

local f = {
	type = ProtoField.uint32("grasp.type", "Message type", base.DEC, TYPES),
	session_id = ProtoField.uint32("grasp.session_id", "Session id", base.DEC),
	initiator = ProtoField.ipv6("grasp.initiator", "Initiator"),
	initiator4 = ProtoField.ipv4("grasp.initiator_ipv4", "Initiator"),
	ttl = ProtoField.uint32("grasp.ttl", "Time to live (ms)", base.DEC),
	wait = ProtoField.uint32("grasp.wait_time", "Waiting time (ms)", base.DEC),
	objective = ProtoField.none("grasp.objective", "Objective"),
	name = ProtoField.string("grasp.objective.name", "Name", base.UNICODE),
	flags = ProtoField.uint32("grasp.objective.flags", "Flags", base.HEX),
	disc = ProtoField.bool("grasp.objective.flags.disc", "F_DISC", 32, nil, 1,
		"valid for discovery"),
	neg = ProtoField.bool("grasp.objective.flags.neg", "F_NEG", 32, nil, 2,
		"valid for negotiation"),
	synch = ProtoField.bool("grasp.objective.flags.synch", "F_SYNCH", 32, nil, 4,
		"valid for synchronization"),
	dry = ProtoField.bool("grasp.objective.flags.dry", "F_NEG_DRY", 32, nil, 8,
		"the negotiation is a dry run"),
	loop_count = ProtoField.uint32("grasp.objective.loop_count", "Loop count", base.DEC),
	value = ProtoField.string("grasp.objective.value", "Value", base.UNICODE,
		"in CBOR diagnostic notation"),
	embedded = ProtoField.string("grasp.objective.value.embedded", "Embedded value",
		base.UNICODE, "the item inside tag 24"),
	option = ProtoField.uint32("grasp.option", "Option", base.DEC, OPTIONS),
	null_locator = ProtoField.none("grasp.locator.none", "No locator"),
	ipv6 = ProtoField.ipv6("grasp.locator.ipv6", "IPv6 address"),
	ipv4 = ProtoField.ipv4("grasp.locator.ipv4", "IPv4 address"),
	fqdn = ProtoField.string("grasp.locator.fqdn", "Domain name", base.UNICODE),
	uri = ProtoField.string("grasp.locator.uri", "URI", base.UNICODE),
	protocol = ProtoField.uint32("grasp.locator.protocol", "Transport protocol", base.DEC,
		PROTOCOLS),
	port = ProtoField.uint32("grasp.locator.port", "Port", base.DEC),
	reason = ProtoField.string("grasp.decline.reason", "Reason", base.UNICODE),
	content = ProtoField.string("grasp.invalid.content", "Content", base.UNICODE,
		"in CBOR diagnostic notation"),
	extra = ProtoField.string("grasp.extra", "Element not expected here", base.UNICODE),
	diagnostic = ProtoField.string("grasp.diagnostic", "Diagnostic notation", base.UNICODE,
		"the whole message in CBOR diagnostic notation"),
	length = ProtoField.uint32("grasp.length", "Length", base.DEC),
	trailing = ProtoField.bytes("grasp.trailing", "Bytes after the message"),
	signer = ProtoField.bytes("grasp.signature.kid", "Signer"),
	number = ProtoField.bytes("grasp.signature.seq", "Number"),
	certificate = ProtoField.bytes("grasp.signature.certificate", "Certificate"),
	sealer = ProtoField.bytes("grasp.sealed.kid", "Sender"),
}
local fields = {}
for _, field in pairs(f) do
	fields[#fields + 1] = field
end
grasp.fields = fields

local e = {
	malformed = ProtoExpert.new("grasp.malformed", "Malformed GRASP", expert.group.MALFORMED,
		expert.severity.ERROR),
	truncated = ProtoExpert.new("grasp.truncated", "The message is cut off",
		expert.group.MALFORMED, expert.severity.ERROR),
	unknown = ProtoExpert.new("grasp.unknown", "Unknown message type or option",
		expert.group.UNDECODED, expert.severity.WARN),
	trailing = ProtoExpert.new("grasp.trailing.present", "Bytes follow the end",
		expert.group.PROTOCOL, expert.severity.NOTE),
	zero = ProtoExpert.new("grasp.loop_count.zero", "Loop count exhausted",
		expert.group.SEQUENCE, expert.severity.NOTE),
	declined = ProtoExpert.new("grasp.declined", "The negotiation is declined",
		expert.group.RESPONSE_CODE, expert.severity.NOTE),
	invalid = ProtoExpert.new("grasp.invalid", "The peer found a message invalid",
		expert.group.RESPONSE_CODE, expert.severity.WARN),
}
local experts = {}
for _, field in pairs(e) do
	experts[#experts + 1] = field
end
grasp.experts = experts

grasp.prefs.learn = Pref.bool("Follow ports named by GRASP", true,
	"TCP to a port that a discovery came from, or that a locator names, is taken for GRASP")
grasp.prefs.guess = Pref.bool("Recognise GRASP on any TCP port", true,
	"A stream that begins with a well-formed GRASP message is taken for GRASP")

-- --- CBOR ------------------------------------------------------------------------------------
-- An item: major, info, start and stop (offsets), arg (a number, or a UInt64 above 2^53),
-- children (arrays, tags, strings in chunks; of maps: keys and values in turn), endless.

local UINT, NEGATIVE, BYTES, TEXT, ARRAY, MAP, TAG, SIMPLE = 0, 1, 2, 3, 4, 5, 6, 7
local SHORT, BAD = "short", "bad"
local BREAK = { is_break = true }

local function wide(range)
	local high = range(0, 4):uint()
	if high < 2097152 then
		return high * 4294967296 + range(4, 4):uint()
	end
	return range:uint64()
end

local function head(tvb, pos, limit)
	if pos >= limit then
		return nil, SHORT
	end
	local first = tvb(pos, 1):uint()
	local item = { start = pos, major = math.floor(first / 32), info = first % 32 }
	local more = ({ [24] = 1, [25] = 2, [26] = 4, [27] = 8 })[item.info] or 0
	item.stop = pos + 1 + more
	if item.stop > limit then
		return nil, SHORT
	elseif item.info < 24 then
		item.arg = item.info
	elseif item.info < 27 then
		item.arg = tvb(pos + 1, more):uint()
	elseif item.info == 27 then
		item.arg = wide(tvb(pos + 1, 8))
	elseif item.info < 31 then
		return nil, BAD, "reserved length in a CBOR head"
	elseif item.major == SIMPLE then
		return BREAK, nil, item.stop
	elseif item.major < BYTES or item.major == TAG then
		return nil, BAD, "indefinite length of what has none"
	else
		item.endless = true
	end
	return item
end

local decode

local function decode_children(tvb, item, limit, depth, count)
	local pos, children = item.stop, {}
	while item.endless or #children < count do
		local child, problem, why = decode(tvb, pos, limit, depth + 1, item.endless)
		if not child then
			return nil, problem, why
		elseif child.is_break then
			pos = why
			break
		elseif item.major <= TEXT and (child.major ~= item.major or child.endless) then
			return nil, BAD, "a chunk of another kind in a string"
		end
		children[#children + 1] = child
		pos = child.stop
	end
	if item.major == MAP and #children % 2 == 1 then
		return nil, BAD, "a key without a value"
	end
	item.children, item.stop = children, pos
	return item
end

-- The item at pos; or nil and SHORT (more bytes are needed) or BAD with a reason.
function decode(tvb, pos, limit, depth, in_endless)
	local item, problem, why = head(tvb, pos, limit)
	if not item then
		return nil, problem, why
	elseif item.is_break then
		if in_endless then
			return item, nil, why
		end
		return nil, BAD, "a break where nothing ends"
	elseif depth > DEPTH_MAX then
		return nil, BAD, "nested too deeply"
	elseif item.endless then
		return decode_children(tvb, item, limit, depth)
	elseif item.major == UINT or item.major == NEGATIVE or item.major == SIMPLE then
		return item
	elseif type(item.arg) ~= "number" or item.arg > MESSAGE_MAX then
		if item.major ~= TAG then
			return nil, BAD, "a length that no message has"
		end
	end
	if item.major == BYTES or item.major == TEXT then
		item.data, item.stop = item.stop, item.stop + item.arg
		if item.stop > limit then
			return nil, SHORT
		end
		return item
	end
	local count = item.major == TAG and 1 or item.major == MAP and 2 * item.arg or item.arg
	return decode_children(tvb, item, limit, depth, count)
end

local function is_uint(item, max)
	return item and item.major == UINT and type(item.arg) == "number" and item.arg <= max
end

local function raw(tvb, item) -- the bytes of a string, as a Lua string
	if not item.endless then
		return item.stop > item.data and tvb(item.data, item.stop - item.data):raw() or ""
	end
	local parts = {}
	for i, child in ipairs(item.children) do
		parts[i] = raw(tvb, child)
	end
	return table.concat(parts)
end

-- Byte ranges of well-formed UTF-8 (RFC 3629 §4).
local UTF8 = {
	"^[\1-\127]+", "^[\194-\223][\128-\191]", "^\224[\160-\191][\128-\191]",
	"^[\225-\236\238\239][\128-\191][\128-\191]", "^\237[\128-\159][\128-\191]",
	"^\240[\144-\191][\128-\191][\128-\191]", "^[\241-\243][\128-\191][\128-\191][\128-\191]",
	"^\244[\128-\143][\128-\191][\128-\191]", "^%z",
}

local function sound_length(s, pos) -- of the sequence at pos; nil: it is none
	for _, pattern in ipairs(UTF8) do
		local _, last = s:find(pattern, pos)
		if last then
			return last - pos + 1
		end
	end
end

local function is_utf8(s)
	local pos = 1
	while pos <= #s do
		local n = sound_length(s, pos)
		if not n then
			return false
		end
		pos = pos + n
	end
	return true
end

-- As text that can be shown: control characters and what is no UTF-8 as \xNN.
local function printable(s)
	local parts, pos = {}, 1
	while pos <= #s do
		local n = sound_length(s, pos)
		local part = s:sub(pos, pos + (n or 1) - 1)
		if n then
			part = part:gsub("[%z\1-\31\127]", function(c)
				return string.format("\\x%02x", c:byte())
			end)
		else
			part = string.format("\\x%02x", part:byte())
		end
		parts[#parts + 1] = part
		pos = pos + (n or 1)
	end
	return table.concat(parts)
end

local function hex(s)
	return (s:gsub(".", function(c)
		return string.format("%02x", c:byte())
	end))
end

local function decimal(arg)
	if type(arg) == "number" then
		return string.format("%.0f", arg)
	end
	return tostring(arg)
end

local function negative(arg) -- -1 - arg
	if type(arg) == "number" then
		return "-" .. string.format("%.0f", arg + 1)
	elseif arg == UInt64.max() then
		return "-18446744073709551616"
	end
	return "-" .. tostring(arg + 1)
end

local function shortest(x, precision) -- with a point, so that it reads as a float
	if x ~= x then
		return "NaN"
	elseif x == math.huge or x == -math.huge then
		return x > 0 and "Infinity" or "-Infinity"
	end
	local s = string.format("%." .. precision .. "g", x)
	for digits = 1, precision do
		local shorter = string.format("%." .. digits .. "g", x)
		if tonumber(shorter) == x then
			s = shorter
			break
		end
	end
	return s:find("[%.e]") and s or s .. ".0"
end

local function half(bits)
	local exponent, mantissa = math.floor(bits / 1024) % 32, bits % 1024
	local x
	if exponent == 31 then
		x = mantissa == 0 and math.huge or 0 / 0
	elseif exponent == 0 then
		x = mantissa * 2 ^ -24
	else
		x = (1024 + mantissa) * 2 ^ (exponent - 25)
	end
	return bits >= 32768 and -x or x
end

local function simple(tvb, item)
	local names = { [20] = "false", [21] = "true", [22] = "null", [23] = "undefined" }
	if item.info == 25 then
		return shortest(half(item.arg), 5) .. "_1"
	elseif item.info == 26 then
		return shortest(tvb(item.start + 1, 4):float(), 17) .. "_2"
	elseif item.info == 27 then
		return shortest(tvb(item.start + 1, 8):float(), 17) .. "_3"
	end
	return names[item.arg] or "simple(" .. decimal(item.arg) .. ")"
end

local diagnostic

local function list(tvb, item, open, close)
	local parts, text = {}, {}
	for i, child in ipairs(item.children) do
		text[i] = diagnostic(tvb, child)
	end
	if item.major == MAP then
		for i = 1, #text, 2 do
			parts[#parts + 1] = text[i] .. ": " .. text[i + 1]
		end
	else
		parts = text
	end
	return open .. (item.endless and "_ " or "") .. table.concat(parts, ", ") .. close
end

function diagnostic(tvb, item) -- RFC 8949 §8, the width of floats as _1, _2, _3
	if item.major == UINT then
		return decimal(item.arg)
	elseif item.major == NEGATIVE then
		return negative(item.arg)
	elseif item.major == SIMPLE then
		return simple(tvb, item)
	elseif item.major == ARRAY then
		return list(tvb, item, "[", "]")
	elseif item.major == MAP then
		return list(tvb, item, "{", "}")
	elseif item.major == TAG then
		return decimal(item.arg) .. list(tvb, item, "(", ")")
	elseif item.endless then
		return list(tvb, item, "(", ")")
	elseif item.major == BYTES then
		return "h'" .. hex(raw(tvb, item)) .. "'"
	end
	return '"' .. printable((raw(tvb, item):gsub('[\\"]', "\\%0"))) .. '"'
end

-- --- the tree ---------------------------------------------------------------------------------
-- A view of one message: tvb, pinfo, tree, and what goes to the info column.

local function span(v, item)
	return v.tvb(item.start, item.stop - item.start)
end

local function complain(v, tree, expert_field, what)
	tree:add_proto_expert_info(expert_field, what)
	v.wrong = v.wrong or what
end

local function bad(v, tree, what)
	complain(v, tree, e.malformed, what)
end

local function add_uint(v, tree, field, item, max, what)
	if not is_uint(item, max) then
		bad(v, tree, what .. (item and " is not an unsigned integer up to " .. decimal(max) or
			" is missing"))
		return nil
	end
	return tree:add(field, span(v, item), item.arg)
end

local function add_text(v, tree, field, item, what)
	if not item or item.major ~= TEXT then
		bad(v, tree, what .. (item and " is not a text" or " is missing"))
		return nil
	end
	local s = raw(v.tvb, item)
	local row = tree:add(field, span(v, item), printable(s))
	if not is_utf8(s) then
		bad(v, row, what .. " is not UTF-8")
	end
	return s
end

local function address_text(s)
	if #s == 4 then
		return string.format("%d.%d.%d.%d", s:byte(1, 4))
	end
	local groups = {}
	for i = 1, 16, 2 do
		groups[#groups + 1] = string.format("%x", s:byte(i) * 256 + s:byte(i + 1))
	end
	return table.concat(groups, ":")
end

-- Returns the address as Wireshark writes it, the key under which ports are learnt.
local function add_address(v, tree, item, size, field)
	local s = raw(v.tvb, item)
	local make = size == 4 and Address.ip or Address.ipv6
	local address = make(address_text(s))
	tree:add(field, span(v, item), address)
	return tostring(address)
end

local function is_bytes(v, item, size)
	return item and item.major == BYTES and #raw(v.tvb, item) == size
end

local function add_extras(v, tree, items, from)
	for i = from, #items do
		tree:add(f.extra, span(v, items[i]), diagnostic(v.tvb, items[i]))
	end
end

-- --- ports that GRASP names -------------------------------------------------------------------

local learnt = {}

function grasp.init()
	learnt = {}
end

local function learn(address, port)
	learnt[tostring(address) .. " " .. decimal(port)] = true
end

local function is_learnt(pinfo)
	return learnt[tostring(pinfo.dst) .. " " .. decimal(pinfo.dst_port)] or
		learnt[tostring(pinfo.src) .. " " .. decimal(pinfo.src_port)]
end

-- --- parts of messages ------------------------------------------------------------------------

local function show_session(v, item)
	if add_uint(v, v.tree, f.session_id, item, 4294967295, "the session id") then
		v.info[#v.info + 1] = decimal(item.arg)
	end
end

local function show_initiator(v, item)
	if is_bytes(v, item, 16) then
		add_address(v, v.tree, item, 16, f.initiator)
	elseif is_bytes(v, item, 4) then
		add_address(v, v.tree, item, 4, f.initiator4)
	else
		bad(v, v.tree, "the initiator is no IPv6 or IPv4 address")
	end
end

local function show_value(v, tree, item)
	local row = tree:add(f.value, span(v, item), diagnostic(v.tvb, item))
	local inner = item.major == TAG and item.arg == 24 and item.children[1]
	if not inner or inner.major ~= BYTES or inner.endless then
		return
	end
	local content = decode(v.tvb, inner.data, inner.stop, 0)
	if not content then
		bad(v, row, "tag 24 does not hold a CBOR item")
		return
	end
	row:add(f.embedded, span(v, content), diagnostic(v.tvb, content))
	if content.stop < inner.stop then
		row:add_proto_expert_info(e.trailing, "bytes follow the item in tag 24")
	end
end

local function show_flags(v, tree, item)
	local row = add_uint(v, tree, f.flags, item, 4294967295, "the flags")
	if not row then
		return
	end
	for _, bit in ipairs({ f.disc, f.neg, f.synch, f.dry }) do
		row:add(bit, span(v, item), item.arg)
	end
	local names = {}
	for i, name in ipairs({ "F_DISC", "F_NEG", "F_SYNCH", "F_NEG_DRY" }) do
		if math.floor(item.arg / 2 ^ (i - 1)) % 2 == 1 then
			names[#names + 1] = name
		end
	end
	row:append_text(" " .. table.concat(names, ", "))
end

local function show_objective(v, tree, item)
	if not item or item.major ~= ARRAY then
		bad(v, tree, item and "the objective is not an array" or "the objective is missing")
		return
	end
	local row, part = tree:add(f.objective, span(v, item)), item.children
	if #part < 3 then
		bad(v, row, "an objective has a name, flags and a loop count")
	end
	local name = add_text(v, row, f.name, part[1], "the name of the objective")
	show_flags(v, row, part[2])
	if add_uint(v, row, f.loop_count, part[3], 255, "the loop count") then
		if part[3].arg == 0 then
			row:add_proto_expert_info(e.zero)
		end
		v.info[#v.info + 1] = (name and printable(name) or "?") .. " loop " .. decimal(part[3].arg)
	end
	if part[4] then
		show_value(v, row, part[4])
	end
	add_extras(v, row, part, 5)
	row:append_text(name and ": " .. printable(name) or "")
end

local function show_port(v, row, part, nullable)
	local is_null = function(item)
		return nullable and item and item.major == SIMPLE and item.arg == 22
	end
	if not is_null(part[3]) then
		add_uint(v, row, f.protocol, part[3], 255, "the transport protocol")
	end
	if is_null(part[4]) then
		return nil
	end
	return add_uint(v, row, f.port, part[4], 65535, "the port") and part[4].arg
end

local function show_host(v, row, code, item)
	if code == 103 and is_bytes(v, item, 16) then
		return add_address(v, row, item, 16, f.ipv6)
	elseif code == 104 and is_bytes(v, item, 4) then
		return add_address(v, row, item, 4, f.ipv4)
	elseif code == 105 then
		return add_text(v, row, f.fqdn, item, "the domain name")
	elseif code == 106 then
		return add_text(v, row, f.uri, item, "the URI")
	end
	bad(v, row, "the locator holds no address of its kind")
end

local function show_locator(v, row, code, part)
	local host = show_host(v, row, code, part[2])
	local port = show_port(v, row, part, code == 106)
	if not host then
		return
	end
	local at = printable(host)
	if port then
		at = (code == 103 and "[" .. at .. "]" or at) .. ":" .. decimal(port)
	end
	if port and code <= 104 and is_uint(part[3], 6) and part[3].arg == 6 then
		learn(host, port)
	end
	row:append_text(" " .. at)
	v.info[#v.info + 1] = at
	add_extras(v, row, part, 5)
end

local show_option

local function show_divert(v, row, part)
	v.info[#v.info + 1] = "divert to"
	if #part < 2 then
		bad(v, row, "a divert without a locator")
	end
	for i = 2, #part do
		show_option(v, row, part[i], true)
	end
end

function show_option(v, tree, item, in_divert)
	local part = item.children
	if item.major ~= ARRAY or not is_uint(part[1], 4294967295) then
		bad(v, tree, "an option is an array that begins with its number")
		return
	end
	local code = part[1].arg
	local row = tree:add(f.option, span(v, item), code)
	if code == 100 and not in_divert then
		show_divert(v, row, part)
	elseif code == 101 then
		v.info[#v.info + 1] = "accept"
		add_extras(v, row, part, 2)
	elseif code == 102 then
		local reason = part[2] and add_text(v, row, f.reason, part[2], "the reason")
		v.info[#v.info + 1] = "decline" .. (reason and ": " .. printable(reason) or "")
		row:add_proto_expert_info(e.declined)
		add_extras(v, row, part, 3)
	elseif code >= 103 and code <= 106 then
		show_locator(v, row, code, part)
	else
		complain(v, row, e.unknown, "unknown option, or one that does not belong here")
		add_extras(v, row, part, 2)
	end
end

-- --- messages ---------------------------------------------------------------------------------

local function show_response_rest(v, part)
	local locators = 0
	for i = 5, #part do
		local first = part[i].major == ARRAY and part[i].children[1]
		if first and first.major == TEXT then
			show_objective(v, v.tree, part[i])
		else
			show_option(v, v.tree, part[i])
			locators = locators + 1
		end
	end
	if locators == 0 then
		bad(v, v.tree, "a response without a locator")
	end
end

local function show_flood_item(v, item)
	if item.major ~= ARRAY then
		bad(v, v.tree, "an element of a flood is not [objective, locator]")
		return
	end
	local first = item.children[1]
	if first and first.major ~= ARRAY then -- an option that RFC 8990 does not know (G-007)
		show_option(v, v.tree, item)
		return
	end
	show_objective(v, v.tree, first)
	local locator = item.children[2]
	if not locator then
		bad(v, v.tree, "a flooded objective without a locator, not even []")
	elseif locator.major == ARRAY and #locator.children == 0 then
		v.tree:add(f.null_locator, span(v, locator))
	else
		show_option(v, v.tree, locator)
	end
	add_extras(v, v.tree, item.children, 3)
end

local function show_flood(v, part)
	show_initiator(v, part[3])
	add_uint(v, v.tree, f.ttl, part[4], 4294967295, "the time to live")
	if #part < 5 then
		bad(v, v.tree, "a flood of nothing")
	end
	for i = 5, #part do
		show_flood_item(v, part[i])
	end
end

local function show_session_objective(v, part)
	show_objective(v, v.tree, part[3])
	add_extras(v, v.tree, part, 4)
end

local SHOW = {
	[0] = function(v, part)
		add_extras(v, v.tree, part, 2)
	end,
	[1] = function(v, part)
		show_initiator(v, part[3])
		show_objective(v, v.tree, part[4])
		add_extras(v, v.tree, part, 5)
		if v.pinfo.port_type == 3 then -- UDP: TCP answers go to its source (G-049)
			learn(v.pinfo.src, v.pinfo.src_port)
		end
	end,
	[2] = function(v, part)
		show_initiator(v, part[3])
		add_uint(v, v.tree, f.ttl, part[4], 4294967295, "the time to live")
		show_response_rest(v, part)
	end,
	[3] = show_session_objective,
	[4] = show_session_objective,
	[5] = show_session_objective,
	[6] = function(v, part)
		if part[3] then
			show_option(v, v.tree, part[3])
		else
			bad(v, v.tree, "an end without accept or decline")
		end
		add_extras(v, v.tree, part, 4)
	end,
	[7] = function(v, part)
		if add_uint(v, v.tree, f.wait, part[3], 4294967295, "the waiting time") then
			v.info[#v.info + 1] = decimal(part[3].arg) .. " ms"
		end
		add_extras(v, v.tree, part, 4)
	end,
	[8] = show_session_objective,
	[9] = show_flood,
	[99] = function(v, part)
		for i = 3, #part do
			v.tree:add(f.content, span(v, part[i]), diagnostic(v.tvb, part[i]))
		end
		v.tree:add_proto_expert_info(e.invalid)
	end,
}

local function show_message(v, item)
	local part = item.children
	local code = item.major == ARRAY and part[1]
	if not is_uint(code, 4294967295) then
		bad(v, v.tree, "a message is an array that begins with its type")
		return
	end
	v.tree:add(f.type, span(v, code), code.arg)
	v.info[1] = TYPES[code.arg] or "type " .. decimal(code.arg)
	if code.arg ~= 0 then
		show_session(v, part[2])
	end
	if SHOW[code.arg] then
		SHOW[code.arg](v, part)
	else
		complain(v, v.tree, e.unknown, "unknown message type")
		add_extras(v, v.tree, part, 3)
	end
end

local function show_item(tvb, pinfo, root, item)
	local tree = root:add(grasp, tvb(item.start, item.stop - item.start))
	local v = { tvb = tvb, pinfo = pinfo, tree = tree, info = {} }
	show_message(v, item)
	tree:add(f.length, tvb(item.start, item.stop - item.start), item.stop - item.start)
		:set_generated()
	tree:add(f.diagnostic, tvb(item.start, item.stop - item.start), diagnostic(tvb, item))
		:set_generated()
	local info = table.concat(v.info, " ") .. (v.wrong and " [" .. v.wrong .. "]" or "")
	tree:append_text(", " .. info)
	return info
end

local function show_broken(tvb, pinfo, root, pos, problem, why)
	local tree = root:add(grasp, tvb(pos))
	if problem == SHORT then
		tree:add_proto_expert_info(e.truncated)
		return "[cut off]"
	end
	tree:add_proto_expert_info(e.malformed, why)
	return "[malformed: " .. why .. "]"
end

-- --- transports -------------------------------------------------------------------------------

local function begins_like_message(tvb)
	return tvb:len() > 0 and math.floor(tvb(0, 1):uint() / 32) == ARRAY
end

-- The array in a COSE structure of this tag that fills the rest of the datagram; else nil.
local function cose_array(tvb, pos, number, length)
	local tag = decode(tvb, pos, tvb:len(), 0)
	local array = tag and tag.major == TAG and tag.arg == number and tag.stop == tvb:len() and
		tag.children[1]
	return array and array.major == ARRAY and #array.children == length and array.children or nil
end

local function show_bytes(row, field, tvb, item)
	if item.major == BYTES and not item.endless and item.stop > item.data then
		row:add(field, tvb(item.data, item.stop - item.data))
	end
end

-- What a map has under these numbers, as bytes.
local function show_headers(row, tvb, map, shown)
	if not map or map.major ~= MAP then
		return
	end
	for i = 1, #map.children, 2 do
		local field = map.children[i].major == UINT and shown[map.children[i].arg]
		if field then
			show_bytes(row, field, tvb, map.children[i + 1])
		end
	end
end

local function protected_map(tvb, item)
	if item.major == BYTES and not item.endless then
		return decode(tvb, item.data, item.stop, 0)
	end
end

-- COSE_Sign1 behind the message; whether it is true cannot be said without certificates.
local function show_signature(tvb, root, pos)
	local parts = cose_array(tvb, pos, 18, 4)
	if not parts then
		return false
	end
	local row = root:add(grasp, tvb(pos), "GRASP signature (COSE_Sign1), not verified")
	show_headers(row, tvb, protected_map(tvb, parts[1]), { [4] = f.signer, [6] = f.number })
	show_headers(row, tvb, parts[2], { [33] = f.certificate })
	return true
end

local function show_sealed(tvb, pinfo, root)
	local parts = cose_array(tvb, 0, 16, 3)
	if not parts then
		return false
	end
	local row = root:add(grasp, tvb(), "GRASP, sealed (COSE_Encrypt0)")
	show_headers(row, tvb, protected_map(tvb, parts[1]), { [4] = f.sealer })
	pinfo.cols.info = "sealed"
	return true
end

local function dissect_datagram(tvb, pinfo, root)
	pinfo.cols.protocol = "GRASP"
	if show_sealed(tvb, pinfo, root) then
		return tvb:len()
	end
	local item, problem, why = decode(tvb, 0, tvb:len(), 0)
	if not item then
		pinfo.cols.info = show_broken(tvb, pinfo, root, 0, problem, why)
		return tvb:len()
	end
	pinfo.cols.info = show_item(tvb, pinfo, root, item)
	if item.stop < tvb:len() and not show_signature(tvb, root, item.stop) then
		local rest = root:add(grasp, tvb(item.stop))
		rest:add(f.trailing, tvb(item.stop))
		rest:add_proto_expert_info(e.trailing)
	end
	return tvb:len()
end

-- Many messages in a segment, one over several: what is left over is asked for again with more.
local function dissect_stream(tvb, pinfo, root)
	local pos, infos = 0, {}
	pinfo.cols.protocol = "GRASP"
	while pos < tvb:len() do
		local item, problem, why = decode(tvb, pos, tvb:len(), 0)
		if item then
			infos[#infos + 1] = show_item(tvb, pinfo, root, item)
			pos = item.stop
		elseif problem == SHORT and pinfo.can_desegment > 0 and
				tvb:len() - pos < MESSAGE_MAX then
			pinfo.desegment_offset = pos
			pinfo.desegment_len = DESEGMENT_ONE_MORE_SEGMENT
			infos[#infos + 1] = #infos == 0 and "[more to come]" or nil
			pos = tvb:len()
		else
			infos[#infos + 1] = show_broken(tvb, pinfo, root, pos, problem, why)
			pos = tvb:len()
		end
	end
	pinfo.cols.info = table.concat(infos, "; ")
	return tvb:len()
end

-- TLS records begin with 20 to 23, which is no array: what is encrypted is left to TLS.
function grasp.dissector(tvb, pinfo, root)
	if pinfo.port_type == 3 then
		return dissect_datagram(tvb, pinfo, root)
	elseif not begins_like_message(tvb) then
		return 0
	end
	return dissect_stream(tvb, pinfo, root)
end

-- Does a stream begin with a whole message that has what its type needs?
local function is_message(tvb)
	local item = decode(tvb, 0, tvb:len(), 0)
	if not item or item.major ~= ARRAY or not is_uint(item.children[1], 99) then
		return false
	end
	local part, code = item.children, item.children[1].arg
	local needs = { [2] = 5, [3] = 3, [4] = 3, [5] = 3, [6] = 3, [7] = 3, [8] = 3, [99] = 2 }
	if not needs[code] or #part < needs[code] or not is_uint(part[2], 4294967295) then
		return false
	end
	if code == 2 then
		return part[3].major == BYTES
	elseif code == 6 then
		return part[3].major == ARRAY
	elseif code == 7 then
		return #part == 3 and part[3].major == UINT
	elseif code == 99 then
		return false -- too short to be told from anything else
	end
	local name = part[3].major == ARRAY and part[3].children[1]
	return name and name.major == TEXT or false
end

local function heuristic(tvb, pinfo, root)
	if not begins_like_message(tvb) then
		return false
	end
	if not (grasp.prefs.learn and is_learnt(pinfo)) and not (grasp.prefs.guess and is_message(tvb)) then
		return false
	end
	pinfo.conversation = grasp
	dissect_stream(tvb, pinfo, root)
	return true
end

DissectorTable.get("udp.port"):add(PORT, grasp)
DissectorTable.get("tcp.port"):add(PORT, grasp)
grasp:register_heuristic("tcp", heuristic)
