#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# What "make install" leaves on a machine: samples that hurt nobody, units with a sandbox. TAP.
dir=$(mktemp -d) || exit 99
trap 'rm -rf "$dir"' EXIT
n=0 failed=0
result() { # status what
	n=$((n + 1))
	if [ "$1" = 0 ]; then
		echo "ok $n - $2"
	else
		failed=1
		echo "not ok $n - $2"
		sed 's/^/# /' "$dir/out"
	fi
}
check() { # what command…
	local what=$1
	shift
	"$@" > "$dir/out" 2>&1
	result $? "$what"
}
skip() { # what reason
	n=$((n + 1))
	echo "ok $n - $1 # SKIP $2"
}

make_quietly() { # target
	env -u MAKEFLAGS -u MFLAGS -u MAKELEVEL make -s -C "$top_builddir" "$1" DESTDIR="$dir/root"
}
conf=$dir/root$(sed -n 's/^sysconfdir = //p' "$top_builddir/Makefile" |
	sed "s|\${prefix}|$(sed -n 's/^prefix = //p' "$top_builddir/Makefile")|")/fogwatch

check "it can be installed" make_quietly install
check "the samples are the configuration where there was none" \
	cmp "$top_srcdir/examples/agent.yaml" "$conf/agent.yaml"
cp "$conf/agent.yaml" "$dir/mine" && echo "domain: mine" >> "$dir/mine"
cp "$dir/mine" "$conf/agent.yaml"
check "it can be installed again" make_quietly install
check "a configuration that is there stays as it is" cmp "$dir/mine" "$conf/agent.yaml"

refuses() { # daemon status words: with the sample as it is
	local status=0
	"$top_builddir/fogwatch-$1" -c "$top_srcdir/examples/$1.yaml" > "$dir/said" 2>&1 || status=$?
	cat "$dir/said"
	[ $status = "$2" ] && grep -q "$3" "$dir/said"
}
for daemon in agent controller; do
	if [ -x "$top_builddir/fogwatch-$daemon" ]; then
		check "the sample of the $daemon is a good configuration" \
			"$top_builddir/fogwatch-$daemon" -n -c "$top_srcdir/examples/$daemon.yaml"
		check "S-34 with the sample alone the $daemon does not speak in the clear" \
			refuses $daemon 2 plain_grasp
		sed 's/^#\([a-z]\|  \)/\1/' "$top_srcdir/examples/$daemon.yaml" |
			sed '/argv:/s|/usr/local/lib/mover|/bin/true|' > "$dir/all.yaml"
		check "all that the sample of the $daemon suggests is understood" \
			"$top_builddir/fogwatch-$daemon" -n -c "$dir/all.yaml"
	fi
done

check "it can be uninstalled" make_quietly uninstall
remains() {
	local left
	left=$(find "$dir/root" ! -type d)
	echo "$left"
	[ "$left" = "$conf/agent.yaml" ]
}
check "only the configuration that was changed remains" remains

exposed() { # daemon: above 1.5 of 10?
	systemd-analyze security --offline=true --no-pager --threshold=15 \
		"$top_builddir/packaging/fogwatch-$1.service"
}
for daemon in agent controller; do
	what="S-33 the unit of the $daemon is exposed by less than 1.5"
	if systemd-analyze security --help 2>/dev/null | grep -q offline; then
		check "$what" exposed $daemon
	else
		skip "$what" "there is no systemd-analyze that judges offline"
	fi
done
users() {
	mkdir -p "$dir/users/etc" &&
		systemd-sysusers --root="$dir/users" "$top_builddir/packaging/fogwatch.conf" &&
		cut -d: -f1 "$dir/users/etc/passwd" > "$dir/names" && cat "$dir/names" &&
		for unit in "$top_builddir"/packaging/*.service; do
			grep -qx "$(sed -n 's/^User=//p' "$unit")" "$dir/names" || return 1
		done
}
if command -v systemd-sysusers > /dev/null && [ "$(id -u)" = 0 ]; then
	check "the users that the units name are made" users
else
	skip "the users that the units name are made" "it takes root and systemd-sysusers"
fi
echo "1..$n"
exit $failed
