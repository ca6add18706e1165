#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# Plug-ins that others have built, loaded by a real controller, and hooks that misbehave beside them while
# real agents go on reporting (HOOK-01, HOOK-05, R-28).
. "${top_srcdir:-.}/tests/netns/lib.sh"
. "$top/tests/netns/fog.sh"
begin hk 19 jq cksum pkg-config

made_with() { # variable of the Makefile
	sed -n "s/^$1 = //p" "$build/Makefile"
}
prefix_dir=$(made_with prefix)
libdir=$(made_with libdir | sed "s|\${exec_prefix}|$prefix_dir|")
read -ra cc <<< "$(made_with CC)"
root=$tmp/root

# --- as others see it -------------------------------------------------------------------------
check "HOOK-01 header and pkg-config file are installed" env -u MAKEFLAGS -u MFLAGS -u MAKELEVEL \
	make -s -C "$build" install-fogwatchincludeHEADERS install-nodist_pkgconfigDATA DESTDIR="$root"
export PKG_CONFIG_SYSROOT_DIR=$root PKG_CONFIG_PATH=$root$libdir/pkgconfig
hooksdir=$root$(pkg-config --variable=hooksdir fogwatch-hook)
read -ra cflags <<< "$(pkg-config --cflags fogwatch-hook)"
strict=(-std=c11 -D_POSIX_C_SOURCE=200809L -Wall -Wextra -Wpedantic -Werror)
cp -r "$top/examples/hook" "$tmp/plugin" && chmod -R u+w "$tmp/plugin"
its_make() {
	env -u MAKEFLAGS -u MFLAGS -u MAKELEVEL make -s -C "$tmp/plugin" CC="${cc[*]}" \
		CFLAGS="${strict[*]}" DESTDIR="$root" "$@"
}
check "HOOK-01 the example builds out of the tree without a warning" its_make
check "HOOK-01 it installs where the controller looks" its_make install
check "HOOK-01 so does one that will break its promises" "${cc[@]}" "${strict[@]}" "${cflags[@]}" \
	-fPIC -shared -o "$hooksdir/rogue.so" "$top/tests/netns/rogue.c"
chmod 755 "$hooksdir"/*.so "$hooksdir"

# --- a fog with all of them ---------------------------------------------------------------------
program() { # name, lines on stdin
	{ echo '#!/bin/sh'; cat; } > "$tmp/$1" && chmod 755 "$tmp/$1"
}
program hangs <<-'E'
	[ -z "$FOG_RESUME" ] || { echo 'verdict failed_clean it was not there'; exit 0; }
	trap '' TERM
	echo phase accepted
	while :; do sleep 1; done
E
program dies <<-'E'
	[ -z "$FOG_RESUME" ] || exit 0
	kill -9 $$
E
program garbage <<-'E'
	[ -z "$FOG_RESUME" ] || exit 70
	head -c 300000 /dev/urandom
	printf 'phase\nphase switched_twice\nverdict maybe\nverdict\n'
	exit 200
E
fog_net hub a b
controller_configure <<-E
	plugin-dir: $hooksdir
	hooks:
	  courier: {type: courier, file: $tmp/controller/state/letters, events: [migrate]}
	  hangs: {type: exec, argv: [$tmp/hangs]}
	  dies: {type: exec, argv: [$tmp/dies]}
	  garbage: {type: exec, argv: [$tmp/garbage]}
	  twice: {type: rogue, wrong: twice}
	  late: {type: rogue, wrong: late}
	  stale: {type: rogue, wrong: stale}
	  blocks: {type: rogue, wrong: blocks}
E
all="courier hangs dies garbage twice late stale blocks"
for hook in $all; do
	cat > "$tmp/controller/services.d/$hook.yaml" <<-E
	service: $hook
	hook: $hook
	functions:
	  - name: F
	    host: A
	    candidates: [B]
	    requirements: [{expr: node_load1, below: 1000000, period: 1s, candidate-period: 1s}]
	    migration: {deadline: 1s}
	E
done
controller_start hub
agent_start a A
agent_start b B
wait_until 20 eval 'alive A && alive B' || error "no nodes"

migration() { # service jq-condition: of its newest migration
	fogctl migrations --json | jq -e --arg s "$1" "[.[] | select(.service == \$s)] | last | $2"
}
placed() { # service node state generation
	fogctl services --json | jq -e --arg s "$1" --arg n "$2" --arg t "$3" --argjson g "$4" \
		'any(.[]; .service == $s and .node == $n and .state == $t and .generation == $g)'
}
points() { # node
	fogctl node show "$1" --json | jq '.points_received'
}
more_points() { # node than
	[ "$(points "$1")" -gt "$2" ]
}

# --- the example ------------------------------------------------------------------------------------
loaded() {
	fogctl hooks --json | jq -e 'any(.[]; .hook == "courier" and .type == "courier" and
		.health == "good" and .circuit == "closed" and .events == ["migrate"])'
}
check "HOOK-01 the controller has loaded it, and fogctl hooks shows it" loaded
would_move() {
	fogctl migrate courier/F --dry-run --json > "$tmp/dry.json" &&
		jq -e '.[0] | .dry_run and .result == "done" and .to == "B" and
			.detail == "would do migrate of courier/F"' "$tmp/dry.json" &&
		placed courier A assigned 1 && [ ! -s "$tmp/controller/state/letters" ]
}
check "HOOK-01 a dry run says what it would do, and does nothing" would_move
moves() {
	fogctl migrate courier/F --json > "$tmp/move.json" &&
		jq -e '.[0] | .result == "done" and .from == "A" and .to == "B"' "$tmp/move.json" &&
		placed courier B assigned 2 && migration courier '.phase == "switched"' &&
		grep -q 'switched courier/F A -> B generation 2' "$tmp/controller/state/letters"
}
check "HOOK-01 it moves a function, answering from a thread of its own" moves
remembered() {
	fogctl hooks --json | jq -e 'any(.[]; .hook == "courier" and .last_event == "migrate" and
		.last_verdict == "done" and .last_detail == "by courier to B" and .last_time != null)'
}
check "what it said last is shown" remembered
refused() {
	! fogctl migrate courier/F --to NOBODY 2> "$tmp/refused" && grep -q 'no node NOBODY' "$tmp/refused" &&
		! fogctl migrate courier/F --to B 2> "$tmp/refused" && grep -q 'on B already' "$tmp/refused"
}
check "a move to nowhere, or to where it is, is refused with the reason" refused

# --- those that misbehave, all at once ----------------------------------------------------------
before_a=$(points A) before_b=$(points B)
for hook in hangs dies garbage twice late stale blocks; do
	fogctl migrate "$hook/F" > "$tmp/$hook.out" 2>&1 &
	asked+=($!)
done
still_open() {
	migration late '.state == "open" and .phase == "accepted"' && fogctl status > /dev/null
}
check "R-28 while one hangs and one is late, the controller answers, and says what is known" \
	wait_until 10 still_open
check "R-28 ... and points keep arriving" \
	wait_until 20 eval 'more_points A $((before_a + 5)) && more_points B $((before_b + 5))'
check "R-28 a program that dies is asked, and what it says counts" \
	wait_until 15 eval 'placed dies B assigned 2 && migration dies ".state == \"done\""'
check "R-28 garbage is not understood, and not believed" \
	wait_until 15 eval 'placed garbage A assigned 1 && migration garbage ".state == \"failed\""'
check "R-28 a program that ignores SIGTERM is killed, asked, and the source serves on" \
	wait_until 20 eval 'placed hangs A assigned 1 && migration hangs ".state == \"failed\""'
check "R-28 of two answers the first one counts" \
	wait_until 10 eval 'placed twice B assigned 2 && grep -q "a second verdict" "$tmp/controller.log"'
check "R-28 an answer to a call that is long over is ignored" \
	wait_until 10 eval 'placed stale B assigned 2 && grep -q "for a call that is over is ignored" "$tmp/controller.log"'
check "HOOK-05 one that blocks the loop is named" \
	wait_until 10 eval 'placed blocks B assigned 2 && grep -q "blocks: start held up the controller" "$tmp/controller.log"'
check "R-28 one that never answers is asked, and its late answer is ignored" \
	wait_until 30 eval 'placed late B assigned 2 && grep -q "comes too late and is ignored" "$tmp/controller.log"'
wait "${asked[@]}"
after_a=$(points A)
check "R-28 and points keep arriving after all of it" wait_until 20 more_points A $((after_a + 2))
