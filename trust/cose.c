/* SPDX-License-Identifier: Apache-2.0 */
#include "trust/cose.h"

#include <errno.h>
#include <string.h>

#include "base/crypto_aead.h"

/* Labels: IANA's registry of COSE header parameters, and of CWT claims. */
enum {
	LABEL_ALG = 1,
	LABEL_KID = 4,
	LABEL_PARTIAL_IV = 6,
	LABEL_KID_CONTEXT = 10,
	LABEL_CWT_CLAIMS = 15,
	LABEL_X5CHAIN = 33,
};
#define CLAIM_IAT   6
#define KID_MAX	    32
#define CONTEXT_MAX 8

/* --- the protected header --------------------------------------------------------------------- */

/* Big-endian without leading zeros. */
static void
write_counter(uint64_t counter, struct buf *out)
{
	uint8_t bytes[8];
	unsigned len = 0;

	for (int shift = 56; shift >= 0; shift -= 8)
		if (len > 0 || counter >> shift)
			bytes[len++] = (uint8_t)(counter >> shift);
	wr_bytes(out, bytes, len);
}

static uint64_t
read_counter(struct cbor_reader *r)
{
	struct slice bytes = rd_bytes(r);
	uint64_t counter = 0;

	if (bytes.len < 1 || bytes.len > 8 || bytes.data[0] == 0) {
		rd_fail(r, -EBADMSG);
		return 0;
	}
	for (size_t i = 0; i < bytes.len; i++)
		counter = counter << 8 | bytes.data[i];
	return counter;
}

void
cose_protected_write(const struct cose_header *h, struct buf *out)
{
	wr_map(out, 2u + (h->counter > 0) + (h->context.len > 0) + (h->iat_s > 0));
	wr_uint(out, LABEL_ALG);
	wr_int(out, h->alg);
	wr_uint(out, LABEL_KID);
	wr_bytes(out, h->kid.data, h->kid.len);
	if (h->counter > 0) {
		wr_uint(out, LABEL_PARTIAL_IV);
		write_counter(h->counter, out);
	}
	if (h->context.len > 0) {
		wr_uint(out, LABEL_KID_CONTEXT);
		wr_bytes(out, h->context.data, h->context.len);
	}
	if (h->iat_s > 0) {
		wr_uint(out, LABEL_CWT_CLAIMS);
		wr_map(out, 1);
		wr_uint(out, CLAIM_IAT);
		wr_int(out, h->iat_s);
	}
}

static int64_t
read_claims(struct cbor_reader *r)
{
	int64_t iat = 0;

	rd_enter_map(r);
	if (rd_uint(r) == CLAIM_IAT)
		iat = (int64_t)rd_uint_max(r, INT64_MAX);
	if (rd_more(r) || iat == 0)
		rd_fail(r, -EBADMSG);
	rd_leave(r);
	return iat;
}

static struct slice
read_short(struct cbor_reader *r, size_t max)
{
	struct slice bytes = rd_bytes(r);

	if (bytes.len < 1 || bytes.len > max)
		rd_fail(r, -EBADMSG);
	return bytes;
}

static void
read_label(struct cbor_reader *r, int64_t label, struct cose_header *ret)
{
	switch (label) {
	case LABEL_ALG:
		ret->alg = (enum cose_alg)rd_int(r);
		return;
	case LABEL_KID:
		ret->kid = read_short(r, KID_MAX);
		return;
	case LABEL_PARTIAL_IV:
		ret->counter = read_counter(r);
		return;
	case LABEL_KID_CONTEXT:
		ret->context = read_short(r, CONTEXT_MAX);
		return;
	case LABEL_CWT_CLAIMS:
		ret->iat_s = read_claims(r);
		return;
	default: /* what is not understood may change the meaning of the rest */
		rd_fail(r, -EBADMSG);
	}
}

/* Written again it is the same bytes, or there was another way to write them. */
static bool
is_canonical(const struct cose_header *h, struct slice bytes)
{
	uint8_t memory[COSE_PROTECTED_MAX];
	struct buf again;

	buf_init_fixed(&again, memory, sizeof memory);
	cose_protected_write(h, &again);
	return again.err == 0 && slice_equal(buf_slice(&again), bytes);
}

static int
read_protected(struct slice bytes, struct cose_header *ret)
{
	struct cbor_reader r;

	*ret = (struct cose_header){ 0 };
	if (bytes.len > COSE_PROTECTED_MAX)
		return -EBADMSG;
	rd_init(&r, bytes, 0);
	rd_enter_map(&r);
	for (int64_t key = -1; rd_next_key(&r, &key);)
		read_label(&r, key, ret);
	rd_leave(&r);
	if (rd_done(&r) < 0 || ret->kid.len == 0 || !is_canonical(ret, bytes))
		return -EBADMSG;
	return 0;
}

/* --- both structures -------------------------------------------------------------------------- */

static size_t
string_len(size_t len)
{
	return len + (len < 24 ? 1 : len < 256 ? 2 : len < 65536 ? 3 : 5);
}

/* Up to the protected header of the array behind the tag. */
static struct slice
read_begin(struct cbor_reader *r, struct slice in, uint8_t tag)
{
	struct slice rest = { in.data + 1, in.len - 1 };

	rd_init(r, rest, 0);
	if (in.data[0] != tag)
		rd_fail(r, -EBADMSG);
	rd_enter_array(r);
	return rd_bytes(r);
}

static int
read_end(struct cbor_reader *r)
{
	if (rd_more(r))
		rd_fail(r, -EBADMSG);
	rd_leave(r);
	return rd_done(r) < 0 ? -EBADMSG : 0;
}

/* --- COSE_Sign1 ------------------------------------------------------------------------------- */

static struct slice
read_certificate(struct cbor_reader *r)
{
	struct slice certificate = { 0 };

	rd_enter_map(r);
	for (int64_t key = -1; rd_next_key(r, &key);)
		if (key == LABEL_X5CHAIN)
			certificate = rd_bytes(r);
		else
			rd_fail(r, -EBADMSG);
	rd_leave(r);
	return certificate;
}

static size_t
sign1_len(const struct cose_sign1 *s)
{
	return 2 + string_len(s->protected.len) + 1 +
	    (s->certificate.len ? 2 + string_len(s->certificate.len) : 0) +
	    (s->payload.data ? string_len(s->payload.len) : 1) +
	    string_len(s->signature.len);
}

int
cose_sign1_read(struct slice in, struct cose_sign1 *ret)
{
	struct cbor_reader r;
	int err;

	if (in.len < 2)
		return -EBADMSG;
	*ret = (struct cose_sign1){ 0 };
	ret->protected = read_begin(&r, in, COSE_SIGN1);
	ret->certificate = read_certificate(&r);
	if (rd_peek(&r) == RD_NULL)
		rd_null(&r);
	else
		ret->payload = rd_bytes(&r);
	ret->signature = rd_bytes(&r);
	err = read_end(&r);
	if (err < 0 || ret->signature.len != KEY_SIGNATURE_LEN ||
	    sign1_len(ret) != in.len)
		return -EBADMSG;
	err = read_protected(ret->protected, &ret->header);
	if (ret->header.alg != COSE_EDDSA && ret->header.alg != COSE_ES256)
		return -EBADMSG;
	return err;
}

void
cose_sign1_structure(
    struct slice protected, struct slice aad, struct slice payload, struct buf *out)
{
	wr_array(out, 4);
	wr_text(out, "Signature1");
	wr_bytes(out, protected.data, protected.len);
	wr_bytes(out, aad.data, aad.len);
	wr_bytes(out, payload.data, payload.len);
}

void
cose_sign1_put(const struct cose_sign1 *s, struct buf *out)
{
	buf_put_u8(out, COSE_SIGN1);
	wr_array(out, 4);
	wr_bytes(out, s->protected.data, s->protected.len);
	wr_map(out, s->certificate.len > 0);
	if (s->certificate.len > 0) {
		wr_uint(out, LABEL_X5CHAIN);
		wr_bytes(out, s->certificate.data, s->certificate.len);
	}
	if (s->payload.data)
		wr_bytes(out, s->payload.data, s->payload.len);
	else
		wr_null(out);
	wr_bytes(out, s->signature.data, s->signature.len);
}

static enum cose_alg
alg_of(const struct key *k)
{
	return key_kind(k) == KEY_P256 ? COSE_ES256 : COSE_EDDSA;
}

/* What is signed, on the stack if it is a datagram's. */
struct work {
	uint8_t memory[2048];
	struct buf buf;
};

static void
begin_structure(
    struct work *w, struct slice protected, struct slice aad, struct slice payload)
{
	size_t len = 64 + protected.len + aad.len + payload.len;

	if (len <= sizeof w->memory)
		buf_init_fixed(&w->buf, w->memory, sizeof w->memory);
	else
		buf_init(&w->buf, len);
	cose_sign1_structure(protected, aad, payload, &w->buf);
}

static void
end_structure(struct work *w)
{
	if (w->buf.grows)
		buf_done(&w->buf);
}

int
cose_sign1_verify(const struct cose_sign1 *s, const struct key *k, struct slice aad,
    struct slice payload)
{
	UNSET struct work w;
	int r;

	if (s->header.alg != alg_of(k))
		return -EBADMSG;
	begin_structure(&w, s->protected, aad, payload);
	r = w.buf.err;
	if (r == 0)
		r = key_verify(k, buf_slice(&w.buf), s->signature);
	end_structure(&w);
	return r;
}

int
cose_sign1_write(const struct cose_sign1 *s, const struct key *k, struct slice aad,
    struct slice payload, struct buf *out)
{
	uint8_t protected[COSE_PROTECTED_MAX], signature[KEY_SIGNATURE_LEN];
	struct cose_sign1 whole = *s;
	struct buf header;
	UNSET struct work w;
	int r;

	whole.header.alg = alg_of(k);
	buf_init_fixed(&header, protected, sizeof protected);
	cose_protected_write(&whole.header, &header);
	if (header.err)
		return header.err;
	whole.protected = buf_slice(&header);
	begin_structure(&w, whole.protected, aad, payload);
	r = w.buf.err;
	if (r == 0)
		r = key_sign(k, buf_slice(&w.buf), signature);
	end_structure(&w);
	if (r < 0)
		return r;
	whole.signature = (struct slice){ signature, sizeof signature };
	cose_sign1_put(&whole, out);
	return out->err;
}

/* --- COSE_Encrypt0 ---------------------------------------------------------------------------- */

int
cose_encrypt0_read(struct slice in, struct cose_encrypt0 *ret)
{
	struct cbor_reader r;
	size_t len;

	if (in.len < 2)
		return -EBADMSG;
	*ret = (struct cose_encrypt0){ 0 };
	ret->protected = read_begin(&r, in, COSE_ENCRYPT0);
	rd_enter_map(&r);
	if (rd_more(&r))
		rd_fail(&r, -EBADMSG);
	rd_leave(&r);
	ret->ciphertext = rd_bytes(&r);
	len = 3 + string_len(ret->protected.len) + string_len(ret->ciphertext.len);
	if (read_end(&r) < 0 || len != in.len || ret->ciphertext.len < AEAD_TAG_LEN ||
	    read_protected(ret->protected, &ret->header) < 0)
		return -EBADMSG;
	return ret->header.alg == COSE_A256GCM ? 0 : -EBADMSG;
}

void
cose_encrypt0_structure(struct slice protected, struct slice aad, struct buf *out)
{
	wr_array(out, 3);
	wr_text(out, "Encrypt0");
	wr_bytes(out, protected.data, protected.len);
	wr_bytes(out, aad.data, aad.len);
}

void
cose_encrypt0_put(const struct cose_encrypt0 *e, struct buf *out)
{
	buf_put_u8(out, COSE_ENCRYPT0);
	wr_array(out, 3);
	wr_bytes(out, e->protected.data, e->protected.len);
	wr_map(out, 0);
	wr_bytes(out, e->ciphertext.data, e->ciphertext.len);
}
