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

refuses() { # daemon status words: with what is insecure and not confessed
	local status=0
	printf '%s\n' "state-dir: $dir/never" 'insecure: {plain_grasp: yes}' > "$dir/plain.yaml"
	[ "$1" = agent ] && printf '%s\n' "node: {state-dir: $dir/never}" \
		'insecure: {plain_grasp: yes}' > "$dir/plain.yaml"
	timeout 20 "$top_builddir/fogwatch-$1" -c "$dir/plain.yaml" > "$dir/said" 2>&1 || status=$?
	cat "$dir/said"
	[ $status = "$2" ] && grep -q "$3" "$dir/said"
}
is_exposed() { # is there an interface besides the loopback?
	ip -o addr show up | grep -qvE '^[0-9]+: lo '
}
for daemon in agent controller; do
	if [ -x "$top_builddir/fogwatch-$daemon" ]; then
		check "the sample of the $daemon is a good configuration" \
			"$top_builddir/fogwatch-$daemon" -n -c "$top_srcdir/examples/$daemon.yaml"
		if is_exposed; then
			check "S-34 the $daemon does not speak in the clear unless that is confessed" \
				refuses $daemon 2 i_trust_this_network
		else
			skip "S-34 the $daemon does not speak in the clear unless that is confessed" \
				"there is no interface but the loopback"
		fi
		sed 's/^#\([a-z]\|  \)/\1/' "$top_srcdir/examples/$daemon.yaml" |
			sed '/argv:/s|/usr/local/lib/mover|/bin/true|' > "$dir/all.yaml"
		check "all that the sample of the $daemon suggests is understood" \
			"$top_builddir/fogwatch-$daemon" -n -c "$dir/all.yaml"
	fi
done

# S-33, security.md §9: what the compiler and the linker have made of the flags.
hardened=$(sed -n 's/^FW_CFLAGS = //p' "$top_builddir/Makefile")
program() { # name: the file itself, not libtool's script around it
	[ -x "$top_builddir/.libs/$1" ] && echo "$top_builddir/.libs/$1" || echo "$top_builddir/$1"
}
symbols() { # file pattern
	readelf --dyn-syms -W "$1" | tee "$dir/out2" | grep -qE "$2" || { cat "$dir/out2"; return 1; }
}
is_pie() { readelf -hW "$1" | grep -q 'Type: *DYN' && readelf -dW "$1" | grep -q 'Flags:.* PIE'; }
binds_now() { readelf -lW "$1" | grep -q GNU_RELRO && readelf -dW "$1" | grep -q 'Flags:.*NOW'; }
stack_is_data() { readelf -lW "$1" | grep GNU_STACK | grep -qv 'RWE'; }
# The C library's start files may lack the note, then the program has none: so our own objects.
has_cet() {
	local notes
	notes=$(readelf -nW "$top_builddir/base/libbase.a" 2> /dev/null)
	[ "$(grep -c 'IBT, SHSTK' <<< "$notes")" = "$(ar t "$top_builddir/base/libbase.a" | wc -l)" ]
}
for name in fogwatch-agent fogwatch-controller fogctl; do
	file=$(program $name)
	case " $hardened " in
	*" -fPIE "*) ;;
	*)
		skip "S-33 $name is hardened" "it was built with --disable-hardening"
		continue
		;;
	esac
	check "S-33 $name is position-independent" is_pie "$file"
	check "S-33 $name is relocated before it runs, and read-only then" binds_now "$file"
	check "S-33 the stack of $name is no code" stack_is_data "$file"
	case " $hardened " in
	*" -fsanitize="* | *" --coverage "*)
		skip "S-33 $name has canaries and checked copies" "it is instrumented"
		continue
		;;
	esac
	check "S-33 $name has canaries on its stack" symbols "$file" '__stack_chk_fail'
	case " $hardened " in
	*" -D_FORTIFY_SOURCE=3 "*)
		check "S-33 $name has checked copies" symbols "$file" '__(memcpy|v?snprintf|read)_chk'
		;;
	*) skip "S-33 $name has checked copies" "it is not optimised" ;;
	esac
done
case "$(uname -m) $hardened " in
"x86_64 "*" -fcf-protection "*) check "S-33 calls and returns are checked by the processor" has_cet ;;
*) skip "S-33 calls and returns are checked by the processor" "not by this one" ;;
esac

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
for daemon in agent controller exporter; do
	[ -f "$top_builddir/packaging/fogwatch-$daemon.service" ] || continue
	what="S-33 the unit of the $daemon is exposed by less than 1.5"
	if systemd-analyze security --help 2>/dev/null | grep -q offline; then
		check "$what" exposed $daemon
	else
		skip "$what" "there is no systemd-analyze that judges offline"
	fi
done
# Functions will have a runner, whose unit is the only one that may be exposed more (security.md §9); there
# is none yet.
for daemon in agent controller; do
	check "the unit of the $daemon lets it make its own sandbox" \
		grep -qx "SystemCallFilter=seccomp landlock_create_ruleset .*" \
		"$top_builddir/packaging/fogwatch-$daemon.service"
	check "S-28 the $daemon sees the groups of who asks it" \
		grep -qx "PrivateUsers=no" "$top_builddir/packaging/fogwatch-$daemon.service"
done
check "the CA has a directory of its own" \
	grep -qx "StateDirectory=.* fogwatch-ca" "$top_builddir/packaging/fogwatch-controller.service"
users() {
	mkdir -p "$dir/users/etc" &&
		systemd-sysusers --root="$dir/users" "$top_builddir/packaging/fogwatch.conf" &&
		cut -d: -f1 "$dir/users/etc/passwd" > "$dir/names" && cat "$dir/names" &&
		for group in fogwatch fogwatch-deployer fogwatch-admin; do
			grep -q "^$group:" "$dir/users/etc/group" || return 1
		done &&
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
