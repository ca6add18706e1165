#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# fogwatch-plugin-http-json against Python's web server, as it should be and otherwise. TAP.
. "$top_srcdir/tests/unit/plugins_lib.sh"
plugin=$top_builddir/fogwatch-plugin-http-json
[ -x "$plugin" ] || skip_all "built without libcurl or jansson"
command -v "$python" > /dev/null || skip_all "$python not found"
command -v openssl > /dev/null || skip_all "openssl not found"
unset http_proxy https_proxy HTTP_PROXY HTTPS_PROXY ALL_PROXY all_proxy

serve "$python" "$top_srcdir/tests/unit/http_server.py"
base=http://127.0.0.1:${said#port }
map() { # url, more lines on stdin
	{
		echo "url: '$1'"
		cat
		cat <<-'E'
		timeout: 1s
		labels: {site: lab}
		values:
		  - {name: temperature_celsius, pointer: /temperature}
		E
	} > "$tmp/map.yaml"
}
good='http_json,site=lab temperature_celsius=21.5
http_json,site=lab up=1i'
down='http_json,site=lab up=0i'

map "$base/good" <<< ''
cat >> "$tmp/map.yaml" <<'E'
  - {name: on, pointer: /on, labels: {part: "a b"}}
  - {name: deep, pointer: /a~1b/~0/1/c, scale: 0.5, offset: 1}
  - {name: first, pointer: /a~1b/~0/0}
  - {name: large, pointer: /large}
  - {name: nameless, pointer: /}
  - {name: text, pointer: /text}
  - {name: none, pointer: /nowhere/0}
  - {name: behind, pointer: /a~1b/~0/2}
  - {name: nothing, pointer: /null}
E
result "numbers and booleans are had by JSON pointers" answers \
	'http_json,site=lab deep=-999
http_json,site=lab first=1
http_json,site=lab large=9007199254740991
http_json,site=lab nameless=4
http_json,site=lab temperature_celsius=21.5
http_json,site=lab up=1i
http_json,site=lab,part=a\ b on=1' "$plugin" "$tmp/map.yaml"
result "a text is none, and told" complains '/text is neither a number nor true or false'
result "so is what is not there" complains 'there is no /nowhere/0'
result "and what is behind the end of an array" complains 'there is no /a~1b/~0/2'

fails() { # path, what it says
	map "$base$1" < /dev/null
	answers "$down" "$plugin" "$tmp/map.yaml" && complains "$2"
}
result "a server that fails is down" fails /error 'the server answers 500'
result "what is not there is told" fails /none 'the server answers 404'
result "what is no JSON is told with its place" fails /garbage 'line 1, column '
result "so is what was cut" fails /cut 'line 1, column '
result "a name that comes twice is refused" fails /twice 'duplicate object key'
result "what is too deep is refused" fails /deep 'maximum parsing depth reached'
result "a server that is slow is given its time, and no more" fails /slow 'timed out'
result "a redirection is not followed" fails /moved 'the server answers 302'
map "$base/moved" <<< 'redirects: 1'
result "unless that was allowed" answers "$good" "$plugin" "$tmp/map.yaml"
map "$base/round" <<< 'redirects: 3'
result "and not without end" answers "$down" "$plugin" "$tmp/map.yaml"
map "$base/to/file:///etc/passwd" <<< 'redirects: 3'
result "and to no other protocol" answers "$down" "$plugin" "$tmp/map.yaml"
map "$base/large" <<< 'max-bytes: 64KiB'
result "what is too large is not read" answers "$down" "$plugin" "$tmp/map.yaml"
result "and told" complains 'more than 65536 bytes'
map "http://127.0.0.1:1/" < /dev/null
result "nobody there" answers "$down" "$plugin" "$tmp/map.yaml"

printf '# a token\nX-Token: s3cret\n\nAccept: a/b\n' > "$tmp/headers"
map "$base/secret" <<< "headers-file: $tmp/headers"
result "headers come from a file" answers "$good" "$plugin" "$tmp/map.yaml"
not_shown() {
	! grep -r s3cret "$tmp/err" "$tmp/map.yaml"
}
result "and are shown nowhere S-29" not_shown
printf 'X-Token s3cret\n' > "$tmp/headers"
refused_header() {
	! ask "$plugin" "$tmp/map.yaml" | grep . && complains 'headers:1: is no header' && not_shown
}
result "what is no header is refused with its line" refused_header

# --- TLS --------------------------------------------------------------------------------------
certify() { # name subject
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj "/CN=$2" \
		-addext "subjectAltName=$2" -keyout "$tmp/$1.key" -out "$tmp/$1.crt" 2> "$tmp/openssl" ||
		{ echo "Bail out! openssl: $(cat "$tmp/openssl")"; exit 99; }
}
certify right IP:127.0.0.1
certify wrong DNS:elsewhere.example
serve "$python" "$top_srcdir/tests/unit/http_server.py" "$tmp/right.crt" "$tmp/right.key"
tls=https://127.0.0.1:${said#port }
map "$tls/good" <<< "ca-file: $tmp/right.crt"
result "a certificate of a CA that was given is good" answers "$good" "$plugin" "$tmp/map.yaml"
map "$tls/good" < /dev/null
result "one of nobody is not" answers "$down" "$plugin" "$tmp/map.yaml"
result "and told" complains certificate
printf 'redirects: 3\nca-file: %s\n' "$tmp/right.crt" | map "$tls/to/$base/good"
result "TLS is not left by a redirection" answers "$down" "$plugin" "$tmp/map.yaml"
serve "$python" "$top_srcdir/tests/unit/http_server.py" "$tmp/wrong.crt" "$tmp/wrong.key"
map "https://127.0.0.1:${said#port }/good" <<< "ca-file: $tmp/wrong.crt"
result "one of another name is not" answers "$down" "$plugin" "$tmp/map.yaml"

# --- map files --------------------------------------------------------------------------------
bad() { # text
	printf '%s\n' "$1" > "$tmp/bad.yaml"
}
bad $'url: ftp://x/\nvalues: [{name: a, pointer: /a}]'
result "only http and https are fetched" refuses 'needs a url of http:// or https://' "$plugin" "$tmp/bad.yaml"
bad $'url: http://x/\nvalues:\n  - {name: a, pointer: a}'
result "a pointer begins with /" refuses 'bad.yaml:3:5: needs a pointer' "$plugin" "$tmp/bad.yaml"
bad $'url: http://x/\nvalues:\n  - {name: a, pointer: /a~2}'
result "~ escapes 0 and 1" refuses 'bad.yaml:3:5: needs a pointer' "$plugin" "$tmp/bad.yaml"
bad $'url: http://x/\nvalues: []'
result "there has to be a value" refuses 'values must be a list' "$plugin" "$tmp/bad.yaml"
result "the example is good" "$plugin" -n "$top_srcdir/examples/plugins/http-json.yaml"
finish
