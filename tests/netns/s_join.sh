#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# Who is no member, and who wants to become one: certificates of others, tokens, false controllers.
. "${top_srcdir:-.}/tests/netns/lib.sh"
[ "${FOGWATCH_TESTS-}" != quick ] || skip_all "FOGWATCH_TESTS=quick"
. "$top/tests/netns/fog.sh"
. "$top/tests/netns/evil.sh"
begin sj 16 jq cksum openssl

fog_net hub a evil
controller_start hub
hub=$(fog_address hub)
nobody=00112233445566778899aabbccddeeff

# --- without a certificate of the domain ---------------------------------------------------------
peer evil pki "$tmp/evil" && peer evil leaf "$tmp/self" > "$tmp/id" &&
	peer evil leaf "$tmp/other" --issuer "$tmp/evil" > "$tmp/id" &&
	peer evil leaf "$tmp/expired" --issuer "$tmp/ca" --days -2 > "$tmp/id" &&
	peer evil leaf "$tmp/late" --issuer "$tmp/ca" --days -100 > "$tmp/id" &&
	peer evil leaf "$tmp/farm" --issuer "$tmp/ca" > "$tmp/id" ||
	error "no certificates for the hostile peer"
peer evil leaf "$tmp/good" --issuer "$tmp/ca" > "$tmp/id" || error "no certificate"

registers() { # dial arguments…
	is_refused evil "$hub" --register "$nobody" "$@"
}
check "S-02 who has signed himself is refused" registers --who "$tmp/self"
check "S-02 who was signed by another CA is refused" registers --who "$tmp/other"
check "S-02 who has expired is refused" \
	eval 'registers --who "$tmp/expired" && registers --who "$tmp/late"'
check "S-02 S-06 TLS 1.2 is refused" registers --who "$tmp/good" --tls 1.2
check "S-02 G-147 who shows no certificate is refused" registers
check "S-06 a protocol that is not ours, or none, is refused" \
	eval 'registers --who "$tmp/good" --alpn none && registers --who "$tmp/good" --alpn h2'
check "S-06 S-34 plain GRASP is refused at its first byte" \
	eval 'registers --plain && jq -e ".seconds < 1.5" "$tmp/dialled"'
check "S-02 none of them is in the registry" \
	eval 'fogctl nodes --json | jq -e "length == 0"'
check "who has a certificate of the domain is let in" \
	eval 'peer evil dial "$hub" --who "$tmp/good" --wait 1 | tee "$tmp/dialled" | jq -e .open'

# --- tokens ---------------------------------------------------------------------------------------
nets=$(full_or 40 20)
many_nets evil "$nets" hub || error "no networks"
once=$(fogctl token create --uses 1 --ttl 1h --json | jq -r '.token') || error "no token"
join_at_once() {
	# shellcheck disable=SC2046
	peer evil join "$hub" --token "$once" --count 100 $(net_sources "$nets") |
		tee "$tmp/joined" && jq -e '.grant == 1' "$tmp/joined"
}
check "S-16 of 100 that come with a token of one use at once, one joins" join_at_once
sed 's/^/# /' "$tmp/joined"

# Whoever has the certificate of the CA, as everybody has, and not its key.
secret_of() { # token
	cut -d- -f3 <<< "$1"
}
mkdir -p "$tmp/F"
token=$(fogctl token create --json --address "[$(fog_address evil)]:7017" | jq -r '.token')
(umask 077 && echo "$token" > "$tmp/F/token")
peer evil leaf "$tmp/fake" --issuer "$tmp/evil" --role controller --append "$tmp/ca/ca.pem" > "$tmp/id"
peer_start fake evil serve "$tmp/fake"
wait_until 5 grep -q ready "$tmp/fake.log" || error "no false controller"
agent_configure F <<< "join: {token-file: $tmp/F/token}"
# The true one is silent as long as this takes.
kill -STOP "$pid_controller"
agent_start a F
tried() {
	[ "$(grep -c '"connect"' "$tmp/fake.log")" -ge 2 ]
}
check "S-16 the agent tries the address in its token" wait_until 20 tried
hears_nothing() {
	! grep -q '"heard"' "$tmp/fake.log" && ! grep -qi "$(secret_of "$token")" "$tmp"/*.log
}
check "S-16 a false controller with the real CA behind its certificate hears nothing" hears_nothing
kill -CONT "$pid_controller"
check "S-16 the token is as good as new for the true controller" wait_until 30 alive F

# --- what is kept ---------------------------------------------------------------------------------
kept() { # secret: in no form in the state of the controller
	"$python" - "$tmp/controller/state" "$1" <<-'P'
	import pathlib, sys
	digits = "0123456789abcdefghjkmnpqrstvwxyz"
	number = 0
	for c in sys.argv[2]:
	    number = number << 5 | digits.index(c)
	secret = (number >> 2).to_bytes(16, "big")
	forms = [sys.argv[2].encode(), secret, secret.hex().encode(), secret.hex().upper().encode()]
	files = [p for p in pathlib.Path(sys.argv[1]).rglob("*") if p.is_file()]
	found = [p for p in files if any(f in p.read_bytes() for f in forms)]
	print(len(files), "files", found)
	sys.exit(bool(found) or not files)
	P
}
check "S-16 S-29 no secret of a token is in the files of the controller" \
	eval 'kept "$(secret_of "$once")" && kept "$(secret_of "$token")"'

# --- without a token ------------------------------------------------------------------------------
pin=$(cut -d- -f4 <<< "$once")
agent_configure W <<< "join: {ca-pin: $pin}"
fog_plug w
agent_start w W
pending() {
	fogctl node pending --json | jq -e 'any(.[]; .name == "W")'
}
approve() {
	local id
	wait_until 15 pending || return 1
	id=$(fogctl node pending --json | jq -r '.[] | select(.name == "W") | .id')
	! fogctl node approve "${id:0:7}" && ! fogctl node approve 00000000 &&
		! fogctl node approve "" && ! alive W &&
		fogctl node approve "${id:0:8}" && wait_until 40 alive W
}
check "S-17 an operator has to type 8 digits of the id, and of one that waits" approve

# The list of those who wait is full after this.
crowd=$(full_or 10000 400)
rss() { # pid: KiB
	awk '/^VmRSS/ { print $2 }' "/proc/$1/status"
}
before=$(rss "$pid_controller")
# shellcheck disable=SC2046
peer evil join "$hub" --count "$crowd" --wait 0.05 $(net_sources "$nets") > "$tmp/crowd"
bounded() {
	local waiting grown=$(($(rss "$pid_controller") - before))
	waiting=$(fogctl node pending --json | jq length)
	echo "$crowd came, $waiting wait, the controller grew by $grown KiB" | tee "$tmp/bounded"
	[ "$waiting" -gt 0 ] && [ "$waiting" -le 256 ] || return 1
	grep -q __asan_init "$build/fogwatch-controller" || [ "$grown" -le 5120 ]
}
check "S-02 of $crowd false nodes at most 256 wait, in at most 5 MiB" bounded
sed 's/^/# /' "$tmp/bounded"
