// SPDX-License-Identifier: Apache-2.0
//
// A connection whose peer or way is hostile. The first byte says which end is looked at (1: the server's,
// 2: the client's) and how:
//
// - with 4, the rest is all that this end hears, in pieces of the size of the second byte (0: at once);
// - else it meets a peer of the domain. The rest are changes of what that one sends: offset (2 bytes)
//   and what is added to the byte there; offset ffff: bytes of that number are left out there. What is
//   heard then is what was said, or a beginning of it, or nothing.
//
// Nothing is open without verify()'s consent, and errors of OpenSSL do not stay behind. Randomness is
// counted from a seed for each end, so that a run can be repeated.
#define OPENSSL_SUPPRESS_DEPRECATED /* RAND_set_rand_method() */
#include "base/crypto.h"
#include "base/tls.h"
#include <assert.h>
#include <errno.h>
#include <openssl/err.h>
#include <openssl/rand.h>
#include <string.h>

#define ALPN  "x-fogwatch-grasp/1"
#define NOW   1795000000000LL
#define DAY   (24 * 3600000LL)
#define ROOM  (1 << 18)
#define SAID  "what one end says to the other one"
#define TURNS 6

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* --- randomness ----------------------------------------------------------------------- */
static uint64_t streams[3], *stream = &streams[2];

static int
next_bytes(unsigned char *dst, int len)
{
	for (int i = 0; i < len; i++) {
		uint64_t z = *stream += 0x9e3779b97f4a7c15u; /* splitmix64 */

		z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
		z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
		dst[i] = (unsigned char)(z >> 56);
	}
	return 1;
}

static int
is_ready(void)
{
	return 1;
}

static const RAND_METHOD counted = {
	.bytes = next_bytes, .pseudorand = next_bytes, .status = is_ready
};

/* --- two ends ------------------------------------------------------------------------- */
static struct key *ca_key, *keys[2];
static struct cert *ca, *certs[2];
static struct tls_context *context;

struct end {
	int who; /* 0: client */
	struct tls *tls;
	struct buf plain, out;
	bool believes;
	int err;
};

static bool
show_self(void *arg, const struct tls *t, const char *hint, struct tls_self *ret)
{
	const struct end *e = arg;

	assert(t == e->tls && strlen(hint) <= 255);
	*ret = (struct tls_self){ keys[e->who], &certs[e->who], 1 };
	return true;
}

static int
judge(void *arg, struct tls *t, struct cert *const chain[], size_t len, const char **why)
{
	struct end *e = arg;
	int err = len == 0 ? -ENOKEY : cert_verify(chain[0], &ca, 1, NOW, why);

	assert(t == e->tls && !e->believes && !strcmp(tls_alpn(t), ALPN));
	e->believes = err == 0;
	return err;
}

static void
prepare(void)
{
	static const struct tls_setup setup = { { ALPN }, show_self, judge };
	struct cert_spec root = { "CA", NULL, NOW - DAY, NOW + 3650 * DAY };
	struct cert_spec leaf = { "node",
		"urn:fogwatch:d:agent:00112233445566778899aabbccddeeff", NOW - DAY,
		NOW + 7 * DAY };
	int err = 0;

	if (context)
		return;
	RAND_set_rand_method(&counted);
	err |= key_new(KEY_P256, &ca_key);
	err |= cert_issue(ca_key, NULL, &root, ca_key, &ca);
	for (int i = 0; i < 2; i++) {
		err |= key_new(KEY_P256, &keys[i]);
		err |= cert_issue(ca_key, ca, &leaf, keys[i], &certs[i]);
	}
	err |= tls_context_new(&setup, &context);
	assert(!err);
}

static void
end_init(struct end *e, int who)
{
	int err;

	*e = (struct end){ .who = who };
	buf_init(&e->plain, ROOM);
	buf_init(&e->out, ROOM);
	stream = &streams[who];
	*stream = (uint64_t)who;
	err = who == 0 ? tls_new_client(context, ALPN, "0011223344556677", e, &e->tls)
		       : tls_new_server(context, e, &e->tls);
	assert(!err);
}

static void
end_done(struct end *e)
{
	tls_free(e->tls);
	buf_done(&e->plain);
	buf_done(&e->out);
}

static void
hear(struct end *e, struct slice wire)
{
	int err;

	stream = &streams[e->who];
	err = tls_take(e->tls, wire, &e->plain, &e->out);
	assert(err <= 0 && (e->err == 0 || err == e->err));
	e->err = err;
	assert(ERR_peek_error() == 0);
	assert(!tls_is_open(e->tls) || (e->believes && !strcmp(tls_alpn(e->tls), ALPN)));
	assert(!err || (!tls_is_open(e->tls) && tls_error(e->tls)[0] != '\0'));
	assert(e->plain.pos == 0 || e->believes);
}

/* --- a stranger ----------------------------------------------------------------------- */
static void
hear_in_pieces(struct end *e, struct slice wire, size_t piece)
{
	hear(e, (struct slice){ 0 });
	while (wire.len > 0 && !e->err) {
		size_t n = piece > 0 && piece < wire.len ? piece : wire.len;

		hear(e, (struct slice){ wire.data, n });
		wire = (struct slice){ wire.data + n, wire.len - n };
	}
	if (!e->err && tls_is_open(e->tls)) {
		(void)!tls_put(e->tls, slice_text(SAID), &e->out);
		tls_end(e->tls, &e->out);
	}
}

/* --- a hostile way -------------------------------------------------------------------- */
struct way {
	struct slice changes;
	size_t at; /* in the stream of bytes that are changed */
	struct buf wire;
};

/* The change for the byte at offset, of any there are the first one. */
static const uint8_t *
find_change(const struct way *w, size_t offset, unsigned mark)
{
	for (size_t i = 0; i + 3 <= w->changes.len; i += 3) {
		const uint8_t *c = w->changes.data + i;

		if ((size_t)(c[0] << 8 | c[1]) == (mark ? mark : offset) && c[2] != 0)
			return c;
	}
	return NULL;
}

static struct slice
change(struct way *w, struct slice s)
{
	const uint8_t *cut = find_change(w, 0, 0xffff);

	buf_reset(&w->wire);
	for (size_t i = 0; i < s.len; i++, w->at++) {
		const uint8_t *c = find_change(w, w->at, 0);

		if (cut && w->at % 256 == cut[2])
			continue;
		buf_put_u8(&w->wire, (uint8_t)(s.data[i] + (c ? c[2] : 0)));
	}
	return buf_slice(&w->wire);
}

static void
send_on(struct end *from, struct end *to, struct way *w)
{
	struct buf out = from->out;

	buf_init(&from->out, ROOM);
	if (!to->err && out.pos > 0)
		hear(to, w ? change(w, buf_slice(&out)) : buf_slice(&out));
	buf_done(&out);
}

static void
speak(struct end *e, bool *said)
{
	if (*said || e->err || !tls_is_open(e->tls))
		return;
	stream = &streams[e->who];
	assert(tls_put(e->tls, slice_text(SAID), &e->out) == 0);
	tls_end(e->tls, &e->out);
	*said = true;
}

static void
meet_on_the_way(struct end *peer, struct end *e, struct slice changes)
{
	struct way w = { .changes = changes };
	struct slice said = slice_text(SAID);
	bool spoken[2] = { false, false };

	buf_init(&w.wire, ROOM);
	hear(e, (struct slice){ 0 });
	hear(peer, (struct slice){ 0 });
	for (int turn = 0; turn < TURNS; turn++) {
		speak(peer, &spoken[0]);
		send_on(peer, e, &w);
		speak(e, &spoken[1]);
		send_on(e, peer, NULL);
	}
	assert(e->plain.pos <= said.len &&
	    !memcmp(said.data, e->plain.data ? e->plain.data : said.data, e->plain.pos));
	assert(changes.len >= 3 || (e->plain.pos == said.len && tls_is_ended(e->tls)));
	buf_done(&w.wire);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct end e, peer;
	int who;

	if (size < 2)
		return 0;
	prepare();
	who = data[0] & 1;
	end_init(&e, who);
	if (data[0] & 4) {
		hear_in_pieces(&e, (struct slice){ data + 2, size - 2 }, data[1]);
	} else {
		end_init(&peer, !who);
		meet_on_the_way(&peer, &e, (struct slice){ data + 1, size - 1 });
		end_done(&peer);
	}
	end_done(&e);
	return 0;
}
