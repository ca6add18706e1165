#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# Holds the arrows of the house and the fence around each library: who may include what. TAP.
cd "${top_srcdir:-$(dirname "$0")/..}" || exit 99

n=0 failed=0
result() { # what offenders
	n=$((n + 1))
	if [ -z "$2" ]; then
		echo "ok $n - $1"
	else
		failed=1
		echo "not ok $n - $1"
		sed 's/^/# /' <<< "$2"
	fi
}

# Lines of a folder's sources that include a project header outside the folders allowed.
arrows() { # folder allowed…
	local folder=$1 pattern
	shift
	pattern=$(IFS='|'; echo "$*")
	result "$folder includes only $*" "$(grep -rnE '^#include "' --include='*.[ch]' "$folder" |
		grep -vE "#include \"($pattern)/|#include \"config.h\"")"
}

# Files that include a library's header although they are not the ones that may.
fence() { # header-pattern file-pattern
	result "<$1> only in $2" "$(grep -rlE "^#include <$1>" --include='*.[ch]' base grasp protocol \
		trust metrics prediction functions orchestrator-hooks agent controller ctl plugins | grep -vE "^($2)$")"
}

arrows base base
arrows grasp base grasp
arrows protocol base protocol
arrows trust base grasp protocol trust
arrows metrics base metrics
arrows prediction base prediction
arrows functions base functions
arrows orchestrator-hooks base protocol orchestrator-hooks
arrows agent base grasp protocol trust metrics prediction functions agent
arrows controller base grasp protocol trust metrics prediction functions orchestrator-hooks controller
arrows ctl base grasp protocol trust metrics functions ctl
arrows plugins base plugins
fence 'cbor(/.*)?\.h' 'base/cbor.*\.c'
fence 'openssl/.*' 'base/(tls|crypto)[a-z_]*\.c'
fence 'seccomp\.h' 'base/sandbox_int\.h'
fence 'linux/landlock\.h' 'base/sandbox\.c'
fence 'yaml\.h' 'base/yaml\.c'
fence 'nats(/.*)?\.h' 'base/bus\.c'
fence 'sqlite3\.h' 'controller/store[a-z_]*\.[ch]'
fence 'microhttpd\.h' '(ctl/exporter_http|orchestrator-hooks/http_callback)\.c'
fence 'curl/.*' '(orchestrator-hooks/http_(client|url)|plugins/http_json)\.c'
fence 'jansson\.h' 'plugins/http_json\.c'
fence 'modbus(/.*)?\.h' 'plugins/modbus\.c'
fence 'coap3/.*' 'agent/lwm2m/.*'
fence 'ev\.h' '(base/(ctl_server|spawn)_int\.h|(base/(spawn|daemon|bus|ctl)[a-z_]*|grasp/(io|stream)_ev|ctl/asker|(agent|controller)/main|controller/(store_writer|hook_entries|signer)|orchestrator-hooks/http_(client|callback))\.c)'
result "grasp has no log of its own" "$(grep -rnE 'base/log\.h' --include='*.[ch]' grasp)"
result "cbor_load is called nowhere" "$(grep -rnw cbor_load --include='*.[ch]' base grasp protocol \
	trust metrics prediction functions orchestrator-hooks agent controller ctl plugins | grep -vE ':[0-9]+:[/ ]\*')"
result "no shell is called S-27" "$(grep -rnwE 'system|popen' --include='*.[ch]' base grasp protocol \
	trust metrics prediction functions orchestrator-hooks agent controller ctl plugins | grep -E '\b(system|popen) ?\(')"
result "no SQL is put together from text S-27" "$(grep -nE 'sqlite3_v?m?printf|printf *\(.*(SELECT|INSERT|UPDATE|DELETE) ' \
	controller/*.c)"
# The one call is store_db_exec()'s, for what is a constant of the program.
result "S-27 nothing is formatted into SQL" "$(
	grep -rnE '\bsqlite3_(exec|get_table|v?mprintf|v?snprintf)\b' --include='*.[ch]' controller |
		grep -v ':	int rc = sqlite3_exec(d->db, sql, NULL, NULL, NULL);$'
	grep -rnE 'store_db_exec\(|store_db_run\(' --include='*.c' controller |
		grep -E 'printf|buf_text|strcat')"
result "S-28 commands say their role, by CTL_COMMAND" "$(
	sed -n '/^const struct ctl_command/,/^};/p' agent/control.c controller/commands.c | grep -E '^\s*\{ *("|\.)')"
row() { # words of a row: does it compile?
	printf '#include "base/ctl.h"\nint f(void *, struct ctl_request *, struct slice);\n%s\n' \
		"const struct ctl_command row = CTL_COMMAND($1);" |
		${CC:-cc} -D_GNU_SOURCE -I . -fsyntax-only -x c - 2> /dev/null
}
result "S-28 a command without a role does not compile" "$(
	row '"a", VIEWER, f, "b"' || echo "with a role it does not, either"
	! row '"a", f, "b"' || echo "it does"
	! row '"a", , f, "b"' || echo "it does, with nothing in its place")"
result "headers include each other without a circle" "$(grep -oE '^#include "[^"]+"' --include='*.h' -r \
	base grasp protocol trust metrics prediction orchestrator-hooks agent controller ctl plugins |
	sed 's/:#include "/ /; s/"$//' | tsort 2>&1 > /dev/null)"
result "every source says its licence" "$(git ls-files '*.[ch]' '*.sh' '*.am' '*.inc' ':!build-aux' 2>/dev/null |
	xargs -r grep -L SPDX-License-Identifier)"
result "the agent is built without SQLite and NATS" "$(
	a=${top_builddir:-build}/fogwatch-agent
	[ ! -x "$a" ] || ldd "$a" | grep -E 'sqlite|nats')"
echo "1..$n"
exit $failed
