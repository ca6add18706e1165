#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# A function is moved by an orchestrator behind HTTPS, the receiver of examples/hook-http; then that
# hangs, and nothing else does. TAP.
. "${top_srcdir:-.}/tests/netns/lib.sh"
. "${top_srcdir:-.}/tests/netns/fog.sh"
[ -f "$build/orchestrator-hooks/http.so" ] || skip_all "built without the hook http"
need openssl jq python3
begin hh 9

marker=marker-$$-of-this-test
mkdir -m 755 "$tmp/hooks" "$tmp/nfvo" && cp "$build/orchestrator-hooks/http.so" "$tmp/hooks/" &&
	chmod 755 "$tmp/hooks/http.so" || error "no module"
cd "$tmp/nfvo" || error "no directory"
(
	umask 077
	echo "secret-$marker" > secret
	echo "token-one-$marker" > token
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=nfvo \
		-addext subjectAltName=IP:127.0.0.1 -keyout server.key -out server.pem 2> openssl.log
) || error "no certificate"
cat > mover <<'S'
#!/bin/sh
echo "phase target_starting"
echo "phase target_ready it answers"
echo "phase switched"
echo "verdict done moved to $FOG_TARGET"
S
chmod 755 mover
cd / || exit 99

voltage() { # node millivolts
	local battery=$tmp/$1/power_supply/BAT0
	mkdir -p "$battery" && echo Battery > "$battery/type" && echo "$2"000 > "$battery/new" &&
		mv "$battery/new" "$battery/voltage_now"
}
receiver_start() {
	start receiver hub python3 "$top/examples/hook-http/receiver.py" --listen 127.0.0.1:8443 \
		--cert "$tmp/nfvo/server.pem" --key "$tmp/nfvo/server.key" \
		--secret-file "$tmp/nfvo/secret" --token-file "$tmp/nfvo/token" "$tmp/nfvo/mover"
	wait_until 20 grep -q listening "$tmp/receiver.log" || error "the receiver does not start"
}

fog_net hub a b c
controller_configure <<Y
plugin-dir: $tmp/hooks
hooks:
  nfvo:
    type: http
    url: https://127.0.0.1:8443/events
    ca-file: $tmp/nfvo/server.pem
    secret-file: $tmp/nfvo/secret
    token-file: $tmp/nfvo/token
    poll: 100ms
    connect-timeout: 1s
    request-timeout: 3s
    callback: {listen: '127.0.0.1:8444'}
Y
cat > "$tmp/controller/services.d/s.yaml" <<'Y'
service: s
hook: nfvo
functions:
  - name: F
    host: A
    candidates: [A, B]
    requirements:
      - expr: node_power_supply_voltage_volts{power_supply="BAT0"}
        above: 3.2
        when-missing: ok
        period: 250ms
        hold: 500ms
    migration: {deadline: 8s, drain: 0s, cooldown: 1s, sustain: 0s}
Y
voltage A 3900
voltage B 3900
receiver_start
controller_start hub
agent_configure A <<< "roots: {power-supply: $tmp/A/power_supply}"
agent_configure B <<< "roots: {power-supply: $tmp/B/power_supply}"
agent_start a A
agent_start b B
wait_until 20 eval 'alive A && alive B' || error "the nodes do not register"

placed() { # node
	fogctl services --json | jq -e --arg n "$1" 'any(.[]; .function == "F" and .node == $n)'
}
moved() { # how often
	fogctl migrations --json | jq -e --argjson n "$1" '[.[] | select(.state == "done")] | length == $n'
}
check "F is on A" wait_until 10 placed A
voltage A 3000
check "its battery fails, and an orchestrator behind HTTPS moves it to B HOOK-07" \
	wait_until 40 placed B
check "the migration is done" wait_until 10 moved 1
phases() {
	fogctl events --json | jq -e '[.[] | select(.kind == "migration.phase").text] |
		index("target_ready: it answers") != null and index("switched") != null'
}
check "its phases have come by call-back" phases

# A token that is replaced while the controller cannot open what it has not been allowed to.
(umask 077 && echo "token-two-$marker" > "$tmp/nfvo/token.new") && mv "$tmp/nfvo/token.new" "$tmp/nfvo/token"
kill -STOP "$pid_receiver"
voltage A 3900
voltage B 3000
failing() {
	fogctl migrations --json |
		jq -e 'any(.[]; .state != "done" and (.detail // "" | test("timeout|timed out")))'
}
check "now it hangs, and the call fails" wait_until 40 failing
voltage A 3800
sees() { # volts
	fogctl query 'node_power_supply_voltage_volts{power_supply="BAT0"}' -n A --json | grep -q "$1"
}
check "nodes are measured and asked all the same R-28 HOOK-05" wait_until 5 sees 3.8
placed_still() { placed B && alive A && alive B; }
check "nothing was moved, and nobody lost" placed_still
kill -CONT "$pid_receiver"
check "it goes on, and F is moved with the token that is new" wait_until 60 placed A

leaks() {
	fogctl show config > "$tmp/shown.log" && fogctl events --json > "$tmp/events.log" &&
		fogctl migrations --json > "$tmp/migrations.log" &&
		! grep -rlF -- "$marker" "$tmp/controller" "$tmp"/*.log
}
check "S-29 secret and tokens are in no log, database or output" leaks
