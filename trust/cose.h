/* SPDX-License-Identifier: Apache-2.0
 *
 * COSE (RFC 9052) as far as the project speaks it: COSE_Sign1 with ES256 or EdDSA, its payload inside or
 * detached, and COSE_Encrypt0 with A256GCM. Headers, all integrity-protected but for the last: alg 1,
 * kid 4, Partial IV 6, kid context 10, CWT claims 15 with issued-at alone (RFC 9597), x5chain 33 of one
 * certificate (RFC 9360).
 *
 * Reading is strict: one encoding for one meaning, no header that is not named here, nothing behind.
 * It allocates nothing; slices borrow from the input. What is authenticated are the bytes that came. */
#pragma once
#include "base/cbor.h"
#include "base/crypto_key.h"

#define COSE_KID_LEN	   8
#define COSE_PROTECTED_MAX 64	/* bytes of the protected header */
#define COSE_SIGN1	   0xd2 /* first byte: tag 18 */
#define COSE_ENCRYPT0	   0xd0 /* tag 16 */
/* What goes around the payload at most: without the certificate, which adds its length and 6. */
#define COSE_SIGN1_OVERHEAD    115
#define COSE_ENCRYPT0_OVERHEAD 80 /* the tag of the cipher included */

enum cose_alg { COSE_EDDSA = -8, COSE_ES256 = -7, COSE_A256GCM = 3 };

struct cose_header {
	enum cose_alg alg;
	struct slice kid;     /* 1..32 bytes */
	uint64_t counter;     /* Partial IV as a number; 0: none */
	struct slice context; /* kid context, up to 8 bytes; empty: none */
	int64_t iat_s;	      /* since 1970; 0: not said */
};

struct cose_sign1 {
	struct cose_header header;
	struct slice certificate; /* DER; empty: none */
	struct slice payload;	  /* data NULL: detached */
	struct slice protected, signature;
};
/* The tag as well. -EBADMSG. */
int cose_sign1_read(struct slice in, struct cose_sign1 *ret) MUST_CHECK;
/* payload: what is signed, whether detached or not; aad: one CBOR item that binds the signature to its
 * purpose. -EBADMSG: not with this key (which has to be of the kind that alg says) over this. */
int cose_sign1_verify(const struct cose_sign1 *s, const struct key *k, struct slice aad,
    struct slice payload) MUST_CHECK;
/* Signs; alg is the key's. Of s the header, the certificate and the payload, which data NULL detaches,
 * are written. Errors of out stick there. */
int cose_sign1_write(const struct cose_sign1 *s, const struct key *k, struct slice aad,
    struct slice payload, struct buf *out) MUST_CHECK;
/* The parts of that: protected header; what is signed; the whole of s with protected and signature. */
void cose_protected_write(const struct cose_header *h, struct buf *out);
void cose_sign1_structure(
    struct slice protected, struct slice aad, struct slice payload, struct buf *out);
void cose_sign1_put(const struct cose_sign1 *s, struct buf *out);

struct cose_encrypt0 {
	struct cose_header header;
	struct slice protected, ciphertext;
};
int cose_encrypt0_read(struct slice in, struct cose_encrypt0 *ret) MUST_CHECK;
/* The additional data of the cipher; aad as above. */
void cose_encrypt0_structure(struct slice protected, struct slice aad, struct buf *out);
/* The whole, of protected and ciphertext. */
void cose_encrypt0_put(const struct cose_encrypt0 *e, struct buf *out);
