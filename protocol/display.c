/* SPDX-License-Identifier: Apache-2.0 */
#include "protocol/display.h"
#include "base/clock.h"
#include "base/ctl.h"
#include "protocol/value.h"

#include <arpa/inet.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

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

void
display_put_devices(struct buf *out, const struct caps *c)
{
	wr_array(out, c->devices);
	for (unsigned i = 0; i < c->devices; i++)
		wr_text(out, c->device[i]);
}

void
display_put_position(struct buf *out, const struct caps *c)
{
	char text[64];

	snprintf(text, sizeof text, "%.6f,%.6f", c->latitude, c->longitude);
	if (c->located)
		wr_text(out, text);
	else
		wr_null(out);
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

/* --- ranges ------------------------------------------------------------------------------------ */

#define STEPS_AT_FIRST 240  /* of a range whose step nobody has said */
#define STEP_MIN_MS    1000 /* likewise */

static void
put_values(struct buf *out, const struct query_column *c)
{
	struct column_reader r;
	double v;

	wr_text(out, "values");
	wr_array(out, c->len);
	column_open(c, &r);
	while (column_next(&r, &v))
		if (isnan(v))
			wr_null(out);
		else
			wr_double(out, v);
}

void
display_put_column(struct buf *out, const char *node, const char *expression,
    const struct fog_result *r, unsigned i, int64_t wall_ms)
{
	static const struct query_column none;
	const struct query_column *c = i < r->columns ? &r->column[i] : &none;
	bool unknown = r->columns == 0;
	int64_t first_ms = r->start_ms + (int64_t)c->first * r->step_ms;

	wr_map(out, unknown ? 8 : 7);
	wr_key_text(out, "node", node);
	wr_key_text(out, "expression", expression);
	wr_key_text(out, "unit", r->unit[0] ? r->unit : NULL);
	put_labels(out, c->labels);
	wr_key_int(out, "start_ms", wall_ms - (r->now_ms - first_ms));
	wr_key_int(out, "step_ms", r->step_ms);
	if (unknown)
		wr_key_text(out, "unknown",
		    r->unknown[0] ? r->unknown : "the node has no such series");
	put_values(out, c);
}

int
display_read_range(
    struct slice args, int64_t wall_ms, struct query_range *ret, const char **ret_why)
{
	int64_t start = 0, end = wall_ms, span = 0;
	bool has_start = ctl_arg_int(args, "start_ms", &start);
	bool has_range = ctl_arg_int(args, "range_ms", &span);
	bool has_end = ctl_arg_int(args, "end_ms", &end);

	*ret = (struct query_range){ 0 };
	*ret_why = "such a time is beyond all reason";
	if (llabs(start) > VALUE_TIME_MAX / 4 || llabs(end) > VALUE_TIME_MAX / 4 ||
	    llabs(span) > VALUE_TIME_MAX / 4)
		return -EINVAL;
	if (!has_start && !has_range && !has_end)
		return 0;
	*ret_why = "a range needs its length or its start";
	if (!has_start && !has_range)
		return -EINVAL;
	if (!has_start)
		start = end - span;
	else if (!has_end && has_range)
		end = start + span;
	ret->start_age_ms = wall_ms - start;
	ret->end_age_ms = wall_ms - end;
	if (!ctl_arg_int(args, "step_ms", &ret->step_ms))
		ret->step_ms = ((end - start) / STEPS_AT_FIRST + STEP_MIN_MS - 1) /
		    STEP_MIN_MS * STEP_MIN_MS;
	if (!ret->step_ms && start == end)
		ret->step_ms = STEP_MIN_MS;
	return query_range_steps(ret, ret_why) ? 0 : -EINVAL;
}
