/* SPDX-License-Identifier: Apache-2.0 */
#include "protocol/property.h"
#include "protocol/value.h"
#include <errno.h>
#include <string.h>

#define WORD_MAX 128

enum key { KEY_WORDS = 1, KEY_SCOPE = 3, KEY_HOPS = 9 };

const struct fog_property_name fog_property_names[FOG_PROPERTIES] = {
	[FOG_RADIO] = { "radio", FOGNODERADIO },
	[FOG_CONNECTIVITY] = { "connectivity", FOGNODECONNECTIVITY },
	[FOG_VIRTUALIZATION] = { "virtualization", FOGNODEVIRTUALIZATION },
	[FOG_DOMAIN] = { "domain", FOGNODEDOMAIN },
	[FOG_TYPE] = { "type", FOGNODETYPE },
	[FOG_VENDOR] = { "vendor", FOGNODEVENDOR },
	[FOG_ENERGY] = { "energy", FOGNODEENERGY },
	[FOG_ARCH] = { "arch", FOGNODEARCH },
	[FOG_TAG] = { "tag", FOGNODETAG },
};

int
fog_property_by_word(const char *word)
{
	for (int p = 0; p < FOG_PROPERTIES; p++)
		if (!strcmp(fog_property_names[p].word, word))
			return p;
	return -ENOENT;
}

static void
put_words(const struct fog_words *w, struct buf *out)
{
	if (w->words == 0) {
		wr_null(out);
		return;
	}
	if (w->words > 1)
		wr_array(out, w->words);
	for (unsigned i = 0; i < w->words; i++)
		wr_text_slice(out, w->word[i]);
}

void
fog_words_encode(const struct fog_words *w, struct buf *out)
{
	if (!w->scope[0] && !w->hops) {
		put_words(w, out);
		return;
	}
	wr_map(out, (uint64_t) !!w->words + !!w->scope[0] + !!w->hops);
	if (w->words) {
		wr_uint(out, KEY_WORDS);
		put_words(w, out);
	}
	if (w->scope[0]) {
		wr_uint(out, KEY_SCOPE);
		wr_text(out, w->scope);
	}
	if (w->hops) {
		wr_uint(out, KEY_HOPS);
		wr_uint(out, w->hops);
	}
}

static void
add_word(struct fog_words *w, struct slice word)
{
	if (w->words < FOG_WORDS_MAX)
		w->word[w->words++] = word;
}

/* An array of nothing asks for none of the words that a node has. */
static void
read_words(struct cbor_reader *r, struct fog_words *ret)
{
	switch ((int)rd_peek(r)) {
	case RD_NULL:
		rd_null(r);
		return;
	case RD_ARRAY:
		rd_enter_array(r);
		while (rd_more(r))
			add_word(ret, value_text(r, WORD_MAX));
		rd_leave(r);
		if (!ret->words)
			add_word(ret, (struct slice){ NULL, 0 });
		return;
	default:
		add_word(ret, value_text(r, WORD_MAX));
	}
}

static void
read_map(struct cbor_reader *r, struct fog_words *ret)
{
	rd_enter_map(r);
	for (int64_t key = -1; rd_next_key(r, &key);) {
		switch (key) {
		case KEY_WORDS:
			read_words(r, ret);
			break;
		case KEY_SCOPE:
			value_text_copy(r, ret->scope, sizeof ret->scope);
			break;
		case KEY_HOPS:
			ret->hops = (uint8_t)rd_uint_max(r, UINT8_MAX);
			break;
		default:
			rd_skip(r);
		}
	}
	rd_leave(r);
}

int
fog_words_decode(struct slice value, struct fog_words *ret)
{
	struct cbor_reader r;

	ret->words = 0;
	ret->scope[0] = '\0';
	ret->hops = 0;
	if (!value.len)
		return 0;
	rd_init(&r, value, 0);
	if (rd_peek(&r) == RD_MAP)
		read_map(&r, ret);
	else
		read_words(&r, ret);
	return value_done(&r, 0, 0);
}

bool
fog_words_want(const struct fog_words *wanted, struct slice word)
{
	for (unsigned i = 0; i < wanted->words; i++)
		if (slice_equal(wanted->word[i], word))
			return true;
	return wanted->words == 0;
}
