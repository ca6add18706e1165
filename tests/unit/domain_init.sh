#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# The files that a domain begins with, looked at with openssl(1).
# shellcheck source=tests/support/files.sh
. "${top_srcdir:-.}/tests/support/files.sh"
init() { "$fogctl" domain init "${1:-lab}" --state-dir "$dir/state" --ca-dir "$dir/ca"; }
shows() { # file option pattern
	openssl x509 -in "$1" -noout -text | grep -qE "$3" && openssl x509 -in "$1" -noout "$2"
}
verifies() { openssl verify -x509_strict -CAfile "$dir/ca/ca.pem" "$1"; }
same_key() { # key certificate
	[ "$(openssl pkey -in "$1" -pubout)" = "$(openssl x509 -in "$2" -noout -pubkey)" ]
}
same_ca() { # the newest of a file
	[ "$(openssl x509 -in "$1")" = "$(openssl x509 -in "$dir/ca/ca.pem")" ]
}
only_owner() { [ -z "$(find "$dir/state" "$dir/ca" "$@" -perm /077)" ]; }

own=$dir/state/domain
ok "a domain has a CA and a controller" init
ok "its files are their owner's alone" only_owner
ok "the CA signs nothing but leaves" shows "$dir/ca/ca.pem" -subject 'CA:TRUE, pathlen:0'
ok "the CA is named after the domain" shows "$dir/ca/ca.pem" -subject 'Subject: CN ?= ?lab'
ok "the controller says who it is in one URI (S-04)" shows "$own/certificate.pem" -subject \
	'URI:urn:fogwatch:lab:controller:[0-9a-f]{32}$'
ok "a controller's certificate is no CA's (S-05)" shows "$own/certificate.pem" -subject 'CA:FALSE'
ok "the CA has signed it" verifies "$own/certificate.pem"
ok "it is for the controller's key" same_key "$own/controller.key" "$own/certificate.pem"
ok "the controller trusts the CA" same_ca "$own/trust.pem"

before=$(cat "$dir/ca/ca.key" "$own/certificate.pem")
ok "a second domain in the same place is refused" not init other
ok "and has changed nothing" [ "$before" = "$(cat "$dir/ca/ca.key" "$own/certificate.pem")" ]
mv "$own" "$dir/elsewhere"
ok "a CA without a controller beside it is not overwritten" not init
mv "$dir/elsewhere" "$own"

issue() { "$fogctl" ca issue --ca-dir "$dir/ca" "$@"; }
ok "an operator gets key and certificate" issue --role admin --name ana --out "$dir/ana"
ok "the certificate says role and who made it" shows "$dir/ana/certificate.pem" -subject \
	"Subject: CN ?= ?ana \(by .+\)"
ok "and the CA has signed it" verifies "$dir/ana/certificate.pem"
ok "its key is its owner's alone" only_owner "$dir/ana"
ok "a certificate is not overwritten" not issue --role viewer --name ana --out "$dir/ana"
ok "nobody gets the role of a node" not issue --role agent --name n --out "$dir/n"
ok "a further controller has the key where it looks for it" issue --role controller \
	--name second --out "$dir/second"
ok "and a certificate for it" same_key "$dir/second/controller.key" "$dir/second/certificate.pem"
ok "without the CA nothing is issued" not "$fogctl" ca issue --ca-dir "$dir/none" \
	--role admin --name eve --out "$dir/eve"
ok "and nothing is left behind" [ ! -e "$dir/eve" ]

first=$(openssl x509 -in "$own/certificate.pem" -noout -serial)
ok "a controller's certificate is renewed" "$fogctl" domain renew --days 30 \
	--state-dir "$dir/state" --ca-dir "$dir/ca"
ok "by another one" [ "$first" != "$(openssl x509 -in "$own/certificate.pem" -noout -serial)" ]
ok "for the same key" same_key "$own/controller.key" "$own/certificate.pem"

if [ "$(id -u)" = 0 ]; then
	as_nobody() {
		# A process that has become somebody else cannot be looked into for leaks.
		(umask 077 && chmod 755 "$dir" && ASAN_OPTIONS=detect_leaks=0 \
			"$fogctl" domain init lab --user nobody \
			--state-dir "$dir/for/state" --ca-dir "$dir/for/ca")
	}
	owned() { [ -z "$(find "$dir/for/state" "$dir/for/ca" ! -user nobody)" ]; }
	ok "root makes a domain for another user" as_nobody
	ok "whose all of it is" owned
	ok "and who gets there" [ "$(stat -c %a "$dir/for")" = 755 ]
else
	n=$((n + 1))
	echo "ok $n - root makes a domain for another user # SKIP not root"
fi

for name in '' 'a b' 'a:b' "$(printf 'a%.0s' {1..65})"; do
	ok "\"${name:0:8}\" is no name of a domain (S-27)" not "$fogctl" domain init "$name" \
		--state-dir "$dir/x" --ca-dir "$dir/y"
done
ok "and makes nothing" [ ! -e "$dir/x" ]
say_plan
