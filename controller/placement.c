/* SPDX-License-Identifier: Apache-2.0 */
#include "controller/placement.h"
#include "controller/store.h"
#include <errno.h>
#include <stdio.h>
#include <string.h>

static const char *const state_names[] = {
	[PLACEMENT_ASSIGNED] = "assigned",
	[PLACEMENT_PREPARING] = "preparing",
	[PLACEMENT_RELEASING] = "releasing",
	[PLACEMENT_ASSIGNING] = "assigning",
	[PLACEMENT_UNCERTAIN] = "uncertain",
};

const char *
placement_state_name(enum placement_state s)
{
	return state_names[s];
}

struct placement *
placement_find(struct placement *first, const char *service, const char *function)
{
	for (struct placement *p = first; p; p = p->next)
		if (!strcmp(p->service_name, service) &&
		    !strcmp(p->function_name, function))
			return p;
	return NULL;
}

int
placement_add(struct placement **first, const char *service, const char *function,
    struct placement **ret)
{
	struct placement *p = calloc(1, sizeof *p);

	if (!p)
		return -ENOMEM;
	snprintf(p->service_name, sizeof p->service_name, "%s", service);
	snprintf(p->function_name, sizeof p->function_name, "%s", function);
	p->state = PLACEMENT_ASSIGNED;
	while (*first)
		first = &(*first)->next;
	*first = *ret = p;
	return 0;
}

void
placement_remove(struct placement **first, struct placement *p)
{
	while (*first != p)
		first = &(*first)->next;
	*first = p->next;
	free(p);
}

void
placement_free_all(struct placement **first)
{
	while (*first)
		placement_remove(first, *first);
}

void
placement_to_row(const struct placement *p, struct placement_row *ret)
{
	*ret = (struct placement_row){ .service = p->service_name,
		.function = p->function_name,
		.node = p->node,
		.state = placement_state_name(p->state),
		.generation = p->generation };
}

/* A word of a later version is none that we know what to do about. */
void
placement_from_row(struct placement *p, const struct placement_row *row)
{
	p->state = PLACEMENT_UNCERTAIN;
	for (int s = PLACEMENT_ASSIGNED; s <= PLACEMENT_UNCERTAIN; s++)
		if (!strcmp(row->state, state_names[s]))
			p->state = (enum placement_state)s;
	snprintf(p->node, sizeof p->node, "%s", row->node);
	p->generation = row->generation;
}

/* --- how long migrations take --------------------------------------------------------------- */

void
placement_add_duration(struct placement *p, int64_t ms)
{
	p->duration_ms[p->durations++ % PLACEMENT_DURATIONS] = ms;
}

static int
compare_durations(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

int64_t
placement_usual_duration(const struct placement *p)
{
	int64_t sorted[PLACEMENT_DURATIONS];
	unsigned n =
	    p->durations < PLACEMENT_DURATIONS ? p->durations : PLACEMENT_DURATIONS;

	if (!n)
		return 0;
	memcpy(sorted, p->duration_ms, n * sizeof sorted[0]);
	qsort(sorted, n, sizeof sorted[0], compare_durations);
	return sorted[(n * 95 + 99) / 100 - 1];
}

int64_t
placement_lead(const struct placement *p)
{
	const struct function *f = p->function;
	int64_t usual = placement_usual_duration(p), measured = usual + f->margin_ms;

	return usual && measured > f->lead_ms ? measured : f->lead_ms;
}

/* --- where it did not work ------------------------------------------------------------------- */

void
placement_add_failure(
    struct placement *p, const char *node, int64_t now_ms, int64_t until_ms)
{
	unsigned i = 0;

	while (i < PLACEMENT_FAILURES && strcmp(p->failure[i].node, node))
		i++;
	if (i == PLACEMENT_FAILURES)
		i = p->failures++ % PLACEMENT_FAILURES;
	snprintf(p->failure[i].node, sizeof p->failure[i].node, "%s", node);
	p->failure[i].at_ms = now_ms;
	p->failure[i].until_ms = until_ms;
}

int64_t
placement_failed_ago(const struct placement *p, const char *node, int64_t now_ms)
{
	for (unsigned i = 0; i < PLACEMENT_FAILURES; i++)
		if (!strcmp(p->failure[i].node, node) && now_ms < p->failure[i].until_ms)
			return now_ms - p->failure[i].at_ms;
	return -1;
}
