/* SPDX-License-Identifier: Apache-2.0 */
#include "controller/plan_text.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define TEXT_CHAINS 256

struct plan_texts {
	struct plan_text *text[TEXT_CHAINS];
};

/* FNV-1a. A collision takes the next number, which then depends on the order of arrival: that
 * costs a resent plan once in four thousand million. */
static uint32_t
hash_program(struct slice program)
{
	uint32_t h = 2166136261u;

	for (size_t i = 0; i < program.len; i++)
		h = (h ^ program.data[i]) * 16777619u;
	return h ? h : 1;
}

const struct plan_text *
plan_texts_find(const struct plan_texts *ts, uint32_t id)
{
	const struct plan_text *t = ts->text[id % TEXT_CHAINS];

	while (t && t->id != id)
		t = t->next;
	return t;
}

static void
free_text(struct plan_text *t)
{
	free(t->text);
	free((void *)t->program.data);
	free(t);
}

static int
make_text(struct plan_texts *ts, uint32_t id, struct slice program, const char *text,
    const struct plan_text **ret)
{
	struct plan_text *t = calloc(1, sizeof *t);
	uint8_t *copy = malloc(program.len);

	if (t)
		t->text = strdup(text);
	if (!t || !copy || !t->text) {
		free(copy);
		if (t)
			free_text(t);
		return -ENOMEM;
	}
	memcpy(copy, program.data, program.len);
	t->id = id;
	t->program = (struct slice){ copy, program.len };
	t->next = ts->text[id % TEXT_CHAINS];
	ts->text[id % TEXT_CHAINS] = t;
	*ret = t;
	return 0;
}

int
plan_texts_ensure(struct plan_texts *ts, struct slice program, const char *text,
    const struct plan_text **ret)
{
	uint32_t id = hash_program(program);

	for (;; id = id + 1 ? id + 1 : 1) {
		*ret = plan_texts_find(ts, id);
		if (!*ret)
			return make_text(ts, id, program, text, ret);
		if (slice_equal((*ret)->program, program))
			return 0;
	}
}

int
plan_texts_new(struct plan_texts **ret)
{
	*ret = calloc(1, sizeof **ret);
	return *ret ? 0 : -ENOMEM;
}

void
plan_texts_free(struct plan_texts *ts)
{
	if (!ts)
		return;
	for (size_t i = 0; i < TEXT_CHAINS; i++)
		for (struct plan_text *t = ts->text[i], *next; t; t = next) {
			next = t->next;
			free_text(t);
		}
	free(ts);
}
