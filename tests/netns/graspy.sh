#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# fogwatch and graspy, the reference implementation of GRASP, in each other's roles. graspy is not
# part of fogwatch: GRASPY_DIR says where its grasp.py is. TAP.
. "${top_srcdir:-.}/tests/netns/lib.sh"
fog_plain=yes
. "$top/tests/netns/fog.sh"
[ -n "${GRASPY_DIR-}" ] || skip_all "GRASPY_DIR is not set: where is graspy (grasp.py)?"
[ -f "$GRASPY_DIR/grasp.py" ] || skip_all "there is no grasp.py in GRASPY_DIR=$GRASPY_DIR"
python=/usr/bin/python3
$python -c 'import cbor2, netifaces' 2>/dev/null ||
	skip_all "graspy needs python3-cbor2 and python3-netifaces"
begin gy 41 jq cksum tcpdump tshark

graspy_start() { # name namespace
	mkdir -p "$tmp/$1" && mkfifo "$tmp/$1/ask" && : > "$tmp/$1/answers"
	start "$1" "$2" env GRASPY_DIR="$GRASPY_DIR" PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1 \
		"$python" "$top/tests/netns/graspy_peer.py" "$tmp/$1"
}
ready() { # graspy…
	local name
	for name; do
		wait_until 30 grep -q ready "$tmp/$name/answers" || error "graspy $name does not start"
	done
}
ask() { # graspy json: its answer
	local id
	id=$(date +%s%N)
	jq -c --arg id "$id" '. + {id: $id}' <<< "$2" > "$tmp/$1/ask"
	wait_until 30 grep -q "\"id\": \"$id\"," "$tmp/$1/answers" || return 1
	grep "\"id\": \"$id\"," "$tmp/$1/answers"
}
must() { # graspy json jq-condition
	ask "$1" "$2" | tee "$tmp/must" && jq -e "$3" "$tmp/must" > /dev/null
}
event() { # graspy jq-condition
	grep '"event"' "$tmp/$1/answers" | jq -es "any(.[]; $2)" > /dev/null
}
asker() { # file argument…: the lines of JSON go to the file
	local out=$1
	shift
	in_ns a "$build/tests/netns/asker" "$@" > "$tmp/$out"
	local status=$?
	cat "$tmp/$out"
	return $status
}
line() { # file jq-condition
	jq -es "any(.[]; $2)" "$tmp/$1"
}
capture_start() { # name namespace interface
	start "$1" "$2" tcpdump -U -q -i "$3" -w "$tmp/$1.pcap" udp port 7017 or tcp
	wait_until 10 grep -q listening "$tmp/$1.log" || error "tcpdump does not listen"
}
shark() { # capture argument…
	tshark -X "lua_script:$top/packaging/wireshark/grasp.lua" -n -r "$tmp/$1.pcap" "${@:2}" 2>/dev/null
}

fog_net hub a e g
hub=$(fog_address hub) e=$(fog_address e) g=$(fog_address g)
capture_start wire sw br0
controller_start hub
start engine e "$build/tests/netns/node_peer"
graspy_start graspy g
for name in l m r; do
	ns_add $name
done
veth l e0 m e0 && veth m e1 r e0 && in_ns l ip addr add fd59:a::1/64 dev e0 nodad &&
	in_ns m ip addr add fd59:a::2/64 dev e0 nodad && in_ns m ip addr add fd59:b::1/64 dev e1 nodad &&
	in_ns r ip addr add fd59:b::2/64 dev e0 nodad && in_ns m sysctl -qw net.ipv6.conf.all.forwarding=1 &&
	in_ns l ip route add default via fd59:a::2 && in_ns r ip route add default via fd59:b::1 ||
	error "no chain"
graspy_start left l
graspy_start right r
ready graspy left right

# --- graspy as agent (grasp.md 15.3) ----------------------------------------------------------------
check "graspy finds our controller by discovery, the right locator first G-067 I-10" \
	must graspy '{"do": "discover", "name": "FOGDOMAIN", "synch": true}' \
	'.error == "" and .locators[0].at == ["'"$hub"'", 7017]'
registration='{"$map": [[1, {"$hex": "00112233445566778899aabbccddee01"}], [2, "lab"], [3, "graspy"],
	[4, {"$hex": "0102030405060708"}], [5, {"$map": [[4, []]]}], [8, 1000]]}'
must graspy '{"do": "register", "name": "FOGREG", "neg": true}' '.error == ""' > /dev/null
registers() {
	must graspy '{"do": "negotiate", "name": "FOGREG", "neg": true, "value": '"$registration"'}' \
		'.error == "" and .ended == "us" and .offers[0]["$map"][0][0] == 1' &&
		fogctl nodes --json | jq -e 'any(.[]; .name == "graspy")'
}
check "graspy finds a controller for FOGREG and registers with M_REQ_NEG F-11 G-093" registers
refused() {
	must graspy '{"do": "negotiate", "name": "FOGREG", "neg": true, "value": 7}' \
		'.error == "declined" or .error == "Declined"' || jq -e '.reason | length > 3' "$tmp/must"
}
check "a registration of nonsense is declined with a reason G-094 G-032" refused
flooded() {
	must graspy '{"do": "get_flood", "name": "FOGDOMAIN"}' \
		'any(.floods[]; .at == ["'"$hub"'", 7017] and any(.value["$map"][]; . == [2, "lab"]))'
}
check "graspy hears our announcement with its locator and value F-01 G-112" \
	wait_until 40 flooded
check "graspy fetches a value of ours by M_REQ_SYN G-104" \
	must graspy '{"do": "synchronize", "name": "EX2", "at": ["'"$e"'", 7017]}' \
	'.error == "" and .value == "hello"'
agent_start a A
wait_until 10 alive A || error "our own agent does not register"
metric='{"$map": [[1, [[1, "node_load1", 0]]]]}'
check "graspy asks a node of ours for a metric and gets it in one segment F-11 I-04" \
	must graspy '{"do": "synchronize", "name": "FOGMETRIC", "at": ["'"$(fog_address a)"'", 7017],
	"value": '"$metric"'}' '.error == "" and any(.value["$map"][]; .[0] == 5 and (.[1] | length) == 1)'
stop agent_A

# --- negotiation, graspy begins ---------------------------------------------------------------------
for name in EX1 EX3; do
	must graspy '{"do": "register", "name": "'$name'"}' '.error == ""' > /dev/null
done
to_e='"at": ["'"$e"'", 7017]'
check "graspy asks for 300 and is offered 100, which it accepts G-093" \
	must graspy '{"do": "negotiate", "name": "EX1", "value": 300, '"$to_e"'}' \
	'.offers == [100] and .ended == "us"'
check "graspy asks for 50 and has it at once: the agreed value is its own G-095" \
	must graspy '{"do": "negotiate", "name": "EX1", "value": 50, '"$to_e"'}' \
	'.error == "" and .offers == [] and .ended == "peer"'
check "graspy counters with 60 and that is accepted G-091" \
	must graspy '{"do": "negotiate", "name": "EX1", "value": 300, "steps": [60], '"$to_e"'}' \
	'.error == "" and .offers == [100] and .ended == "peer"'
check "graspy waits when we ask it to, and then has our answer G-097 I-03" \
	must graspy '{"do": "negotiate", "name": "EX3", "value": 1, '"$to_e"'}' \
	'.error == "" and .ended == "peer"'
check "a request for what we do not offer ends at once G-055" \
	must graspy '{"do": "negotiate", "name": "FOGREG", "neg": true, "value": 1, '"$to_e"'}' \
	'.error != ""'

# --- we ask graspy ----------------------------------------------------------------------------------
must graspy '{"do": "register", "name": "EX5", "neg": true}' '.error == ""' > /dev/null
must graspy '{"do": "register", "name": "EX6", "synch": true}' '.error == ""' > /dev/null
port5=$(ask graspy '{"do": "port", "name": "EX5"}' | jq .port)
port6=$(ask graspy '{"do": "port", "name": "EX6"}' | jq .port)
serve() { # json members
	ask graspy '{"do": "listen_negotiate", "name": "EX5", '"$1"'}' > /dev/null
}
closed() {
	! asker closed negotiate "[$g]:$port5" EX5 3 07 && line closed '.outcome == "refused"'
}
check "who closes without a word does not listen right now: refused, not a violation I-12" closed
serve '"how": "accept"'
found() {
	asker found -r 3 discover EX5 3 3 07 && line found '.locators == ["['"$g"']:'"$port5"'"] and
		(.diverted | not) and .ttl == 60000'
}
check "we find an objective of graspy, asking with a value F-03 G-067" found
accepts() {
	asker accepts negotiate "[$g]:$port5" EX5 3 1901ff && line accepts '.outcome == "accepted"' &&
		event graspy '.event == "asked" and .name == "EX5" and .value == 511 and .loop == 6'
}
check "the next attempt is accepted: a refusal is no verdict on the peer I-12 G-101" accepts
serve '"how": "offer", "value": [1, {"$map": [[1, "a"]]}]'
offers() {
	asker offers negotiate "[$g]:$port5" EX5 3 07 && line offers '.negotiated == "8201a1016161" and
		.loop == 6' && line offers '.ended == "accept"' &&
		wait_until 5 event graspy '.event == "agreed"'
}
check "an offer with the loop count of the request, as graspy sends it, is taken I-05" offers
serve '"how": "offer", "value": {"$hex": "a10183010203"}'
wrapped() {
	asker wrapped negotiate "[$g]:$port5" EX5 3 07 && line wrapped '.negotiated == "a10183010203"'
}
check "what graspy wraps in tag 24 arrives unwrapped I-20 A-09" wrapped
serve '"how": "offer", "value": 9'
steps() {
	asker steps negotiate "[$g]:$port5" EX5 3 07 08 && line steps '.outcome == "accepted"'
	event graspy '.event == "not agreed"'
}
check "graspy gets our step and ends G-091 G-094" steps
serve '"how": "wait"'
waits() {
	asker waits negotiate "[$g]:$port5" EX5 3 07 && line waits '.waiting == 5000' &&
		line waits '.outcome == "accepted"'
}
check "we wait when graspy asks us to G-097" waits
serve '"how": "decline"'
declined() {
	! asker declined negotiate "[$g]:$port5" EX5 3 07 &&
		line declined '.outcome == "declined" and .reason == "no room"'
}
check "a reason of graspy arrives G-032" declined
serve '"how": "invalid"'
invalid() {
	! asker invalid negotiate "[$g]:$port5" EX5 3 07 && line invalid '.outcome == "refused"'
}
check "M_INVALID of graspy ends the session G-133" invalid
must graspy '{"do": "listen_synchronize", "name": "EX6", "value": {"$hex": "a10183010203"}}' \
	'.error == ""' > /dev/null
synched() {
	asker synched synchronize "[$g]:$port6" EX6 && line synched '.synched == "a10183010203"'
}
check "a value of graspy is fetched, and unwrapped I-20 G-104" synched

# --- floods -----------------------------------------------------------------------------------------
hears() {
	local listener status
	in_ns a "$build/tests/netns/asker" -t 20000 listen EX6 > "$tmp/heard" &
	listener=$!
	until ! kill -0 $listener 2>/dev/null; do
		ask graspy '{"do": "flood", "name": "EX6", "value": [1, 2], "at": ["'"$g"'", 4711]}' \
			> /dev/null
		sleep 0.2
	done
	wait $listener
	status=$?
	cat "$tmp/heard"
	[ $status = 0 ] && line heard '.flooded == "820102" and .loop == 6 and .ttl == 30000 and
		.locators == ["['"$g"']:4711"]'
}
check "a flood of graspy is heard, with value, locator and life, although its source is link-local I-06 G-113" \
	hears
floods() {
	asker floods flood 'example.org:x' 6 816178
	must graspy '{"do": "get_flood", "name": "example.org:x"}' \
		'.floods[0].value == ["x"] and .floods[0].at == ["'"$(fog_address a)"'", 7017]'
}
check "graspy hears a flood of ours, named privately G-112 G-017" wait_until 10 floods

# --- what was on the wire ----------------------------------------------------------------------------
stop wire
from_us="ipv6.src != $g and !(ipv6.src == fe80::/10 and tcp)"
one_by_one() {
	shark wire -Y "grasp and tcp and $from_us" -T fields -e grasp.type > "$tmp/segments"
	sort "$tmp/segments" | uniq -c
	[ "$(wc -l < "$tmp/segments")" -gt 10 ] && ! grep ',' "$tmp/segments" &&
		! shark wire -Y "grasp and tcp.segments and $from_us" | grep .
}
check "each of our messages is one segment, none is split and no two are joined I-01" one_by_one
link_local_only() {
	shark wire -Y 'udp and grasp and ipv6.dst == ff02::13' -T fields -e ipv6.src | sort -u
	! shark wire -Y "udp and grasp and ipv6.dst == ff02::13 and !(ipv6.src == fe80::/10) and
		!(ipv6.src == $g)" | grep .
}
check "what we send to ff02::13 has a link-local source I-07" link_local_only
sound() {
	! shark wire -Y 'grasp.malformed or grasp.unknown or grasp.extra' | grep .
}
check "no message of either has anything that RFC 8990 does not know I-13" sound
lives() {
	shark wire -Y "grasp.type == 2" -T fields -e grasp.ttl | sort | uniq -c
	! shark wire -Y 'grasp.type == 2 and grasp.ttl == 0' | grep .
}
check "no response has a ttl of 0 I-17" lives
answered_back() {
	shark wire -Y "grasp.type == 2 and tcp" -T fields -e ipv6.dst -e tcp.dstport | sort -u > "$tmp/to"
	shark wire -Y "grasp.type == 1 and udp" -T fields -e ipv6.src -e udp.srcport | sort -u > "$tmp/from"
	cat "$tmp/to"
	[ -s "$tmp/to" ] && [ -z "$(comm -23 "$tmp/to" "$tmp/from")" ]
}
check "each response went to address and port of a discovery G-049 G-050 I-08" answered_back

# --- graspy as controller ----------------------------------------------------------------------------
stop controller
id='{"$hex": "00112233445566778899aabbccddee02"}'
domain='{"$map": [[1, '$id'], [2, "other"], [4, 1], [6, 1]]}'
lease='{"$map": [[1, '$id'], [2, 1], [3, 20000], [4, 5000]]}'
must graspy '{"do": "register", "name": "FOGDOMAIN", "synch": true, "value": '"$domain"',
	"discoverable": true}' '.error == ""' > /dev/null
ask graspy '{"do": "listen_negotiate", "name": "FOGREG", "how": "offer", "value": '"$lease"',
	"count": 50}' > /dev/null
agent_configure B <<< 'domain: other'
sed -i '/^domain: lab/d' "$tmp/B/agent.yaml"
agent_start a B
took_us() {
	event graspy '.event == "asked" and .name == "FOGREG" and
		any(.value["$map"][]; . == [3, "B"])' && event graspy '.event == "agreed"'
}
check "our agent finds graspy in the role of a controller and registers there F-03 F-11 G-042" \
	wait_until 20 took_us
stop agent_B
agent_configure C <<< 'domain: other'
sed -i '/^domain: lab/d; $a grasp: {port: 7017}' "$tmp/C/agent.yaml"
flood_finds() {
	local port
	port=$(ask graspy '{"do": "port", "name": "FOGREG"}' | jq .port)
	ask graspy '{"do": "flood", "name": "FOGDOMAIN", "synch": true, "value": '"$domain"',
		"at": ["'"$g"'", '"$port"']}'
	grep -q "heard of a controller at \[$g\]:$port" "$tmp/agent_C.log"
}
agent_start a C
check "our agent takes the place that a flood of graspy names F-01" wait_until 20 flood_finds
stop agent_C

# --- through relays ----------------------------------------------------------------------------------
must left '{"do": "register", "name": "EX8", "synch": true}' '.error == ""' > /dev/null
must right '{"do": "register", "name": "EX7", "synch": true}' '.error == ""' > /dev/null
must right '{"do": "listen_synchronize", "name": "EX7", "value": 77}' '.error == ""' > /dev/null
port7=$(ask right '{"do": "port", "name": "EX7"}' | jq .port)
at7='["fd59:b::2", '"$port7"']'
start relay m "$build/tests/netns/node_peer" -r -n
wait_until 10 grep -q ready "$tmp/relay.log" || error "our relay does not start"
through() {
	must left '{"do": "discover", "name": "EX7", "synch": true, "timeout": 1000}' \
		'.error == "" and any(.locators[]; .at == '"$at7"' and .diverted)'
}
check "graspy finds graspy through our relay at the first attempt G-080 G-087 I-18" through
check "graspy then gets the value from there G-104" \
	must left '{"do": "synchronize", "name": "EX7", "at": '"$at7"'}' '.value == 77'
flood_through() {
	must left '{"do": "flood", "name": "EX8", "value": 8, "at": ["fd59:a::1", 4711]}' '.error == ""'
	must right '{"do": "get_flood", "name": "EX8"}' \
		'any(.floods[]; .value == 8 and .at == ["fd59:a::1", 4711] and .loop == 5)'
}
check "a flood of graspy goes through our relay, the loop count less by one G-117 G-119" \
	wait_until 10 flood_through
stop left
finds_through() { # name tries
	in_ns l "$build/tests/netns/asker" -r "$2" discover "$1" 5 6 > "$tmp/$1.found"
	cat "$tmp/$1.found"
}
ours_through() {
	finds_through EX7 1 && jq -es 'any(.[]; .diverted and .locators == ["[fd59:b::2]:'"$port7"'"])' \
		"$tmp/EX7.found"
}
check "we find graspy through our relay at the first attempt G-080 G-087" ours_through
stop relay
stop right
start far r "$build/tests/netns/node_peer"
graspy_start middle m
ready middle
retry() {
	finds_through EX2 5 && jq -es 'any(.[]; .diverted and .locators == ["[fd59:b::2]:7017"]) and
		(last | .try) <= 3' "$tmp/EX2.found"
}
check "through a relay that is graspy we find ourselves, if we ask again I-18" retry
stop far
stop middle

# --- with a password: QUADS ---------------------------------------------------------------------------
export QUADS_PASSWORD='Kowhai at 2026 m'
for name in q v; do
	ns_add $name
done
veth q e0 v e0 && in_ns q ip addr add fd59:c::1/64 dev e0 nodad &&
	in_ns v ip addr add fd59:c::2/64 dev e0 nodad || error "no cable"
capture_start secret q e0
start crypt q "$build/tests/netns/node_peer"
graspy_start quads v
ready quads
must quads '{"do": "register", "name": "EX1"}' '.error == ""' > /dev/null
must quads '{"do": "register", "name": "EX7", "synch": true}' '.error == ""' > /dev/null
must quads '{"do": "listen_synchronize", "name": "EX7", "value": 77}' '.error == ""' > /dev/null
to_q='"at": ["fd59:c::1", 7017]'
check "graspy with a password finds us with the same" \
	must quads '{"do": "discover", "name": "EX2", "synch": true}' \
	'.error == "" and .locators[0].at == ["fd59:c::1", 7017]'
check "and fetches a value of ours" \
	must quads '{"do": "synchronize", "name": "EX2", '"$to_q"'}' '.value == "hello"'
check "and negotiates, several messages on one connection I-02" \
	must quads '{"do": "negotiate", "name": "EX1", "value": 300, "steps": [60], '"$to_q"'}' \
	'.error == "" and .offers == [100] and .ended == "peer"'
hears_flood() {
	must quads '{"do": "get_flood", "name": "EX2"}' 'any(.floods[]; .value == "hello")'
}
check "and hears our floods" wait_until 10 hears_flood
stop crypt
port7=$(ask quads '{"do": "port", "name": "EX7"}' | jq .port)
finds_theirs() {
	in_ns q "$build/tests/netns/asker" -r 3 discover EX7 5 3 07 > "$tmp/quads.found"
	cat "$tmp/quads.found"
	jq -es 'any(.[]; .locators == ["[fd59:c::2]:'"$port7"'"])' "$tmp/quads.found"
}
check "we find an objective of it" finds_theirs
unreadable() {
	local plain
	stop secret
	plain=$(tcpdump -r "$tmp/secret.pcap" -w - 2>/dev/null | grep -c -a -e EX2 -e hello)
	[ -s "$tmp/secret.pcap" ] && [ "$plain" = 0 ]
}
check "and nothing of it can be read on the link" unreadable
unset QUADS_PASSWORD
