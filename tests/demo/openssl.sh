#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# openssl(1) as a peer that is not ours, on either side of a channel: whom it lets in, and with which
# reason it refuses all others.
set -o pipefail
build=${top_builddir:-.}
echo=$build/tests/demo/echo
grasp=x-fogwatch-grasp/1
join=x-fogwatch-join/1
ctl=x-fogwatch-ctl/1

command -v openssl >/dev/null || { echo "1..0 # SKIP openssl(1) not found"; exit 0; }
tmp=$(mktemp -d) || exit 99
listener='' server=''
end() {
	# shellcheck disable=SC2046,SC2086 # one word each, or none
	kill $listener $server 2>/dev/null
	wait
	rm -rf "$tmp"
}
trap end EXIT

count=0 failed=0
report() { # status what
	count=$((count + 1))
	if [ "$1" = 0 ]; then echo "ok $count - $2"; else
		echo "not ok $count - $2"
		failed=1
		sed 's/^/# /' "$tmp"/*.log
	fi
}

wait_for() { # file pattern [how many lines]
	local i
	for ((i = 0; i < 250; i++)); do
		[ "$(grep -c -- "$2" "$1")" -ge "${3:-1}" ] && return 0
		read -r -t 0.02 <> <(:)
	done
	return 1
}

echo "1..24"
"$echo" paper "$tmp" || exit 99

# --- openssl s_client against our listener -----------------------------------------------------

# A port that nobody has: the kernel's choice of a moment ago may be taken by the time we use it.
# Others may run the same test on this machine.
base=$((20000 + $$ % 300 * 100))
for port in $base $((base + 17)) $((base + 34)) $((base + 51)); do
	"$echo" listen "$tmp" "$port" >"$tmp/listen.log" 2>&1 &
	listener=$!
	wait_for "$tmp/listen.log" ready && break
	wait "$listener"
	listener=''
done
[ -n "$listener" ] || exit 99

lines() { # pattern
	grep -c -- "$1" "$tmp/listen.log"
}

settled() { # refusals before
	local i
	for ((i = 0; i < 100; i++)); do
		grep -q '^ping$' "$tmp/client.log" && return
		[ "$(lines '^refused')" -gt "$1" ] && return
		read -r -t 0.02 <> <(:)
	done
}

# Says something, and is done when it is answered or refused.
client() { # arguments of s_client…
	local before
	before=$(lines '^refused')
	: >"$tmp/client.log"
	{ echo ping; settled "$before"; } |
		timeout 20 openssl s_client -connect "[::1]:$port" -quiet -no_ign_eof \
			-CAfile "$tmp/ca.pem" "$@" >"$tmp/client.log" 2>&1
}

as() { # name
	printf '%s\n' -cert "$tmp/$1.pem" -key "$tmp/$1.key"
}

enters() { # what line arguments…
	local before
	before=$(lines "$2")
	# shellcheck disable=SC2046 # words
	client "${@:3}"
	grep -q '^ping$' "$tmp/client.log" && wait_for "$tmp/listen.log" "$2" $((before + 1))
	report $? "$1"
}

stays_out() { # what reason arguments…
	local before in
	before=$(lines "refused $2:") in=$(lines '^accepted\|^operator')
	client "${@:3}"
	! grep -q '^ping$' "$tmp/client.log" &&
		wait_for "$tmp/listen.log" "refused $2:" $((before + 1)) &&
		[ "$(lines '^accepted\|^operator')" = "$in" ]
	report $? "$1"
}

mapfile -t agent < <(as agent)
mapfile -t deployer < <(as deployer)
mapfile -t selfmade < <(as selfmade)
mapfile -t foreign < <(as foreign)
mapfile -t expired < <(as expired)
mapfile -t controller < <(as controller)
mapfile -t forged < <(as forged)

enters "an agent of the domain is let in" '^accepted agent' -tls1_3 -alpn $grasp "${agent[@]}"
enters "an operator as well" '^operator deployer' -tls1_3 -alpn $ctl "${deployer[@]}"
enters "who has a key of its own making may join" '^accepted stranger' \
	-tls1_3 -alpn $join "${selfmade[@]}"
enters "who has none may, too" '^accepted stranger' -tls1_3 -alpn $join
enters "an expired member may renew" '^accepted lapsed' -tls1_3 -alpn $join "${expired[@]}"
stays_out "TLS 1.2 is not spoken (S-06)" broken -tls1_2 -alpn $grasp "${agent[@]}"
stays_out "a protocol must be named" broken -tls1_3 "${agent[@]}"
stays_out "and be one of ours" broken -tls1_3 -alpn h2 "${agent[@]}"
stays_out "without a certificate nobody enters (S-02)" untrusted -tls1_3 -alpn $grasp
stays_out "nor with one signed by oneself (S-02)" untrusted \
	-tls1_3 -alpn $grasp "${selfmade[@]}"
stays_out "nor with one of another CA (S-02)" untrusted -tls1_3 -alpn $grasp "${foreign[@]}"
stays_out "nor with an expired one (S-02)" expired -tls1_3 -alpn $grasp "${expired[@]}"
stays_out "a role that is not wanted stays out (S-04)" untrusted \
	-tls1_3 -alpn $grasp "${controller[@]}"
stays_out "an agent is no operator" untrusted -tls1_3 -alpn $ctl "${agent[@]}"
stays_out "a leaf is no CA (S-05)" untrusted -tls1_3 -alpn $grasp "${forged[@]}" \
	-cert_chain "$tmp/forged.pem"

before=$(lines 'refused plain')
{ printf '\x85\x05'; wait_for "$tmp/listen.log" 'refused plain' $((before + 1)); } \
	2>/dev/null >"/dev/tcp/::1/$port"
[ "$(lines 'refused plain')" -gt "$before" ]
report $? "plain GRASP is closed at its first byte (S-06)"

kill "$listener"
wait "$listener"
listener=''

# --- our opener against openssl s_server -------------------------------------------------------

serve() { # name arguments…
	local i
	for ((i = 0; i < 5; i++)); do
		port=$((port + 1))
		openssl s_server -accept "[::1]:$port" -cert "$tmp/$1.pem" -key "$tmp/$1.key" \
			-CAfile "$tmp/ca.pem" -Verify 1 -verify_return_error -naccept 1 \
			-rev "${@:2}" >"$tmp/server.log" 2>&1 </dev/null &
		server=$!
		wait_for "$tmp/server.log" ACCEPT && return 0
		kill "$server" 2>/dev/null
	done
	return 1
}

opens() { # what pattern arguments of serve…
	local status
	serve "${@:3}" && "$echo" open "$tmp" "[::1]:$port" >"$tmp/open.log" 2>&1
	grep -q -- "$2" "$tmp/open.log"
	status=$?
	kill "$server" 2>/dev/null
	wait "$server" 2>/dev/null
	server=''
	report $status "$1"
}

opens "a controller of the domain is believed" '^heard olleh' controller -tls1_3 -alpn $grasp
opens "an agent that plays controller is not (S-04)" '^closed Key was rejected' \
	agent -tls1_3 -alpn $grasp
opens "nor a controller of another CA (S-01)" '^closed Key was rejected' \
	foreign-controller -tls1_3 -alpn $grasp
opens "nor one whose certificate has expired" '^closed Key has expired' \
	lapsed-controller -tls1_3 -alpn $grasp
opens "nor one that an agent has signed (S-05)" '^closed Key was rejected' \
	forged-controller -tls1_3 -alpn $grasp
opens "TLS 1.2 is not spoken (S-06)" '^closed Protocol error' controller -tls1_2 -alpn $grasp
opens "who names no protocol is no peer" '^closed Protocol error' controller -tls1_3
opens "nor who speaks another one" '^closed Protocol error' controller -tls1_3 -alpn h2
exit $failed
