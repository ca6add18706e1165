#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# fogctl grasp on a link: against a plain node, the controller, and itself; and what a capture of it
# says.
. "${top_srcdir:-.}/tests/netns/lib.sh" || exit 99
fog_plain=yes
. "$top/tests/netns/fog.sh" || exit 99
begin fg 30 jq cksum tcpdump setpriv

fog_net hub a b op
controller_start hub
agent_start a A
wait_until 15 alive A || error "the node does not register"
start peer b "$build/tests/netns/node_peer"
wait_until 15 grep -q ready "$tmp/peer.log" || error "the peer does not start"
peer=$(fog_address b)

grasp() { # namespace words…
	local at=$1
	shift
	in_ns "$at" "$build/fogctl" grasp "$@"
}

json() { # jq-condition namespace words…: the items that come satisfy it
	local condition=$1
	shift
	grasp "$@" --json > "$tmp/json" && jq -se "flatten | $condition" "$tmp/json" > /dev/null || {
		cat "$tmp/json"
		return 1
	}
}

refused() { # exit-status words command…
	local status=0 want=$1 words=$2
	shift 2
	"$@" > "$tmp/out" 2> "$tmp/refused" || status=$?
	cat "$tmp/refused"
	[ "$status" = "$want" ] && grep -qE -- "$words" "$tmp/refused"
}

capture() { # file
	start tcpdump op tcpdump -Z root -i e0 -U -w "$tmp/$1" 'ip6 and (udp or tcp)'
	wait_until 10 grep -q listening "$tmp/tcpdump.log" || error "tcpdump does not start"
}

decoded() { # file type…: all of these types stand in it, in this order
	local file=$1 types
	shift
	types=$("$build/fogctl" grasp decode "$tmp/$file" --json | jq -r .type | uniq | tr '\n' ' ')
	echo "$types"
	[[ $types =~ $(printf '%s .*' "$@") ]]
}

# --- discovery ------------------------------------------------------------------------------------
capture talk.pcap
check "a node with the objective is found" wait_until 10 json \
	"any(.[]; .locator == \"$peer\" and .protocol == \"tcp\" and .port == 7017 and .diverted == false)" \
	op discover EX1
check "the table has its place" eval "grasp op discover EX1 | grep -E '^$peer +tcp +7017 '"
check "the controller is found, with the value of its answer" wait_until 10 json \
	"any(.[]; .locator == \"$(fog_address hub)\" and (.value | test(\"lab\")))" op discover FOGDOMAIN
check "a value is asked for in diagnostic notation" wait_until 10 json 'length > 0' \
	op discover EX1 '{1: [true, 0.5]}' --loop 1 --flags disc,neg --timeout 0.3
check "fogctl asks beside an agent on the same host G-053" wait_until 10 json 'length > 0' \
	a discover FOGDOMAIN
check "also without root" in_ns op setpriv --reuid 65534 --clear-groups --inh-caps=-all \
	"$build/fogctl" grasp discover EX1
check "nobody answers: 1, and nothing on standard output" eval \
	'refused 1 "nobody answers for EX9" grasp op discover EX9 && [ ! -s "$tmp/out" ]'

# --- synchronization and negotiation ----------------------------------------------------------------
check "a value is fetched from who answers G-104" json \
	"length == 1 and .[0].value == \"\\\"hello\\\"\" and .[0].source == \"synchronization\"" \
	op sync EX2 --peer "$peer"
check "a value is fetched from whoever has it A-07" json '.[0].value == "\"hello\""' op sync EX2
check "what is not offered is refused: 1" refused 1 'no value of EX9: refused' \
	grasp op sync EX9 --peer "[$peer]:7017"
check "a number is negotiated down and accepted G-091 G-094" json \
	'map(.message) == ["M_REQ_NEG", "M_NEGOTIATE", "M_END"] and map(.value) == ["300", "100", null]
		and .[2].text == "accept" and map(.loop) == [6, 5, null]' op negotiate EX1 300
check "what can be accepted is, and by the peer" json \
	'map(.from + .message) == ["fogctlM_REQ_NEG", "peerM_END"]' op negotiate EX1 50
check "steps are made as told, and the end declined" json \
	'map(.value) == ["300", "100", "200", "100", null] and .[4].text == "decline"' \
	op negotiate EX1 300 --peer "$peer" --step 200 --decline 'too little'
check "as text, a line for each step" eval \
	'grasp op negotiate EX1 300 | grep -E "^peer +M_NEGOTIATE +5 +100"'
check "nobody listens: 1" refused 1 'nobody negotiates EX2: refused' grasp op negotiate EX2 1 --peer "$peer"

# --- what the capture says ----------------------------------------------------------------------------
check "a capture of it is decoded" wait_until 10 decoded talk.pcap \
	M_DISCOVERY M_RESPONSE M_REQ_SYN M_SYNCH M_REQ_NEG M_NEGOTIATE M_END
twice() { # objective: two questions with two session ids
	"$build/fogctl" grasp decode "$tmp/talk.pcap" --json | jq -se --arg o "$1" \
		'map(select(.type == "M_DISCOVERY" and .objective.name == $o) | .session_id) |
			length == 2 and .[0] != .[1]'
}
check "a question that nobody answered was asked once more, with a new id I-18 G-034" \
	wait_until 5 twice EX9
malformed() {
	"$build/fogctl" grasp decode "$tmp/talk.pcap" | grep '^error:'
}
check "nothing in it is malformed" eval '! malformed'
stop tcpdump

# --- floods and listening -------------------------------------------------------------------------------
start flood op "$build/fogctl" grasp flood EX7 '["two", h'\''03'\'']' --locator '[::]:1234' --period 0.2 --json
check "one fogctl hears another G-113 A-08" wait_until 10 json \
	"any(.[]; .type == \"M_FLOOD\" and (.items | any(.objective.name == \"EX7\" and
		.locator.address == \"$(fog_address op)\" and .locator.port == 1234))) and
		all(.[]; .src_port > 0 and .dst == \"ff02::13\" and .time)" b listen --count 8
check "listening shows a line each" eval '
	grasp hub listen --count 4 --interface e0 > "$tmp/out"
	[ "$(grep -cE "^[0-9T:.Z-]+ \[fe80::[^ ]+ > \[ff02::13[^ ]*\]:7017 M_" "$tmp/out")" = 4 ]'
check "a flooded value is fetched without asking" json \
	'.[0].source == "flood" and .[0].value == "[\"two\", h'\''03'\'']"' hub sync EX7
stop flood
check "flooding ends when it is interrupted, and said where it sent" \
	jq -se 'length > 0 and all(.[]; .objective == "EX7" and .interfaces == 1)' "$tmp/flood.log"
check "a flood is sent as often as was told" json 'length == 3' op flood EX7 1 --count 3 --period 0.05
mkfifo "$tmp/fifo"
start live op tcpdump -Z root -i e0 -U -w "$tmp/fifo" udp port 7017
"$build/fogctl" grasp decode "$tmp/fifo" > "$tmp/decoded" 2>&1 &
lib_pids+=($!)
check "a capture is decoded while it is made" wait_until 15 grep -q ' M_FLOOD ' "$tmp/decoded"
stop live

# --- what is wrong --------------------------------------------------------------------------------------
check "a value that is none: 2, and where" refused 2 'column 1: .*double quotes' \
	grasp op flood EX7 hello
check "an interface that is not there: 1" refused 1 'no interface nope' \
	grasp op discover EX1 --interface nope
check "a peer that is none: 2" refused 2 'fe80::1%eth0' grasp op sync EX2 --peer nowhere
check "a scope that is none: 2" refused 2 'admin=operator1' grasp op discover EX1 --scope colour=red
ns_add alone
check "without a network: 1, and what is missing" refused 1 'no interface here' grasp alone discover EX1
check "the daemons are as they were" alive A
