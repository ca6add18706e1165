#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# A controller that dies again and again under its agents: they are back soon, once each, and as the
# members that they were (S-15, R-13). S_FULL=1 has more of them.
# shellcheck source=tests/netns/lib.sh
. "${top_srcdir:-.}/tests/netns/lib.sh"
[ "${FOGWATCH_TESTS-}" != quick ] || skip_all "FOGWATCH_TESTS=quick"
# shellcheck source=tests/netns/fog.sh
. "$top/tests/netns/fog.sh"
agents=${S_FULL:+60}
agents=${agents:-16} flaps=5 patience=10
names=()
for ((i = 1; i <= agents; i++)); do names+=("n$i"); done
begin ss $((flaps + 5)) jq

fog_net hub "${names[@]}"
controller_start hub
for name in "${names[@]}"; do agent_start "$name" "$name"; done
all_alive() {
	fogctl nodes --json | jq -e --argjson n "$agents" '[.[] | select(.state == "alive")] | length == $n'
}
check "all nodes are members" wait_until 60 all_alive
certificates() {
	sha256sum "$tmp"/n*/state/domains/lab/certificate.pem
}
before=$(certificates)

# Registered with this very process, whatever the registry still says of the time before.
all_back() {
	fogctl counters --json | jq -e --argjson n "$agents" '.registrations >= $n' && all_alive
}
for ((flap = 1; flap <= flaps; flap++)); do
	destroy controller
	controller_start hub
	started=$(date +%s%3N)
	check "S-15 all are back $patience s after it has died, time $flap" wait_until "$patience" all_back
	echo "# after $(($(date +%s%3N) - started)) ms"
done
once() { # a second registration on the way is one that was not answered before the next death
	fogctl counters --json | jq -e --argjson n "$agents" '.registrations <= $n * 5 / 4'
}
check "S-15 each has registered once, and not in waves" once
check "S-15 nobody had to join again" eval '[ "$(certificates)" = "$before" ] &&
	[ "$(fogctl counters --json | jq .tls_joining)" = 0 ]'

# Twice before anybody can be back.
for _ in 1 2; do
	destroy controller
	start controller hub "$build/fogwatch-controller" -c "$tmp/controller/controller.yaml"
	wait_until 10 fogctl status
done
check "S-15 nor when it dies before they are back" wait_until "$patience" all_back
check "S-15 no node is lost" eval 'fogctl events --last 1000 --json | jq -e "all(.[]; .kind != \"node.lost\")"'
