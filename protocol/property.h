/* SPDX-License-Identifier: Apache-2.0
 *
 * Properties of nodes that somebody looks for (DISC-06, F-12): the objectives, and the value that
 * says which words are wanted, or which a node has. Encode beside decode. */
#pragma once
#include "base/cbor.h"
#include "protocol/names.h"

enum fog_property {
	FOG_RADIO,
	FOG_CONNECTIVITY,
	FOG_VIRTUALIZATION,
	FOG_DOMAIN,
	FOG_TYPE,
	FOG_VENDOR,
	FOG_ENERGY,
	FOG_ARCH,
	FOG_TAG,
	FOG_PROPERTIES
};
/* Word for people, and the objective without prefix. */
extern const struct fog_property_name {
	const char *word, *objective;
} fog_property_names[FOG_PROPERTIES];
int fog_property_by_word(const char *word); /* -ENOENT */

#define FOG_WORDS_MAX 32

/* As a value: a text, an array of texts (any of them), null (any at all), or, with a scope or a
 * distance, a map with these. */
struct fog_words {
	struct slice word[FOG_WORDS_MAX]; /* borrowed */
	unsigned words;			  /* 0: any */
	char scope[257];		  /* expression; "": everybody */
	uint8_t hops; /* initial hop limit of a scoped multicast; 0: not said */
};
void fog_words_encode(const struct fog_words *w, struct buf *out);
/* No value is null. -EBADMSG; *ret is not to be used then. Words above the maximum are left out. */
int fog_words_decode(struct slice value, struct fog_words *ret) MUST_CHECK;
/* Is one of the words wanted? If any will do, any at all. */
bool fog_words_want(const struct fog_words *wanted, struct slice word);
