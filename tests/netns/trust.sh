#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# Whom a domain trusts, with daemons on TLS: the CA is rotated under nodes that work (S-35), a key is
# copied (S-18), a node is revoked (S-19), and the audit tells. TRUST_NODES=50 for as many as the
# requirement has.
# shellcheck source=tests/netns/lib.sh
. "${top_srcdir:-.}/tests/netns/lib.sh"
[ "${FOGWATCH_TESTS-}" != quick ] || skip_all "FOGWATCH_TESTS=quick"
# shellcheck source=tests/netns/fog.sh
. "$top/tests/netns/fog.sh"

nodes=${TRUST_NODES:-8}
begin trust 23 jq openssl
fog_address() { # namespace; another one for each, however many
	printf 'fd59::%x\n' "$fog_count"
}
spaces=(hub thief stranger)
for ((i = 1; i <= nodes; i++)); do
	spaces+=("n$i")
done
fog_net "${spaces[@]}"

state=$tmp/controller/state ca=$tmp/controller/ca
mkdir -p "$tmp/controller/services.d"
"$build/fogctl" domain init lab --state-dir "$state" --ca-dir "$ca" > "$tmp/init" ||
	error "no domain"
cat > "$tmp/controller/controller.yaml" <<-E
	state-dir: $state
	ca-dir: $ca
	control-socket: $tmp/controller/control
	services-dir: $tmp/controller/services.d
	domain: lab
	E
start controller hub "$build/fogwatch-controller" -c "$tmp/controller/controller.yaml"
wait_until 10 fogctl status || error "the controller does not answer"
token=$(fogctl token create --uses "$nodes" --json | jq -er '.. | .token? // empty') ||
	error "no token"

configure() { # name, directory of its state if it is not its own
	mkdir -p "$tmp/$1"
	cat > "$tmp/$1/agent.yaml" <<-E
	node: {name: $1, state-dir: ${2:-$tmp/$1/state}}
	control-socket: $tmp/$1/control
	domain: lab
	join: {token: $token}
	E
}
run() { # name
	start "$1" "$1" "$build/fogwatch-agent" -c "$tmp/$1/agent.yaml"
}
rotate() {
	fogctl ca rotate --state-dir "$state" --ca-dir "$ca" "$@" --json > "$tmp/rotated"
}
all_alive() { # how many
	fogctl nodes --json | jq -e --argjson n "$1" '[.[] | select(.state == "alive")] | length == $n'
}
is_gone() { # name
	! alive "$1"
}
ca_show() { # jq's condition on the newest
	fogctl ca show --json | jq -e ".[0] | $1"
}
node_show() { # node, jq's condition
	fogctl node show "$1" --json | jq -e "$2"
}
counter() { # name
	fogctl counters --json | jq -er ".. | .$1? // empty"
}
had() { # kind of event
	fogctl events --last 10000 --json | jq -e --arg k "$1" 'any(.[]; .kind == $k)'
}
audited() { # jq's condition on a row
	fogctl audit --last 1000 --json | jq -e "any(.[]; $1)"
}
issuer() { # name: of its certificate
	openssl x509 -in "$tmp/$1/state/domains/lab/certificate.pem" -noout \
		-ext authorityKeyIdentifier | tail -1
}
denies() { # name, id
	grep -q "$2" "$tmp/$1/state/domains/lab/denied"
}

for ((i = 1; i <= nodes; i++)); do
	configure "n$i"
	run "n$i"
done
check "$nodes nodes are members" wait_until 60 all_alive "$nodes"

# --- rotation
registrations=$(counter registrations)
old=$(issuer n1)
started=$(date +%s%3N)
check "the CA is rotated while they work (S-35)" rotate
check "all of them get a certificate of the new one" wait_until 30 \
	ca_show ".renewed == $nodes and .told == $nodes"
echo "# $nodes nodes after $(($(date +%s%3N) - started)) ms"
check "which their files show" [ "$(issuer n1)" != "$old" ]
check "nobody had to register or join anew" [ "$(counter registrations)" = "$registrations" ]
check "and no lease was lost" eval '! had node.suspect && ! had node.lost'

stop n2
wait_until 10 is_gone n2 || error "n2 is still there"
check "once more, while a node is off" rotate
check "the others renew" wait_until 30 ca_show ".renewed == $((nodes - 1))"
run n2
check "it comes back by itself" wait_until 20 alive n2
check "and renews" wait_until 20 ca_show ".renewed == $nodes"

# Certificates of the old CAs are void at once; who has renewed is back in a moment.
check "a CA whose key is known goes at once" rotate --now --wait 20
check "when all have renewed" jq -e ".renewed == $nodes and .old_trusted == false" "$tmp/rotated"
check "one CA is left" eval '[ "$(fogctl ca show --json | jq length)" = 1 ]'
check "and they are all back" wait_until 20 all_alive "$nodes"
check "without a lease lost" eval '! had node.lost'

# --- one key, two machines
cp -a "$tmp/n3/state" "$tmp/copied"
configure thief "$tmp/copied"
sed -i 's/name: thief/name: n3/' "$tmp/thief/agent.yaml"
run thief
check "a copied key is noticed (S-18)" wait_until 20 had identity.conflict
check "the first one stays" eval 'alive n3 && node_show n3 .quarantined'
stop thief
check "somebody releases it" eval 'fogctl node release n3 && node_show n3 ".quarantined | not"'

# --- revocation
id=$(fogctl node show n4 --json | jq -er .id) || error "n4 has no id"
started=$(date +%s%3N)
fogctl node revoke n4 --reason stolen > "$tmp/revoked" || error "n4 is not revoked"
check "the session of a revoked node is closed (S-19)" wait_until 1 \
	node_show "$id" '.connected | not'
echo "# after $(($(date +%s%3N) - started)) ms"
check "the other members know" wait_until 5 denies n5 "$id"
check "the audit tells who did it and why" audited ".command == \"node revoke\" and
	.object == \"$id\" and .result == \"done: stolen\" and .who == \"uid 0\""

# --- who is nobody
in_ns stranger openssl s_client -connect '[fd59::1]:7017' -tls1_3 -alpn x-fogwatch-grasp/1 \
	< /dev/null > "$tmp/stranger.out" 2>&1
check "a stranger's attempt is in the audit" wait_until 5 audited \
	'.command == "connect" and (.result | startswith("refused"))'
check "whose rows are as they were written" fogctl audit --verify
