#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# Agents join while 30 % of all TCP and UDP packets are lost, in either direction (R-05). As a test it
# speaks TAP: 10 nodes, all of which have to register in the end. With "campaign RUNS [PERMILLE]" it
# prints as JSON how long they took, from their start to their registration; "make loss-campaign".
. "${top_srcdir:-.}/tests/netns/lib.sh"
. "$top/tests/netns/fog.sh"
campaign=
[ "${1-}" != campaign ] || campaign=${2:-100}
permille=${3:-300}
checks=3
[ -z "$campaign" ] || checks=-
begin lo $checks jq cksum nft python3

fog_net hub a
for name in hub a; do
	in_ns $name nft -f - <<-N || error "no packet filter"
	table inet loss {
	  chain input {
	    type filter hook input priority 0; policy accept;
	    meta l4proto { tcp, udp } numgen random mod 1000 < $permille counter drop
	  }
	}
	N
done
controller_start hub

run() { # number: prints how many ms the node took, or "never" after a minute
	local begin line end=never
	agent_configure "N$1" < /dev/null
	begin=${EPOCHREALTIME/./}
	coproc AGENT { exec ip netns exec "$(ns a)" "$build/fogwatch-agent" -c "$tmp/N$1/agent.yaml" 2>&1; }
	local pid=$AGENT_PID
	lib_pids+=("$pid")
	while read -r -t 60 -u "${AGENT[0]}" line; do
		echo "$line" >> "$tmp/agents.log"
		case $line in
		*"registered with controller"*)
			end=$(((${EPOCHREALTIME/./} - begin) / 1000))
			break
			;;
		esac
	done
	kill "$pid" 2> /dev/null
	wait "$pid" 2> /dev/null
	echo "$end" >> "$tmp/times"
}
runs() { # count
	local i
	for ((i = 1; i <= $1; i++)); do
		run "$i"
	done
}
dropped() { # namespace
	in_ns "$1" nft -j list ruleset | jq '[.. | .counter? // empty | .packets] | add'
}
summary() {
	python3 - "$tmp/times" "$permille" "$(dropped hub)" "$(dropped a)" <<-'P'
	import json, statistics, sys
	words = open(sys.argv[1]).read().split()
	times = sorted(int(w) for w in words if w != "never")
	def at(share):
	    return times[min(len(times) - 1, int(share * len(words)))] if times else None
	print(json.dumps({
	    "runs": len(words), "loss_permille": int(sys.argv[2]),
	    "dropped_controller": int(sys.argv[3]), "dropped_agent": int(sys.argv[4]),
	    "registered": len(times), "within_3s": sum(t < 3000 for t in times),
	    "within_1s": sum(t < 1000 for t in times), "p50_ms": at(.5), "p90_ms": at(.9),
	    "p95_ms": at(.95), "max_ms": times[-1] if times else None,
	    "mean_ms": round(statistics.mean(times)) if times else None, "times_ms": times}))
	P
}

if [ -n "$campaign" ]; then
	runs "$campaign"
	summary
	exit
fi
# The first SYN is lost, and nothing else: waiting for TCP to send it again would take a second.
ns_add b && ns_add c && veth b b0 c c0 && in_ns b ip addr add fd5a::1/64 dev b0 nodad &&
	in_ns c ip addr add fd5a::2/64 dev c0 nodad || error "no link"
start peer c "$build/tests/netns/node_peer"
wait_until 10 grep -q ready "$tmp/peer.log" || error "no peer"
in_ns c nft -f - <<-N || error "no packet filter"
table inet loss {
  chain input {
    type filter hook input priority 0; policy accept;
    tcp flags & (syn | ack) == syn numgen inc mod 1000 == 0 counter drop
  }
}
N
second_connection() {
	local begin=${EPOCHREALTIME/./} ms
	in_ns b "$build/tests/netns/asker" negotiate '[fd5a::2]:7017' EX1 3 01 || return
	ms=$(((${EPOCHREALTIME/./} - begin) / 1000))
	echo "$ms ms, dropped: $(dropped c)"
	[ "$(dropped c)" = 1 ] && [ $ms -lt 900 ]
}
check "when the first SYN is lost a second connection stands within a second R-05" second_connection

runs 10
summary > "$tmp/summary"
check "at 30 % loss each of ten nodes finds its controller and registers R-05 G-061" \
	jq -e '.registered == 10' "$tmp/summary"
check "packets were lost in both directions" \
	jq -e '.dropped_controller > 10 and .dropped_agent > 10' "$tmp/summary"
sed 's/^/# /' "$tmp/summary"
