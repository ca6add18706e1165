#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# libgrasp as others see it: installed somewhere, found by pkg-config, compiled against, run. TAP.

. "${top_srcdir:-.}/tests/netns/lib.sh"
planned=30
if [ "$(id -u)" = 0 ]; then
	begin library $planned pkg-config
else
	need pkg-config
	tmp=$(mktemp -d) || error "no temporary directory"
	trap lib_end EXIT
	lib_planned=$planned
	echo "1..$planned"
fi

made_with() { # variable of the Makefile
	sed -n "s/^$1 = //p" "$build/Makefile"
}
prefix_dir=$(made_with prefix)
libdir=$(made_with libdir | sed "s|\${exec_prefix}|$prefix_dir|")
includedir=$(made_with includedir | sed "s|\${prefix}|$prefix_dir|")
root=$tmp/root headers=$root$includedir/libgrasp
map=$top/grasp/libgrasp.map
read -ra cc <<< "$(made_with CC)"
read -ra cxx <<< "$(made_with CC | sed 's/clang/clang++/; s/gcc/g++/')"
read -ra san <<< "$(made_with FW_CFLAGS | grep -oE -- ' (-fsanitize=[a-z,-]+|--coverage)' | tr -d '\n')"
strict=(-std=c11 -Wall -Wextra -Wpedantic -Werror)

shared=$(test -e "$build/libgrasp.la" && echo yes)
static=$(test -e "$build/libgrasp.a" && echo yes)
with() { # yes-or-not reason what command…
	if [ -n "$1" ]; then check "${@:3}"; else skip "$3" "$2"; fi
}
with_shared() { with "$shared" "built with --disable-shared" "$@"; }
with_static() { with "$static" "built with --disable-static" "$@"; }

check "libgrasp is installed with the rest" env -u MAKEFLAGS -u MFLAGS -u MAKELEVEL \
	make -s -C "$build" install DESTDIR="$root"

# --- pkg-config -------------------------------------------------------------------------------

export PKG_CONFIG_SYSROOT_DIR=$root PKG_CONFIG_PATH=$root$libdir/pkgconfig
flags() { # pkg-config-arguments…
	pkg-config "$@" libgrasp
}
has_version() {
	[ "$(flags --modversion)" = "$(made_with PACKAGE_VERSION)" ]
}
check "pkg-config tells the version" has_version
asks_for_little() {
	echo "$(flags --libs) and $(flags --libs --static)"
	! flags --libs | grep -E 'cbor|crypto|ssl|-lev' && flags --libs --static | grep cbor | grep crypto |
		grep -e '-lev'
}
check "a shared program links libgrasp alone, a static one what that needs" asks_for_little
read -ra cflags <<< "$(flags --cflags)"
read -ra libs <<< "$(flags --libs)"
read -ra static_libs <<< "$(flags --libs --static | sed 's/-lgrasp/-l:libgrasp.a/')"

# --- headers ----------------------------------------------------------------------------------

each_header_is_good() { # compiler language arguments…
	local h compiler=$1
	command -v "${compiler%% *}" > /dev/null || return 0
	for h in $(cd "$headers" && find . -name '*.h'); do
		echo "#include <${h#./}>" |
			$compiler -x "$2" "${@:3}" -Wall -Wextra -Wpedantic -Werror \
				-fsyntax-only -I"$headers" - || return 1
	done
}
check "nine headers are installed" eval '[ "$(find "$headers" -name "*.h" | wc -l)" = 9 ]'
for compiler in gcc clang; do
	check "each header compiles alone as C11 with $compiler" each_header_is_good $compiler c -std=c11
done
for compiler in g++ clang++; do
	check "each header compiles alone as C++17 with $compiler" \
		each_header_is_good $compiler c++ -std=c++17
done
own_base() {
	mkdir -p "$tmp/own/base" && echo '#error mine' | tee "$tmp/own/base/slice.h" > "$tmp/own/base/addr.h"
	echo '#include <grasp/grasp.h>' |
		"${cc[@]}" -x c -fsyntax-only -I"$tmp/own" "${cflags[@]}" -
}
check "a base/slice.h of the program's own is not taken for ours" own_base
only_public() {
	! grep -hoE '^#include "[^"]*"' -r "$headers" |
		grep -vE '"(base/(slice|addr)|grasp/(const|msg|io|grasp))\.h"'
}
check "the headers include nothing that is not installed" only_public

# --- symbols ----------------------------------------------------------------------------------

sed -n 's/^	\([a-z0-9_]*\);.*/\1/p' "$map" | sort > "$tmp/map"
same() { # file file
	diff "$1" "$2" && [ -s "$1" ]
}
# What the headers declare: all names before a parenthesis, outside of braces.
declared() {
	local h
	for h in api grasp io_ev msg scope; do
		echo "#include <grasp/$h.h>"
	done | gcc -E -P -I"$headers" - | tr '\n' ' ' | sed -E ':a; s/\{[^{}]*\}//g; ta; s/;/\n/g' |
		grep -v typedef | grep -oE '\bgrasp_[a-z0-9_]+ ?\(' | tr -d ' (' |
		grep -vxE 'grasp_(node|io_ev|api)_freep|grasp_io_now' | sort -u
}
declared > "$tmp/declared"
check "libgrasp.map lists what the headers declare" same "$tmp/declared" "$tmp/map"
exports_the_map() {
	nm -D --defined-only "$root$libdir/libgrasp.so" | awk '$2 != "A" { print $3 }' > "$tmp/versioned"
	sed 's/@.*//' "$tmp/versioned" | sort > "$tmp/exported"
	! grep -v '@@GRASP_0\.1$' "$tmp/versioned" && same "$tmp/exported" "$tmp/map"
}
with_shared "the shared library shows what libgrasp.map lists, with version GRASP_0.1" exports_the_map
static_shows_the_map() {
	nm -g --defined-only "$root$libdir/libgrasp.a" | awk 'NF == 3 { print $3 }' | sort > "$tmp/exported"
	same "$tmp/exported" "$tmp/map"
}
with_static "the static library shows what libgrasp.map lists" static_shows_the_map
dynamic() { readelf -dW "$root$libdir/libgrasp.so"; }
with_shared "its soname is libgrasp.so.0" eval 'dynamic | grep -q "soname: \[libgrasp.so.0\]"'
hardened() {
	dynamic
	dynamic | grep -q 'FLAGS.*NOW' && ! dynamic | grep TEXTREL &&
		readelf -lW "$root$libdir/libgrasp.so" | grep -q GNU_RELRO &&
		readelf -lW "$root$libdir/libgrasp.so" | grep GNU_STACK | grep -q 'RW '
}
hardening=$shared
grep -q '^FW_LDFLAGS.*-z,now' "$build/Makefile" || hardening=
with "$hardening" "built without hardening, or not shared" \
	"the shared library has read-only relocations and no executable stack" hardened
light() {
	dynamic | sed -n 's/.*NEEDED.*\[\(.*\)\.so.*/\1/p' | sort > "$tmp/needed"
	! grep -vxE 'lib(c|m|cbor|crypto|ev)' "$tmp/needed" && grep -qx libcbor "$tmp/needed"
}
with_shared "it needs libcbor, libcrypto, libev and nothing else" light

# What is written after the start is in .data and .bss; constants with addresses are in .data.rel.ro.
has_no_state() {
	size -A "$root$libdir/libgrasp.a" | tee "$tmp/sections"
	grep -q '^\.text' "$tmp/sections" && ! awk '$1 ~ /^\.(data|bss|tdata|tbss)(\.|$)/ &&
		$1 !~ /^\.data\.rel\.ro/ && $2 > 0' "$tmp/sections" | grep .
}
with "$([ ${#san[@]} = 0 ] && echo "$static")" \
	"instrumented, or built with --disable-static" "it has no writable global state" has_no_state

# --- the examples, against what is installed -------------------------------------------------

compile() { # example how
	local source=$top/examples/grasp/$1.c
	case $2 in
	shared) "${cc[@]}" "${strict[@]}" "${san[@]}" -o "$tmp/$1-$2" "$source" "${cflags[@]}" \
		"${libs[@]}" -lev ;;
	static) "${cc[@]}" "${strict[@]}" "${san[@]}" -o "$tmp/$1-$2" "$source" "${cflags[@]}" \
		"${static_libs[@]}" -lev ;;
	esac
}
export LD_LIBRARY_PATH=$root$libdir${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
loads_libgrasp() { # program
	readelf -dW "$1" | grep -q 'NEEDED.*libgrasp\.so\.0'
}
own_names() {
	cat > "$tmp/own.c" <<-'X'
	#include <grasp/grasp.h>
	int buf_init, wr_uint, node_log, link_send;
	int main(void) { return buf_init + wr_uint + node_log + link_send + !grasp_type_name(M_END); }
	X
	"${cc[@]}" "${san[@]}" -o "$tmp/own-names" "$tmp/own.c" "${cflags[@]}" "${static_libs[@]}" &&
		"$tmp/own-names"
}
with_static "a program with names like our inner ones links the static library" own_names
from_cplusplus() {
	cat > "$tmp/plus.cc" <<-'X'
	#include <cstring>
	#include <grasp/api.h>
	#include <grasp/io_ev.h>
	int main() {
		grasp_io *io = nullptr;
		grasp_io_ev_free(io);
		return std::strcmp(grasp_type_name(M_END), "M_END") + std::strcmp(grasp_code_name(GRASP_API_OK), "ok");
	}
	X
	"${cxx[@]}" "${san[@]}" -std=c++17 -Wall -Wextra -Wpedantic -Werror -o "$tmp/plus" "$tmp/plus.cc" "${cflags[@]}" \
		"${static_libs[@]}" && "$tmp/plus"
}
with_static "a program in C++ links it" from_cplusplus
two_nodes() { # how
	"$tmp/grasp-virtual-$1" > "$tmp/virtual" && cat "$tmp/virtual" &&
		grep -q '^ *[0-9]* ms: node 1 has got 6 bytes: hello$' "$tmp/virtual"
}
for how in shared static; do
	with_$how "the example with a loop of its own compiles, $how" compile grasp-virtual $how
	with_$how "two nodes in one process talk in virtual time, $how" two_nodes $how
	with_$how "the example on libev compiles, $how" compile grasp-example $how
done
with_shared "the shared program loads the library" loads_libgrasp "$tmp/grasp-example-shared"
with_static "the static program does not" eval '! loads_libgrasp "$tmp/grasp-example-static"'

# --- and run between two machines -------------------------------------------------------------

asks() { # how namespace
	in_ns "$2" "$tmp/grasp-example-$1" ask example.org:budget > "$tmp/asked" 2>&1
	cat "$tmp/asked" "$tmp/serve_$1.log"
	diff - "$tmp/asked" <<-'X' && grep -qx 'ended: accepted, 0 left' "$tmp/serve_$1.log"
	found: 1
	offered: 100
	left: 0
	synchronization: accepted
	X
}
asks_again() { # how namespace
	in_ns "$2" "$tmp/grasp-example-$1" ask example.org:budget > "$tmp/asked" 2>&1
	cat "$tmp/asked"
	grep -qx 'negotiation: declined nothing left' "$tmp/asked"
}
# Not inside of check, whose subshell would forget what is to be taken down at the end.
prepare() { # how
	ns_add "a$1" && ns_add "b$1" && veth "a$1" e0 "b$1" e0 &&
		in_ns "a$1" ip addr add fd9e:1::1/64 dev e0 nodad &&
		in_ns "b$1" ip addr add fd9e:1::2/64 dev e0 nodad &&
		wait_until 10 up "a$1" && wait_until 10 up "b$1" || return
	start "serve_$1" "a$1" "$tmp/grasp-example-$1" serve example.org:budget
	wait_until 10 grep -q serving "$tmp/serve_$1.log"
}
up() { # namespace: its link-local address is ready
	in_ns "$1" ip -6 addr show dev e0 scope link | grep inet6 | grep -qv tentative
}
for how in shared static; do
	what="the example discovers, negotiates and synchronizes between two machines, $how"
	if [ "$(id -u)" != 0 ]; then
		skip "$what" "it takes root"
	else
		[ ! -x "$tmp/grasp-example-$how" ] || prepare $how || echo "# cannot prepare the namespaces"
		with_$how "$what" asks $how b$how
	fi
done
if [ "$(id -u)" != 0 ] || [ -z "$shared" ]; then
	skip "what is spent is not given twice" "it takes root and a shared library"
else
	check "what is spent is not given twice" asks_again shared bshared
fi
