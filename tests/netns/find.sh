#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# A controller looks for nodes by what they have and where they are; relay mode is off, so that all
# of it goes through the groups of scopes.
. "${top_srcdir:-.}/tests/netns/lib.sh"
. "$top/tests/netns/fog.sh"
begin fi 8 jq cksum

fog_net hub a b
controller_configure <<'Y'
grasp: {link-local: no}
Y
agent_configure A <<'Y'
scopes: {type: robot}
grasp: {link-local: no}
Y
agent_configure B <<'Y'
scopes: {type: gateway}
grasp: {link-local: no}
Y
# More of node: than fog.sh writes.
sed -i 's|^node: {|node: {type: robot, radios: {e0: wifi6}, position: "40.33,-3.76", |' "$tmp/A/agent.yaml"
sed -i 's|^node: {|node: {type: gateway, radios: {e0: lte}, position: "40.35,-3.76", |' "$tmp/B/agent.yaml"
controller_start hub
# Without the link-local group there is no other way to find where to join.
fog_token --address "[$(fog_address hub)]:7017" || error "no token"
agent_start a A
agent_start b B
check "F-07 SC-09 without the link-local group nodes meet in the group of their domain" \
	wait_until 10 eval 'alive A && alive B'

finds() { # names argument…
	local want=$1
	shift
	fogctl find "$@" --json | tee "$tmp/found" | jq -ec --arg w "$want" \
		'map(.node // "?") | sort == [$w | split(" ")[] | select(. != "")]' || {
		cat "$tmp/found"
		return 1
	}
}
check "DISC-06 F-12 only the node with the radio answers" finds "A" radio=wifi6
check "DISC-06 F-12 one of several words is enough, and all nodes with any" \
	eval 'finds "A B" radio=wifi6,lte && finds "A B" radio'
check "DISC-06 a node has to have all properties that are asked for" \
	eval 'finds "B" radio=wifi6,lte type=gateway domain=lab && finds "" radio=wifi6 type=gateway'
check "SCP-04 SC-10 only nodes in the scope answer" \
	finds "B" domain=lab --scope type=gateway
check "SCP-06 SC-09 of a scope with two keys both have to match" \
	eval 'finds "A" domain=lab --scope "type=robot;admin=lab" &&
		finds "" domain=lab --scope "type=robot;admin=other"'
check "SCP-07 SC-08 SC-10 an area is a circle, and nodes outside are silent" \
	eval 'finds "A" domain --scope circle=40.33,-3.77,1500m &&
		finds "A B" domain --scope circle=40.33,-3.77,5km &&
		finds "" domain --scope circle=41,-3.77,5km'
values() {
	fogctl find radio type --json | jq -e 'any(.[]; .node == "A" and .state == "alive" and
		.values == {"radio": "wifi6", "type": "robot"} and (.address | test("7017$")))'
}
check "DISC-06 what a node has is told with its name and address" values
