/* SPDX-License-Identifier: Apache-2.0
 *
 * What whole disks have read and written, from /proc/diskstats. */
#include "metrics/file.h"
#include "metrics/scan.h"
#include "metrics/source.h"
#include <errno.h>
#include <stdio.h>
#include <string.h>

#define DISKS_MAX     32
#define DISKSTATS_MAX 32768
#define DISK_NAME_MAX 32
#define SECTOR_BYTES  512 /* the kernel's unit here, whatever the disk has */

/* X(part of the name, unit, column behind the disk's name, scale, help) */
#define FIELDS(X)                                                                      \
	X(reads_completed, "", 0, 1, "reads done")                                     \
	X(reads_merged, "", 1, 1, "reads that went along with another")                \
	X(read_bytes, "bytes", 2, SECTOR_BYTES, "bytes read")                          \
	X(read_time_seconds, "seconds", 3, 0.001, "time that reads have taken")        \
	X(writes_completed, "", 4, 1, "writes done")                                   \
	X(writes_merged, "", 5, 1, "writes that went along with another")              \
	X(written_bytes, "bytes", 6, SECTOR_BYTES, "bytes written")                    \
	X(write_time_seconds, "seconds", 7, 0.001, "time that writes have taken")      \
	X(io_time_seconds, "seconds", 9, 0.001, "time in which the disk was busy")     \
	X(io_time_weighted_seconds, "seconds", 10, 0.001,                              \
	    "time that all requests together have taken")                              \
	X(discards_completed, "", 11, 1, "discards done")                              \
	X(discards_merged, "", 12, 1, "discards that went along with another")         \
	X(discarded_sectors, "", 13, 1, "sectors discarded")                           \
	X(discard_time_seconds, "seconds", 14, 0.001, "time that discards have taken") \
	X(flush_requests, "", 15, 1, "flushes done")                                   \
	X(flush_requests_time_seconds, "seconds", 16, 0.001,                           \
	    "time that flushes have taken")

enum {
#define INDEX(part, unit, column, scale, help) part,
	FIELDS(INDEX)
#undef INDEX
	    COUNTERS,
	IO_NOW = COUNTERS,
	METRICS
};
static const struct metric metrics[METRICS] = {
#define METRIC(part, unit, column, scale, help) \
	[part] = { "node_disk_" #part "_total", unit, METRIC_COUNTER, help },
	FIELDS(METRIC)
#undef METRIC
	    [IO_NOW] = { "node_disk_io_now", "", METRIC_GAUGE, "requests under way" },
};
static const struct {
	unsigned column;
	double scale;
} field[METRICS] = {
#define FIELD(part, unit, column, scale, help) [part] = { column, scale },
	FIELDS(FIELD)
#undef FIELD
	    [IO_NOW] = { 8, 1 },
};
#define COLUMNS_MIN 10 /* older kernels have fewer than the newest */
#define COLUMNS	    17

struct disk {
	struct file stats;
	char text[DISKSTATS_MAX];
};

static void
disk_close(void *inst)
{
	struct disk *d = inst;

	file_done(&d->stats);
	free(d);
}

static int
disk_open(const struct source_env *env, void **ret_inst)
{
	struct disk *d = calloc(1, sizeof *d);

	if (!d || file_init(&d->stats, env->proc, "diskstats") < 0) {
		free(d);
		return -ENOMEM;
	}
	*ret_inst = d;
	return 0;
}

static bool
is_virtual(const char *name)
{
	static const char *const prefix[] = { "ram", "zram", "loop", "fd" };

	for (size_t i = 0; i < ARRAY_LEN(prefix); i++)
		if (strncmp(name, prefix[i], strlen(prefix[i])) == 0)
			return true;
	return false;
}

/* sda1 of sda, nvme0n1p1 of nvme0n1: partitions follow their disk. */
static bool
is_partition(const char *name, const char *disk)
{
	size_t n = strlen(disk);

	if (n == 0 || strncmp(name, disk, n) != 0)
		return false;
	name += n + (name[n] == 'p');
	return *name && name[strspn(name, "0123456789")] == '\0';
}

/* How many there are. */
static unsigned
parse_columns(const char *text, double column[COLUMNS])
{
	unsigned n = 0;

	while (n < COLUMNS && scan_number(&text, &column[n]))
		n++;
	return text[strspn(text, " ")] == '\0' || n == COLUMNS ? n : 0;
}

/* "   8       0 sda 100 5 2000 30 200 6 4000 40 0 50 70". false: not a disk that is told about. */
static bool
put_line(const char *line, char disk[DISK_NAME_MAX], struct sink *sink)
{
	struct metric_labels labels = { 0 };
	char name[DISK_NAME_MAX];
	double column[COLUMNS];
	unsigned columns;
	int n = 0;

	if (sscanf(line, "%*u %*u %31s%n", name, &n) != 1 || is_virtual(name) ||
	    is_partition(name, disk))
		return false;
	columns = parse_columns(line + n, column);
	if (columns < COLUMNS_MIN)
		return false;
	memcpy(disk, name, DISK_NAME_MAX);
	if (column[field[reads_completed].column] == 0 &&
	    column[field[writes_completed].column] == 0)
		return false; /* an empty drive */
	metric_labels_add(&labels, "device", name);
	for (unsigned i = 0; i < METRICS; i++)
		if (field[i].column < columns)
			sink_put(sink, &metrics[i], &labels,
			    column[field[i].column] * field[i].scale);
	return true;
}

static int
disk_sample(void *inst, int64_t now_ms, struct sink *sink)
{
	struct disk *d = inst;
	ssize_t n = file_read_lines(&d->stats, d->text, sizeof d->text);
	char *rest = d->text, *line, disk[DISK_NAME_MAX] = "";
	unsigned disks = 0;

	(void)now_ms;
	if (n < 0)
		return (int)n;
	while (disks < DISKS_MAX && (line = scan_line(&rest)))
		disks += put_line(line, disk, sink);
	return 0;
}

static const struct source_labels labels_of[] = {
	{ "", "device" },
	{ NULL, NULL },
};

const struct source source_disk = {
	.abi = SOURCE_ABI,
	.name = "disk",
	.help = "what disks read and write",
	.metrics = metrics,
	.metrics_len = ARRAY_LEN(metrics),
	.labels = labels_of,
	.open = disk_open,
	.sample = disk_sample,
	.close = disk_close,
};
