#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# Ten thousand almost-messages by multicast and by TCP at agent and controller: nobody falls over,
# grows, or does what a stranger says.
. "${top_srcdir:-.}/tests/netns/lib.sh"
fog_plain=yes
. "$top/tests/netns/fog.sh"
begin fh 9 jq cksum

count=10000 seed=${SEED:-20260821}
fog_net hub a evil
controller_start hub
agent_start a A
wait_until 10 alive A || error "no registration to begin with"
# Its link-local address has to be usable, or else all is dropped for its source.
wait_until 10 fog_ready evil || error "the attacker has no address"

rss() { # pid: KiB
	awk '/^VmRSS/ { print $2 }' "/proc/$1/status"
}
attack() { # namespace count seed
	in_ns evil "$build/tests/netns/mutate" e0 "$(fog_address "$1")" "$2" "$3"
}
unharmed() {
	kill -0 "$pid_controller" && kill -0 "$pid_agent_A" && wait_until 10 alive A
}
# Caches and buffers fill up in the first round; growth after it would be a leak.
check "the first round arrives" eval "attack hub $((count / 5)) 1 && attack a $((count / 5)) 2"
check "both daemons live" unharmed
plan=$(fogctl plan show A --json) && jq -e 'length > 0' <<< "$plan" > /dev/null ||
	error "there is no plan that a stranger could change"
controller_kib=$(rss "$pid_controller") agent_kib=$(rss "$pid_agent_A")
check "S-13 $count datagrams and $count messages hit the controller (seed $seed)" \
	attack hub $count "$seed"
check "S-13 $count datagrams and $count messages hit the agent" attack a $count $((seed + 1))
check "both daemons live and the node is registered" unharmed
steady() {
	local c a
	c=$(($(rss "$pid_controller") - controller_kib)) a=$(($(rss "$pid_agent_A") - agent_kib))
	echo "controller grew by $c KiB, agent by $a KiB" | tee "$tmp/growth"
	# Sanitizers keep freed memory in quarantine; there the leak check at the end counts.
	grep -q __asan_init "$build/fogwatch-controller" && return 0
	[ "$c" -lt 512 ] && [ "$a" -lt 512 ]
}
check "S-13 memory is what it was" steady
sed 's/^/# /' "$tmp/growth"
counted() {
	fogctl counters | tee "$tmp/counters" && cat "$tmp/counters" &&
		fogctl counters --json | jq -e '.grasp_malformed > 6000 and .grasp_datagrams > 15000 and
			.grasp_bad_source < 100'
}
check "S-13 what was malformed was noticed and counted" counted
check "no plan was changed by a stranger" test "$(fogctl plan show A --json)" = "$plan"
kill "$pid_agent_A" "$pid_controller"
wait "$pid_agent_A"
agent_status=$?
wait "$pid_controller"
check "both end in order and without a leak" test "$agent_status $?" = "0 0"
