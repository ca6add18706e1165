#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# Strangers by the thousand at the controller's door, while agents work: garbage, plain GRASP, half
# handshakes, slow ones, and connections that say nothing (S-14). No lease is lost, those who work do
# not feel it, and who comes meanwhile is let in.
#
#	garbage.sh		a small siege, as a test
#	garbage.sh full		SIEGE_CONNECTIONS (200000) of them, SIEGE_AGENTS (20), and figures; also of an
#				equal siege of another program on the machine
# shellcheck source=tests/netns/lib.sh
. "${top_srcdir:-.}/tests/netns/lib.sh"
[ "${FOGWATCH_TESTS-}" != quick ] || skip_all "FOGWATCH_TESTS=quick"
# shellcheck source=tests/netns/fog.sh
. "$top/tests/netns/fog.sh"

if [ "${1-}" = full ]; then
	connections=${SIEGE_CONNECTIONS:-200000} agents=${SIEGE_AGENTS:-20} samples=600
else
	connections=3000 agents=3 samples=40
fi
at_once=1000 period=50
# Tests run beside each other on whatever machine.
patience=10 tardy_ms=500
[ "${1-}" = full ] && patience=3

names=()
for ((i = 1; i <= agents; i++)); do names+=("a$i"); done
begin siege 8 jq chrt
fog_net hub foe pulse late "${names[@]}"

# Of the foe: as many addresses in the network of all others as in networks of their own.
sources=()
for ((i = 1; i <= 128; i++)); do
	sources+=("fd59::f:$i" "fd5a:0:0:$i::1")
done
for source in "${sources[@]}"; do
	echo "addr add $source/64 dev e0 nodad"
done | in_ns foe ip -batch - || error "no addresses"
in_ns hub ip route add fd5a::/48 dev e0
hub=$(fog_address hub)

# --- a domain, and its members -------------------------------------------------------------------

mkdir -p "$tmp/controller/services.d"
"$build/fogctl" domain init lab --state-dir "$tmp/controller/state" \
	--ca-dir "$tmp/controller/ca" >"$tmp/init" || error "no domain"
cat >"$tmp/controller/controller.yaml" <<-E
state-dir: $tmp/controller/state
ca-dir: $tmp/controller/ca
control-socket: $tmp/controller/control
services-dir: $tmp/controller/services.d
domain: lab
E
start controller hub "$build/fogwatch-controller" -c "$tmp/controller/controller.yaml"
wait_until 10 fogctl status || error "the controller does not answer"

member() { # name
	local token
	token=$(fogctl token create --json | jq -er '.. | .token? // empty') || error "no token"
	mkdir -p "$tmp/$1"
	cat >"$tmp/$1/agent.yaml" <<-E
	node: {name: $1, state-dir: $tmp/$1/state}
	control-socket: $tmp/$1/control
	domain: lab
	join: {token: $token}
	E
	start "$1" "$1" "$build/fogwatch-agent" -c "$tmp/$1/agent.yaml"
}

state_is() { # state name…
	local state=$1
	shift
	fogctl nodes --json | jq -e --arg s "$state" '[.[] | select(.state == $s) | .name] as $in |
		$ARGS.positional - $in == []' --args "$@"
}

registrations() {
	fogctl counters --json | jq -r .registrations
}

counter() { # name
	fogctl counters --json | jq -r ".$1"
}

rss() {
	# shellcheck disable=SC2154 # start() sets it
	awk '/^VmRSS/ { print $2 }' "/proc/$pid_controller/status"
}

# The pulse takes the place of an agent that has joined.
member pulse
for name in "${names[@]}"; do member "$name"; done
check "all agents are there" wait_until 60 state_is alive pulse "${names[@]}"
stop pulse

pulse() { # log
	in_ns pulse "$build/tests/netns/pulse" "$tmp/pulse/state" lab "[$hub]:7017" \
		"$samples" "$period" >"$tmp/$1" 2>"$tmp/$1.err"
}

siege() { # port connections
	# It has machines of its own, in life: here it gets what time the others leave.
	start foe foe chrt -i 0 "$build/tests/netns/siege" "$hub" "$1" "$2" $at_once \
		"${sources[@]}"
}

# What a siege of somebody else on this machine costs an agent: the processors are shared.
beside() {
	start sink hub python3 "$top/tests/netns/sink.py" 7099
	wait_until 5 eval 'in_ns hub ss -Hltn "sport = 7099" | grep -q .' || return 1
	siege 7099 1000000000
	pulse beside
	local status=$?
	stop foe
	stop sink
	return $status
}

# --- quiet, and besieged ---------------------------------------------------------------------------

check "an agent renews its lease in quiet" pulse quiet
beside_p99=0
if [ "${1-}" = full ]; then
	beside || error "no siege of the neighbour"
	beside_p99=$(jq .p99_ms "$tmp/beside")
fi
before=$(registrations) quiet_rss=$(rss)
siege 7017 1000000000
wait_until 10 eval '[ "$(counter tls_refused_plain)" -gt 20 ]' || error "there is no siege"
check "S-14 and under siege" pulse besieged
started=$(date +%s%3N)
member late
check "S-14 who comes meanwhile is a member within $patience s" \
	wait_until "$patience" state_is alive late
echo "# it took $(($(date +%s%3N) - started)) ms"
[ "${1-}" = full ] || connections=0
enough() {
	local sum
	sum=$(fogctl counters --json |
		jq '[to_entries[] | select(.key | startswith("tls_refused_")) | .value] | add')
	[ "$sum" -ge "$connections" ]
}
wait_until 600 enough
besieged_rss=$(rss)
stop foe
check "S-14 no lease was lost" state_is alive "${names[@]}"
# The pulse of the siege and the late one, and nobody again.
check "S-14 nobody had to register again" [ "$(registrations)" -le $((before + 2)) ]
quiet_p99=$(jq .p99_ms "$tmp/quiet") besieged_p99=$(jq .p99_ms "$tmp/besieged")
figures() {
	echo "# quiet:    $(cat "$tmp/quiet")"
	[ "${1-}" = full ] && echo "# beside:   $(cat "$tmp/beside")"
	echo "# besieged: $(cat "$tmp/besieged")"
	echo "# siege:    $(cat "$tmp/foe.log")"
	echo "# refused:  $(fogctl counters --json |
		jq -c 'with_entries(select(.key | startswith("tls_")))')"
	echo "# RSS:      $quiet_rss KiB, besieged $besieged_rss KiB"
}
figures "$@"
echo "# p99 of a renewal under siege is $(jq -n "$besieged_p99 / $quiet_p99 * 100 | round / 100") of that in quiet"
[ "${1-}" = full ] && echo "# and $(jq -n "$besieged_p99 / $beside_p99 * 100 | round / 100") of that beside a siege"
# Foe, agents and controller share the processors here: what the siege costs them wherever it goes is
# not the controller's doing.
check "a renewal is answered at once" jq -ne "$besieged_p99 <= 2 * $quiet_p99 or
	$besieged_p99 <= 2 * $beside_p99 or ($beside_p99 == 0 and $besieged_p99 <= $tardy_ms)"
# 512 strangers in the middle of a handshake, with 40 KiB of OpenSSL each, and no more of them.
# Sanitizers keep freed memory in quarantine.
is_small() {
	grep -q __asan_init "$build/fogwatch-controller" ||
		[ $((besieged_rss - quiet_rss)) -lt $((32 * 1024)) ]
}
check "S-14 the controller has grown by less than 32 MiB" is_small
