#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# Paths to peers (MET-06) over a cable: one of four probes lost, a dead peer, a long line as ping(8) sees
# it, the budget as the kernel counts it, and without privileges.
. "${top_srcdir:-.}/tests/netns/lib.sh"
# shellcheck disable=SC2034
fog_plain=yes
. "$top/tests/netns/fog.sh"
begin pa 13 ping nft jq python3 setpriv
ns_add a && ns_add b && veth a a0 b b0 || error "no namespaces"
for side in "a 1" "b 2"; do
	read -r name n <<< "$side"
	in_ns "$name" ip address add "fd00::$n/64" dev "${name}0" nodad || error "no address"
	in_ns "$name" ip address add "10.9.0.$n/24" dev "${name}0" || error "no address"
done
in_ns b nft -f - <<-N || error "no packet filter"
table inet loss {
  chain input {
    type filter hook input priority 0; policy accept;
    icmpv6 type echo-request numgen inc mod 4 == 0 drop
  }
}
N
in_ns a nft -f - <<-N || error "no packet filter"
table inet count {
  chain output {
    type filter hook output priority 0; policy accept;
    icmpv6 type echo-request counter
  }
}
N
cli=$build/tests/oracle/sources_cli

value() { # file metric peer
	sed -n "s/^node_path_$2{peer=\"$3\"} //p" "$1"
}
has() { # awk condition on v, of file metric peer
	value "$2" "$3" "$4" | awk -v n=0 "{ v = \$1; n++; ok = ($1) } END { exit !(n == 1 && ok) }"
}
lacks() { # file metric peer
	[ -z "$(value "$@")" ]
}
sent() { # bytes of requests, as the kernel counts them
	in_ns a nft -j list ruleset | jq '[.. | .counter? // empty | .bytes] | add'
}

in_ns a "$cli" --path b=fd00::2 --path dead=fd00::dead --budget 1000000 --period 100 --count 50 \
	path > "$tmp/loss" || error "sources_cli failed"
check "a fourth of the probes is lost" has 'v > 0.2 && v < 0.3' "$tmp/loss" loss_ratio b
check "the peer is up all the same" has 'v == 1' "$tmp/loss" up b
check "a dead peer is not" has 'v == 0' "$tmp/loss" up dead
check "everything to a dead peer is lost" has 'v == 1' "$tmp/loss" loss_ratio dead
check "there is no round trip to a dead peer" lacks "$tmp/loss" round_trip_seconds dead

before=$(sent)
in_ns a "$cli" --path b=fd00::2 --budget 300 --period 100 --count 30 path > "$tmp/budget"
bytes=$(sed -n 's/^node_path_probe_bytes_total //p' "$tmp/budget")
counted=$(($(sent) - before))
check "requests and answers are the bytes that are told" [ "${bytes:-0}" = $((2 * counted)) ]
# Two probes at once from what is there at the beginning, then one every 112 / 300 of a second.
check "the budget holds, and is told by the interval" \
	has 'v >= 0.3' "$tmp/budget" probe_interval_seconds b

# A line of 100 ms.
in_ns b sysctl -q -w net.ipv4.icmp_echo_ignore_all=1
start late b python3 "$top/tests/netns/late_echo.py" 100
wait_until 30 grep -q ready "$tmp/late.log" || error "nobody answers"
as_ping_has_it() {
	in_ns a ping -q -c 5 -i 0.2 10.9.0.2 > "$tmp/ping" || return
	in_ns a "$cli" --path b=10.9.0.2 --period 250 --count 6 path > "$tmp/line"
	has "v >= 0.1 && v - $(sed -n 's|.* = \([0-9.]*\)/.*|\1|p' "$tmp/ping") / 1000 < 0.02" \
		"$tmp/line" round_trip_seconds b
}
check "the round trip is as ping(8) has it" wait_until 60 as_ping_has_it

as_nobody() {
	in_ns a setpriv --reuid 65534 --regid 65534 --clear-groups --inh-caps=-all \
		--bounding-set=-all "$cli" --path b=10.9.0.2 --period 250 --count 4 path
}
in_ns a sysctl -q -w net.ipv4.ping_group_range="0 65535"
as_nobody > "$tmp/nobody"
check "no privilege is needed where the group may ping" has 'v == 1' "$tmp/nobody" up b
in_ns a sysctl -q -w net.ipv4.ping_group_range="1 0"
tells_nobody_nothing() {
	as_nobody > "$tmp/nobody" && [ -z "$(tr -d '\n' < "$tmp/nobody")" ]
}
check "where it may not there is no value, and no fault" tells_nobody_nothing

# The agent, asked by hand: the first answer comes one sample later.
in_ns b sysctl -q -w net.ipv4.icmp_echo_ignore_all=0
agent_configure A <<-X
	paths: {bee: 10.9.0.2}
X
start agent a "$build/fogwatch-agent" -c "$tmp/A/agent.yaml"
ask() { # expression
	"$build/fogctl" --socket "$tmp/A/control" query "$1" --json
}
answers() { # jq condition, of expression
	ask "$2" | jq -e "$1"
}
wait_until 20 ask node_load1 || error "the agent does not answer"
check "the agent tells of a peer by its name" \
	wait_until 20 answers 'any(.. | .value?; . == 1)' 'node_path_up{peer="bee"}'
check "and of one by its address" wait_until 20 answers 'any(.. | .value?; . == 1)' 'node_path_up{peer="fd00::2"}'
check "it tells what it costs itself" \
	wait_until 20 answers 'any(.. | .value? | numbers; . > 0)' 'rate(fogwatch_agent_wakeups_total[5s])'
