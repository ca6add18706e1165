#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# Connections: a node that was broken into, somebody on the path, and crowds of connections.
. "${top_srcdir:-.}/tests/netns/lib.sh"
[ "${FOGWATCH_TESTS-}" != quick ] || skip_all "FOGWATCH_TESTS=quick"
. "$top/tests/netns/fog.sh"
. "$top/tests/netns/evil.sh"
begin sc 22 jq cksum openssl tcpdump

fog_net hub a b evil
start wire sw tcpdump -U -q -i br0 -w "$tmp/wire.pcap" port 7017
wait_until 10 grep -q listening "$tmp/wire.log" || error "tcpdump does not listen"
controller_start hub
hub=$(fog_address hub)
agent_start a A
agent_start b B
wait_until 15 eval 'alive A && alive B' || error "no fog"
steal A || error "nothing to steal"
stolen=$tmp/stolen_A

# --- what can be read on the way ---------------------------------------------------------------------
readable() { # text: in a packet
	grep -aqF "$1" "$tmp/wire.pcap"
}
# The floods of the controller are for everybody, and signed: COSE_Sign1 stands behind them.
public() {
	readable FOGDOMAIN && LC_ALL=C grep -aqP '\xd2\x84\x58' "$tmp/wire.pcap"
}
check "F-17 multicasts are signed, and plain GRASP for those who do not look behind it" \
	wait_until 15 public
private() {
	local word
	for word in FOGREG FOGPLAN FOGREPORT FOGTRUST node_load; do
		! readable "$word" || { echo "$word was read"; return 1; }
	done
}
check "F-17 G-150 nobody on the way reads registrations, plans and reports" private
stop wire
named() {
	fogctl show config > "$tmp/config" && cat "$tmp/config" &&
		grep -q 'protection: signed' "$tmp/config" && ! grep -q 'plain_grasp: \(yes\|true\)' "$tmp/config"
}
check "G-146 the configuration in force names what GRASP runs on" named

# --- a stolen certificate ---------------------------------------------------------------------------
record() { # name: what does not change by itself
	fogctl node show "$1" --json | jq -cS '{id, name, state, cpus, memory_bytes, kernel}'
}
check "the thief is let in as what it stole" \
	eval 'peer evil dial "$hub" --who "$stolen" --wait 1 | tee "$tmp/dialled" | jq -e .open'
b_before=$(record B)
registers_as() { # id: the connection ends, and no lease was given
	peer evil dial "$hub" --who "$stolen" --register "$1" | tee "$tmp/dialled" |
		jq -e '(.open | not) and all(.answers[]; .[0] == 6 and .[2][0] == 102)'
}
check "S-03 a node that registers with the id of another gets no lease and is cut off" \
	registers_as "$(node_id B)"
check "S-03 the record of the other is what it was" \
	eval '[ "$(record B)" = "$b_before" ] && alive B'
audited() {
	fogctl audit --json | tee "$tmp/audit" | jq -e --arg a "$(node_id A)" \
		'any(.[]; .who == $a and .role == "agent" and (.result | test("refused")))'
}
check "S-03 the audit says who has tried" wait_until 5 audited
check "S-04 a node that asks the controller what a controller asks is cut off" \
	eval 'is_refused evil "$hub" --who "$stolen" --speak FOGPLAN --value a201190fff0280 &&
		is_refused evil "$hub" --who "$stolen" --speak FOGTRUST --value a101190fff'
plan_b=$(fogctl plan show B --json)
orders() { # objective value
	is_refused evil "$(fog_address b)" --who "$stolen" --speak "$1" --value "$2"
}
check "S-04 a node that gives another a plan, or denials, is cut off" \
	eval 'orders FOGPLAN a201190fff0280 && orders FOGTRUST a101190fff'
check "S-04 the other node has counted it, and its plan is what it was" \
	eval '[ "$(agent_counter B grasp_not_permitted)" -ge 2 ] &&
		[ "$(fogctl plan show B --json)" = "$plan_b" ]'
peer evil leaf "$tmp/forged" --issuer "$stolen" --issuer-key key.pem --issuer-cert chain.pem \
	--role controller --append "$stolen/chain.pem" > "$tmp/id" || error "no forgery"
check "S-05 a certificate that a node has signed is none" \
	eval 'is_refused evil "$(fog_address b)" --who "$tmp/forged" --speak FOGPLAN --value a201190fff0280 &&
		is_refused evil "$hub" --who "$tmp/forged"'

# An independent server with the certificate of a node, where a member expects its controller.
start server evil openssl s_server -accept 7017 -6 -cert "$stolen/chain.pem" -key "$stolen/key.pem" \
	-CAfile "$tmp/ca/ca.pem" -verify 1 -alpn x-fogwatch-grasp/1,x-fogwatch-join/1 -tls1_3 -msg -rev
agent_configure C <<< "controllers: ['[$(fog_address evil)]:7017']"
fog_plug c
agent_start c C
wait_until 15 alive C || error "C has not found the controller"
# As a member, from now on without the true controller.
kill -STOP "$pid_controller"
connects() {
	grep -q 'ClientHello' "$tmp/server.log"
}
seen() {
	[ "$(grep -c 'ClientHello' "$tmp/server.log")" -ge 2 ]
}
destroy agent_C
agent_start c C
check "S-04 a member goes to where its controller should be" wait_until 20 seen
unheard() {
	connects && ! grep -q 'ApplicationData' "$tmp/server.log" &&
		! grep -aq 'FOGREG' "$tmp/server.log"
}
check "S-04 what serves with the certificate of a node is told nothing" unheard
kill -CONT "$pid_controller"
stop server
wait_until 30 eval 'alive A && alive B && alive C' || error "the fog is gone"

# --- independent clients ---------------------------------------------------------------------------
client() { # s_client arguments…
	in_ns evil timeout 10 openssl s_client -connect "[$hub]:7017" -cert "$stolen/chain.pem" \
		-key "$stolen/key.pem" -CAfile "$tmp/ca/ca.pem" -alpn x-fogwatch-grasp/1 "$@" \
		< /dev/null > "$tmp/client" 2>&1
}
check "S-06 TLS 1.3 of another maker is understood, and the controller proves itself" \
	eval 'client -tls1_3 -verify_return_error; grep -q "ALPN protocol: x-fogwatch-grasp/1" "$tmp/client" &&
		grep -q "Verify return code: 0" "$tmp/client"'
check "S-06 it does not go down to TLS 1.2" \
	eval 'client -tls1_2; ! grep -q "Cipher is [A-Z]*-" "$tmp/client" && grep -qi "alert\|error" "$tmp/client"'
check "S-06 there is no session to resume" \
	eval 'client -tls1_3; ! grep -q "New Session Ticket\|Session-ID: [0-9A-F]" "$tmp/client"'

# --- somebody on the path --------------------------------------------------------------------------
# D reaches the controller through a proxy that flips bits, and in no other way.
ns_add d && ns_add path && veth d e0 path d0 &&
	in_ns path ip addr add fd5a::1/64 dev d0 nodad && in_ns d ip addr add fd5a::2/64 dev e0 nodad &&
	ip link add e0 netns "$(ns path)" type veth peer name pathp netns "$(ns sw)" &&
	in_ns sw ip link set pathp master br0 up &&
	in_ns path ip addr add fd59::fffe/64 dev e0 nodad && in_ns path ip link set e0 up ||
	error "no path"
peer_start flip path flip "$hub" --percent 0
wait_until 5 grep -q ready "$tmp/flip.log" || error "no proxy"
agent_configure D <<< "controllers: ['[fd5a::1]:7017']"
agent_start d D
check "S-06 a proxy may pass everything on, for it can do nothing else" wait_until 20 alive D
stop flip
peer_start flip path flip "$hub" --percent "$(full_or 10 20)"
services=$(fogctl services --json) malformed=$(fogctl counters --json | jq .grasp_malformed)
flipped() {
	[ "$(sed -n 's/.*"flipped": \([0-9]*\).*/\1/p' "$tmp/flip.log" | awk '{ n += $1 } END { print n + 0 }')" -ge "$(full_or 20 5)" ]
}
check "S-06 bits are flipped on the way" wait_until 120 flipped
unchanged() {
	[ "$(fogctl services --json)" = "$services" ] && [ "$(record B)" = "$b_before" ] &&
		[ "$(fogctl counters --json | jq .grasp_malformed)" = "$malformed" ] &&
		[ "$(fogctl nodes --json | jq -c 'map(.name) | sort')" = '["A","B","C","D"]' ]
}
check "S-06 G-148 no flipped bit came through: nothing has changed" unchanged
stop flip
peer_start flip path flip "$hub" --percent 0
in_session() {
	"$build/fogctl" --socket "$tmp/D/control" status --json | jq -e '.state == "registered"' && alive D
}
check "S-06 the session is back when the path is good" wait_until 60 in_session

# --- crowds ------------------------------------------------------------------------------------------
nets=$(full_or 64 20)
many_nets evil "$nets" hub || error "no networks"
registrations() {
	echo "$(agent_counter A registrations) $(agent_counter B registrations)"
}
before=$(registrations)
# shellcheck disable=SC2046
peer_start crowd evil idle "$hub" --count "$(full_or 5000 500)" \
	--drip "$(full_or 500 50)" --seconds 12 $(net_sources "$nets")
wait_until 5 grep -q opened "$tmp/crowd.log"
fog_plug e
agent_configure E < /dev/null
begin_ms=$(date +%s%3N)
agent_start e E
wait_until 10 alive E
late=$? took=$(($(date +%s%3N) - begin_ms))
check "S-14 in a crowd of idle and slow connections a new node registers in less than 3 s" \
	eval '[ $late = 0 ] && [ $took -lt 3000 ]'
echo "# after $took ms; $(tail -n 1 "$tmp/crowd.log")"
check "S-14 those that were there have noticed nothing" \
	eval '[ "$(registrations)" = "$before" ] && alive A && alive B'
