/* SPDX-License-Identifier: Apache-2.0
 *
 * Programs of plan items with their texts and ids, each kept once and as long as the planner: late
 * reports name it by id. */
#pragma once
#include "base/buf.h"
#include "base/mem.h"

struct plan_text {
	uint32_t id; /* from the program: the same after a restart */
	char *text;
	struct slice program;
	struct plan_text *next;
};
struct plan_texts;

int plan_texts_new(struct plan_texts **ret) MUST_CHECK;
void plan_texts_free(struct plan_texts *t);
DEFINE_FREEP(struct plan_texts, plan_texts_free)

/* Both are copied. */
int plan_texts_ensure(struct plan_texts *t, struct slice program, const char *text,
    const struct plan_text **ret) MUST_CHECK;
const struct plan_text *
plan_texts_find(const struct plan_texts *t, uint32_t id); /* NULL: unknown */
