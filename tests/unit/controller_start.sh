#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# A controller starts as a controller of a domain or not at all, and takes over what was renewed.
# shellcheck source=tests/support/files.sh
. "${top_srcdir:-.}/tests/support/files.sh"
controller=$top_builddir/fogwatch-controller
pid=
finish() {
	[ -z "$pid" ] || kill "$pid" 2> /dev/null
	wait
	rm -rf "$dir"
}
trap finish EXIT
export FOGWATCH_SOCKET=$dir/run/control
port=$((20000 + $$ % 20000))
configure() { # more lines
	cat > "$dir/controller.yaml" <<-Y
	state-dir: $dir/state
	ca-dir: $dir/ca
	control-socket: $dir/run/control
	services-dir: $dir/services
	grasp: {port: $port, loopback: yes, interfaces: [lo]}
	$1
	Y
}
refuses() { # status, words of the sentence, command that runs it
	local status=$1 words=$2
	shift 2
	"$@" "$controller" -c "$dir/controller.yaml" > "$dir/log" 2>&1
	[ $? = "$status" ] && grep -q "$words" "$dir/log"
}
answers() {
	"$fogctl" status
}
start() {
	"$controller" -c "$dir/controller.yaml" > "$dir/log" 2>&1 &
	pid=$!
	for ((i = 0; i < 200; i++)); do
		answers && return
		kill -0 "$pid" || return 1
		read -rt 0.05 <> <(:)
	done
	return 1
}
stop() {
	kill "$pid"
	wait "$pid"
	local status=$?
	pid=
	return $status
}
init() { "$fogctl" domain init lab --state-dir "$dir/state" --ca-dir "$dir/ca"; }
shown() { # by the controller: serial number of its certificate
	openssl s_client -connect "[::1]:$port" -alpn x-fogwatch-join/1 < /dev/null 2> /dev/null |
		openssl x509 -noout -serial
}
shows() { # serial
	for ((i = 0; i < 200; i++)); do
		[ "$(shown)" = "$1" ] && return
		read -rt 0.05 <> <(:)
	done
	return 1
}
serial() { openssl x509 -in "$dir/state/domain/certificate.pem" -noout -serial; }

configure
ok "without a domain it does not start, and says what to run" \
	refuses 1 "fogctl domain init NAME --state-dir $dir/state --ca-dir $dir/ca" env
ok "a domain is begun" init
configure "domain: other"
ok "it is no controller of another domain (SEC-03)" refuses 1 'really "other"' env
configure
chmod 644 "$dir/ca/ca.key"
ok "a CA whose key others may read is not used (S-29)" refuses 1 "read by others" env
chmod 600 "$dir/ca/ca.key"
chmod 640 "$dir/state/domain/controller.key"
ok "nor is a key of its own that others may read (S-29)" refuses 1 "read by others" env
chmod 600 "$dir/state/domain/controller.key"
cp "$dir/ca/ca.pem" "$dir/keep"
echo junk > "$dir/ca/ca.pem"
ok "a damaged CA is told of" refuses 1 "damaged" env
mv "$dir/keep" "$dir/ca/ca.pem"
# AddressSanitizer does not start below faketime's library.
if faketime -f +0 true 2> /dev/null && ! grep -q __asan_init "$controller"; then
	ok "with a certificate that has expired it does not start, and says what to run (S-20)" \
		refuses 1 "fogctl domain renew" faketime -f +100d
	rm -f "$dir/state/time"
else
	skip "with a certificate that has expired it does not start (S-20)" \
		"no faketime(1), or a sanitizer that does not go with it"
fi

ok "with a domain it starts" start
ok "and shows its certificate to who comes" shows "$(serial)"
ok "a token is made" "$fogctl" token create
first=$(serial)
ok "its certificate is renewed beside it" "$fogctl" domain renew --state-dir "$dir/state" \
	--ca-dir "$dir/ca"
ok "and is another one" [ "$first" != "$(serial)" ]
kill -HUP "$pid"
ok "which it shows when it was told to read it" shows "$(serial)"
signer=$(pgrep -P "$pid" -x signer)
ok "a process of its own has the key of the CA" kill -0 "$signer"
ok "it stops" stop
ok "and that process with it" not kill -0 "$signer"

mv "$dir/ca" "$dir/elsewhere"
ok "without the CA it starts as well" start
ok "but nobody can join" not "$fogctl" token create
ok "and it says so" grep -q "nobody can join here" "$dir/log"
ok "it stops" stop
say_plan
