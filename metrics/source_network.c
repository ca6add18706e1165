/* SPDX-License-Identifier: Apache-2.0
 *
 * Counters of the network interfaces from /proc/net/dev, which shows the network namespace of
 * the process that opens it; state, speed and the like from sysfs, each read only if wanted. */
#include "metrics/file.h"
#include "metrics/scan.h"
#include "metrics/source.h"
#include <errno.h>
#include <stdio.h>
#include <string.h>

#define DEVICES_MAX  64
#define NET_DEV_MAX  32768
#define NAME_MAX_LEN 16
#define MBIT_BYTES   (1e6 / 8)

/* X(part of the name, help): the columns of /proc/net/dev in their order */
#define COLUMNS(X)                                                          \
	X(receive_bytes, "bytes", "bytes received")                         \
	X(receive_packets, "", "packets received")                          \
	X(receive_errs, "", "errors met in receiving")                      \
	X(receive_drop, "", "packets dropped in receiving")                 \
	X(receive_fifo, "", "packets lost because buffers were full")       \
	X(receive_frame, "", "packets received with errors of their frame") \
	X(receive_compressed, "", "compressed packets received")            \
	X(receive_multicast, "", "multicast packets received")              \
	X(transmit_bytes, "bytes", "bytes sent")                            \
	X(transmit_packets, "", "packets sent")                             \
	X(transmit_errs, "", "errors met in sending")                       \
	X(transmit_drop, "", "packets dropped in sending")                  \
	X(transmit_fifo, "", "packets not sent because buffers were full")  \
	X(transmit_colls, "", "collisions")                                 \
	X(transmit_carrier, "", "packets not sent for lack of a carrier")   \
	X(transmit_compressed, "", "compressed packets sent")

enum {
#define INDEX(part, unit, help) part,
	COLUMNS(INDEX)
#undef INDEX
	    COLUMNS_LEN,
	UP = COLUMNS_LEN,
	CARRIER,
	CARRIER_CHANGES,
	CARRIER_UPS,
	CARRIER_DOWNS,
	MTU,
	SPEED,
	METRICS
};
#define ATTRIBUTES (METRICS - UP)

static const struct metric metrics[METRICS] = {
#define METRIC(part, unit, help) \
	[part] = { "node_network_" #part "_total", unit, METRIC_COUNTER, help },
	COLUMNS(METRIC)
#undef METRIC
	    [UP] = { "node_network_up", "", METRIC_GAUGE,
		"1 if the interface says that it works (operstate up), else 0" },
	[CARRIER] = { "node_network_carrier", "", METRIC_GAUGE,
	    "1 if there is a carrier, else 0; none while the interface is down" },
	[CARRIER_CHANGES] = { "node_network_carrier_changes_total", "", METRIC_COUNTER,
	    "how often the carrier came or went" },
	[CARRIER_UPS] = { "node_network_carrier_up_changes_total", "", METRIC_COUNTER,
	    "how often it came" },
	[CARRIER_DOWNS] = { "node_network_carrier_down_changes_total", "", METRIC_COUNTER,
	    "how often it went" },
	[MTU] = { "node_network_mtu_bytes", "bytes", METRIC_GAUGE,
	    "size of the largest packet" },
	[SPEED] = { "node_network_speed_bytes", "bytes/s", METRIC_GAUGE,
	    "nominal speed of the link" },
};
static const char *const attribute[ATTRIBUTES] = {
	[UP - UP] = "operstate",
	[CARRIER - UP] = "carrier",
	[CARRIER_CHANGES - UP] = "carrier_changes",
	[CARRIER_UPS - UP] = "carrier_up_count",
	[CARRIER_DOWNS - UP] = "carrier_down_count",
	[MTU - UP] = "mtu",
	[SPEED - UP] = "speed",
};

struct device {
	char name[NAME_MAX_LEN];
	struct file file[ATTRIBUTES];
	bool seen; /* in this sample */
};
struct network {
	struct file dev;
	char *class_net;
	struct device device[DEVICES_MAX];
	unsigned len;
	char text[NET_DEV_MAX];
};

static void
close_device(struct device *d)
{
	for (unsigned i = 0; i < ATTRIBUTES; i++)
		file_done(&d->file[i]);
}

static void
network_close(void *inst)
{
	struct network *n = inst;

	for (unsigned i = 0; i < n->len; i++)
		close_device(&n->device[i]);
	file_done(&n->dev);
	free(n->class_net);
	free(n);
}

static int
network_open(const struct source_env *env, void **ret_inst)
{
	struct network *n = calloc(1, sizeof *n);

	if (!n)
		return -ENOMEM;
	if (file_init(&n->dev, env->proc, "net/dev") < 0 ||
	    asprintf(&n->class_net, "%s/class/net", env->sys) < 0) {
		n->class_net = NULL;
		network_close(n);
		return -ENOMEM;
	}
	*ret_inst = n;
	return 0;
}

static struct device *
add_device(struct network *n, const char *name)
{
	struct device *d = &n->device[n->len];
	char path[NAME_MAX_LEN + 24];

	*d = (struct device){ 0 };
	snprintf(d->name, sizeof d->name, "%s", name);
	for (unsigned i = 0; i < ATTRIBUTES; i++) {
		snprintf(path, sizeof path, "%s/%s", d->name, attribute[i]);
		if (file_init(&d->file[i], n->class_net, path) < 0) {
			close_device(d);
			return NULL;
		}
	}
	n->len++;
	return d;
}

static struct device *
find_device(struct network *n, const char *name)
{
	for (unsigned i = 0; i < n->len; i++)
		if (strcmp(n->device[i].name, name) == 0)
			return &n->device[i];
	return n->len < DEVICES_MAX && strlen(name) < NAME_MAX_LEN ? add_device(n, name)
								   : NULL;
}

static void
put_state(struct device *d, const struct metric_labels *labels, struct sink *sink)
{
	char state[FILE_ATTRIBUTE_MAX];

	if (sink_wants(sink, &metrics[UP]) &&
	    file_read_word(&d->file[UP - UP], state, sizeof state) == 0)
		sink_put(sink, &metrics[UP], labels, strcmp(state, "up") == 0);
}

static void
put_attributes(struct device *d, const struct metric_labels *labels, struct sink *sink)
{
	double value;

	for (unsigned i = CARRIER; i < METRICS; i++) {
		if (!sink_wants(sink, &metrics[i]) ||
		    file_read_number(&d->file[i - UP], &value) < 0 || value < 0)
			continue;
		if (i != SPEED)
			sink_put(sink, &metrics[i], labels, value);
		/* -1 and EINVAL are the kernel's ways to say that there is no such speed. */
		else if (value > 0)
			sink_put(sink, &metrics[i], labels, value * MBIT_BYTES);
	}
}

/* "  eth0: 1296 10 0 0 0 0 0 0 816 8 0 0 0 0 0 0" */
static void
put_line(struct network *n, char *line, struct sink *sink)
{
	struct metric_labels labels = { 0 };
	char *colon = strrchr(line, ':'), *name = line + strspn(line, " ");
	double value[COLUMNS_LEN];
	const char *at;
	struct device *d;

	if (!colon)
		return; /* the headings */
	*colon = '\0';
	at = colon + 1;
	for (unsigned i = 0; i < COLUMNS_LEN; i++)
		if (!scan_number(&at, &value[i]))
			return;
	d = find_device(n, name);
	if (!d)
		return;
	d->seen = true;
	metric_labels_add(&labels, "device", name);
	for (unsigned i = 0; i < COLUMNS_LEN; i++)
		sink_put(sink, &metrics[i], &labels, value[i]);
	put_state(d, &labels, sink);
	put_attributes(d, &labels, sink);
}

static void
forget_gone(struct network *n)
{
	for (unsigned i = 0; i < n->len; i++) {
		if (n->device[i].seen) {
			n->device[i].seen = false;
			continue;
		}
		close_device(&n->device[i]);
		n->device[i--] = n->device[--n->len];
	}
}

static int
network_sample(void *inst, int64_t now_ms, struct sink *sink)
{
	struct network *n = inst;
	ssize_t len = file_read_lines(&n->dev, n->text, sizeof n->text);
	char *rest = n->text, *line;

	(void)now_ms;
	if (len < 0)
		return (int)len;
	while ((line = scan_line(&rest)))
		put_line(n, line, sink);
	forget_gone(n);
	return 0;
}

static const struct source_labels labels_of[] = {
	{ "", "device" },
	{ NULL, NULL },
};

const struct source source_network = {
	.abi = SOURCE_ABI,
	.name = "network",
	.help = "network interfaces",
	.metrics = metrics,
	.metrics_len = ARRAY_LEN(metrics),
	.labels = labels_of,
	.open = network_open,
	.sample = network_sample,
	.close = network_close,
};
