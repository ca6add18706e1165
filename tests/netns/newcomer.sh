#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# Nothing that the controller says by itself reaches a newcomer: its neighbours tell it.
. "${top_srcdir:-.}/tests/netns/lib.sh"
. "$top/tests/netns/fog.sh"
begin nw 4 jq cksum nft

fog_net hub a b
controller_start hub
agent_start a A
agent_start b B
wait_until 10 eval 'alive A && alive B' || error "no fog"

link_local() { # namespace
	in_ns "$1" ip -6 -j addr show dev e0 scope link | jq -r '[.[].addr_info[]? | .local | strings][0]'
}

# In the newcomer's namespace: floods of the controller, and connections that it opens, which bring
# M_RESPONSEs. What the newcomer opens itself passes.
deafen() { # namespace
	in_ns "$1" nft -f - <<-N
	table ip6 deaf {
		chain input {
			type filter hook input priority 0;
			ip6 saddr { $(fog_address hub), $(link_local hub) } udp dport 7017 counter drop
			ip6 saddr { $(fog_address hub), $(link_local hub) } tcp flags & (syn | ack) == syn counter drop
		}
	}
	N
}

# Neighbours tell members: who comes back, after all that it knew of controllers is forgotten.
become_member() { # namespace name
	agent_start "$1" "$2"
	wait_until 15 alive "$2" || error "$2 does not join"
	destroy "agent_$2"
	# The controller shall not take the one that was for the one that comes.
	wait_until 60 eval "! alive $2" || error "$2 is still there"
}
fog_plug c
become_member c C
deafen c || error "nft refuses"
agent_start c C
check "DISC-09 F-10 a newcomer registers although every answer of the controller is dropped" \
	wait_until 20 alive C
dropped() {
	in_ns c nft -j list table ip6 deaf |
		jq -e '[.. | .counter? | objects | .packets] | add > 0'
}
check "DISC-09 answers of the controller were dropped indeed" dropped

# The same once more with neighbours that tell nothing.
for name in A B; do
	destroy "agent_$name"
	echo "grasp: {neighbour-assist: off}" >> "$tmp/$name/agent.yaml"
done
destroy agent_C
agent_start a A
agent_start b B
wait_until 10 eval 'alive A && alive B' || error "no fog"
fog_plug d
agent_configure D <<< 'grasp: {neighbour-assist: off}'
become_member d D
deafen d || error "nft refuses"
agent_start d D
searches() { # name
	"$build/fogctl" --socket "$tmp/$1/control" counters --json | jq -e '.searches >= 3'
}
check "DISC-14 a newcomer that nobody tells goes on to search" wait_until 20 searches D
check "F-10 with neighbour-assist off nobody tells" eval '! alive D'
