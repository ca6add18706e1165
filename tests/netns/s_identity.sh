#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# Members that are cloned, revoked or late, clocks that are wrong, secrets and names that must not
# show.
. "${top_srcdir:-.}/tests/netns/lib.sh"
[ "${FOGWATCH_TESTS-}" != quick ] || skip_all "FOGWATCH_TESTS=quick"
. "$top/tests/netns/fog.sh"
. "$top/tests/netns/evil.sh"
faketime=$(ls /usr/lib/*/faketime/libfaketime.so.1 2> /dev/null | head -n 1)
begin si 22 jq cksum ss

fog_net hub a b c evil
controller_start hub
hub=$(fog_address hub)
agent_start a A
agent_start b B
wait_until 15 eval 'alive A && alive B' || error "no fog"
steal A && steal B || error "nothing to steal"

# --- a cloned key -----------------------------------------------------------------------------------
plan_a=$(fogctl plan show A --json)
mkdir "$tmp/Z" && cp -a "$tmp/A/state" "$tmp/Z/state" || error "no clone"
rm -f "$tmp/Z/state/lock"
agent_configure Z < /dev/null
sed -i 's/name: Z/name: A/' "$tmp/Z/agent.yaml"
agent_start c Z
conflict() {
	fogctl events --last 100 --json | jq -e 'any(.[]; .kind == "identity.conflict")'
}
check "S-18 a node that comes twice is an event" wait_until 15 conflict
older_stays() {
	[ "$(agent_counter A registrations)" = 1 ] && [ "$(agent_counter Z registrations)" = 0 ] &&
		[ "$(fogctl plan show A --json)" = "$plan_a" ]
}
check "S-18 the one that was there first stays, with its plan" older_stays
destroy agent_Z
fogctl node release A > /dev/null 2>&1

# --- revocation -------------------------------------------------------------------------------------
check "a member may call another" eval 'peer evil dial "$(fog_address a)" --who "$tmp/stolen_B" --wait 1 |
	tee "$tmp/dialled" | jq -e .open'
id_b=$(node_id B)
no_session() { # namespace
	! in_ns "$1" ss -Htn state established | grep 7017
}
check "the node has a session" eval '! no_session b'
gone_in_time() {
	local begin end
	begin=$(date +%s%3N)
	fogctl node revoke "$id_b" || return 1
	wait_until 5 no_session b || return 1
	end=$(date +%s%3N)
	echo "# gone after $((end - begin)) ms" | tee "$tmp/gone"
	[ $((end - begin)) -le 1000 ]
}
check "S-19 the session of a node that is revoked is gone in a second" gone_in_time
check "S-19 and the node is not counted as alive any more" eval '! alive B'
cat "$tmp/gone"
check "S-19 G-149 other nodes refuse it as well" \
	wait_until 10 is_refused evil "$(fog_address a)" --who "$tmp/stolen_B"
check "S-19 it is not let in again, neither to report nor to join" \
	eval 'is_refused evil "$hub" --who "$tmp/stolen_B" && is_refused evil "$hub" --alpn join --who "$tmp/stolen_B" --speak FOGJOIN &&
		! alive B'
destroy controller
controller_start hub
check "S-19 and a restart of the controller does not forget it" \
	eval 'wait_until 15 alive A && ! alive B && is_refused evil "$hub" --who "$tmp/stolen_B"'
destroy agent_B

# --- expiry -----------------------------------------------------------------------------------------
late() { # days: A's certificate ended so long ago
	peer evil leaf "$tmp/late$1" --issuer "$tmp/ca" --key "$tmp/A/state/node.key" --days "-$1" > /dev/null
}
late 1 && late 100 || error "no certificates"
check "S-20 who has expired may neither register nor call others" \
	eval 'is_refused evil "$hub" --who "$tmp/late1" --register "$(node_id A)" &&
		is_refused evil "$hub" --alpn join --who "$tmp/late1" --register "$(node_id A)" &&
		is_refused evil "$(fog_address a)" --who "$tmp/late1"'
restart_late() { # days
	destroy agent_A
	cp "$tmp/late$1/chain.pem" "$tmp/A/state/domains/lab/certificate.pem"
	# Without its token, so that it has nothing but the certificate.
	sed -i '/^join:/d' "$tmp/A/agent.yaml"
	agent_start a A
}
restart_late 1
check "S-20 a node that was away for a day renews its certificate and is monitored" wait_until 20 registered A
restart_late 100
away() { # it asks for a token, and the controller has not heard of it
	"$build/fogctl" --socket "$tmp/A/control" status --json | tee "$tmp/status" |
		jq -e '[.. | strings | select(test("token"))] | length > 0' && ! alive A && ! registered A || {
		cat "$tmp/status"
		return 1
	}
}
check "S-20 one that was away for a hundred days has to join anew" wait_until 20 away
destroy agent_A
rm -r "$tmp/A"
agent_start a A
wait_until 15 registered A || error "A cannot join again"

# --- clocks -----------------------------------------------------------------------------------------
at_another_time() { # namespace name faketime
	agent_configure "$2" < /dev/null
	start "agent_$2" "$1" env LD_PRELOAD="$faketime" FAKETIME="$3" DONT_FAKE_MONOTONIC=1 \
		FAKETIME_DONT_FAKE_MONOTONIC=1 FAKETIME_NO_CACHE=1 "$build/fogwatch-agent" -c "$tmp/$2/agent.yaml"
}
if [ -n "$faketime" ] && ! grep -q __asan_init "$build/fogwatch-agent"; then
	for name in old new back; do
		fog_plug $name
	done
	at_another_time old OLD '@1970-01-02 00:00:00'
	at_another_time new NEW '+3650d'
	check "S-20 a node whose clock says 1970 joins and is monitored" wait_until 20 alive OLD
	check "S-20 one whose clock is ten years ahead, too" wait_until 20 alive NEW
	echo "+0" > "$tmp/faketimerc"
	agent_configure BACK < /dev/null
	start agent_BACK back env LD_PRELOAD="$faketime" FAKETIME_TIMESTAMP_FILE="$tmp/faketimerc" \
		DONT_FAKE_MONOTONIC=1 FAKETIME_DONT_FAKE_MONOTONIC=1 FAKETIME_NO_CACHE=1 \
		"$build/fogwatch-agent" -c "$tmp/BACK/agent.yaml"
	wait_until 20 alive BACK
	echo "-1d" > "$tmp/faketimerc"
	points=$(agent_counter BACK points_accepted)
	goes_on() {
		[ "$(agent_counter BACK points_accepted)" -gt "$points" ] &&
			[ "$(agent_counter BACK registrations)" = 1 ] && alive BACK
	}
	check "S-20 a clock that is set back a day during a session changes nothing" wait_until 30 goes_on
else
	for what in 1970 ahead back; do
		skip "S-20 $what" "no libfaketime, or a sanitizer that does not go with it"
	done
fi

# --- names that do something -------------------------------------------------------------------------
# Members with all kinds of names: some are refused as such, the others are texts and nothing else.
name_members() {
	local name
	for name; do
		rm -rf "$tmp/named"
		peer evil leaf "$tmp/named" --issuer "$tmp/ca" > "$tmp/id" || return 1
		peer evil dial "$hub" --who "$tmp/named" --register "$(jq -r .id "$tmp/id")" \
			--name "$name" --wait 0.5 >> "$tmp/named.log" || return 1
		peer evil join "$hub" --name "$name" --wait 0.5 >> "$tmp/named.log" || return 1
	done
}
marker=$tmp/executed
name_members "'); DROP TABLE node; --" '" OR "1"="1' "\$(touch $marker)" "\`touch $marker\`" \
	"; touch $marker" "| touch $marker" "../../../../$tmp/executed" '%s%s%n' "$(printf 'x\ny')" \
	"$(printf '\033[31mred')" "$(printf 'y\342\200\256gnp')" '<script>alert(1)</script>' ||
	error "no names"
named() {
	fogctl node pending --json | jq -r '.[].name' > "$tmp/names"
	fogctl nodes --json | jq -r '.[].name' > "$tmp/members"
	cat "$tmp/names" "$tmp/members" "$tmp/named.log"
	grep -qF 'DROP TABLE' "$tmp/names" && ! grep -qvE '^[A-Za-z0-9._:-]{1,64}$' "$tmp/members" &&
		[ ! -e "$marker" ] && alive A
}
check "S-27 names with quotes, orders of a shell and paths are text, and no names of members" named
plain() { # file…: no control character but the newline, and nothing that turns text around
	! LC_ALL=C grep -aP '[\x00-\x08\x0b-\x1f\x7f]|\xe2\x80[\xaa-\xae]|\xe2\x81[\xa6-\xa9]' "$@"
}
shown() {
	fogctl nodes > "$tmp/shown" && fogctl node pending >> "$tmp/shown" &&
		fogctl events --last 200 >> "$tmp/shown" && fogctl audit >> "$tmp/shown" && plain "$tmp/shown"
}
check "S-31 names with escape sequences come to no terminal" shown
check "S-31 nor to a log" plain "$tmp/controller.log" "$tmp/agent_A.log"

# --- secrets ----------------------------------------------------------------------------------------
token=$(fogctl token create --json | jq -r '.token')
fog_plug s
agent_configure S <<< "join: {token: $token}"
sed -i '/token-file/d' "$tmp/S/agent.yaml"
chmod 600 "$tmp/S/agent.yaml"
agent_start s S
wait_until 15 alive S || error "S cannot join"
markers() { # a line each
	cut -d- -f3 <<< "$token"
	sed '/-----/d' "$tmp/S/state/node.key" "$tmp/controller/state/domain/controller.key" "$tmp/ca/ca.key"
}
markers > "$tmp/markers"
silent() { # file…
	! grep -aFif "$tmp/markers" "$@"
}
check "S-29 no secret is in a log" eval 'silent "$tmp"/*.log'
processes() {
	local pid
	for pid in $pid_controller $pid_agent_S $(pgrep -P "$pid_controller,$pid_agent_S"); do
		cat "/proc/$pid/cmdline" "/proc/$pid/environ" "/proc/$pid/comm"
		grep -q '^Max core file size *0 *0 ' "/proc/$pid/limits" || return 1
	done > "$tmp/processes"
	silent "$tmp/processes" "$tmp/processes"
}
check "S-29 nor in arguments or environment, and no process leaves a core" processes
printed() {
	"$build/fogctl" --socket "$tmp/S/control" show config > "$tmp/printed" &&
		"$build/fogwatch-agent" -n -v -c "$tmp/S/agent.yaml" >> "$tmp/printed" 2>&1
	fogctl show config >> "$tmp/printed" && fogctl token list >> "$tmp/printed" &&
		fogctl audit >> "$tmp/printed" && grep -q token "$tmp/printed" && silent "$tmp/printed" "$tmp/printed"
}
check "S-29 nor in what is shown of configuration, tokens and audit" printed
private() {
	! find "$tmp" \( -name '*.key' -o -name '*.db*' \) -perm /077 | grep . &&
		! find "$tmp/S/state" "$tmp/controller/state" "$tmp/ca" -maxdepth 0 -perm /077 | grep . &&
		[ "$(find "$tmp/ca" "$tmp/S/state" "$tmp/controller/state" -name '*.key' | wc -l)" = 3 ]
}
check "S-29 keys, databases, and where they are kept, are for their owner alone" private
