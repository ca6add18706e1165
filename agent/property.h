/* SPDX-License-Identifier: Apache-2.0
 *
 * FOGNODERADIO, FOGNODECONNECTIVITY, FOGNODEVIRTUALIZATION and FOGNODEDOMAIN: somebody looks for
 * nodes with a property. We answer only if we have it (F-12, DISC-06, SCP-04). */
#pragma once
#include "agent/config.h"
#include "grasp/grasp.h"

struct properties;

/* caps: current, borrowed like cfg. */
int properties_new(struct grasp_node *node, const struct agent_config *cfg,
    const struct caps *caps, struct properties **ret) MUST_CHECK;
void properties_free(struct properties *p);
DEFINE_FREEP(struct properties, properties_free)

/* The words for a property (its objective's name without prefix); returns how many. */
#define PROPERTY_WORDS_MAX 16
size_t property_words(const char *property, const struct agent_config *cfg,
    const struct caps *caps, const char *ret[PROPERTY_WORDS_MAX]);
/* Is one of our words asked for? A text, an array of texts (any of them), null or nothing (any word
 * at all). What is none of these asks for nothing that we have. */
bool property_matches(struct slice asked, const char *const *word, size_t words);
