/* SPDX-License-Identifier: Apache-2.0
 *
 * From a node's id to what a part of the controller keeps about it. Ids are hashes of keys
 * already, so that their first bytes spread well. */
#pragma once
#include "protocol/names.h"

struct idmap;

int idmap_new(struct idmap **ret) MUST_CHECK;
void idmap_free(struct idmap *m); /* values are the owner's */
DEFINE_FREEP(struct idmap, idmap_free)

void *idmap_get(const struct idmap *m, const struct fog_id *id); /* NULL: none */
int idmap_put(struct idmap *m, const struct fog_id *id, void *value)
    MUST_CHECK; /* replaces */
void *idmap_remove(struct idmap *m, const struct fog_id *id);
/* Each value; f may remove the one it is given. */
void idmap_each(struct idmap *m, void (*f)(void *arg, void *value), void *arg);
