/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/packet.h"

#include <string.h>

#define DATAGRAM_MAX 65536
#define UNIT	     8 /* offsets of fragments count in it */
#define PATIENCE_US  60000000

static bool
is_of(const struct fragmented *d, const struct fragmented *key)
{
	return d->data && IN6_ARE_ADDR_EQUAL(&d->from, &key->from) &&
	    IN6_ARE_ADDR_EQUAL(&d->to, &key->to) && d->id == key->id &&
	    d->protocol == key->protocol;
}

static void
forget(struct fragmented *d)
{
	free(d->data);
	free(d->got);
	*d = (struct fragmented){ 0 };
}

static struct fragmented *
find(struct fragments *f, const struct fragmented *key, int64_t now_us)
{
	for (size_t i = 0; i < FRAGMENTED_MAX; i++)
		if (is_of(&f->slot[i], key)) {
			if (now_us - f->slot[i].since_us < PATIENCE_US)
				return &f->slot[i];
			forget(&f->slot[i]);
		}
	return NULL;
}

/* The oldest one makes room. */
static struct fragmented *
begin(struct fragments *f, const struct fragmented *key, int64_t now_us)
{
	struct fragmented *d = &f->slot[0];

	for (size_t i = 0; i < FRAGMENTED_MAX && d->data; i++)
		if (!f->slot[i].data || f->slot[i].since_us < d->since_us)
			d = &f->slot[i];
	forget(d);
	*d = *key;
	d->since_us = now_us;
	d->data = malloc(DATAGRAM_MAX);
	d->got = calloc(DATAGRAM_MAX / UNIT / 8, 1);
	if (d->data && d->got)
		return d;
	forget(d);
	return NULL;
}

static void
mark(struct fragmented *d, size_t unit)
{
	uint8_t bit = (uint8_t)(1u << unit % 8);

	if (!(d->got[unit / 8] & bit))
		d->have++;
	d->got[unit / 8] |= bit;
}

bool
fragments_add(struct fragments *f, const struct fragmented *key, int64_t now_us,
    size_t offset, bool more, struct slice data, struct slice *ret)
{
	struct fragmented *d = find(f, key, now_us);

	if (offset + data.len > DATAGRAM_MAX || (more && data.len % UNIT))
		return false;
	if (!d)
		d = begin(f, key, now_us);
	if (!d)
		return false;
	if (data.len)
		memcpy(d->data + offset, data.data, data.len);
	for (size_t at = offset; at < offset + data.len; at += UNIT)
		mark(d, at / UNIT);
	if (!more)
		d->size = offset + data.len;
	*ret = (struct slice){ d->data, d->size };
	if (d->size == 0 || d->have * UNIT < d->size)
		return false;
	d->since_us = now_us - PATIENCE_US; /* the first to make room */
	d->id = ~d->id;
	return true;
}

void
fragments_done(struct fragments *f)
{
	for (size_t i = 0; i < FRAGMENTED_MAX; i++)
		forget(&f->slot[i]);
}
