/* SPDX-License-Identifier: Apache-2.0
 *
 * Counters of the network interfaces from /proc/net/dev, which shows the network namespace of
 * the process that opens it; state and speed from sysfs. */
#include "metrics/file.h"
#include "metrics/source.h"
#include <errno.h>
#include <stdio.h>
#include <string.h>

#define DEVICES_MAX  64
#define NET_DEV_MAX  32768
#define NAME_MAX_LEN 16

enum {
	RX_BYTES,
	RX_PACKETS,
	RX_ERRS,
	RX_DROP,
	TX_BYTES,
	TX_PACKETS,
	TX_ERRS,
	TX_DROP,
	COUNTERS,
	UP = COUNTERS,
	SPEED,
};

static const struct metric metrics[] = {
	[RX_BYTES] = { "node_network_receive_bytes_total", "bytes", METRIC_COUNTER,
	    "bytes received" },
	[RX_PACKETS] = { "node_network_receive_packets_total", "", METRIC_COUNTER,
	    "packets received" },
	[RX_ERRS] = { "node_network_receive_errs_total", "", METRIC_COUNTER,
	    "errors met in receiving" },
	[RX_DROP] = { "node_network_receive_drop_total", "", METRIC_COUNTER,
	    "packets dropped in receiving" },
	[TX_BYTES] = { "node_network_transmit_bytes_total", "bytes", METRIC_COUNTER,
	    "bytes sent" },
	[TX_PACKETS] = { "node_network_transmit_packets_total", "", METRIC_COUNTER,
	    "packets sent" },
	[TX_ERRS] = { "node_network_transmit_errs_total", "", METRIC_COUNTER,
	    "errors met in sending" },
	[TX_DROP] = { "node_network_transmit_drop_total", "", METRIC_COUNTER,
	    "packets dropped in sending" },
	[UP] = { "node_network_up", "", METRIC_GAUGE,
	    "1 if the interface can carry packets (operstate up or unknown), else 0" },
	[SPEED] = { "node_network_speed_bytes", "bytes/s", METRIC_GAUGE,
	    "nominal speed of the link" },
};
/* Columns of /proc/net/dev behind the name. */
static const uint8_t column[COUNTERS] = { 0, 1, 2, 3, 8, 9, 10, 11 };
#define COLUMNS 16

struct device {
	char name[NAME_MAX_LEN];
	struct file state, speed;
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
	file_done(&d->state);
	file_done(&d->speed);
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
	char path[NAME_MAX_LEN + 16];

	*d = (struct device){ 0 };
	snprintf(d->name, sizeof d->name, "%s", name);
	snprintf(path, sizeof path, "%s/operstate", d->name);
	if (file_init(&d->state, n->class_net, path) < 0)
		return NULL;
	snprintf(path, sizeof path, "%s/speed", d->name);
	if (file_init(&d->speed, n->class_net, path) < 0) {
		close_device(d);
		return NULL;
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
	double mbit;

	if (file_read_word(&d->state, state, sizeof state) == 0)
		sink_put(sink, &metrics[UP], labels,
		    strcmp(state, "up") == 0 || strcmp(state, "unknown") == 0);
	/* -1 and EINVAL are the kernel's ways to say that there is no such number. */
	if (file_read_number(&d->speed, &mbit) == 0 && mbit > 0)
		sink_put(sink, &metrics[SPEED], labels, mbit * 1e6 / 8);
}

/* "  eth0: 1296 10 0 0 0 0 0 0 816 8 0 0 0 0 0 0" */
static void
put_line(struct network *n, char *line, struct sink *sink)
{
	struct metric_labels labels = { 0 };
	char *colon = strrchr(line, ':'), *name = line + strspn(line, " ");
	double value[COLUMNS];
	struct device *d;

	if (!colon)
		return; /* the headings */
	*colon = '\0';
	line = colon + 1;
	for (unsigned i = 0; i < COLUMNS; i++) {
		char *end;

		value[i] = strtod(line, &end);
		if (end == line)
			return;
		line = end;
	}
	d = find_device(n, name);
	if (!d)
		return;
	d->seen = true;
	metric_labels_add(&labels, "device", name);
	for (unsigned i = 0; i < COUNTERS; i++)
		sink_put(sink, &metrics[i], &labels, value[column[i]]);
	put_state(d, &labels, sink);
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
	ssize_t len = file_read_all(&n->dev, n->text, sizeof n->text);
	char *rest = n->text, *line;

	(void)now_ms;
	if (len < 0)
		return (int)len;
	while ((line = strsep(&rest, "\n")))
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
