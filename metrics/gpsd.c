/* SPDX-License-Identifier: Apache-2.0 */
#include "metrics/gpsd.h"
#include "base/json_scan.h"
#include "base/mem.h"
#include <errno.h>
#include <math.h>
#include <stddef.h>
#include <string.h>

enum part { OUTSIDE, TPV, SKY };

struct parser {
	struct gpsd_fix now, best;
	enum part part;
	bool is_poll;
	double satellites;
};

static const struct gpsd_fix none = { .latitude = NAN,
	.longitude = NAN,
	.altitude = NAN,
	.speed = NAN,
	.heading = NAN,
	.climb = NAN,
	.error = NAN,
	.satellites = NAN };

/* Later rows win: altMSL is what alt meant, and is newer. */
static const struct {
	const char *key;
	size_t offset;
	double min, max; /* what lies outside is garbage */
} fields[] = {
	{ "lat", offsetof(struct gpsd_fix, latitude), -90, 90 },
	{ "lon", offsetof(struct gpsd_fix, longitude), -180, 180 },
	{ "alt", offsetof(struct gpsd_fix, altitude), -12000, 1e7 },
	{ "altMSL", offsetof(struct gpsd_fix, altitude), -12000, 1e7 },
	{ "speed", offsetof(struct gpsd_fix, speed), 0, 1e4 },
	{ "track", offsetof(struct gpsd_fix, heading), 0, 360 },
	{ "climb", offsetof(struct gpsd_fix, climb), -1e4, 1e4 },
	{ "eph", offsetof(struct gpsd_fix, error), 0, 1e7 },
};

static void
take_field(struct gpsd_fix *fix, const struct json_event *e)
{
	for (size_t i = 0; i < ARRAY_LEN(fields); i++)
		if (json_event_is(e, fields[i].key) && e->number >= fields[i].min &&
		    e->number <= fields[i].max)
			memcpy(
			    (char *)fix + fields[i].offset, &e->number, sizeof e->number);
	if (json_event_is(e, "mode") && e->number >= 0 && e->number <= 3)
		fix->mode = (int)e->number;
}

/* Half a position is none. */
static void
end_fix(struct parser *p)
{
	if (isnan(p->now.latitude) || isnan(p->now.longitude) || !p->now.time[0])
		p->now.latitude = p->now.longitude = NAN;
	if (p->now.mode > p->best.mode)
		p->best = p->now;
}

static void
take_text(struct parser *p, const struct json_event *e)
{
	if (e->depth == 1 && json_event_is(e, "class"))
		p->is_poll = e->text.len == 4 && memcmp(e->text.data, "POLL", 4) == 0;
	else if (p->part == TPV && e->depth == 3 && json_event_is(e, "time") &&
	    e->text.len < GPSD_TIME_MAX) {
		memcpy(p->now.time, e->text.data, e->text.len);
		p->now.time[e->text.len] = '\0';
	}
}

/* {"class":"POLL","tpv":[{…}],"sky":[{…}]} */
static void
take_event(struct parser *p, const struct json_event *e)
{
	if (e->type == JSON_EVENT_TEXT)
		take_text(p, e);
	else if (e->type == JSON_EVENT_ARRAY && e->depth == 1)
		p->part = json_event_is(e, "tpv") ? TPV
		    : json_event_is(e, "sky")	  ? SKY
						  : OUTSIDE;
	else if (e->type == JSON_EVENT_OBJECT && e->depth == 2)
		p->now = none;
	else if (e->type == JSON_EVENT_END && e->depth == 2 && p->part == TPV)
		end_fix(p);
	else if (e->type == JSON_EVENT_NUMBER && e->depth == 3 && p->part == TPV)
		take_field(&p->now, e);
	else if (e->type == JSON_EVENT_NUMBER && e->depth == 3 && p->part == SKY &&
	    json_event_is(e, "uSat") && e->number >= 0)
		p->satellites = fmax(e->number, isnan(p->satellites) ? 0 : p->satellites);
}

int
gpsd_parse(struct slice line, struct gpsd_fix *ret)
{
	struct parser p = { .best = none, .satellites = NAN };
	struct json_event e;
	struct json_scan s;

	json_scan_init(&s, line);
	while (json_scan_next(&s, &e))
		take_event(&p, &e);
	if (json_scan_end(&s) < 0)
		return -EBADMSG;
	if (!p.is_poll)
		return 0;
	*ret = p.best;
	ret->satellites = p.satellites;
	return 1;
}
