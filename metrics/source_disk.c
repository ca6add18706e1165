/* SPDX-License-Identifier: Apache-2.0
 *
 * What whole disks have read and written, from /proc/diskstats. */
#include "metrics/file.h"
#include "metrics/source.h"
#include <errno.h>
#include <stdio.h>
#include <string.h>

#define DISKS_MAX     32
#define DISKSTATS_MAX 32768
#define DISK_NAME_MAX 32
#define SECTOR_BYTES  512 /* the kernel's unit here, whatever the disk has */

enum { READS, READ_BYTES, WRITES, WRITTEN_BYTES, IO_TIME, FIELDS };

static const struct metric metrics[FIELDS] = {
	[READS] = { "node_disk_reads_completed_total", "", METRIC_COUNTER, "reads done" },
	[READ_BYTES] = { "node_disk_read_bytes_total", "bytes", METRIC_COUNTER,
	    "bytes read" },
	[WRITES] = { "node_disk_writes_completed_total", "", METRIC_COUNTER,
	    "writes done" },
	[WRITTEN_BYTES] = { "node_disk_written_bytes_total", "bytes", METRIC_COUNTER,
	    "bytes written" },
	[IO_TIME] = { "node_disk_io_time_seconds_total", "seconds", METRIC_COUNTER,
	    "time in which the disk was busy" },
};
/* Columns behind the name, and what turns them into the metric's unit. */
static const struct {
	unsigned column;
	double scale;
} field[FIELDS] = {
	[READS] = { 0, 1 },
	[READ_BYTES] = { 2, SECTOR_BYTES },
	[WRITES] = { 4, 1 },
	[WRITTEN_BYTES] = { 6, SECTOR_BYTES },
	[IO_TIME] = { 9, 0.001 },
};
#define COLUMNS 10

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

static bool
parse_columns(const char *text, double column[COLUMNS])
{
	for (unsigned i = 0; i < COLUMNS; i++) {
		char *end;

		column[i] = strtod(text, &end);
		if (end == text)
			return false;
		text = end;
	}
	return true;
}

/* "   8       0 sda 100 5 2000 30 200 6 4000 40 0 50 70". false: not a disk that is told about. */
static bool
put_line(const char *line, char disk[DISK_NAME_MAX], struct sink *sink)
{
	struct metric_labels labels = { 0 };
	char name[DISK_NAME_MAX];
	double column[COLUMNS];
	int n = 0;

	if (sscanf(line, "%*u %*u %31s%n", name, &n) != 1 || is_virtual(name) ||
	    is_partition(name, disk) || !parse_columns(line + n, column))
		return false;
	memcpy(disk, name, DISK_NAME_MAX);
	if (column[field[READS].column] == 0 && column[field[WRITES].column] == 0)
		return false; /* an empty drive */
	metric_labels_add(&labels, "device", name);
	for (unsigned i = 0; i < FIELDS; i++)
		sink_put(
		    sink, &metrics[i], &labels, column[field[i].column] * field[i].scale);
	return true;
}

static int
disk_sample(void *inst, int64_t now_ms, struct sink *sink)
{
	struct disk *d = inst;
	ssize_t n = file_read_all(&d->stats, d->text, sizeof d->text);
	char *rest = d->text, *line, disk[DISK_NAME_MAX] = "";
	unsigned disks = 0;

	(void)now_ms;
	if (n < 0)
		return (int)n;
	while (disks < DISKS_MAX && (line = strsep(&rest, "\n")))
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
