/* SPDX-License-Identifier: Apache-2.0
 *
 * FOGNODERADIO, FOGNODECONNECTIVITY and their kin (protocol/property.h): somebody looks for nodes
 * with a property. We answer only if we have it and are meant (F-12, DISC-06, SCP-04). */
#pragma once
#include "grasp/grasp.h"
#include "protocol/caps.h"
#include "protocol/property.h"

struct properties;

struct properties_env {
	const char *prefix;	 /* of objective names; NULL: none */
	const char *domain;	 /* that the node is in; "": not known */
	const char *attributes;	 /* of this node, canonical */
	const struct caps *caps; /* current ones */
};
/* What env points to is borrowed. */
int properties_new(struct grasp_node *node, const struct properties_env *env,
    struct properties **ret) MUST_CHECK;
void properties_free(struct properties *p);
DEFINE_FREEP(struct properties, properties_free)

/* The words for a property that this node has. */
struct property_words {
	const char *word[FOG_WORDS_MAX];
	size_t len;
	char tag[CAPS_TAGS_MAX][100];
};
void property_words(enum fog_property property, const char *domain,
    const struct caps *caps, struct property_words *ret);
/* Those of our words that are asked for: by a text, an array of texts (any of them), null or nothing
 * (any word at all), in a scope that we are in. False: none, or the question is malformed. */
bool property_answer(struct slice asked, const char *attributes,
    const struct property_words *ours, struct fog_words *ret);
