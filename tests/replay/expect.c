/* SPDX-License-Identifier: Apache-2.0
 *
 * What should have been said and should have happened since the beginning or the last "forget". */
#include "tests/replay/stage.h"

#include <arpa/inet.h>
#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

/* Fields that a fact must have; -1 and NULL: any. */
struct wanted {
	int64_t at_ms;
	int link, loop, flags, count, locators;
	int64_t ms, ms_to;
	const struct actor *from, *to;
	struct in6_addr group; /* ::: any */
	char name[GRASP_NAME_MAX + 1];
	bool has_name, has_value, no_value, diverted, direct, has_locator, has_reason,
	    has_session, has_initiator;
	struct buf value, whole;
	struct grasp_locator locator;
	int session_name;
	uint32_t session;
	struct in6_addr initiator;
	const char *outcome;
	char reason[80];
};

/* --- reading ---------------------------------------------------------------------------------- */

static const struct actor *
read_actor(struct line *l)
{
	const char *word = line_next(l);
	const struct actor *a = actor_find(word);

	if (!a)
		line_fail(l, "who is \"%s\"?", word);
	return a;
}

static void
read_session(struct line *l, struct wanted *w)
{
	unsigned name;

	w->has_session = true;
	if (!session_name(line_peek(l), &name)) {
		w->session = (uint32_t)line_number(l);
		return;
	}
	line_next(l);
	if (session_named(name))
		w->session = *session_named(name);
	else
		w->session_name = (int)name;
}

static void
read_locator(struct line *l, struct wanted *w)
{
	struct addr a = line_address(l, 0);

	w->has_locator = true;
	w->locator = grasp_locator_from_addr(&a, GRASP_TCP);
}

static bool
read_outcome(struct line *l, struct wanted *w)
{
	for (int o = 0; o <= GRASP_VIOLATION; o++)
		if (line_take(l, grasp_outcome_name(o))) {
			w->outcome = grasp_outcome_name(o);
			return true;
		}
	return false;
}

static void
read_range(struct line *l, struct wanted *w)
{
	w->ms = w->ms_to = (int64_t)line_number(l);
	if (line_take(l, "to"))
		w->ms_to = (int64_t)line_number(l);
}

static void
read_initiator(struct line *l, struct wanted *w)
{
	w->has_initiator = true;
	w->initiator = line_address(l, 0).ip;
}

static bool
read_number(struct line *l, struct wanted *w)
{
	if (line_take(l, "at"))
		w->at_ms = (int64_t)line_number(l);
	else if (line_take(l, "link"))
		w->link = (int)line_number(l);
	else if (line_take(l, "loop"))
		w->loop = (int)line_number(l);
	else if (line_take(l, "flags"))
		w->flags = (int)line_number(l);
	else if (line_take(l, "responses") || line_take(l, "items"))
		w->count = (int)line_number(l);
	else if (line_take(l, "locators"))
		w->locators = (int)line_number(l);
	else if (line_take(l, "ttl") || line_take(l, "ms"))
		read_range(l, w);
	else
		return false;
	return true;
}

static void
read_field(struct line *l, struct wanted *w)
{
	if (read_number(l, w) || read_outcome(l, w))
		return;
	if (line_take(l, "from"))
		w->from = read_actor(l);
	else if (line_take(l, "to"))
		w->to = read_actor(l);
	else if (line_take(l, "value"))
		w->has_value = (line_item(l, &w->value), true);
	else if (line_take(l, "is"))
		line_item(l, &w->whole);
	else if (line_take(l, "no-value"))
		w->no_value = true;
	else if (line_take(l, "diverted"))
		w->diverted = true;
	else if (line_take(l, "direct"))
		w->direct = true;
	else if (line_take(l, "session"))
		read_session(l, w);
	else if (line_take(l, "group"))
		w->group = line_address(l, 0).ip;
	else if (line_take(l, "locator"))
		read_locator(l, w);
	else if (line_take(l, "initiator"))
		read_initiator(l, w);
	else if (line_take(l, "reason"))
		w->has_reason = (line_quoted(l, w->reason, sizeof w->reason), true);
	else if (line_peek_quoted(l))
		w->has_name = (line_quoted(l, w->name, sizeof w->name), true);
	else
		line_fail(l, "what does \"%s\" mean here?", line_peek(l));
}

static void
read_wanted(struct line *l, struct wanted *w)
{
	*w = (struct wanted){ .at_ms = -1,
		.link = -1,
		.loop = -1,
		.flags = -1,
		.count = -1,
		.locators = -1,
		.ms = -1,
		.session_name = -1 };
	buf_init(&w->value, 65536);
	buf_init(&w->whole, 65536);
	while (line_peek(l))
		read_field(l, w);
}

/* --- matching --------------------------------------------------------------------------------- */

static bool
has_locator(const struct fact *f, const struct wanted *w)
{
	for (unsigned i = 0; i < f->locators; i++)
		if (IN6_ARE_ADDR_EQUAL(&f->locator[i].ip, &w->locator.ip) &&
		    f->locator[i].port == w->locator.port)
			return true;
	return false;
}

static bool
fits_numbers(const struct fact *f, const struct wanted *w)
{
	return (w->at_ms < 0 || f->at_ms == w->at_ms) &&
	    (w->link < 0 || f->link == w->link) && (w->loop < 0 || f->loop == w->loop) &&
	    (w->flags < 0 || f->flags == w->flags) &&
	    (w->count < 0 || f->count == (unsigned)w->count) &&
	    (w->locators < 0 || f->locators == (unsigned)w->locators) &&
	    (w->ms < 0 || (f->ms >= w->ms && f->ms <= w->ms_to));
}

static bool
fits_words(const struct fact *f, const struct wanted *w)
{
	if (w->has_name && strcmp(f->name, w->name) != 0)
		return false;
	if (w->has_reason && strcmp(f->reason, w->reason) != 0)
		return false;
	if (w->outcome && (!f->outcome || strcmp(f->outcome, w->outcome) != 0))
		return false;
	if ((w->diverted && !f->diverted) || (w->direct && f->diverted))
		return false;
	return !w->has_initiator ||
	    (f->has_initiator && f->initiator.len == 16 &&
		memcmp(f->initiator.bytes, w->initiator.s6_addr, 16) == 0);
}

static bool
fits(const struct fact *f, const struct wanted *w)
{
	if (!fits_numbers(f, w) || !fits_words(f, w))
		return false;
	if ((w->from && f->from != w->from) || (w->to && f->to != w->to))
		return false;
	if (!IN6_IS_ADDR_UNSPECIFIED(&w->group) &&
	    !IN6_ARE_ADDR_EQUAL(&f->group, &w->group))
		return false;
	if (w->has_locator && !has_locator(f, w))
		return false;
	if (w->has_session &&
	    (!f->has_session || (w->session_name < 0 && f->session != w->session)))
		return false;
	if (w->no_value && f->has_value)
		return false;
	if (w->has_value && !slice_equal(f->value, buf_slice(&w->value)))
		return false;
	return !w->whole.pos || slice_equal(f->bytes, buf_slice(&w->whole));
}

/* The first one that fits gives its session the name. */
static unsigned
count_fact(const struct fact *f, struct wanted *w)
{
	if (!fits(f, w))
		return 0;
	if (w->session_name >= 0) {
		session_set((unsigned)w->session_name, f->session);
		w->session = f->session;
		w->session_name = -1;
	}
	return 1;
}

static unsigned
count_messages(enum grasp_type type, struct wanted *w)
{
	unsigned n = 0;

	for (size_t i = 0; i < fake_packets(stage.net); i++) {
		struct grasp_msg msg;
		struct fact f;

		if (stage_message(fake_packet(stage.net, i), &msg, &f) && f.type == type)
			n += count_fact(&f, w);
	}
	return n;
}

static unsigned
count_happenings(const struct actor *who, enum happening what, struct wanted *w)
{
	const struct fact *f;
	unsigned n = 0;

	STAILQ_FOREACH(f, &stage.facts, entry)
		if (f->who == who && f->happening == what)
			n += count_fact(f, w);
	return n;
}

/* --- what an actor is like -------------------------------------------------------------------- */

static void
count_found(void *arg, const struct grasp_found *found)
{
	(void)arg;
	(void)found;
}

static void
count_flooded(void *arg, const struct grasp_peer *from, const struct grasp_objective *obj,
    const struct grasp_locator *locator, uint32_t ttl_ms)
{
	(void)arg;
	(void)from;
	(void)obj;
	(void)locator;
	(void)ttl_ms;
}

#define COUNTER(name)                                        \
	{                                                    \
#name, offsetof(struct grasp_counters, name) \
	}
static const struct {
	const char *name;
	size_t at;
} counters[] = {
	COUNTER(datagrams),
	COUNTER(malformed),
	COUNTER(duplicate),
	COUNTER(own),
	COUNTER(unknown_type),
	COUNTER(unwanted),
	COUNTER(no_listener),
	COUNTER(bad_source),
	COUNTER(rate_limited),
	COUNTER(too_long),
	COUNTER(discoveries),
	COUNTER(responses),
	COUNTER(floods),
	COUNTER(links),
	COUNTER(links_refused),
	COUNTER(links_paused),
	COUNTER(relayed_discoveries),
	COUNTER(relayed_floods),
	COUNTER(relayed_responses),
	COUNTER(relay_limited),
	COUNTER(diverts),
	COUNTER(loop_exhausted),
	COUNTER(not_permitted),
};

static uint64_t
counter(struct line *l, const struct actor *a)
{
	const char *name = line_next(l);

	for (size_t i = 0; i < ARRAY_LEN(counters); i++)
		if (strcmp(counters[i].name, name) == 0)
			return *(
			    const uint64_t *)((const char *)grasp_node_counters(a->node) +
			    counters[i].at);
	line_fail(l, "there is no counter \"%s\"", name);
}

static bool
read_state(struct line *l, struct actor *a, uint64_t *ret)
{
	char name[GRASP_NAME_MAX + 1];

	if (line_take(l, "counter")) {
		*ret = counter(l, a);
	} else if (line_take(l, "streams")) {
		*ret = fake_streams(a->host);
	} else if (line_take(l, "cached")) {
		line_quoted(l, name, sizeof name);
		*ret = grasp_cached(a->node, slice_text(name), 0, count_found, NULL);
	} else if (line_take(l, "flooded-values")) {
		line_quoted(l, name, sizeof name);
		*ret = grasp_flooded(a->node, slice_text(name), count_flooded, NULL);
	} else {
		return false;
	}
	return true;
}

/* --- expect ---------------------------------------------------------------------------------- */

/* no: 0, N: exactly, nothing: at least one (-1) */
static int
read_count(struct line *l)
{
	if (line_take(l, "no"))
		return 0;
	return line_peek_number(l) ? (int)line_number(l) : -1;
}

static void
compare(struct line *l, int wanted, unsigned n)
{
	if (wanted < 0 && n == 0)
		line_fail(l, "there was none");
	if (wanted >= 0 && n != (unsigned)wanted)
		line_fail(l, "there were %u", n);
}

static bool
is_happening(const char *word, enum happening *ret)
{
	for (*ret = 0; *ret < HAPPENINGS; (*ret)++)
		if (strcmp(word, happening_name[*ret]) == 0)
			return true;
	return false;
}

static void
expect_message(struct line *l, int count, const char *type_name)
{
	struct wanted w;

	for (int t = 0; t < 256; t++)
		if (strcmp(type_name, grasp_type_name(t)) == 0) {
			read_wanted(l, &w);
			compare(l, count, count_messages(t, &w));
			buf_done(&w.value);
			buf_done(&w.whole);
			return;
		}
	line_fail(l, "\"%s\" is neither an actor nor a message", type_name);
}

static void
expect_actor(struct line *l, struct actor *a)
{
	enum happening what;
	struct wanted w;
	uint64_t state;
	int count;

	if (read_state(l, a, &state)) {
		uint64_t n = line_number(l);

		if (state != n)
			line_fail(l, "it is %" PRIu64, state);
		return;
	}
	count = read_count(l);
	if (!is_happening(line_next(l), &what))
		line_fail(l, "what can happen is found, asked, ended …");
	read_wanted(l, &w);
	compare(l, count, count_happenings(a, what, &w));
	buf_done(&w.value);
	buf_done(&w.whole);
}

void
expect(struct line *l)
{
	struct actor *a = actor_find(line_peek(l) ? line_peek(l) : "");
	int count;

	if (a) {
		line_next(l);
		expect_actor(l, a);
		return;
	}
	count = read_count(l);
	expect_message(l, count, line_next(l));
}
