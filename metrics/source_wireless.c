/* SPDX-License-Identifier: Apache-2.0
 *
 * How well radios hear, from /proc/net/wireless. Kernels without wireless extensions have no such
 * file, and then this source gives nothing. */
#include "metrics/file.h"
#include "metrics/source.h"
#include <errno.h>
#include <stdio.h>
#include <string.h>

#define RADIOS_MAX   16
#define WIRELESS_MAX 8192
#define QUALITY_MAX  70.0     /* of all drivers under cfg80211 */
#define DBM_MIN	     (-200.0) /* -256 stands for "not associated" */

enum { SIGNAL, NOISE, QUALITY, BEACONS };

static const struct metric metrics[] = {
	[SIGNAL] = { "node_wireless_signal_dbm", "dbm", METRIC_GAUGE,
	    "level of the received signal" },
	[NOISE] = { "node_wireless_noise_dbm", "dbm", METRIC_GAUGE,
	    "level of the noise" },
	[QUALITY] = { "node_wireless_quality_ratio", "ratio", METRIC_GAUGE,
	    "quality of the link, 0 is no link" },
	[BEACONS] = { "node_wireless_missed_beacons_total", "", METRIC_COUNTER,
	    "beacons of the access point that were not heard" },
};

struct wireless {
	struct file file;
	char text[WIRELESS_MAX];
};

static void
wireless_close(void *inst)
{
	struct wireless *w = inst;

	file_done(&w->file);
	free(w);
}

static int
wireless_open(const struct source_env *env, void **ret_inst)
{
	struct wireless *w = calloc(1, sizeof *w);

	if (!w || file_init(&w->file, env->proc, "net/wireless") < 0) {
		free(w);
		return -ENOMEM;
	}
	*ret_inst = w;
	return 0;
}

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
put_line(const char *line, struct sink *sink)
{
	double link, level, noise, beacons;
	struct metric_labels labels = { 0 };
	char name[17];

	if (sscanf(line,
		" %16[^: ]: %*x %lf%*[. ] %lf%*[. ] %lf%*[. ] %*u %*u %*u %*u %*u %lf",
		name, &link, &level, &noise, &beacons) != 5)
		return false;
	metric_labels_add(&labels, "device", name);
	put_level(sink, &metrics[SIGNAL], &labels, level);
	put_level(sink, &metrics[NOISE], &labels, noise);
	if (link >= 0)
		sink_put(sink, &metrics[QUALITY], &labels,
		    link < QUALITY_MAX ? link / QUALITY_MAX : 1);
	sink_put(sink, &metrics[BEACONS], &labels, beacons);
	return true;
}

static int
wireless_sample(void *inst, int64_t now_ms, struct sink *sink)
{
	struct wireless *w = inst;
	ssize_t n = file_read_all(&w->file, w->text, sizeof w->text);
	char *rest = w->text, *line;
	unsigned radios = 0;

	(void)now_ms;
	if (n < 0)
		return (int)n;
	while (radios < RADIOS_MAX && (line = strsep(&rest, "\n")))
		radios += put_line(line, sink);
	return 0;
}

const struct source source_wireless = {
	.abi = SOURCE_ABI,
	.name = "wireless",
	.help = "signal and quality of radio links",
	.metrics = metrics,
	.metrics_len = ARRAY_LEN(metrics),
	.open = wireless_open,
	.sample = wireless_sample,
	.close = wireless_close,
};
