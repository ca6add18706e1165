#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# The Wireshark dissector, run by tshark: against the vectors, against input that wants to break it,
# and against what both daemons really send. TAP.
. "${top_srcdir:-.}/tests/netns/lib.sh"
fog_plain=yes
. "$top/tests/netns/fog.sh"
begin ws 24 tshark tcpdump python3 jq cksum

lua=$top/packaging/wireshark/grasp.lua
shark() { # capture argument…
	local capture=$1
	shift
	tshark -X "lua_script:$lua" -n -r "$tmp/$capture.pcap" "$@" 2> "$tmp/shark.err" ||
		{ cat "$tmp/shark.err" >&2; return 1; }
}
for kind in vectors dialogues joined protected hostile; do
	python3 "$top/tests/wireshark.py" pcap $kind "$tmp/$kind.pcap" || error "no $kind.pcap"
done

loads() {
	shark vectors -Y grasp -T fields -e frame.number > "$tmp/frames" || return
	cat "$tmp/shark.err"
	[ -s "$tmp/frames" ] && ! grep -qi lua "$tmp/shark.err"
}
check "the dissector loads without a complaint" loads
if shark vectors -T json --no-duplicate-keys > "$tmp/vectors.json"; then
	for type in M_NOOP M_DISCOVERY M_RESPONSE M_REQ_NEG M_REQ_SYN M_NEGOTIATE M_END M_WAIT \
		M_SYNCH M_FLOOD M_INVALID; do
		check "every field of every $type vector is shown as the vector has it" \
			python3 "$top/tests/wireshark.py" compare $type "$tmp/vectors.json"
	done
fi

line() { # capture filter text: the info column of the first such packet
	shark "$1" -Y "$2" -T fields -e _ws.col.Info > "$tmp/lines" && head -n 3 "$tmp/lines" &&
		[ "$(head -n 1 "$tmp/lines")" = "$3" ]
}
check "a line says type, session, objective and loop count" \
	line vectors 'grasp.type == 1 and grasp.objective.name == "EX3"' \
	"M_DISCOVERY 2773844006 EX3 loop 6"

fields() { # capture filter field: its values, one a line
	shark "$1" -Y "$2" -T fields -e "$3" | tr ',' '\n' | grep .
}
signers() {
	[ "$(fields protected 'grasp.signature.kid' grasp.signature.kid | sort | uniq -c | tr -s ' ')" = \
		" 3 ea656677ad5094bb" ] && [ "$(fields protected grasp.signature.seq grasp.signature.seq |
			tr '\n' ' ')" = "01 02 03 " ] && ! fields protected grasp.trailing grasp.trailing
}
check "who has signed a multicast is shown, and that it is not verified" signers
check "who has sealed one is shown" eval \
	'[ "$(fields protected grasp.sealed.kid grasp.sealed.kid | grep -c "^a1a2a3a4a5a6a7a8")" = 3 ]'

# --- streams ------------------------------------------------------------------------------------
sessions() { # tcp.stream: the session ids seen on it, each once
	shark joined -Y "tcp.stream == $1 and grasp" -T fields -e grasp.session_id |
		tr ',' '\n' | tee "$tmp/sessions"
}
same_ten() {
	[ "$(sessions 0 | wc -l)" = 10 ] && cp "$tmp/sessions" "$tmp/ten" && sessions 1 &&
		cmp "$tmp/sessions" "$tmp/ten"
}
check "ten messages in one segment are seen, and so byte by byte" same_ten
nine() {
	[ "$(sessions 2 | wc -l)" = 9 ] && head -n 9 "$tmp/ten" | cmp - "$tmp/sessions"
}
check "a stream that ends within a message shows those before it" nine
strangers() { # count option…: messages seen on ports that are not 7017
	local want=$1
	shift
	[ "$(shark dialogues "$@" -Y 'grasp and tcp' -T fields -e frame.number | wc -l)" = "$want" ]
}
streams=$(tshark -n -r "$tmp/dialogues.pcap" -Y 'tcp.len > 0' 2>/dev/null | wc -l)
check "answers go to the port that a discovery came from: such streams are followed" \
	strangers "$streams" -o grasp.guess:FALSE
check "a stream that begins with a message is recognised without it" \
	strangers "$streams" -o grasp.learn:FALSE
check "both can be switched off" strangers 0 -o grasp.learn:FALSE -o grasp.guess:FALSE

# --- hostile ------------------------------------------------------------------------------------
no_lua_error() {
	shark hostile -V > "$tmp/hostile.txt" || return
	cat "$tmp/shark.err"
	! grep -i 'lua error' "$tmp/hostile.txt" "$tmp/shark.err" &&
		grep -c 'Malformed GRASP\|cut off' "$tmp/hostile.txt"
}
check "nothing hostile, nor 4000 damaged messages, brings a Lua error" no_lua_error
faulty() {
	shark hostile -Y "grasp.malformed and frame.number < 300" -T fields -e _ws.expert.message \
		> "$tmp/faults"
	sort "$tmp/faults" | uniq -c | sort -rn | head -n 20
	grep -q 'not UTF-8' "$tmp/faults" && grep -q 'too deeply' "$tmp/faults" &&
		grep -q 'port is not' "$tmp/faults" && grep -q 'not even \[\]' "$tmp/faults"
}
check "what is wrong with a message is told" faulty

# --- live ---------------------------------------------------------------------------------------
fog_net hub a
start capture sw tcpdump -U -q -i br0 -w "$tmp/live.pcap" udp port 7017 or tcp
wait_until 10 grep -q listening "$tmp/capture.log" || error "tcpdump does not listen"
controller_start hub
agent_start a A
registered() {
	shark live -Y 'grasp.type == 6 and grasp.option == 101' -T fields -e frame.number |
		grep -q .
}
check "the registration of an agent is seen on the wire" \
	eval 'wait_until 15 alive A && wait_until 10 registered'
stop capture
seen() { # field value
	shark live -Y "$1" -T fields -e _ws.col.Info | grep -m 3 .
}
conversation() {
	seen 'udp and grasp.type == 1 and grasp.objective.name == "FOGDOMAIN"' &&
		seen 'tcp and grasp.type == 2 and tcp.dstport != 7017' &&
		seen 'grasp.type == 3 and grasp.objective.name == "FOGREG"' &&
		! seen 'grasp.malformed or grasp.truncated or grasp.unknown or _ws.malformed'
}
check "discovery, its answer and the request are there, and nothing is malformed" conversation
