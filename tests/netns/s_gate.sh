#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# The doors of both daemons: operators over the network (S-28), what diag says, the sandbox (S-33).
. "${top_srcdir:-.}/tests/netns/lib.sh"
. "$top/tests/netns/fog.sh"
begin gt 21 jq cksum

fog_net hub a laptop
controller_configure <<< 'remote-operators: yes'
controller_start hub
agent_start a A
wait_until 20 alive A || error "no fog"

issue() { # role directory
	"$build/fogctl" ca issue --role "$1" --name "$1" --out "$tmp/$1" --ca-dir "$tmp/ca"
}
for role in viewer deployer admin; do
	issue $role > "$tmp/issued" 2>&1 || error "no certificate: $(cat "$tmp/issued")"
done
remote() { # role words…
	local role=$1
	shift
	in_ns laptop "$build/fogctl" --controller "[$(fog_address hub)]:7017" --identity "$tmp/$role" "$@"
}
is_role() { # role
	remote "$1" whoami --json | jq -e --arg r "$1" '.role == $r and (.who | length) == 32'
}
refused() { # status words command…
	local status=0 wanted=$1 words=$2
	shift 2
	"$@" > "$tmp/refused" 2>&1 || status=$?
	cat "$tmp/refused"
	[ $status = "$wanted" ] && grep -q "$words" "$tmp/refused"
}
for role in viewer deployer admin; do
	check "S-28 a $role with a certificate is a $role over the network" is_role $role
done
check "an operator sees the nodes from elsewhere" eval \
	'remote viewer nodes --json | jq -e '\''.[0].name == "A"'\'
check "S-28 a viewer removes nothing over the network" refused 1 'needs the role deployer' \
	remote viewer remove shop
check "S-28 a deployer makes no tokens over the network" refused 1 'needs the role admin' \
	remote deployer token create
check "S-28 an admin does" remote admin token create
check "the audit knows who it was" eval 'fogctl audit --json |
	jq -e --arg id "$(remote admin whoami --json | jq -r .who)" \
		'\''any(.[]; .who == $id and .command == "token create")'\'

"$build/fogctl" domain init other --state-dir "$tmp/other" --ca-dir "$tmp/other_ca" > "$tmp/log" 2>&1 &&
	"$build/fogctl" ca issue --role admin --name eve --out "$tmp/eve" --ca-dir "$tmp/other_ca" \
		> "$tmp/log" 2>&1 || error "no other domain: $(cat "$tmp/log")"
check "S-02 an operator of another domain does not believe this controller" refused 1 \
	'no controller of the domain other' remote eve nodes
chmod 644 "$tmp/viewer/operator.key"
check "S-29 a key that others may read is not used" refused 1 'others may read it' remote viewer nodes
chmod 600 "$tmp/viewer/operator.key"
check "what is no identity: 1, and what to do" refused 1 'ca issue' remote nobody nodes

agentctl() {
	"$build/fogctl" --socket "$tmp/A/control" "$@"
}
all_well() { # fogctl of whom
	"$1" diag --json > "$tmp/diag.json"
	local status=$?
	cat "$tmp/diag.json"
	[ $status = 0 ] && jq -e 'length >= 8 and all(.[]; .result == "ok")' "$tmp/diag.json"
}
check "diag finds nothing wrong with the controller" wait_until 20 all_well fogctl
check "diag finds nothing wrong with the agent" wait_until 20 all_well agentctl
has_step() { # fogctl of whom, step, words
	"$1" diag --json | jq -e --arg s "$2" --arg w "$3" 'any(.[]; .step == $s and (.why | contains($w)))'
}
check "S-35 the controller cannot reach the CA's key" has_step fogctl ca "out of reach"
denied() { # fogctl of whom
	"$1" diag sandbox --json | jq -e 'length > 30 and all(.[]; .result == "ok")'
}
check "S-33 everything is denied to the controller" denied fogctl
check "S-33 everything is denied to the agent" denied agentctl
status_of() { # name field
	eval "sed -n 's/^$2:[[:space:]]*//p' /proc/\$pid_$1/status"
}
confined() { # name
	[ "$(status_of "$1" NoNewPrivs)" = 1 ] && [ "$(status_of "$1" Seccomp)" = 2 ]
}
check "S-33 the kernel says so of both" eval 'confined controller && confined agent_A'
check "S-29 nobody else looks into their memory" eval '! setpriv --reuid=65534 --regid=65534 \
	--clear-groups cat /proc/$pid_controller/environ'
argv_is_clean() {
	! tr '\0' '\n' < "/proc/$pid_controller/cmdline" | grep -qf "$tmp/token" &&
		! eval 'tr "\0" "\n" < "/proc/$pid_agent_A/cmdline"' | grep -qf "$tmp/token"
}
check "S-29 no token is in the arguments of a process" argv_is_clean

# A token that is not there yet when the sandbox closes.
fog_plug late
agent_configure L <<< "join: {token-file: $tmp/L_token}"
agent_start late L
wait_until 10 grep -q confined "$tmp/agent_L.log" || error "L does not start"
cp -p "$tmp/token" "$tmp/L_token"
eval 'kill -HUP $pid_agent_L'
check "a token that comes after the start is read at a reload" wait_until 20 alive L

eval "kill \$pid_controller" && eval "wait \$pid_controller"
fails() { # why a step of the agent's diag has failed
	local status=0
	agentctl diag --json > "$tmp/diag.json" 2> "$tmp/diag.err" || status=$?
	cat "$tmp/diag.json"
	[ $status = 1 ] && jq -e --arg s "$1" 'any(.[]; .step == $s and .result == "failed" and .advice)' \
		"$tmp/diag.json"
}
check "diag tells, without a controller, what is missing and what to do: 1" \
	wait_until 60 fails registration
