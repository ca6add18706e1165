/* SPDX-License-Identifier: Apache-2.0
 *
 * discover() of RFC 8991 §2.3.4: what the node's cache of responses holds, after everybody was asked
 * if it held nothing. */
#include "grasp/api_int.h"

#include <stdlib.h>

/* A list under construction: texts are kept apart, since they may move while they grow. */
struct list {
	struct grasp_api_locator locator[API_LOCATORS_MAX];
	size_t offset[API_LOCATORS_MAX];
	size_t count;
	struct buf texts;
};

static void
add_locator(void *arg, const struct grasp_found *found)
{
	struct list *list = arg;

	for (size_t i = 0; i < found->locators && list->count < API_LOCATORS_MAX; i++) {
		const struct grasp_locator *l = &found->locator[i];
		bool zone = l->kind == O_IPv6_LOCATOR && addr_is_link_local(&l->ip);

		list->offset[list->count] = list->texts.pos;
		buf_put_slice(&list->texts, l->text);
		list->locator[list->count++] = (struct grasp_api_locator){
			.locator = *l,
			.ifindex = zone ? found->from.ifindex : 0,
			.ttl_ms = found->ttl_ms,
			.diverted = found->diverted,
		};
	}
}

static struct list *
list_cached(struct grasp_node *n, const char *name)
{
	struct list *list = calloc(1, sizeof *list);

	if (!list)
		return NULL;
	buf_init(&list->texts, GRASP_UNICAST_MAX);
	grasp_cached(n, slice_text(name), 0, add_locator, list);
	for (size_t i = 0; i < list->count; i++)
		if (list->locator[i].locator.text.len > 0)
			list->locator[i].locator.text.data =
			    list->texts.data + list->offset[i];
	if (!list->texts.err)
		return list;
	buf_done(&list->texts);
	free(list);
	return NULL;
}

static void
finish(struct api_session *s)
{
	grasp_api_discovered_f *discovered = s->discovered;
	void *arg = s->arg;
	struct list *list = list_cached(s->api->node, s->name);

	api_session_free(s);
	if (!list) {
		discovered(arg, GRASP_API_UNSPEC, NULL, 0);
		return;
	}
	discovered(arg, GRASP_API_OK, list->locator, list->count);
	buf_done(&list->texts);
	free(list);
}

static void
fire(void *arg)
{
	finish(arg);
}

static void
searched(void *arg, unsigned responses)
{
	struct api_session *s = arg;

	(void)responses;
	s->search = NULL;
	finish(s);
}

static void
count_found(void *arg, const struct grasp_found *found)
{
	(void)arg;
	(void)found;
}

enum grasp_code
grasp_api_discover(struct grasp_api *api, uint32_t asa,
    const struct grasp_api_objective *objective, uint32_t timeout_ms, uint32_t min_ttl_ms,
    grasp_api_discovered_f *discovered, void *arg)
{
	struct grasp_objective wanted = { slice_text(objective->name),
		api_flags(objective), objective->loop_count, { 0 } };
	enum grasp_code code = api_check_objective(objective);
	struct api_session *s;

	if (!api_find_asa(api, asa))
		return GRASP_API_NO_ASA;
	if (code != GRASP_API_OK)
		return code;
	if (!discovered ||
	    api_session_new(api, asa, API_DISCOVERY, objective->name, fire, &s) < 0)
		return GRASP_API_UNSPEC;
	s->discovered = discovered;
	s->arg = arg;
	if (grasp_cached(api->node, wanted.name, min_ttl_ms, count_found, NULL) > 0 ||
	    timeout_ms == 0) { /* */
		api_session_soon(s);
		return GRASP_API_NO_REPLY;
	}
	if (grasp_discover(
		api->node, &wanted, timeout_ms, NULL, searched, s, &s->search) < 0) {
		api_session_free(s);
		return GRASP_API_UNSPEC;
	}
	return GRASP_API_NO_REPLY;
}
