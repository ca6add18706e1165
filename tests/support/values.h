/* SPDX-License-Identifier: Apache-2.0
 *
 * One full and one minimal sample of each fog value, and the questions that every decoder is
 * asked: cut short, with a stranger's key, with a key twice. Included by the tests of
 * protocol/ and by the program that emits samples for the comparison with fog.cddl. */
#pragma once
#include "protocol/caps.h"
#include "protocol/domain.h"
#include "protocol/join.h"
#include "protocol/notice.h"
#include "protocol/plan.h"
#include "protocol/property.h"
#include "protocol/query.h"
#include "protocol/registration.h"
#include "protocol/report.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define SLICE(bytes) ((struct slice){ (const uint8_t *)(bytes), sizeof(bytes) - 1 })
#define SAMPLE_PROGRAM           \
	SLICE("\x82\x83\x01\x6a" \
	      "node_load1"       \
	      "\x1a\x00\x04\x93\xe0\x82\x03\x02")
#define SAMPLE_LABELS    \
	SLICE("\xa1\x66" \
	      "device"   \
	      "\x62"     \
	      "e0")

static inline void
sample_fill(void *dst, size_t len)
{
	for (size_t i = 0; i < len; i++)
		((uint8_t *)dst)[i] = (uint8_t)(i + 1);
}

static inline struct fog_words
sample_words(bool full)
{
	struct fog_words w = { .words = 0 };

	if (full) {
		w.word[w.words++] = SLICE("wifi6");
		w.word[w.words++] = SLICE("lte");
	}
	return w;
}

static inline struct fog_domain
sample_domain(bool full)
{
	struct fog_domain d = { 0 };

	if (!full)
		return d;
	d.has_id = true;
	sample_fill(d.id.bytes, sizeof d.id.bytes);
	strcpy(d.domain, "operator1");
	strcpy(d.scope, "admin=operator1;type=robot");
	d.epoch = 7;
	d.role = FOG_CONTROLLER;
	d.hops = 8;
	d.leaving = true;
	return d;
}

static inline void
sample_interface(struct caps_interface *i)
{
	strcpy(i->name, "wlan0");
	i->kind = CAPS_WIFI;
	strcpy(i->radio, "wifi6");
	i->l2_len = 6;
	sample_fill(i->l2, i->l2_len);
	i->addr[0].len = 16;
	i->addr[0].prefix = 64;
	sample_fill(i->addr[0].ip, 16);
	i->addr[1].len = 4;
	i->addr[1].prefix = 24;
	sample_fill(i->addr[1].ip, 4);
	i->addrs = 2;
	i->up = true;
}

static inline struct caps
sample_caps(bool full)
{
	struct caps c = { .battery = NAN };

	if (!full)
		return c;
	strcpy(c.type, "robot");
	strcpy(c.vendor, "ACME Robotics");
	c.energy = CAPS_BATTERY;
	c.battery = 0.75;
	strcpy(c.virtualization, "none");
	strcpy(c.arch, "aarch64");
	strcpy(c.os, "Debian GNU/Linux 12");
	strcpy(c.kernel, "6.1.0");
	strcpy(c.version, "0.1.0");
	c.cpus = 4;
	c.memory_bytes = 4ULL << 30;
	c.storage_bytes = 64ULL << 30;
	sample_interface(&c.interface[0]);
	strcpy(c.interface[1].name, "e0");
	c.interface[1].kind = CAPS_ETHERNET;
	c.interfaces = 2;
	strcpy(c.tag[0].key, "floor");
	strcpy(c.tag[0].value, "2");
	c.tags = 1;
	strcpy(c.device[0], "lidar");
	strcpy(c.device[1], "video0");
	c.devices = 2;
	c.located = true;
	c.latitude = 40.332;
	c.longitude = -3.765;
	return c;
}

/* caps: where the encoded capabilities stay. */
static inline struct fog_registration
sample_registration(bool full, struct slice caps)
{
	struct fog_registration r = { .renew = !full, .boot_ms = 123456 };

	sample_fill(r.node.bytes, sizeof r.node.bytes);
	sample_fill(r.boot, sizeof r.boot);
	if (!full)
		return r;
	strcpy(r.name, "robot-7");
	strcpy(r.domain, "operator1");
	r.renew = true;
	r.plan_version = 3;
	sample_fill(r.plan_digest, sizeof r.plan_digest);
	r.trust_version = 2;
	r.denials = 5;
	r.caps = caps;
	return r;
}

static inline struct fog_join
sample_join(bool full)
{
	struct fog_join j = { .request = SLICE("\x30\x03\x02\x01\x07") };

	sample_fill(j.command, sizeof j.command);
	if (!full)
		return j;
	j.has_token = true;
	sample_fill(j.token_id, sizeof j.token_id);
	sample_fill(j.token_secret, sizeof j.token_secret);
	strcpy(j.version, "0.3.0");
	strcpy(j.serial, "C02X1234");
	strcpy(j.name, "robot-7");
	return j;
}

static inline struct fog_grant
sample_grant(bool full)
{
	struct fog_grant g = { .certificate = SLICE("\x30\x03\x02\x01\x08"),
		.ca = { SLICE("\x30\x03\x02\x01\x09") },
		.cas = 1,
		.domain = "operator1",
		.time_ms = 1795000000000 };

	sample_fill(g.command, sizeof g.command);
	if (!full)
		return g;
	g.ca[g.cas++] = SLICE("\x30\x03\x02\x01\x0a");
	strcpy(g.place[g.places++], "[2001:db8::1]:7017");
	g.trust_version = 2;
	return g;
}

static inline struct fog_lease
sample_lease(bool full)
{
	struct fog_lease l = { .epoch = 7, .lease_ms = 30000, .beat_ms = 2000 };

	sample_fill(l.controller.bytes, sizeof l.controller.bytes);
	if (full)
		l.time_ms = 1795000000000;
	return l;
}

#define SAMPLE_DENIALS 2

/* denied: what sample_notice() is encoded with. */
static inline struct fog_notice
sample_notice(bool full, struct fog_denial denied[SAMPLE_DENIALS])
{
	struct fog_notice n = { .trust_version = 2 };

	memset(denied, 0, SAMPLE_DENIALS * sizeof *denied);
	if (!full)
		return n;
	n.ca[0] = SLICE("\x30\x03\x02\x01\x07");
	n.ca[1] = SLICE("\x30\x03\x02\x01\x06");
	n.cas = 2;
	n.denied_before = 5;
	sample_fill(&denied[0].id, sizeof denied[0].id);
	sample_fill(&denied[1], sizeof denied[1]);
	n.secret[0] = (struct fog_secret){ .epoch = 9, .not_after_ms = 1795086400000 };
	sample_fill(n.secret[0].secret, sizeof n.secret[0].secret);
	n.secret[1] = (struct fog_secret){ .epoch = 8, .not_after_ms = 1795000000000 };
	n.secrets = 2;
	return n;
}

static inline void
sample_plan(bool full, struct fog_plan *p)
{
	memset(p, 0, sizeof *p);
	p->version = 12;
	p->items = 1;
	p->item[0] = (struct plan_item){ .id = 1,
		.program = SAMPLE_PROGRAM,
		.period_ms = 5000,
		.mode = PLAN_PERIODIC };
	if (!full)
		return;
	strcpy(p->why, "item 7: no metric of that name");
	p->rules = 1;
	p->rule[0] = (struct plan_rule){ "a:b", "ratio", SAMPLE_PROGRAM };
	p->items = 2;
	p->item[1] = (struct plan_item){ .id = 900,
		.program = SAMPLE_PROGRAM,
		.period_ms = 100,
		.mode = PLAN_SUPPRESSED,
		.flags = PLAN_LINE | PLAN_URGENT,
		.deadband = 0.05,
		.share = 0.3,
		.heartbeat_ms = 60000,
		.period_max_ms = 1000,
		.threshold = { 3.2, -7 },
		.thresholds = 2 };
}

static inline void
sample_report(bool full, struct fog_report *r)
{
	memset(r, 0, sizeof *r);
	sample_fill(r->boot, sizeof r->boot);
	r->sequence = 100;
	r->sent_ms = 1000000;
	if (!full)
		return;
	r->kind = REPORT_LOSSY;
	r->points = 2;
	r->point[0] = (struct report_point){ .item = 1,
		.time_ms = 999000,
		.value = 0.25,
		.samples = 5,
		.labels = SAMPLE_LABELS };
	r->point[1] = (struct report_point){ .item = 900,
		.time_ms = 1000000,
		.value = NAN,
		.reason = slice_text("no sample of node_load1 in the last 5 min") };
}

static inline void
sample_packed_report(bool full, struct fog_report *r)
{
	memset(r, 0, sizeof *r);
	r->packed = slice_text("some bits");
	if (!full)
		return;
	sample_fill(r->boot, sizeof r->boot);
	r->kind = REPORT_AHEAD;
	r->sequence = 100;
	r->sent_ms = 1000000;
	r->begins = r->has_sequence = r->has_sent = true;
}

static inline void
sample_events_report(bool full, struct fog_report *r)
{
	memset(r, 0, sizeof *r);
	sample_fill(r->boot, sizeof r->boot);
	r->kind = REPORT_EVENTS;
	r->sequence = 7;
	r->sent_ms = 1000000;
	r->events = 1;
	r->event[0] = (struct report_event){ .time_ms = 999000,
		.kind = slice_text("agent.started"),
		.text = slice_text("the agent has started") };
	if (!full)
		return;
	r->events = 2;
	r->event[1] = (struct report_event){ .time_ms = 1000000,
		.kind = slice_text("report.gap"),
		.text = slice_text("there was no room for them"),
		.first = 20,
		.last = 500,
		.from_ms = 800000,
		.to_ms = 900000 };
}

static inline void
sample_result(bool full, struct fog_result *r)
{
	memset(r, 0, sizeof *r);
	r->now_ms = 1000000;
	if (!full)
		return;
	r->wall_ms = 1795000000000;
	strcpy(r->unit, "bytes");
	strcpy(r->unknown, "only for the sample");
	r->points = 2;
	r->point[0] = (struct query_point){ .labels = SAMPLE_LABELS,
		.value = 17,
		.samples = 3,
		.oldest_ms = 900000,
		.newest_ms = 999000 };
	r->point[1].value = NAN;
}

static inline struct fog_query
sample_query(bool full)
{
	struct fog_query q = { .program = SAMPLE_PROGRAM };

	if (full)
		q.range = (struct query_range){ 3600000, 1000, 10000 };
	return q;
}

/* packed: where the column stays, freed by the caller. */
static inline void
sample_range(struct column_writer *packed, struct fog_result *r)
{
	memset(r, 0, sizeof *r);
	memset(packed, 0, sizeof *packed);
	for (uint32_t i = 3; i < 40; i++)
		if (column_put(packed, i, i % 7 ? i * 0.25 : NAN))
			abort();
	r->now_ms = 1000000;
	r->start_ms = -10000;
	r->step_ms = 15000;
	r->columns = 2;
	r->column[0] = column_view(packed, SAMPLE_LABELS);
	r->column[1] = (struct query_column){ .len = 0 };
}

/* --- what every decoder is asked -------------------------------------------------------------- */
typedef int sample_decode_f(struct slice value, void *ret);

/* How many of the proper prefixes are accepted: none should be. */
static inline unsigned
accepted_prefixes(struct slice value, sample_decode_f *decode, void *ret)
{
	unsigned accepted = 0;

	for (size_t len = 1; len < value.len; len++)
		accepted += decode((struct slice){ value.data, len }, ret) == 0;
	return accepted;
}

/* The map with `extra` (key and value, encoded) at its end; at most 22 pairs. */
static inline struct slice
with_pair(struct slice map, struct slice extra, struct buf *out)
{
	buf_reset(out);
	buf_put_u8(out, (uint8_t)(map.data[0] + 1));
	buf_put(out, map.data + 1, map.len - 1);
	buf_put_slice(out, extra);
	return buf_slice(out);
}

/* Key 500 with a nested value, that nobody knows. */
#define UNKNOWN_PAIR SLICE("\x19\x01\xf4\x82\xa1\x01\x02\xf6")
/* A key below the last one of every value: repeated or descending. */
#define REPEATED_PAIR SLICE("\x01\x00")
