/* SPDX-License-Identifier: Apache-2.0
 *
 * QUADS (draft-carpenter-anima-quads-grasp) as graspy has it: AES-256-CBC with a key and a constant
 * initialization vector from a password. For labs with graspy in them and nothing else: it has no
 * integrity and no protection against replay, and who listens can try passwords. */
#pragma once
#include "base/buf.h"
#include <sys/types.h>

#define QUADS_BLOCK	   16
#define QUADS_PASSWORD_MAX 256 /* with its NUL */

struct quads {
	uint8_t key[32], iv[QUADS_BLOCK];
};
/* The first line of the file. -EPERM: others than its owner may read it. Wipe dst. */
int quads_password_load(const char *path, char dst[QUADS_PASSWORD_MAX]) MUST_CHECK;
int quads_init(struct quads *q, const char *password) MUST_CHECK; /* takes some 20 ms */
/* Puts the ciphertext of one message: a datagram, or one send() of a stream. */
int quads_seal(const struct quads *q, struct slice plain, struct buf *out) MUST_CHECK;
/* Puts what is in a datagram. -EBADMSG: not of this password. */
int quads_open(const struct quads *q, struct slice cipher, struct buf *out) MUST_CHECK;
/* Puts what the first message of a stream says, of at most max bytes, and returns how long it is in the
 * stream, which has no other marks: the end of the CBOR item tells. 0: more bytes are needed, nothing
 * was put; -EBADMSG; -EMSGSIZE. */
ssize_t quads_take(
    const struct quads *q, struct slice stream, size_t max, struct buf *out) MUST_CHECK;
