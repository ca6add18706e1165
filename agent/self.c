/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/self.h"
#include "agent/agent.h"
#include "metrics/sampler.h"

#include <stdio.h>
#include <string.h>

struct telling {
	self_put_f *put;
	void *to;
};

static void
tell_sampler(const struct agent *a, const struct telling *t)
{
	struct sampler_stats s;

	sampler_stats(a->sampler, &s);
	t->put(t->to, SELF_READS, "", "", (double)s.reads);
	t->put(t->to, SELF_SAMPLES, "", "", (double)s.samples);
	t->put(t->to, SELF_SERIES, "", "", (double)s.series);
	t->put(t->to, SELF_HISTORY_BYTES, "", "", (double)s.history_bytes);
}

/* Of the items of the plan as it is now. */
static void
tell_items(const struct uplink *u, const char *domain, const struct telling *t)
{
	const struct plan *plan = uplink_plan(u);

	for (size_t i = 0; plan && i < plan_len(plan); i++) {
		struct plan_item_state item;
		struct reporter_item cost;
		char id[16];

		plan_item(plan, i, &item);
		reporter_item(uplink_reporter(u), item.item->id, &cost);
		snprintf(id, sizeof id, "%u", (unsigned)item.item->id);
		t->put(t->to, SELF_ITEM_BYTES, domain, id, (double)cost.bytes);
	}
}

/* Controllers come and go and move; the domain is who the reports are for. */
static void
tell_destination(const struct member *m, const struct telling *t)
{
	const struct uplink *u = member_uplink(m);
	const char *domain = member_domain(m);
	const struct session *session = u ? uplink_session(u) : NULL;
	struct reporter_stats r;

	if (!u)
		return; /* a pledge */
	if (!domain[0])
		domain = "default";
	if (session && session_link(session)) {
		struct grasp_link_stats link;

		grasp_link_stats(session_link(session), &link);
		t->put(t->to, SELF_SENT_BYTES, domain, "", (double)link.bytes_sent);
	}
	reporter_stats(uplink_reporter(u), &r);
	t->put(t->to, SELF_REPORT_QUEUE, domain, "", (double)r.waiting);
	t->put(t->to, SELF_REPORT_BYTES, domain, "", (double)r.bytes);
	tell_items(u, domain, t);
}

static void
tell(void *arg, self_put_f *put, void *to)
{
	struct self *s = arg;
	const struct telling t = { put, to };

	put(to, SELF_LAG, "", "", (double)s->lag_ms / 1000);
	s->lag_ms = 0;
	tell_sampler(s->agent, &t);
	for (size_t i = 0; i < s->agent->members; i++)
		tell_destination(s->agent->member[i], &t);
}

void
self_init(struct self *s, const struct agent *a)
{
	*s = (struct self){ .source = { tell, s }, .agent = a, .due_ms = INT64_MAX };
}

void
self_note_work(struct self *s, int64_t now_ms)
{
	int64_t lag_ms = s->due_ms == INT64_MAX ? 0 : now_ms - s->due_ms;

	if (lag_ms > s->lag_ms)
		s->lag_ms = lag_ms;
	s->due_ms = INT64_MAX;
}

void
self_note_due(struct self *s, int64_t due_ms)
{
	s->due_ms = due_ms;
}
