#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# What we make, openssl(1) reads and verifies, and the other way round (S-05, S-02).
cli=${top_builddir:-.}/tests/oracle/crypto_cli
if ! command -v openssl > /dev/null; then
	echo "1..0 # SKIP openssl is not installed"
	exit 0
fi
cli=$(realpath "$cli")
dir=$(mktemp -d) || exit 99
trap 'rm -rf "$dir"' EXIT
cd "$dir" || exit 99
umask 077

n=0 failed=0
holds() { # what command…
	n=$((n + 1))
	local what=$1 said
	shift
	if said=$("$@" 2>&1); then
		echo "ok $n - $what"
	else
		failed=1
		echo "not ok $n - $what"
		sed 's/^/# /' <<< "$said"
	fi
}
same() { # what one other
	holds "$1" test "$2" = "$3"
	[ "$2" = "$3" ] || sed 's/^/# /' <<< "${2:-nothing} instead of ${3:-nothing}"
}
says() { # words command…
	local words=$1
	shift
	"$@" 2>&1 | tr -s ' \n' ' ' | grep -qF -- "$words"
}
public_hash() { # key file
	openssl pkey -in "$1" -pubout -outform DER | sha256sum | cut -d' ' -f1
}
# Raw r and s, as COSE has them, to the DER of X9.62.
to_der() { # hex out
	printf 'asn1=SEQUENCE:sig\n[sig]\nr=INTEGER:0x%s\ns=INTEGER:0x%s\n' \
		"${1:0:64}" "${1:64:64}" > conf
	openssl asn1parse -genconf conf -noout -out "$2"
}
to_raw() { # der file
	openssl asn1parse -inform DER -in "$1" | sed -n 's/.*INTEGER *:0*//p' |
		while read -r half; do printf '%64s' "$half"; done | tr ' A-F' '0a-f'
}

echo "what is said" > text
for kind in p256 ed25519; do
	"$cli" key $kind $kind.key
	holds "openssl reads a $kind key of ours" openssl pkey -in $kind.key -check -noout
	same "the fingerprint of a $kind key is that of its public key" \
		"$("$cli" fingerprint $kind.key)" "$(public_hash $kind.key)"
done

# --- certificates of ours ---------------------------------------------------------------------
"$cli" key p256 ca.key
"$cli" key p256 node.key
"$cli" issue ca.key ca.pem
"$cli" issue ca.key ca.pem node.key node.pem
holds "a CA of ours is one that signs leaves alone" \
	says "X509v3 Basic Constraints: critical CA:TRUE, pathlen:0" openssl x509 -in ca.pem -text -noout
holds "a CA of ours signs certificates and lists alone" \
	says "X509v3 Key Usage: critical Certificate Sign, CRL Sign" openssl x509 -in ca.pem -text -noout
holds "a leaf of ours is no CA" \
	says "X509v3 Basic Constraints: critical CA:FALSE" openssl x509 -in node.pem -text -noout
holds "a leaf of ours signs" \
	says "X509v3 Key Usage: critical Digital Signature" openssl x509 -in node.pem -text -noout
holds "a leaf of ours is for both sides of TLS" \
	says "TLS Web Client Authentication, TLS Web Server Authentication" \
	openssl x509 -in node.pem -text -noout
same "a leaf of ours has one name, a URI" \
	"$(openssl x509 -in node.pem -noout -ext subjectAltName | tail -n +2 | tr -d ' ')" \
	"URI:urn:fogwatch:plant-7:agent:00112233445566778899aabbccddeeff"
same "a leaf of ours names its holder" \
	"$(openssl x509 -in node.pem -noout -subject)" "subject=CN = node 1"
same "openssl and we see the same serial" \
	"serial=$("$cli" facts node.pem | sed -n 's/serial=//p' | tr a-f A-F)" \
	"$(openssl x509 -in node.pem -noout -serial)"
same "openssl and we see the same end of life" "$("$cli" facts node.pem | sed -n 's/until=//p')" \
	"$(date -d "$(openssl x509 -in node.pem -noout -enddate | cut -d= -f2)" +%s)"
for side in sslclient sslserver; do
	holds "openssl verifies a leaf of ours strictly as $side" openssl verify -x509_strict \
		-purpose $side -verify_depth 0 -auth_level 2 -CAfile ca.pem node.pem
done
"$cli" key p256 other.key
"$cli" issue other.key other.pem
holds "openssl refuses a leaf of ours under another CA" \
	says "unable to get local issuer certificate" openssl verify -CAfile other.pem node.pem
"$cli" issue node.key node.pem other.key forged.pem
cat ca.pem node.pem > chain.pem
holds "openssl calls a leaf that signs an invalid CA (S-05)" \
	says "invalid CA certificate" openssl verify -x509_strict -CAfile chain.pem forged.pem
same "so do we (S-05)" "$("$cli" verify-cert forged.pem node.pem ca.pem)" "invalid CA certificate"

# --- requests and signatures of ours ----------------------------------------------------------
for kind in p256 ed25519; do
	"$cli" request $kind.key $kind.csr
	holds "openssl verifies a request of ours with a $kind key" \
		says "self-signature verify OK" openssl req -inform DER -in $kind.csr -verify -noout
	openssl pkey -in $kind.key -pubout -out $kind.pub
done
to_der "$("$cli" sign p256.key text)" sig.der
holds "openssl verifies an ES256 signature of ours" \
	openssl dgst -sha256 -verify p256.pub -signature sig.der text
printf "$("$cli" sign ed25519.key text | sed 's/../\\x&/g')" > sig.raw
holds "openssl verifies an Ed25519 signature of ours" \
	openssl pkeyutl -verify -pubin -inkey ed25519.pub -rawin -in text -sigfile sig.raw

# --- the other way round ----------------------------------------------------------------------
openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out theirs.key 2> /dev/null
openssl ecparam -name prime256v1 -genkey -noout -out traditional.key
openssl genpkey -algorithm ed25519 -out theirs_ed.key
for key in theirs traditional theirs_ed; do
	same "we read openssl's key ($key)" "$("$cli" fingerprint $key.key)" "$(public_hash $key.key)"
done
openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-384 -out p384.key 2> /dev/null
openssl genrsa -out rsa.key 2048 2> /dev/null
openssl ecparam -name prime256v1 -genkey -noout -param_enc explicit -out explicit.key
for key in p384 rsa explicit; do
	holds "we take no $key key" says "Bad message" "$cli" fingerprint $key.key
done
openssl req -new -key theirs.key -subj "/CN=node 2" -outform DER -out theirs.csr
same "we read openssl's request" "$("$cli" read-request theirs.csr)" "$(public_hash theirs.key)"
openssl dgst -sha256 -sign theirs.key -out theirs.sig text
openssl req -x509 -new -key theirs_ed.key -subj "/CN=their CA" -days 30 -out their_ca.pem \
	-addext basicConstraints=critical,CA:TRUE -addext keyUsage=critical,keyCertSign
issue_theirs() { # out extensions…
	local out=$1
	shift
	printf '%s\n' "$@" authorityKeyIdentifier=keyid subjectKeyIdentifier=hash > ext
	openssl x509 -req -in theirs.csr -inform DER -CA their_ca.pem -CAkey theirs_ed.key -days 7 \
		-extfile ext -out "$out" 2> /dev/null
}
leaf=(basicConstraints=critical,CA:FALSE keyUsage=critical,digitalSignature)
both=extendedKeyUsage=clientAuth,serverAuth
issue_theirs theirs.pem "${leaf[@]}" $both subjectAltName=URI:urn:x
same "we verify openssl's ES256 signature" \
	"$("$cli" verify theirs.pem text "$(to_raw theirs.sig)")" good
same "we believe a leaf that openssl has issued" "$("$cli" verify-cert theirs.pem their_ca.pem)" good
same "we refuse it under another CA (S-02)" "$("$cli" verify-cert theirs.pem ca.pem)" \
	"unable to get local issuer certificate"
same "we read its name" "$("$cli" facts theirs.pem | grep uri)" "uri=urn:x"
issue_theirs two.pem "${leaf[@]}" $both subjectAltName=URI:urn:x,URI:urn:y
same "of two names none counts" "$("$cli" facts two.pem | grep uri)" "uri="
issue_theirs dns.pem "${leaf[@]}" $both subjectAltName=DNS:urn.x
same "a name of another kind does not count" "$("$cli" facts dns.pem | grep uri)" "uri="
for use in clientAuth serverAuth codeSigning; do
	issue_theirs use.pem "${leaf[@]}" extendedKeyUsage=$use subjectAltName=URI:urn:x
	same "a leaf for $use alone is refused" "$("$cli" verify-cert use.pem their_ca.pem)" \
		"unsuitable certificate purpose"
done
issue_theirs agreement.pem basicConstraints=critical,CA:FALSE keyUsage=critical,keyAgreement $both
same "a leaf that may not sign is refused" "$("$cli" verify-cert agreement.pem their_ca.pem)" \
	"unsuitable certificate purpose"

# --- derivation -------------------------------------------------------------------------------
key=000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f
salt=f474526a2e74accee189f1fbc1c34ceb
same "HKDF is openssl's" "$("$cli" hkdf $key $salt fogwatch-mc1 44)" \
	"$(openssl kdf -keylen 44 -kdfopt digest:SHA256 -kdfopt hexkey:$key -kdfopt hexsalt:$salt \
		-kdfopt info:fogwatch-mc1 HKDF | tr -d ':\n' | tr A-F a-f)"
same "PBKDF2 is openssl's" "$("$cli" pbkdf2 Kowhai-2026 $salt 5000)" \
	"$(openssl kdf -keylen 32 -kdfopt digest:SHA256 -kdfopt pass:Kowhai-2026 \
		-kdfopt hexsalt:$salt -kdfopt iter:5000 PBKDF2 | tr -d ':\n' | tr A-F a-f)"
same "CBC is openssl's" "$("$cli" cbc $key $salt text)" \
	"$(openssl enc -aes-256-cbc -K $key -iv $salt -in text | od -An -v -tx1 | tr -d ' \n')"
echo "1..$n"
exit $failed
