#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# Two GRASP nodes on one link: discovery, negotiation, synchronization and floods.

. "${top_srcdir:-.}/tests/netns/lib.sh"
begin node -

ns_add a
ns_add b
veth a a0 b b0
in_ns a ip addr add fd9e:1::1/64 dev a0 nodad
in_ns b ip addr add fd9e:1::2/64 dev b0 nodad
start peer b "$build/tests/netns/node_peer"
wait_until 15 grep -q ready "$tmp/peer.log" || error "the peer does not start: $(cat "$tmp/peer.log")"
tap in_ns a "$build/tests/netns/grasp_node"
