#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# A new CA takes the place of the old one: the files, looked at with openssl(1), without a controller.
# shellcheck source=tests/support/files.sh
. "${top_srcdir:-.}/tests/support/files.sh"
rotate() {
	"$fogctl" --socket "$dir/none" ca rotate --state-dir "$dir/state" --ca-dir "$dir/ca" \
		"$@" > "$dir/said"
}
certs() { grep -c BEGIN "$1"; }
first() { openssl x509 -in "$1"; } # of a file of several
second() { awk '/BEGIN/ { n++ } n == 2' "$1"; }
version() { tr -dc 0-9 < "$dir/state/domain/trust.version"; }
key_of() { openssl pkey -in "$1" -pubout; }
fits() { [ "$(key_of "$1")" = "$(first "$2" | openssl x509 -noout -pubkey)" ]; }
signed_by() { # certificate CA: the first of each file
	first "$2" > "$dir/one-ca" && openssl verify -x509_strict -CAfile "$dir/one-ca" "$1"
}
only_owner() { [ -z "$(find "$dir/state" "$dir/ca" -perm /077)" ]; }
left_over() { ls "$dir"/ca/*.new 2> /dev/null | grep -q .; }

own=$dir/state/domain
ok "there is a domain" "$fogctl" domain init lab --state-dir "$dir/state" --ca-dir "$dir/ca"
cp -a "$dir/ca" "$dir/ca-1"
cp -a "$own" "$dir/own-1"

ok "its CA is rotated (S-35)" rotate
ok "who did it is told what comes next" grep -q 'start fogwatch-controller' "$dir/said"
ok "the new CA stands before the old one" [ "$(certs "$dir/ca/ca.pem")" = 2 ]
ok "and is another one" [ "$(first "$dir/ca/ca.pem")" != "$(first "$dir/ca-1/ca.pem")" ]
ok "the old one is as it was" [ "$(second "$dir/ca/ca.pem")" = "$(first "$dir/ca-1/ca.pem")" ]
ok "the key is the new CA's" fits "$dir/ca/ca.key" "$dir/ca/ca.pem"
ok "its files are their owner's alone" only_owner
ok "nothing is left over" not left_over
ok "the controller trusts both" cmp "$own/trust.pem" "$dir/ca/ca.pem"
ok "by a version that has grown" [ "$(version)" = 2 ]
ok "it has a certificate of each" [ "$(certs "$own/certificate.pem")" = 2 ]
ok "the newer one of the new CA" signed_by "$own/certificate.pem" "$dir/ca/ca.pem"
second "$own/certificate.pem" > "$dir/older.pem"
ok "the older one of the old CA, for nodes that were away" \
	signed_by "$dir/older.pem" "$dir/ca-1/ca.pem"
ok "both for the same key" fits "$own/controller.key" "$own/certificate.pem"
ok "operators get certificates of the new CA" "$fogctl" ca issue --role viewer --name ana \
	--ca-dir "$dir/ca" --out "$dir/ana"
ok "and they are" signed_by "$dir/ana/certificate.pem" "$dir/ca/ca.pem"

ok "with --now the old ones are trusted no more" rotate --now
ok "the controller trusts one CA" [ "$(certs "$own/trust.pem")" = 1 ]
ok "which is the newest" cmp "$own/trust.pem" "$dir/ca/ca.pem"
ok "by a version for each step" [ "$(version)" = 4 ]
ok "and has a certificate of it" signed_by "$own/certificate.pem" "$dir/ca/ca.pem"

# A power cut, before and between the last two steps of a rotation.
cp -a "$dir/ca" "$dir/ca-3"
ok "a rotation" rotate
newest=$(first "$dir/ca/ca.pem")
cut() { # what has moved already
	mv "$dir/ca/ca.key" "$dir/ca/ca.key.new"
	mv "$dir/ca/ca.pem" "$dir/ca/ca.pem.new"
	cp "$dir/ca-3/ca.key" "$dir/ca-3/ca.pem" "$dir/ca/"
	[ "$1" != key ] || mv "$dir/ca/ca.key.new" "$dir/ca/ca.key"
}
cut nothing
ok "that was interrupted is gone on with" rotate
ok "it was not lost" [ "$(second "$dir/ca/ca.pem")" = "$newest" ]
ok "the key is the newest CA's" fits "$dir/ca/ca.key" "$dir/ca/ca.pem"
newest=$(first "$dir/ca/ca.pem")
cut key
ok "also between the two files" rotate
ok "it was not lost either" [ "$(second "$dir/ca/ca.pem")" = "$newest" ]
ok "no more than three CAs are trusted" [ "$(certs "$own/trust.pem")" = 3 ]
# One that had not come so far that the controller trusts it.
cp "$dir/ca-1/ca.key" "$dir/ca/ca.key.new"
cp "$dir/ca-1/ca.pem" "$dir/ca/ca.pem.new"
newest=$(first "$dir/ca/ca.pem")
ok "one that had hardly begun is begun anew" rotate
ok "after the CA that was in force" [ "$(second "$dir/ca/ca.pem")" = "$newest" ]
ok "nothing is left over" not left_over

before=$(cat "$dir/ca/ca.key" "$own"/*.pem)
mv "$own/controller.key" "$dir/away"
ok "without the controller's key nothing is rotated" not rotate
mv "$dir/away" "$own/controller.key"
exec 9< "$dir/ca"
flock 9
ok "nor while somebody else rotates" not rotate
exec 9<&-
ok "and nothing has changed" [ "$before" = "$(cat "$dir/ca/ca.key" "$own"/*.pem)" ]
"$fogctl" domain init other --state-dir "$dir/other" --ca-dir "$dir/other-ca" > /dev/null
ok "the CA of another domain is refused" not "$fogctl" ca rotate --state-dir "$dir/state" \
	--ca-dir "$dir/other-ca"
say_plan
