#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# The libev binding on real links: which source, group, hop limit and interface a datagram has,
# and that the answer finds its way back.

. "${top_srcdir:-.}/tests/netns/lib.sh"
begin io -

ns_add a
ns_add b
veth a a0 b b0
veth a a1 b b1
in_ns a ip link set a0 mtu 1280
in_ns a ip addr add fd9e:1::1/64 dev a0
in_ns b ip addr add fd9e:1::2/64 dev b0
start mirror b "$build/tests/netns/io_mirror"
wait_until 15 grep -q ready "$tmp/mirror.log" || error "the mirror does not start: $(cat "$tmp/mirror.log")"

tap in_ns a "$build/tests/netns/grasp_io"
