/* SPDX-License-Identifier: Apache-2.0 */
#include "controller/watch.h"
#include "controller/idmap.h"
#include "controller/watch_int.h"
#include <errno.h>
#include <string.h>

#define DUE_LISTS     256
#define DUE_STEP_MS   250
#define STALE_PERIODS 3
#define STALE_MIN_MS  5000
#define NEWS_MIN      256

enum { NO_LIST = 0 };

struct watch_item { /* of a node's plan */
	uint32_t id;
	struct watch *first; /* then ->next, as long as it is of the same */
};
struct watch_group { /* those of one function */
	const struct placement *of;
	struct watch *first; /* then ->group_next */
};
struct watch_node {
	struct fog_id id;
	struct watch *first;	 /* then ->next */
	struct watch_item *item; /* ascending by id */
	size_t items;
	struct watch_group *group; /* ascending by address */
	size_t groups;
};
/* When nothing comes, a watch is looked at when its time is near: lists by time, as many as reach
 * a minute ahead. It is in one of them, and moves on lazily: only earlier at once. */
struct watches {
	struct idmap *nodes;	 /* struct watch_node of each */
	struct watch_node *last; /* points come by node */
	struct watch_ops ops;
	void *arg;
	struct watch **news;
	size_t news_len, news_size;
	struct watch *due[DUE_LISTS];
	int64_t due_no; /* the next list */
};

const char *
watch_state_name(enum watch_state s)
{
	static const char *const names[] = {
		[WATCH_UNKNOWN] = "unknown",
		[WATCH_OK] = "ok",
		[WATCH_RAISED] = "raised",
		[WATCH_VIOLATED] = "violated",
	};

	return names[s];
}

/* --- when to look ------------------------------------------------------------------------------ */

static void
leave_list(struct watch *w)
{
	if (w->due_no == NO_LIST)
		return;
	*w->due_at = w->due_next;
	if (w->due_next)
		w->due_next->due_at = w->due_at;
	w->due_no = NO_LIST;
}

static void
join_list(struct watches *ws, struct watch *w, int64_t no)
{
	struct watch **list = &ws->due[no % DUE_LISTS];

	w->due_no = (uint32_t)no;
	w->due_next = *list;
	w->due_at = list;
	if (*list)
		(*list)->due_at = &w->due_next;
	*list = w;
}

/* What is far away comes round earlier, and moves on then. */
static void
schedule(struct watches *ws, struct watch *w, int64_t due_ms)
{
	int64_t no = (due_ms + DUE_STEP_MS - 1) / DUE_STEP_MS;

	if (no < ws->due_no)
		no = ws->due_no;
	if (no >= ws->due_no + DUE_LISTS)
		no = ws->due_no + DUE_LISTS - 1;
	if (w->due_no != NO_LIST && w->due_no <= no)
		return;
	leave_list(w);
	join_list(ws, w, no);
}

/* Without memory it is looked at a moment later. */
static void
add_news(struct watches *ws, struct watch *w)
{
	if (w->news)
		return;
	if (ws->news_len == ws->news_size) {
		size_t size = ws->news_size ? 2 * ws->news_size : NEWS_MIN;
		struct watch **more = realloc(ws->news, size * sizeof(struct watch *));

		if (!more) {
			schedule(ws, w, 0);
			return;
		}
		ws->news = more;
		ws->news_size = size;
	}
	ws->news[ws->news_len++] = w;
	w->news = true;
}

static void
leave_news(struct watches *ws, struct watch *w)
{
	for (size_t i = 0; w->news && i < ws->news_len; i++)
		if (ws->news[i] == w)
			ws->news[i] = NULL;
	w->news = false;
}

/* --- memory ------------------------------------------------------------------------------------- */

int
watches_new(const struct watch_ops *ops, void *arg, struct watches **ret)
{
	CLEANUP(watches_free) struct watches *ws = calloc(1, sizeof *ws);

	if (!ws || idmap_new(&ws->nodes) < 0)
		return -ENOMEM;
	ws->ops = *ops;
	ws->arg = arg;
	ws->due_no = NO_LIST + 1;
	*ret = TAKE(ws);
	return 0;
}

static void
free_watch(struct watch *w)
{
	for (struct watch_series *s = w->series, *next; s; s = next) {
		next = s->next;
		watch_series_free(s);
	}
	free(w);
}

static void
free_node(void *arg, void *value)
{
	struct watch_node *wn = value;

	(void)arg;
	for (struct watch *w = wn->first, *next; w; w = next) {
		next = w->next;
		free_watch(w);
	}
	free(wn->item);
	free(wn->group);
	free(wn);
}

void
watches_free(struct watches *ws)
{
	if (!ws)
		return;
	if (ws->nodes)
		idmap_each(ws->nodes, free_node, NULL);
	idmap_free(ws->nodes);
	free(ws->news);
	free(ws);
}

static struct watch_node *
find_node(struct watches *ws, const struct fog_id *id)
{
	if (!ws->last || memcmp(ws->last->id.bytes, id->bytes, sizeof id->bytes) != 0)
		ws->last = idmap_get(ws->nodes, id);
	return ws->last;
}

struct watch *
watches_of(struct watches *ws, const struct fog_id *node)
{
	const struct watch_node *wn = find_node(ws, node);

	return wn ? wn->first : NULL;
}

struct watch *
watches_find(struct watches *ws, const struct node *n, const struct placement *p,
    const struct requirement *r)
{
	struct watch *w = watches_of(ws, &n->id);

	while (w && (w->placement != p || w->requirement != r))
		w = w->next;
	return w;
}

/* --- the items of a node ------------------------------------------------------------------------ */

static struct watch_item *
find_item(const struct watch_node *wn, uint32_t id)
{
	size_t low = 0, high = wn->items;

	while (low < high) {
		size_t middle = (low + high) / 2;

		if (wn->item[middle].id < id)
			low = middle + 1;
		else
			high = middle;
	}
	return low < wn->items && wn->item[low].id == id ? &wn->item[low] : NULL;
}

static int
compare_by_item(const void *a, const void *b)
{
	const struct watch *x = *(struct watch *const *)a, *y = *(struct watch *const *)b;

	return (x->item > y->item) - (x->item < y->item);
}

static size_t
count_watches(const struct watch_node *wn)
{
	size_t n = 0;

	for (const struct watch *w = wn->first; w; w = w->next)
		n++;
	return n;
}

/* The list of the node becomes one of ascending items. */
static int
sort_by_item(struct watch_node *wn, size_t n)
{
	struct watch **all = malloc((n + 1) * sizeof(struct watch *));

	if (!all)
		return -ENOMEM;
	n = 0;
	for (struct watch *w = wn->first; w; w = w->next)
		all[n++] = w;
	qsort(all, n, sizeof(struct watch *), compare_by_item);
	wn->first = NULL;
	while (n--) {
		all[n]->next = wn->first;
		wn->first = all[n];
	}
	free(all);
	return 0;
}

/* Without memory no point finds its way until the next plan. */
static int
index_items(struct watch_node *wn)
{
	size_t n = count_watches(wn);
	struct watch_item *item = realloc(wn->item, (n + 1) * sizeof *item);

	wn->items = 0;
	if (!item)
		return -ENOMEM;
	wn->item = item;
	if (sort_by_item(wn, n) < 0)
		return -ENOMEM;
	for (struct watch *w = wn->first; w; w = w->next)
		if (!wn->items || item[wn->items - 1].id != w->item)
			item[wn->items++] = (struct watch_item){ w->item, w };
	return 0;
}

/* --- the functions of a node --------------------------------------------------------------------- */

static struct watch_group *
find_group(const struct watch_node *wn, const struct placement *of)
{
	size_t low = 0, high = wn->groups;

	while (low < high) {
		size_t middle = (low + high) / 2;

		if ((uintptr_t)wn->group[middle].of < (uintptr_t)of)
			low = middle + 1;
		else
			high = middle;
	}
	return low < wn->groups && wn->group[low].of == of ? &wn->group[low] : NULL;
}

static int
compare_groups(const void *a, const void *b)
{
	uintptr_t x = (uintptr_t)((const struct watch_group *)a)->of;
	uintptr_t y = (uintptr_t)((const struct watch_group *)b)->of;

	return (x > y) - (x < y);
}

static size_t
collect_groups(struct watch_node *wn)
{
	size_t n = 0, kept = 0;

	for (struct watch *w = wn->first; w; w = w->next)
		wn->group[n++] = (struct watch_group){ w->placement, NULL };
	qsort(wn->group, n, sizeof *wn->group, compare_groups);
	for (size_t i = 0; i < n; i++)
		if (!kept || wn->group[kept - 1].of != wn->group[i].of)
			wn->group[kept++] = wn->group[i];
	return kept;
}

/* Without memory nothing is known of any function here until the next plan. */
static int
index_groups(struct watch_node *wn)
{
	struct watch_group *group;
	size_t n = count_watches(wn);

	wn->groups = 0;
	group = realloc(wn->group, (n + 1) * sizeof *group);
	if (!group)
		return -ENOMEM;
	wn->group = group;
	wn->groups = collect_groups(wn);
	group = realloc(wn->group, (wn->groups + 1) * sizeof *group);
	if (group)
		wn->group = group;
	for (struct watch *w = wn->first; w; w = w->next) {
		struct watch_group *g = find_group(wn, w->placement);

		w->group_next = g->first;
		g->first = w;
	}
	return 0;
}

static int
index_node(struct watch_node *wn)
{
	int err = index_items(wn);

	return err ? err : index_groups(wn);
}

struct watch *
watches_of_function(
    struct watches *ws, const struct fog_id *node, const struct placement *p)
{
	const struct watch_node *wn = find_node(ws, node);
	const struct watch_group *g = wn ? find_group(wn, p) : NULL;

	return g ? g->first : NULL;
}

/* --- dropping ----------------------------------------------------------------------------------- */

static void
remove_node(struct watches *ws, struct watch_node *wn)
{
	idmap_remove(ws->nodes, &wn->id);
	if (ws->last == wn)
		ws->last = NULL;
	free_node(NULL, wn);
}

/* Drops those that keep() does not want. */
static void
sweep_node(struct watches *ws, struct watch_node *wn,
    bool (*keep)(const struct watch *w, const void *ctx), const void *ctx)
{
	struct watch **at = &wn->first;
	bool any = false;

	wn->groups = 0; /* whoever is told of a drop finds none that is gone */
	while (*at) {
		struct watch *w = *at;

		if (keep(w, ctx)) {
			at = &w->next;
			continue;
		}
		*at = w->next;
		any = true;
		leave_list(w);
		leave_news(ws, w);
		ws->ops.dropped(ws->arg, w);
		free_watch(w);
	}
	if (!wn->first)
		remove_node(ws, wn);
	else
		(void)(any ? index_node(wn)
			   : index_groups(wn)); /* it needs no more memory than before */
}

static bool
is_wanted(const struct watch *w, const void *ctx)
{
	(void)ctx;
	return w->keep;
}

static bool
is_never_wanted(const struct watch *w, const void *ctx)
{
	(void)w, (void)ctx;
	return false;
}

static bool
is_of_another(const struct watch *w, const void *placement)
{
	return w->placement != placement;
}

struct drop {
	struct watches *ws;
	const struct placement *placement;
};

static void
drop_of_node(void *arg, void *value)
{
	struct drop *d = arg;

	sweep_node(d->ws, value, is_of_another, d->placement);
}

void
watches_drop(struct watches *ws, const struct placement *p)
{
	struct drop d = { ws, p };

	idmap_each(ws->nodes, drop_of_node, &d);
}

void
watches_forget(struct watches *ws, const struct node *n)
{
	struct watch_node *wn = find_node(ws, &n->id);

	if (wn)
		sweep_node(ws, wn, is_never_wanted, NULL);
}

/* --- following the plan ------------------------------------------------------------------------- */

/* A candidate that would have to be left again within the cool-down is none. */
static int64_t
horizon(const struct placement *p, bool host)
{
	return placement_lead(p) + (host ? 0 : p->function->cooldown_ms);
}

/* How long nothing may be heard of a series that is all right. */
static uint32_t
silence_of(const struct plan_item *item)
{
	int64_t period = item->period_max_ms ? item->period_max_ms : item->period_ms;
	int64_t stale = STALE_PERIODS * period;

	if (item->mode == PLAN_SUPPRESSED)
		stale += item->heartbeat_ms;
	if (stale < STALE_MIN_MS)
		stale = STALE_MIN_MS;
	return stale < UINT32_MAX ? (uint32_t)stale : UINT32_MAX;
}

/* Does silence mean that nothing has changed? */
static bool
is_held(const struct plan_item *item)
{
	return item->mode == PLAN_SUPPRESSED || item->period_max_ms;
}

static int
ensure_node(struct watches *ws, const struct node *n, struct watch_node **ret)
{
	struct watch_node *wn = find_node(ws, &n->id);
	int err;

	if (!wn) {
		wn = calloc(1, sizeof *wn);
		if (!wn)
			return -ENOMEM;
		wn->id = n->id;
		err = idmap_put(ws->nodes, &n->id, wn);
		if (err) {
			free(wn);
			return err;
		}
	}
	*ret = wn;
	return 0;
}

static int
add_watch(struct watches *ws, struct node *n, const struct plan_entry *e,
    const struct plan_reason *r, int64_t now_ms)
{
	struct watch_node *wn;
	struct watch *w = calloc(1, sizeof *w);
	int err = w ? ensure_node(ws, n, &wn) : -ENOMEM;

	if (err) {
		free(w);
		return err;
	}
	w->placement = r->placement;
	w->requirement = r->requirement;
	w->node = n;
	w->host = r->host;
	w->item = e->text->id;
	w->period_ms = e->item.period_ms;
	w->silence_ms = silence_of(&e->item);
	w->held = is_held(&e->item);
	w->line = e->item.flags & PLAN_LINE;
	w->lead_ms = (uint32_t)horizon(r->placement, r->host);
	w->state = WATCH_UNKNOWN;
	w->value = NAN;
	w->probability = w->sample = NAN;
	w->sampled_ms = now_ms;
	w->keep = true;
	w->due_no = NO_LIST;
	w->next = wn->first;
	wn->first = w;
	schedule(ws, w, now_ms);
	return 0;
}

/* A shorter or longer period would look like another volatility: then it learns anew. */
static bool
keep_watch(struct watches *ws, const struct node *n, const struct plan_entry *e,
    const struct plan_reason *r)
{
	struct watch *w = watches_find(ws, n, r->placement, r->requirement);

	if (!w || w->host != r->host || w->item != e->text->id ||
	    w->period_ms != e->item.period_ms || w->held != is_held(&e->item) ||
	    w->line != !!(e->item.flags & PLAN_LINE))
		return false;
	w->silence_ms = silence_of(&e->item);
	return w->keep = true;
}

/* A location is watched once, though it needs two items. */
static bool
is_own_item(const struct plan_entry *e, const struct plan_reason *r)
{
	return r->requirement->origin != REQUIRE_LOCATION ||
	    !strcmp(e->text->text, r->requirement->expr);
}

static int
add_missing(
    struct watches *ws, struct node *n, const struct plan_entry *e, int64_t now_ms)
{
	for (size_t k = 0; k < e->reasons; k++) {
		int err =
		    !is_own_item(e, &e->reason[k]) || keep_watch(ws, n, e, &e->reason[k])
		    ? 0
		    : add_watch(ws, n, e, &e->reason[k], now_ms);

		if (err)
			return err;
	}
	return 0;
}

int
watches_sync(
    struct watches *ws, struct node *n, const struct node_plan *plan, int64_t now_ms)
{
	struct watch_node *wn = find_node(ws, &n->id);
	int err = 0;

	for (struct watch *w = wn ? wn->first : NULL; w; w = w->next)
		w->keep = false;
	for (size_t i = 0; i < plan->entries; i++)
		for (size_t k = 0; k < plan->entry[i].reasons; k++)
			(void)keep_watch(
			    ws, n, &plan->entry[i], &plan->entry[i].reason[k]);
	if (wn)
		sweep_node(ws, wn, is_wanted, NULL);
	for (size_t i = 0; i < plan->entries && !err; i++)
		err = add_missing(ws, n, &plan->entry[i], now_ms);
	wn = find_node(ws, &n->id);
	if (wn && index_node(wn) < 0)
		err = -ENOMEM;
	return err;
}

/* --- points and time ---------------------------------------------------------------------------- */

bool
watches_want(struct watches *ws, const struct fog_id *node, uint32_t item)
{
	const struct watch_node *wn = find_node(ws, node);

	return wn && find_item(wn, item);
}

void
watches_point(struct watches *ws, const struct fog_id *node, uint32_t item,
    struct slice labels, int64_t time_ms, double value)
{
	const struct watch_node *wn = find_node(ws, node);
	const struct watch_item *i = wn ? find_item(wn, item) : NULL;

	for (struct watch *w = i ? i->first : NULL; w && w->item == item; w = w->next)
		if (w->requirement->origin != REQUIRE_LOCATION &&
		    watch_take_point(w, labels, time_ms, value))
			add_news(ws, w);
}

void
watches_tell(struct watches *ws, struct watch *w, int64_t time_ms, double value)
{
	if (watch_take_point(w, (struct slice){ 0 }, time_ms, value))
		add_news(ws, w);
}

static void
evaluate(struct watches *ws, struct watch *w, int64_t now_ms)
{
	enum watch_state before = w->state;
	struct verdict v;

	watch_judge(w, now_ms, &v);
	w->state = v.state;
	schedule(ws, w, v.due_ms);
	if (v.sampled && ws->ops.sampled)
		ws->ops.sampled(ws->arg, w, v.said, v.came);
	if (w->state == before)
		return;
	ws->ops.changed(ws->arg, w, before);
}

static void
evaluate_news(struct watches *ws, int64_t now_ms)
{
	for (size_t i = 0; i < ws->news_len; i++) {
		struct watch *w = ws->news[i];

		if (!w)
			continue;
		w->news = false;
		evaluate(ws, w, now_ms);
	}
	ws->news_len = 0;
}

/* They go to lists of times to come. */
static void
evaluate_list(struct watches *ws, struct watch *w, int64_t now_ms)
{
	while (w) {
		struct watch *next = w->due_next;

		w->due_no = NO_LIST;
		evaluate(ws, w, now_ms);
		w = next;
	}
}

static void
evaluate_due(struct watches *ws, int64_t now_ms)
{
	int64_t from = ws->due_no, until = now_ms / DUE_STEP_MS;

	if (until < from)
		return;
	ws->due_no = until + 1;
	if (from <= until - DUE_LISTS)
		from = until - DUE_LISTS + 1;
	for (int64_t no = from; no <= until; no++) {
		struct watch *first = ws->due[no % DUE_LISTS];

		ws->due[no % DUE_LISTS] = NULL;
		evaluate_list(ws, first, now_ms);
	}
}

void
watches_evaluate(struct watches *ws, int64_t now_ms, bool news_only)
{
	evaluate_news(ws, now_ms);
	if (!news_only)
		evaluate_due(ws, now_ms);
}

struct visit {
	void (*f)(void *arg, struct watch *w);
	void *arg;
};

static void
visit_node(void *arg, void *value)
{
	const struct visit *v = arg;

	for (struct watch *w = ((struct watch_node *)value)->first; w; w = w->next)
		v->f(v->arg, w);
}

void
watches_each(struct watches *ws, void (*f)(void *arg, struct watch *w), void *arg)
{
	struct visit v = { f, arg };

	idmap_each(ws->nodes, visit_node, &v);
}
