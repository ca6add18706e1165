/* SPDX-License-Identifier: Apache-2.0
 *
 * How well radios hear, from nl80211; from /proc/net/wireless what only that tells (noise), and all of
 * it where the kernel has no nl80211 or does not show this radio there. A machine without radios has
 * neither, and then this source gives nothing. */
#include "metrics/file.h"
#include "metrics/genl.h"
#include "metrics/nl80211.h"
#include "metrics/source.h"
#include <errno.h>
#include <linux/magic.h>
#include <linux/nl80211.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/vfs.h>

#define RADIOS_MAX   16
#define WIRELESS_MAX 8192
#define QUALITY_MAX  70.0     /* of all drivers under cfg80211 */
#define QUALITY_ZERO (-110.0) /* dBm: cfg80211's scale, for those it does not show */
#define DBM_MIN	     (-200.0) /* -256 stands for "not associated" */
#define RETRY_MS     60000    /* a driver may be loaded later */

enum {
	SIGNAL,
	AVERAGE,
	NOISE,
	QUALITY,
	BEACONS,
	BEACON_LOSS,
	TRANSMIT,
	RECEIVE,
	RETRIES,
	FAILED,
	INACTIVE,
	CONNECTED,
	FREQUENCY,
	ASSOCIATED,
	STATIONS,
};

static const struct metric metrics[] = {
	[SIGNAL] = { "node_wireless_signal_dbm", "dbm", METRIC_GAUGE,
	    "level of the received signal" },
	[AVERAGE] = { "node_wireless_signal_average_dbm", "dbm", METRIC_GAUGE,
	    "level of the received signal, averaged by the driver" },
	[NOISE] = { "node_wireless_noise_dbm", "dbm", METRIC_GAUGE,
	    "level of the noise" },
	[QUALITY] = { "node_wireless_quality_ratio", "ratio", METRIC_GAUGE,
	    "quality of the link, 0 is no link" },
	[BEACONS] = { "node_wireless_missed_beacons_total", "", METRIC_COUNTER,
	    "beacons of the access point that were not heard" },
	[BEACON_LOSS] = { "node_wireless_beacon_loss_total", "", METRIC_COUNTER,
	    "times that the access point was silent for many beacons" },
	[TRANSMIT] = { "node_wireless_transmit_bits_per_second", "bits/s", METRIC_GAUGE,
	    "rate of the last frame sent" },
	[RECEIVE] = { "node_wireless_receive_bits_per_second", "bits/s", METRIC_GAUGE,
	    "rate of the last frame received" },
	[RETRIES] = { "node_wireless_transmit_retries_total", "", METRIC_COUNTER,
	    "frames sent once more to the access point" },
	[FAILED] = { "node_wireless_transmit_failed_total", "", METRIC_COUNTER,
	    "frames that did not reach the access point" },
	[INACTIVE] = { "node_wireless_inactive_seconds", "seconds", METRIC_GAUGE,
	    "time since something was heard of the access point" },
	[CONNECTED] = { "node_wireless_connected_seconds", "seconds", METRIC_GAUGE,
	    "time since the association" },
	[FREQUENCY] = { "node_wireless_frequency_hertz", "hertz", METRIC_GAUGE,
	    "frequency of the channel" },
	[ASSOCIATED] = { "node_wireless_associated", "", METRIC_GAUGE,
	    "1 if the interface is associated with an access point, else 0" },
	[STATIONS] = { "node_wireless_stations", "", METRIC_GAUGE,
	    "stations that are linked with an access point or mesh interface" },
};

struct radio {
	struct nl80211_interface interface;
	struct nl80211_station station; /* the first */
	unsigned stations;
};
struct wireless {
	struct file file;
	char text[WIRELESS_MAX];
	bool netlink;	  /* procfs is this machine's, so netlink speaks of the same */
	int64_t retry_ms; /* when to look for nl80211 again */
	struct genl genl; /* closed: there is no nl80211 */
	struct radio radio[RADIOS_MAX];
	unsigned len;
};

static void
drop_netlink(struct wireless *w)
{
	genl_close(&w->genl);
	w->len = 0;
}

static void
wireless_close(void *inst)
{
	struct wireless *w = inst;

	drop_netlink(w);
	file_done(&w->file);
	free(w);
}

static int
wireless_open(const struct source_env *env, void **ret_inst)
{
	struct wireless *w = calloc(1, sizeof *w);
	struct statfs st;

	if (!w || file_init(&w->file, env->proc, "net/wireless") < 0) {
		free(w);
		return -ENOMEM;
	}
	w->genl.fd = -1;
	w->retry_ms = INT64_MIN;
	w->netlink = statfs(env->proc, &st) == 0 && st.f_type == PROC_SUPER_MAGIC;
	*ret_inst = w;
	return 0;
}

/* --- nl80211 --------------------------------------------------------------------------- */

static void
see_interface(void *arg, struct slice attributes)
{
	struct wireless *w = arg;
	struct radio *r = &w->radio[w->len];

	if (w->len == RADIOS_MAX)
		return;
	*r = (struct radio){ .stations = 0 };
	if (nl80211_interface(attributes, &r->interface))
		w->len++;
}

static void
see_station(void *arg, struct slice attributes)
{
	struct radio *r = arg;
	struct nl80211_station s;

	if (nl80211_station(attributes, &s) && r->stations++ == 0)
		r->station = s;
}

static int
ask_radios(struct wireless *w)
{
	int err;

	w->len = 0;
	err = genl_dump(&w->genl, NL80211_CMD_GET_INTERFACE, 0, 0, see_interface, w);
	for (unsigned i = 0; err == 0 && i < w->len; i++) {
		struct radio *r = &w->radio[i];

		err = genl_dump(&w->genl, NL80211_CMD_GET_STATION, NL80211_ATTR_IFINDEX,
		    r->interface.ifindex, see_station, r);
		/* Gone since, or a driver without such a list: no stations. */
		if (err == -ENODEV || err == -EOPNOTSUPP || err == -ENOLINK)
			err = 0;
	}
	return err;
}

static void
find_netlink(struct wireless *w, int64_t now_ms)
{
	if (!w->netlink || w->genl.fd >= 0 || now_ms < w->retry_ms)
		return;
	w->retry_ms = now_ms + RETRY_MS;
	/* -ENOENT: no radio here, or one that does not know nl80211. */
	if (genl_open(&w->genl, NL80211_GENL_NAME) < 0)
		drop_netlink(w);
}

static void
put_link(const struct nl80211_station *s, const struct metric_labels *labels,
    struct sink *sink)
{
	double quality = (s->signal_dbm - QUALITY_ZERO) / QUALITY_MAX;

	sink_put(sink, &metrics[SIGNAL], labels, s->signal_dbm);
	sink_put(sink, &metrics[AVERAGE], labels, s->average_dbm);
	if (!isnan(quality))
		sink_put(sink, &metrics[QUALITY], labels, fmin(fmax(quality, 0), 1));
	sink_put(sink, &metrics[BEACON_LOSS], labels, s->beacon_loss);
	sink_put(sink, &metrics[TRANSMIT], labels, s->transmit_bps);
	sink_put(sink, &metrics[RECEIVE], labels, s->receive_bps);
	sink_put(sink, &metrics[RETRIES], labels, s->retries);
	sink_put(sink, &metrics[FAILED], labels, s->failed);
	sink_put(sink, &metrics[INACTIVE], labels, s->inactive_s);
	sink_put(sink, &metrics[CONNECTED], labels, s->connected_s);
}

/* A station has one link; who has several (access point, mesh) tells how many. */
static void
put_radio(const struct radio *r, struct sink *sink)
{
	struct metric_labels labels = { 0 };
	bool client = r->interface.type == NL80211_IFTYPE_STATION ||
	    r->interface.type == NL80211_IFTYPE_P2P_CLIENT;
	bool associated = r->stations > 0 && r->station.associated;

	metric_labels_add(&labels, "device", r->interface.name);
	sink_put(sink, &metrics[FREQUENCY], &labels, r->interface.frequency_hz);
	if (client)
		sink_put(sink, &metrics[ASSOCIATED], &labels, associated);
	else if (r->interface.type != NL80211_IFTYPE_MONITOR)
		sink_put(sink, &metrics[STATIONS], &labels, r->stations);
	if (client && associated)
		put_link(&r->station, &labels, sink);
}

static bool
is_told(const struct wireless *w, const char *name)
{
	for (unsigned i = 0; i < w->len; i++)
		if (strcmp(w->radio[i].interface.name, name) == 0)
			return true;
	return false;
}

/* --- wireless extensions --------------------------------------------------------------- */

static void
put_level(struct sink *sink, const struct metric *m, const struct metric_labels *labels,
    double dbm)
{
	if (dbm > DBM_MIN && dbm < 0)
		sink_put(sink, m, labels, dbm);
}

/* " wlan0: 0000   54.  -56.  -256        0      0      0      0     47        0": status, link, level,
 * noise (a dot says that it is fresh), then four kinds of discarded packets, misc and beacons. */
static bool
put_line(const struct wireless *w, const char *line, struct sink *sink)
{
	double link, level, noise, beacons;
	struct metric_labels labels = { 0 };
	char name[17];

	if (sscanf(line,
		" %16[^: ]: %*x %lf%*[. ] %lf%*[. ] %lf%*[. ] %*u %*u %*u %*u %*u %lf",
		name, &link, &level, &noise, &beacons) != 5)
		return false;
	metric_labels_add(&labels, "device", name);
	put_level(sink, &metrics[NOISE], &labels, noise);
	sink_put(sink, &metrics[BEACONS], &labels, beacons);
	if (is_told(w, name))
		return true;
	put_level(sink, &metrics[SIGNAL], &labels, level);
	if (link >= 0)
		sink_put(sink, &metrics[QUALITY], &labels,
		    link < QUALITY_MAX ? link / QUALITY_MAX : 1);
	return true;
}

static int
put_lines(struct wireless *w, struct sink *sink)
{
	ssize_t n = file_read_all(&w->file, w->text, sizeof w->text);
	char *rest = w->text, *line;
	unsigned radios = 0;

	if (n < 0)
		return (int)n;
	while (radios < RADIOS_MAX && (line = strsep(&rest, "\n")))
		radios += put_line(w, line, sink);
	return 0;
}

static int
wireless_sample(void *inst, int64_t now_ms, struct sink *sink)
{
	struct wireless *w = inst;
	int err;

	find_netlink(w, now_ms);
	if (w->genl.fd >= 0 && ask_radios(w) < 0)
		drop_netlink(w);
	for (unsigned i = 0; i < w->len; i++)
		put_radio(&w->radio[i], sink);
	err = put_lines(w, sink);
	return w->genl.fd >= 0 ? 0 : err;
}

static const struct source_labels labels_of[] = {
	{ "", "device" },
	{ NULL, NULL },
};

const struct source source_wireless = {
	.abi = SOURCE_ABI,
	.name = "wireless",
	.help = "signal, rates and association of radio links",
	.metrics = metrics,
	.metrics_len = ARRAY_LEN(metrics),
	.flags = SOURCE_SLOW,
	.labels = labels_of,
	.open = wireless_open,
	.sample = wireless_sample,
	.close = wireless_close,
};
