/* SPDX-License-Identifier: Apache-2.0 */
#include "base/log.h"
#include "controller/find_int.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define GRACE_MS   1000
#define CONFIRM_MS 3000
#define VALUE_MAX  700

/* A node of which an answer does not tell what it has, such as one that knows plain GRASP only, is
 * asked for its value (F-12). */
struct confirm {
	LIST_ENTRY(confirm) entry;
	struct wanted *wanted;
	struct hit *hit;
	struct grasp_link *link;
	struct grasp_session *session; /* NULL: it has answered, or will not */
};

/* --- end ------------------------------------------------------------------------------------------------ */
static void
stop_confirm(struct confirm *c)
{
	if (c->session)
		grasp_session_cancel(c->session);
	if (c->link)
		grasp_link_close(c->link);
	LIST_REMOVE(c, entry);
	free(c);
}

static void
free_find(struct find *f)
{
	while (!LIST_EMPTY(&f->confirms))
		stop_confirm(LIST_FIRST(&f->confirms));
	for (unsigned i = 0; i < f->wanteds; i++)
		grasp_discovery_cancel(f->wanted[i].discovery);
	while (!STAILQ_EMPTY(&f->hits)) {
		struct hit *h = STAILQ_FIRST(&f->hits);

		STAILQ_REMOVE_HEAD(&f->hits, entry);
		free(h);
	}
	LIST_REMOVE(f, entry);
	free(f);
}

static void
on_client_gone(void *arg)
{
	free_find(arg);
}

static void
end_one(struct find *f)
{
	if (--f->running > 0)
		return;
	find_show(f);
	ctl_end(f->req);
	free_find(f);
}

/* --- answers -------------------------------------------------------------------------------------------- */
static struct hit *
hit_at(struct find *f, const struct addr *at)
{
	struct hit *h;

	STAILQ_FOREACH(h, &f->hits, entry)
		if (addr_equal(&h->at, at))
			return h;
	h = f->hits_len < HITS_MAX ? calloc(1, sizeof *h) : NULL;
	if (!h)
		return NULL;
	h->at = *at;
	STAILQ_INSERT_TAIL(&f->hits, h, entry);
	f->hits_len++;
	return h;
}

static char *
value_of(struct wanted *w, struct hit *h)
{
	return h->value[w - w->find->wanted];
}

/* What it says that it has; nothing counts that was not asked for. */
static void
note_words(struct wanted *w, struct hit *h, const struct fog_words *has)
{
	struct buf out;

	buf_init_fixed(&out, value_of(w, h), HIT_VALUE_MAX - 1);
	for (unsigned i = 0; i < has->words; i++)
		if (has->word[i].len && fog_words_want(&w->words, has->word[i]))
			buf_printf(&out, "%s%.*s", out.pos ? "," : "",
			    (int)has->word[i].len, (const char *)has->word[i].data);
	value_of(w, h)[out.pos] = '\0';
	utf8_trim(value_of(w, h));
}

static void
note_value(struct wanted *w, struct hit *h, struct slice value)
{
	struct fog_words has;

	if (fog_words_decode(grasp_value_unwrap(value), &has) == 0)
		note_words(w, h, &has);
}

static void
on_synched(void *arg, struct grasp_session *s, const struct grasp_objective *objective)
{
	struct confirm *c = arg;

	(void)s;
	note_value(c->wanted, c->hit, objective->value);
}

static void
on_ended(
    void *arg, struct grasp_session *s, enum grasp_outcome outcome, struct slice reason)
{
	struct confirm *c = arg;

	(void)s, (void)outcome, (void)reason;
	c->session = NULL;
}

static void
on_closed(void *arg, struct grasp_link *l, int err)
{
	struct confirm *c = arg;
	struct find *f = c->wanted->find;

	(void)l, (void)err;
	c->link = NULL;
	stop_confirm(c);
	end_one(f);
}

static struct grasp_objective
objective_of(const struct wanted *w, char name[FOG_NAME_MAX + 1], struct slice value)
{
	const struct grasp_conf *conf = w->find->finder->conf;
	const char *plain = fog_property_names[w->kind].objective;

	return (struct grasp_objective){
		.name =
		    slice_text(fog_objective_name(conf->objective_prefix, plain, name)),
		.flags = F_DISC | F_SYNCH,
		.value = value,
	};
}

static int
ask_for_value(struct confirm *c)
{
	static const struct grasp_session_ops session_ops = { .synched = on_synched,
		.ended = on_ended };
	static const struct grasp_link_ops link_ops = { .closed = on_closed };
	struct grasp_node *node = c->wanted->find->finder->grasp;
	static const uint8_t null[] = { 0xf6 };
	char name[FOG_NAME_MAX + 1];
	struct grasp_objective o =
	    objective_of(c->wanted, name, (struct slice){ null, sizeof null });
	int err = grasp_link_open(node, &c->hit->at, &link_ops, c, &c->link);

	return err
	    ? err
	    : grasp_synchronize(c->link, &o, CONFIRM_MS, &session_ops, c, &c->session);
}

static void
confirm(struct wanted *w, struct hit *h)
{
	struct find *f = w->find;
	struct confirm *c = f->confirms_len < CONFIRMS_MAX ? calloc(1, sizeof *c) : NULL;

	if (!c)
		return;
	c->wanted = w;
	c->hit = h;
	LIST_INSERT_HEAD(&f->confirms, c, entry);
	f->confirms_len++;
	if (ask_for_value(c))
		stop_confirm(c);
	else
		f->running++;
}

static bool
take_locator(const struct grasp_locator *l, uint32_t ifindex, struct addr *ret)
{
	return l->proto == GRASP_TCP && grasp_locator_to_addr(l, ifindex, ret) == 0 &&
	    ret->port != 0 && !addr_is_multicast(&ret->ip);
}

/* The first locator that can be used is the node (I-10); of a divert each one is a node. */
static void
on_found(void *arg, const struct grasp_found *found)
{
	struct wanted *w = arg;
	bool told = !found->diverted && found->objective && found->objective->value.len;
	struct addr at;

	for (size_t i = 0; i < found->locators; i++) {
		struct hit *h;

		if (!take_locator(&found->locator[i], found->from.ifindex, &at))
			continue;
		h = hit_at(w->find, &at);
		if (h && !*value_of(w, h) && told)
			note_value(w, h, found->objective->value);
		else if (h && !*value_of(w, h))
			confirm(w, h);
		if (!found->diverted)
			break;
	}
}

static void
on_searched(void *arg, unsigned responses)
{
	struct wanted *w = arg;

	(void)responses;
	w->discovery = NULL;
	end_one(w->find);
}

/* --- question ------------------------------------------------------------------------------------------- */
static int
parse_words(struct wanted *w, char *text)
{
	for (char *word, *save = NULL; (word = strtok_r(text, ",", &save)); text = NULL) {
		if (w->words.words == FOG_WORDS_MAX)
			return -ENOSPC;
		w->words.word[w->words.words++] = slice_text(word);
	}
	return 0;
}

/* "radio=wifi6,wifi5"; "tag=site=hall-2" has one word. */
static int
parse_wanted(struct wanted *w, const char *property)
{
	char *value;
	int kind;

	snprintf(w->text, sizeof w->text, "%s", property);
	value = strchr(w->text, '=');
	if (value)
		*value++ = '\0';
	kind = fog_property_by_word(w->text);
	if (kind < 0)
		return kind;
	w->kind = (enum fog_property)kind;
	return value ? parse_words(w, value) : 0;
}

/* Where the question goes, and who is meant. */
struct aim {
	struct grasp_groups groups;
	struct grasp_reach reach; /* borrows groups */
	char scope[GRASP_SCOPE_TEXT_MAX];
	uint8_t hops;
	uint32_t wait_ms;
};

static int
take_aim(const struct finder *f, const struct find_asked *asked, struct aim *ret)
{
	int64_t hops = asked->hops ? asked->hops : f->conf->hops;
	int64_t wait_ms =
	    asked->wait_ms ? asked->wait_ms : hops * GRASP_HOP_TIMEOUT_MS + GRACE_MS;
	int err =
	    grasp_scope_canonical(*asked->scope ? asked->scope : f->scope, ret->scope);

	if (err)
		return err;
	if (strlen(ret->scope) > GRASP_CONF_SCOPE_MAX)
		return -ENOSPC;
	err = grasp_conf_groups(
	    f->conf, f->domain, ret->scope, grasp_scope_sends, &ret->groups);
	ret->hops = (uint8_t)hops;
	ret->wait_ms = (uint32_t)wait_ms;
	ret->reach = (struct grasp_reach){ f->conf->link_local, ret->groups.group,
		ret->groups.len, ret->hops };
	return err;
}

static int
start_one(struct wanted *w, const struct aim *aim)
{
	uint8_t memory[VALUE_MAX];
	char name[FOG_NAME_MAX + 1];
	struct grasp_objective o;
	struct buf value;
	int err;

	strcpy(w->words.scope, aim->scope);
	w->words.hops = *aim->scope ? aim->hops : 0;
	buf_init_fixed(&value, memory, sizeof memory);
	fog_words_encode(&w->words, &value);
	if (value.err)
		return -EMSGSIZE;
	o = objective_of(w, name, buf_slice(&value));
	o.loop_count = aim->hops;
	err = grasp_discover_in(w->find->finder->grasp, &o, &aim->reach, aim->wait_ms,
	    on_found, on_searched, w, &w->discovery);
	if (!err)
		w->find->running++;
	return err;
}

static int
start(struct find *f, const struct find_asked *asked)
{
	struct aim aim;
	int err = take_aim(f->finder, asked, &aim);

	if (err) {
		ctl_fail(f->req, 2,
		    "the scope \"%s\" is no expression such as "
		    "\"geo=ezjm;type=robot\", or cannot be sent to: %s",
		    asked->scope, strerror(-err));
		return err;
	}
	for (unsigned i = 0; i < f->wanteds && !err; i++)
		err = start_one(&f->wanted[i], &aim);
	if (err)
		ctl_fail(f->req, 1, "the question cannot be sent: %s", strerror(-err));
	return err;
}

static bool
parse_asked(struct find *f, const struct find_asked *asked)
{
	for (unsigned i = 0; i < FIND_PROPERTIES_MAX && *asked->property[i]; i++) {
		struct wanted *w = &f->wanted[f->wanteds++];

		w->find = f;
		if (parse_wanted(w, asked->property[i])) {
			ctl_fail(f->req, 2,
			    "%s is not PROPERTY or PROPERTY=WORD,…; properties are "
			    "radio, "
			    "connectivity, virtualization, domain, type, vendor, energy, "
			    "arch and tag",
			    asked->property[i]);
			return false;
		}
	}
	if (!f->wanteds)
		ctl_fail(f->req, 2, "which property? radio=wifi6 is one");
	return f->wanteds > 0;
}

void
finder_find(
    struct finder *finder, struct ctl_request *req, const struct find_asked *asked)
{
	struct find *f = calloc(1, sizeof *f);

	if (!f) {
		ctl_fail(req, 1, "out of memory");
		return;
	}
	f->finder = finder;
	f->req = req;
	STAILQ_INIT(&f->hits);
	LIST_INSERT_HEAD(&finder->finds, f, entry);
	if (!parse_asked(f, asked)) {
		free_find(f);
		return;
	}
	ctl_on_cancel(req, on_client_gone, f);
	if (start(f, asked))
		free_find(f);
}

/* --- life ----------------------------------------------------------------------------------------------- */
/* Who has a property depends on its value, so that what we found for one question answers no other:
 * as a relay we pass all of them on. FOGNODEDOMAIN is registered with FOGDOMAIN (F-05). */
static int
pass_on(struct finder *f)
{
	static const struct grasp_support support = { .assist = GRASP_ASSIST_OFF,
		.shared = true };
	char name[FOG_NAME_MAX + 1];
	int err = 0;

	for (int i = 0; i < FOG_PROPERTIES && !err; i++) {
		const char *objective = fog_property_names[i].objective;

		if (!strcmp(objective, FOGNODEDOMAIN))
			continue;
		fog_objective_name(f->conf->objective_prefix, objective, name);
		err = grasp_register(f->grasp, name, 0, &support, f, &f->passed_on[i]);
	}
	return err;
}

int
finder_new(struct grasp_node *grasp, struct registry *registry,
    const struct grasp_conf *conf, const char *domain, const char *scope,
    struct finder **ret)
{
	CLEANUP(finder_free) struct finder *f = calloc(1, sizeof *f);
	int err;

	if (!f)
		return -ENOMEM;
	*f = (struct finder){ .grasp = grasp,
		.registry = registry,
		.conf = conf,
		.domain = domain,
		.scope = scope };
	err = pass_on(f);
	if (err < 0)
		return err;
	*ret = TAKE(f);
	return 0;
}

void
finder_free(struct finder *f)
{
	if (!f)
		return;
	for (int i = 0; i < FOG_PROPERTIES; i++)
		grasp_deregister(f->passed_on[i]);
	while (!LIST_EMPTY(&f->finds)) {
		struct find *one = LIST_FIRST(&f->finds);

		ctl_fail(one->req, 1, "the controller is stopping");
		free_find(one);
	}
	free(f);
}
