#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# Scopes across a multicast router: an agent, controllers of two domains, each on a link of its own,
# and smcroute between them. TAP.
. "${top_srcdir:-.}/tests/netns/lib.sh"
. "$top/tests/netns/fog.sh"
begin sc 14 jq cksum tcpdump tshark smcrouted smcroutectl sysctl

ours=ff14:d892:57c:53b0:6f49:db7d:c013:abc0 # admin=operator1, as tests/data/grasp has it

# a: the agent. c: its controller. o: a controller of another domain. x: the same, and it listens to
# our group as if its own had the same hash. All are links of the router rt.
ns_add rt && in_ns rt sysctl -qw net.ipv6.conf.all.forwarding=1 || error "no router"
n=0
for name in a c o x; do
	n=$((n + 1))
	ns_add $name && veth $name e0 rt r$name &&
		in_ns $name ip addr add fd5c:$n::2/64 dev e0 nodad &&
		in_ns rt ip addr add fd5c:$n::1/64 dev r$name nodad &&
		in_ns $name ip route add default via fd5c:$n::1 || error "no link $name"
done
{
	printf 'phyint %s enable\n' ra rc ro rx
	echo "mroute from ra group ff14::/16 to rc ro rx"
	echo "mroute from rc group ff14::/16 to ra ro rx"
} > "$tmp/smcroute.conf"
start router rt smcrouted -n -N -I "$(ns rt)" -f "$tmp/smcroute.conf" -u "$tmp/smcroute.sock" \
	-P "$tmp/smcroute.pid"
wait_until 10 smcroutectl -u "$tmp/smcroute.sock" show interfaces || error "smcroute does not start"

scoped() { # hops: scope groups alone, so that nothing else can carry a message
	echo "grasp: {link-local: false, hops: $1}"
}
configure() { # controller domain hops extra-lines
	mkdir -p "$tmp/$1/services.d"
	cat > "$tmp/$1/controller.yaml" <<-E
	state-dir: $tmp/$1/state
	control-socket: $tmp/$1/control
	services-dir: $tmp/$1/services.d
	domain: $2
	insecure: {plain_grasp: yes, i_trust_this_network: yes}
	grasp:
	  link-local: ${4:-false}
	  hops: $3
	${5:+  groups: [\"$5\"]}
	E
}
run_controller() { # namespace
	start "$1" "$1" "$build/fogwatch-controller" -c "$tmp/$1/controller.yaml"
	wait_until 10 "$build/fogctl" --socket "$tmp/$1/control" status ||
		error "the controller of $1 does not answer"
}
configure_agent() { # name hops [link-local]
	mkdir -p "$tmp/$1"
	cat > "$tmp/$1/agent.yaml" <<-E
	node: {name: $1, state-dir: $tmp/$1/state}
	control-socket: $tmp/$1/control
	domain: operator1
	insecure: {plain_grasp: yes, i_trust_this_network: yes}
	grasp: {link-local: ${3:-false}, hops: $2}
	E
}
is_alive() { # node
	"$build/fogctl" --socket "$tmp/c/control" nodes --json |
		jq -e --arg n "$1" 'any(.[]; .name == $n and .state == "alive")'
}
capture() { # name namespace interface
	start "$1" "$2" tcpdump -U -q -i "$3" -w "$tmp/$1.pcap" ip6
	wait_until 10 grep -q listening "$tmp/$1.log" || error "tcpdump does not listen on $3"
}
shark() { # capture argument…
	tshark -X "lua_script:$top/packaging/wireshark/grasp.lua" -n -r "$tmp/$1.pcap" "${@:2}" 2>/dev/null
}
fields() { # capture filter field…
	local capture=$1 filter=$2 list=()
	shift 2
	for f; do
		list+=(-e "$f")
	done
	shark "$capture" -Y "$filter" -T fields "${list[@]}"
}

for name in a c o x; do
	capture wire_$name $name e0
done
configure c operator1 5
configure o operator2 5
configure x operator2 5 false $ours
for name in c o x; do
	run_controller $name
done
configure_agent A 5
agent_start a A
check "an agent finds the controller across a router by scope alone and registers SC-13 F-08" \
	wait_until 15 is_alive A
group_of_ours() {
	in_ns c ip -6 maddr show dev e0 | grep $ours && in_ns a ip -6 maddr show dev e0 | grep $ours
}
check "both have joined the group of admin=operator1 that the rules give SC-05 SC-09" group_of_ours

# The discovery goes from a; every link gets it; it is still two links away from its start.
query="udp and grasp.type == 1 and ipv6.dst == $ours"
ids() { # capture
	fields "$1" "$query" grasp.session_id | sort -u
}
arrives() {
	ids wire_a > "$tmp/asked" && [ -s "$tmp/asked" ] && for name in c o x; do
		ids wire_$name > "$tmp/ids_$name"
		comm -23 "$tmp/asked" "$tmp/ids_$name" | grep . && return 1
	done
	return 0
}
check "the discovery was on the links of all of them" arrives
limits() {
	fields wire_a "$query" ipv6.hlim | sort | uniq -c
	fields wire_c "$query" ipv6.hlim | sort | uniq -c
	[ "$(fields wire_a "$query" ipv6.hlim | sort -u)" = 5 ] &&
		[ "$(fields wire_c "$query" ipv6.hlim | sort -u)" = 4 ]
}
check "it was sent with hop limit 5 and arrived with 4 SC-11" limits
form() {
	! fields wire_a "udp and grasp and ipv6.dst == ff14::/16" ipv6.src grasp.objective.loop_count udp.dstport |
		grep -v "^fd5c:[12]::2	1	7017$"
}
check "its source is global, its loop count 1, its port 7017 SC-12 SC-14" form
no_link_local_multicast() {
	! shark wire_a -Y 'ipv6.dst == ff02::13' | grep . && ! shark wire_c -Y 'ipv6.dst == ff02::13' | grep .
}
check "nothing went to ff02::13: the scope alone did it" no_link_local_multicast
answered() {
	fields wire_c "grasp.type == 2 and tcp" grasp.session_id ipv6.dst | sort -u | tee "$tmp/answers" &&
		[ -s "$tmp/answers" ] && ! grep -v "fd5c:1::2$" "$tmp/answers"
}
check "the controller answered to the source of the datagram, several hops away F-09 G-050" answered
silent() { # outsider: no packet of its own but announcements and neighbour discovery
	fields "wire_$1" "ipv6.src == fd5c:$2::2 and (tcp or ipv6.dst == fd5c:1::2 or
		(ipv6.dst == $ours and !(grasp.type == 9)))" frame.number > "$tmp/spoken"
	wc -l < "$tmp/spoken"
	[ ! -s "$tmp/spoken" ]
}
check "a controller outside the scope sends not one packet to the asker SC-09" silent o 3
hears_and_is_silent() {
	in_ns x ip -6 maddr show dev e0 | grep $ours && silent x 4 && ! grep operator2 "$tmp/agent_A.log"
}
check "nor does one that hears the group but is not meant: a group is only a filter SC-10" \
	hears_and_is_silent
announced() {
	fields wire_a "udp and grasp.type == 9 and ipv6.dst == $ours" ipv6.src ipv6.hlim | sort -u |
		grep "^fd5c:2::2	4$"
}
check "the announcement of the controller crosses the router, one hop spent SC-11 F-01" \
	wait_until 60 announced
stop agent_A

# --- too near -----------------------------------------------------------------------------------------
stop c
configure c operator1 1
run_controller c
configure_agent B 1
capture near_a a e0
capture near_c c e0
agent_start a B
asked_often() {
	[ "$(fields near_a "$query" grasp.session_id | sort -u | wc -l)" -ge 3 ]
}
too_near() {
	fields near_a "$query" ipv6.hlim | sort -u
	! shark near_c -Y "udp and grasp and ipv6.src == fd5c:1::2" | grep . && ! is_alive B
}
check "with hop limit 1 three discoveries do not leave the link SC-11" \
	eval 'wait_until 30 asked_often && too_near'
stop agent_B
stop c

# --- both ways at once ----------------------------------------------------------------------------------
configure c operator1 5 true
run_controller c
start relay rt "$build/tests/netns/node_peer" -r -n
wait_until 10 grep -q ready "$tmp/relay.log" || error "the relay does not start"
capture both_a a e0
capture both_c c e0
both() { # value {2: "operator1", 6: 2}
	in_ns a "$build/tests/netns/asker" -g $ours -h 5 discover FOGDOMAIN 5 6 \
		a202696f70657261746f72310602 > "$tmp/both.json"
	cat "$tmp/both.json"
	jq -es 'last.responses == 1' "$tmp/both.json"
}
check "asked by scope and through a relay at once, there is one answer F-07 I-16" both
copies() {
	fields both_c 'udp and grasp.type == 1' ipv6.dst grasp.session_id grasp.objective.loop_count |
		sort -u | tee "$tmp/copies"
	[ "$(cut -f2 "$tmp/copies" | sort -u | wc -l)" = 1 ] && grep -q "^$ours	[0-9]*	1$" "$tmp/copies" &&
		grep -q '^ff02::13	[0-9]*	5$' "$tmp/copies"
}
check "the question came on both ways, as one session SC-12 G-081 G-082" wait_until 5 copies
once() {
	fields both_c 'grasp.type == 2' grasp.session_id ipv6.dst
	[ "$(fields both_c 'grasp.type == 2' grasp.session_id | wc -l)" = 1 ]
}
check "the controller has sent one response and no more I-16 SC-12" once
