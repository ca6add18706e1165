/* SPDX-License-Identifier: Apache-2.0 */
#include "protocol/display.h"
#include "base/clock.h"

#include <arpa/inet.h>
#include <math.h>
#include <stdio.h>

/* --- capabilities ---------------------------------------------------------------------------- */

static void
put_l2(struct buf *out, const struct caps_interface *f)
{
	char text[3 * sizeof f->l2 + 1] = "";

	for (unsigned i = 0; i < f->l2_len; i++)
		sprintf(text + 3 * i, "%02x%s", f->l2[i], i + 1u < f->l2_len ? ":" : "");
	wr_key_text(out, "l2", f->l2_len ? text : NULL);
}

static void
put_addresses(struct buf *out, const struct caps_interface *f)
{
	wr_text(out, "addresses");
	wr_array(out, f->addrs);
	for (unsigned i = 0; i < f->addrs; i++) {
		char ip[INET6_ADDRSTRLEN] = "", text[INET6_ADDRSTRLEN + 5];

		inet_ntop(f->addr[i].len == 4 ? AF_INET : AF_INET6, f->addr[i].ip, ip,
		    sizeof ip);
		snprintf(text, sizeof text, "%s/%u", ip, f->addr[i].prefix);
		wr_text(out, text);
	}
}

void
display_put_interfaces(struct buf *out, const struct caps *c)
{
	wr_array(out, c->interfaces);
	for (unsigned i = 0; i < c->interfaces; i++) {
		const struct caps_interface *f = &c->interface[i];

		wr_map(out, 6);
		wr_key_text(out, "name", f->name);
		wr_key_text(out, "kind", caps_kind_name(f->kind));
		wr_key_text(out, "radio", f->radio[0] ? f->radio : NULL);
		wr_key_bool(out, "up", f->up);
		put_l2(out, f);
		put_addresses(out, f);
	}
}

void
display_put_tags(struct buf *out, const struct caps *c)
{
	wr_map(out, c->tags);
	for (unsigned i = 0; i < c->tags; i++)
		wr_key_text(out, c->tag[i].key, c->tag[i].value);
}

/* --- results ----------------------------------------------------------------------------------- */

/* The node's wall clock may be wrong; the age of a sample is not. */
static void
put_time(struct buf *out, const struct fog_result *r, int64_t newest_ms, int64_t wall_ms)
{
	int64_t age = r->now_ms - newest_ms;
	char text[CLOCK_TEXT_MAX];
	bool known = newest_ms && age >= 0;

	wr_key_text(out, "time", known ? clock_format(wall_ms - age, text) : NULL);
	wr_key_double(out, "age_s", known ? (double)age / 1000 : NAN);
}

static void
put_labels(struct buf *out, struct slice labels)
{
	wr_text(out, "labels");
	if (labels.len)
		wr_raw(out, labels);
	else
		wr_map(out, 0);
}

static void
put_series(struct buf *out, const struct fog_result *r, int64_t wall_ms)
{
	wr_text(out, "series");
	wr_array(out, r->points);
	for (unsigned i = 0; i < r->points; i++) {
		const struct query_point *p = &r->point[i];

		wr_map(out, 5);
		put_labels(out, p->labels);
		wr_key_double(out, "value", p->value);
		wr_key_int(out, "samples", p->samples);
		put_time(out, r, p->newest_ms, wall_ms);
	}
}

/* All series as one. */
static struct query_point
sum_up(const struct fog_result *r)
{
	struct query_point all = { .value = r->points == 1 ? r->point[0].value : NAN };

	for (unsigned i = 0; i < r->points; i++) {
		const struct query_point *p = &r->point[i];

		all.samples += p->samples;
		if (p->newest_ms > all.newest_ms)
			all.newest_ms = p->newest_ms;
		if (!all.oldest_ms || (p->oldest_ms && p->oldest_ms < all.oldest_ms))
			all.oldest_ms = p->oldest_ms;
	}
	if (r->points == 1)
		all.labels = r->point[0].labels;
	return all;
}

static const char *
why_unknown(const struct fog_result *r, double value)
{
	if (r->points > 1 || !isnan(value))
		return NULL;
	if (r->unknown[0])
		return r->unknown;
	return r->points ? "the result is not a number" : "the node has no such series";
}

void
display_put_result(struct buf *out, const char *node, const char *expression,
    const struct fog_result *r, int64_t wall_ms)
{
	struct query_point all = sum_up(r);
	const char *unknown = why_unknown(r, all.value);
	bool span = all.oldest_ms && all.newest_ms >= all.oldest_ms;

	wr_map(out, unknown ? 11 : 10);
	wr_key_text(out, "node", node);
	wr_key_text(out, "expression", expression);
	wr_key_text(out, "unit", r->unit[0] ? r->unit : NULL);
	put_time(out, r, all.newest_ms, wall_ms);
	wr_key_double(out, "value", all.value);
	wr_key_int(out, "samples", all.samples);
	wr_key_double(
	    out, "window_s", span ? (double)(all.newest_ms - all.oldest_ms) / 1000 : NAN);
	put_labels(out, all.labels);
	if (unknown)
		wr_key_text(out, "unknown", unknown);
	put_series(out, r, wall_ms);
}
