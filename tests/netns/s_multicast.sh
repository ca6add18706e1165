#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# Multicasts of who means no good: false controllers, replays, spoofed sources, strangers.
. "${top_srcdir:-.}/tests/netns/lib.sh"
[ "${FOGWATCH_TESTS-}" != quick ] || skip_all "FOGWATCH_TESTS=quick"
. "$top/tests/netns/fog.sh"
. "$top/tests/netns/evil.sh"
begin sm 21 jq cksum nft

fog_net hub a b evil victim
controller_start hub
agent_start a A
agent_start b B
wait_until 15 eval 'alive A && alive B' || error "no fog"
steal A || error "nothing to steal"
evil_at=$(fog_address evil)
link_address() { # namespace
	in_ns "$1" ip -6 -j addr show dev e0 scope link | jq -r '[.[].addr_info[]? | .local | strings][0]'
}
wait_until 10 fog_ready evil || error "no address to lie with"
evil_near=$(link_address evil) # whose floods of FOGJOIN have to name it (S-01)

state() { # what no multicast may change
	fogctl plan show A --json && fogctl plan show B --json && fogctl services --json &&
		fogctl nodes --json | jq -cS 'map({id, name}) | sort'
}
registrations() {
	fogctl counters --json | jq .registrations
}
before=$(state) registered=$(registrations)

# --- false controllers ------------------------------------------------------------------------------
peer evil pki "$tmp/evil" && peer evil leaf "$tmp/fake" --issuer "$tmp/evil" --role controller > "$tmp/id" ||
	error "no false controller"
peer_start fake evil serve "$tmp/fake"
wait_until 5 grep -q ready "$tmp/fake.log" || error "no false controller"
seconds=$(full_or 60 10)
peer_start unsigned evil flood e0 "$evil_at" --rate 100 --seconds "$seconds"
peer_start signed evil flood e0 "$evil_at" --rate 100 --seconds "$seconds" --who "$tmp/fake"
peer_start invites evil flood e0 "$evil_near" --rate 100 --seconds "$seconds" --objective FOGJOIN --loop 1
begin_ms=$(date +%s%3N)
fog_plug n
agent_configure N < /dev/null
agent_start n N
wait_until 10 alive N
late=$? took=$(($(date +%s%3N) - begin_ms))
check "S-01 a node joins in less than 3 s while false controllers shout" \
	eval '[ $late = 0 ] && [ $took -lt 3000 ]'
echo "# after $took ms"
join_beside() { # name flood arguments…: a node, while 100 a second send it elsewhere; sets $took
	local name=$1 begin_ms
	shift
	peer_start crowd evil flood e0 fe80::bad:0:0:0 --vary --rate 100 --seconds 60 \
		--objective FOGJOIN --loop 1 "$@"
	fog_plug "$name"
	agent_configure "$name" < /dev/null
	begin_ms=$(date +%s%3N)
	agent_start "$name" "$name"
	wait_until 20 alive "$name"
	took=$(($(date +%s%3N) - begin_ms))
	stop crowd
	echo "# after $took ms"
}
join_beside o
check "S-01 nor does it take longer while one names another address each time" \
	eval 'alive o && [ $took -lt 3000 ]'
join_beside q --spoof locator
check "S-01 from as many spoofed sources, it takes some seconds at most" \
	eval 'alive q && [ $took -lt 6000 ]'
over() {
	grep -q sent "$tmp/unsigned.log" && grep -q sent "$tmp/signed.log" && grep -q sent "$tmp/invites.log"
}
check "S-01 the shouting arrives" wait_until $((seconds + 10)) over
check "S-01 nobody says a word to the false controller" \
	eval '! grep -q "\"heard\"" "$tmp/fake.log"'
calm() { # 6 a minute at most of each of the three that were no members
	grep '"connect"' "$tmp/fake.log" | jq -r .peer | sort | uniq -c | tee "$tmp/calls" &&
		awk -v most=$((6 * (1 + seconds / 60))) '$1 > most { bad = 1 } END { exit bad }' "$tmp/calls"
}
check "S-01 it is called six times a minute at most" calm
check "S-01 those that were registered have noticed nothing" \
	eval '[ "$(registrations)" = $((registered + 3)) ] && [ "$(agent_counter A registrations)" = 1 ]'
refused() { # name
	[ "$(agent_counter "$1" grasp_untrusted)" -ge 100 ]
}
check "S-01 S-10 G-147 G-148 what is unsigned, or signed by a stranger, was refused and counted" eval 'refused A && refused B'
fogctl node show N --json > /dev/null && before=$(state) registered=$(registrations)

# --- replays ----------------------------------------------------------------------------------------
# What the fog says, which is asked by the controller until there is enough.
peer_start recorder evil record e0 "$tmp/said" --seconds 60 --count "$(full_or 1000 10)"
wait_until 10 grep -q ready "$tmp/recorder.log" || error "no recorder"
recorded() {
	grep -q kept "$tmp/recorder.log" && return
	fogctl find type=robot --json > /dev/null
	false
}
check "S-07 there is something to replay" \
	eval 'wait_until 70 recorded; [ "$(jq -s "map(.kept // 0) | add" "$tmp/recorder.log")" -ge 5 ]'
in_ns evil nft -f - <<'N'
table ip6 watch {
	chain input {
		type filter hook input priority 0;
		tcp flags & (syn | ack) == syn counter
	}
}
N
replies() {
	in_ns evil nft -j list table ip6 watch | jq '[.. | .counter? | objects | .packets] | add'
}
replay() { # group how-many a-second
	peer evil replay e0 "$tmp/said" --group "$1" --count "$2" --rate "$3"
}
scoped=$(in_ns hub ip -6 maddr show dev e0 | awk '$2 ~ /^ff1[458]/ { print $2; exit }')
noticed() { # as heard before, by the engine or by the guard; and those that are too many
	local name sum=0
	for name in grasp_duplicate grasp_untrusted $1; do
		sum=$((sum + $(agent_counter A "$name")))
	done
	echo "$sum"
}
slowly=$(full_or 1000 200)
noticed_before=$(noticed)
check "S-07 old multicasts come again, a few at a time" replay ff02::13 "$slowly" 40
check "S-07 each was noticed as such" \
	wait_until 5 eval '[ $(($(noticed) - noticed_before)) -ge "$slowly" ]'
noticed_before=$(noticed grasp_rate_limited)
check "S-07 a thousand come at once, also to another group" \
	eval 'replay ff02::13 1000 500 && replay "${scoped:-ff02::13}" 1000 500'
check "S-07 they were noticed or too many" \
	wait_until 5 eval '[ $(($(noticed grasp_rate_limited) - noticed_before)) -ge 1000 ]'
same() {
	[ "$(state)" = "$before" ] && [ "$(registrations)" = "$registered" ] && alive A && alive B
}
check "S-07 they have changed nothing" same
check "S-09 S-07 they were not answered more often than is allowed" \
	eval 'echo "$(replies) connections"; [ "$(replies)" -le 60 ]'
destroy agent_A
agent_start a A
wait_until 15 registered A || error "A does not come back"
before=$(state) registered=$(registrations)
check "S-07 nor do they after a restart of who hears them" eval 'replay ff02::13 1000 500 && same'

# --- spoofed sources --------------------------------------------------------------------------------
for name in $(full_or "$(echo c{1..27})" "$(echo c{1..4})"); do
	fog_plug "$name" && agent_start "$name" "$name"
done
last=$name
wait_until 60 alive "$last" || error "no crowd"
wait_until 10 fog_ready victim || error "the victim has no address"
victim=$(link_address victim)
in_ns victim nft -f - <<'N'
table ip6 watch {
	chain input {
		type filter hook input priority 0;
		meta l4proto { tcp, udp } ip6 daddr != ff00::/8 counter
	}
}
N
suffered() {
	in_ns victim nft -j list table ip6 watch | jq '[.. | .counter? | objects | .bytes] | add'
}
amplification() { # seconds factor spoof arguments…
	local before sent=0 got seconds=$1 factor=$2
	shift 2
	before=$(suffered)
	peer evil spoof e0 "$victim" --rate 100 --seconds "$seconds" "$@" > "$tmp/spoof"
	sent=$(jq .bytes "$tmp/spoof")
	wait_until 5 settled
	got=$(($(suffered) - before))
	echo "# $sent bytes sent, $got to the victim $*" | tee -a "$tmp/ratios"
	[ "$sent" -gt 0 ] && [ "$got" -le $((sent * factor)) ]
}
settled() { # nothing has come for a moment
	local now
	now=$(suffered)
	sleep 0.3
	[ "$(suffered)" = "$now" ]
}
check "S-09 who is spoofed by a stranger hears nothing" \
	eval 'suffered_before=$(suffered); amplification 1 1 && [ "$(suffered)" = "$suffered_before" ]'
check "S-09 who is spoofed by a member suffers three times as much at most in a second" \
	amplification 1 3 --who "$tmp/stolen_A" --objective FOGDOMAIN
check "S-09 and not more than the member has sent in the long run" \
	amplification "$(full_or 30 5)" 1 --who "$tmp/stolen_A" --objective FOGNODEDOMAIN
cat "$tmp/ratios"

# --- strangers and the uninitiated ------------------------------------------------------------------
# P wants to join, and hears what breaks one of the rules of DULL at a time.
kill -STOP "$pid_controller"
stop fake
peer_start fake evil serve "$tmp/fake"
wait_until 5 grep -q ready "$tmp/fake.log" || error "no false controller"
fog_plug p
agent_configure P < /dev/null
agent_start p P
wait_until 10 test -S "$tmp/P/control" || error "no P"
break_rules() {
	peer evil flood e0 "$evil_near" --objective FOGJOIN --loop 2 --rate 20 --seconds 0.5 &&
		peer evil flood e0 "$evil_at" --objective FOGDOMAIN --loop 1 --rate 20 --seconds 0.5 &&
		peer evil flood e0 "$evil_at" --objective FOGJOIN --loop 1 --rate 20 --seconds 0.5 \
			--spoof "$evil_at" &&
		peer evil flood e0 "$evil_at" --objective FOGJOIN --loop 1 --rate 20 --seconds 0.5 &&
		peer evil flood e0 "$evil_near" --objective FOGJOIN --loop 1 --rate 20 --seconds 0.5 \
			--group "${scoped:-ff14::1}"
}
check "S-12 a flood that breaks a rule of DULL is dropped in silence" \
	eval 'break_rules && ! grep -q "\"connect\"" "$tmp/fake.log" && [ "$(agent_counter P grasp_untrusted)" -ge 20 ]'
peer evil flood e0 "$evil_near" --objective FOGJOIN --loop 1 --rate 10 --seconds 1 > /dev/null
check "S-12 one that breaks none is followed, and trusted no further than its certificate" \
	eval 'wait_until 15 grep -q "\"connect\"" "$tmp/fake.log" && ! grep -q "\"heard\"" "$tmp/fake.log"'
kill -CONT "$pid_controller"
