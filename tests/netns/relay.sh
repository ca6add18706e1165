#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# Three links in a row, joined by two agents that know of no controller: a | R | S | b.
. "${top_srcdir:-.}/tests/netns/lib.sh"
fog_plain=yes
. "$top/tests/netns/fog.sh"
begin rl 9 jq

cable() { # namespace interface namespace interface link-number
	veth "$1" "$2" "$3" "$4" && in_ns "$1" ip addr add "fd5a:$5::1/64" dev "$2" nodad &&
		in_ns "$3" ip addr add "fd5a:$5::2/64" dev "$4" nodad
}

for name in a r s b; do
	ns_add "$name" || error "no namespace $name"
done
cable a e0 r e0 1 && cable r e1 s e0 2 && cable s e1 b e0 3 || error "no links"
agent_start r R
agent_start s S
start peer b "$build/tests/netns/node_peer"
wait_until 15 grep -q ready "$tmp/peer.log" || error "the peer does not start"
running() { # name
	"$build/fogctl" --socket "$tmp/$1/control" status
}
wait_until 10 eval 'running R && running S' || error "an agent does not start"

discover() { # words…
	in_ns a "$build/fogctl" grasp discover "$@" --json > "$tmp/found" 2> "$tmp/why"
}
is_found() { # through relays
	jq -se 'flatten | length == 1 and .[0].locator == "fd5a:3::2" and .[0].port == 7017 and
		.[0].diverted' "$tmp/found" || { cat "$tmp/found"; return 1; }
}
link_speaks() { # both agents have addresses to speak from
	discover EX1 --loop 3 && is_found
}
in_vain() { # words…
	! discover "$@" && [ ! -s "$tmp/found" ]
}

check "two hops do not reach the third link G-082" in_vain EX1 --loop 2
check "three hops do: what two relays found comes back as a divert G-080 G-087 I-18" \
	wait_until 10 link_speaks
check "now the near relay knows it and tells at once G-069" eval 'discover EX1 --loop 1 && is_found'
check "what nobody supports is not found" in_vain EX9

# Other messages come as well: the agents search, and the peer floods.
hears() { # namespace objective hops diagnostic-notation: within 8 seconds
	in_ns "$1" "$build/fogctl" grasp listen --count 15 --interface e0 --json > "$tmp/heard"
	jq -se --arg o "$2" --arg d "$4" "flatten | any(.[]; .type == \"M_FLOOD\" and
		.items[0].objective.name == \$o and .items[0].objective.loop_count == $3 and
		(.diag | contains(\$d)))" "$tmp/heard" || { cat "$tmp/heard"; return 1; }
}
start flood a "$build/fogctl" grasp flood EX7 "24(h'01')" --period 0.1 --loop 6
check "a flood comes two relays on, two hops less, its value as it was G-117 G-119 I-25" \
	hears b EX7 4 "24(h'01')"
stop flood
start flood a "$build/fogctl" grasp flood EX8 1 --period 0.1 --loop 2
check "one with two hops is on the second link" hears s EX8 1 EX8
is_silent() {
	in_ns b timeout 2 "$build/fogctl" grasp listen --count 1 --json > "$tmp/heard"
	! grep EX8 "$tmp/heard"
}
check "and not on the third G-119" is_silent
stop flood

# A third relay closes the ring; the same question comes from both sides and is answered once.
ns_add t && cable a e1 t e0 4 && cable t e1 b e1 5 || error "no ring"
agent_start t T
wait_until 10 running T || error "an agent does not start"
start listener r "$build/fogctl" grasp listen --interface e1 --count 1000 --json
copies() { # of each question on the second link: one by each of the relays at its ends
	in_vain EX6 --loop 200 --timeout 0.5
	jq -se 'flatten | map(select(.type == "M_DISCOVERY" and .objective.name == "EX6")) |
		length > 0 and (group_by(.session_id) | all(.[]; length <= 2))' "$tmp/listener.log"
}
check "in a ring each relay passes a question on once G-085" wait_until 10 copies
stop listener

# The same with relays that shall not be any.
for name in R S; do
	destroy "agent_$name"
	echo "grasp: {relay: no}" >> "$tmp/$name/agent.yaml"
done
in_ns a ip link set e1 down
agent_start r R
agent_start s S
wait_until 10 eval 'running R && running S' || error "an agent does not start"
check "F-16 who shall not relay does not" in_vain EX1
