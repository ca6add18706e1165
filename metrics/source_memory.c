/* SPDX-License-Identifier: Apache-2.0
 *
 * Memory and swap from /proc/meminfo. Names are the kernel's, as in Prometheus' node_exporter. */
#include "metrics/file.h"
#include "metrics/scan.h"
#include "metrics/source.h"
#include <errno.h>
#include <math.h>
#include <string.h>

#define MEMINFO_MAX 8192

/* X(metric's part, field of the kernel, help) */
#define FIELDS(X)                                                                        \
	X(MemTotal, "MemTotal", "memory that the kernel manages")                        \
	X(MemFree, "MemFree", "memory used for nothing")                                 \
	X(MemAvailable, "MemAvailable", "memory that programs can get without swapping") \
	X(Buffers, "Buffers", "memory that buffers block devices")                       \
	X(Cached, "Cached", "memory that caches files")                                  \
	X(SwapCached, "SwapCached", "memory that is in swap as well")                    \
	X(Active, "Active", "memory used lately")                                        \
	X(Inactive, "Inactive", "memory not used lately")                                \
	X(Active_anon, "Active(anon)", "memory of programs used lately")                 \
	X(Inactive_anon, "Inactive(anon)", "memory of programs not used lately")         \
	X(Active_file, "Active(file)", "memory of files used lately")                    \
	X(Inactive_file, "Inactive(file)", "memory of files not used lately")            \
	X(Unevictable, "Unevictable", "memory that must stay")                           \
	X(Mlocked, "Mlocked", "memory that programs have locked")                        \
	X(SwapTotal, "SwapTotal", "swap space")                                          \
	X(SwapFree, "SwapFree", "swap space used for nothing")                           \
	X(Dirty, "Dirty", "memory that waits to be written")                             \
	X(Writeback, "Writeback", "memory that is being written")                        \
	X(AnonPages, "AnonPages", "memory of programs that is in no file")               \
	X(Mapped, "Mapped", "files that are mapped")                                     \
	X(Shmem, "Shmem", "shared memory and tmpfs")                                     \
	X(KReclaimable, "KReclaimable", "memory of the kernel that can be had back")     \
	X(Slab, "Slab", "the kernel's own structures")                                   \
	X(SReclaimable, "SReclaimable", "of these, what can be had back")                \
	X(SUnreclaim, "SUnreclaim", "of these, what cannot")                             \
	X(KernelStack, "KernelStack", "stacks of tasks in the kernel")                   \
	X(PageTables, "PageTables", "page tables")                                       \
	X(CommitLimit, "CommitLimit", "memory that may be promised")                     \
	X(Committed_AS, "Committed_AS", "memory that is promised")                       \
	X(HardwareCorrupted, "HardwareCorrupted", "memory that is broken")

enum {
#define INDEX(part, name, help) part,
	FIELDS(INDEX)
#undef INDEX
	    FIELDS_LEN
};

static const struct metric metrics[] = {
#define METRIC(part, name, help) \
	{ "node_memory_" #part "_bytes", "bytes", METRIC_GAUGE, help },
	FIELDS(METRIC)
#undef METRIC
	    { "node_memory_available_ratio", "ratio", METRIC_GAUGE,
		"share of the memory that programs can get without swapping" },
};
#define RATIO FIELDS_LEN
static const char *const field[FIELDS_LEN] = {
#define NAME(part, name, help) name ":",
	FIELDS(NAME)
#undef NAME
};

static void
memory_close(void *inst)
{
	file_done(inst);
	free(inst);
}

static int
memory_open(const struct source_env *env, void **ret_inst)
{
	struct file *f = calloc(1, sizeof *f);

	if (!f || file_init(f, env->proc, "meminfo") < 0) {
		free(f);
		return -ENOMEM;
	}
	*ret_inst = f;
	return 0;
}

/* "MemTotal:       49364832 kB"; anything else leaves the field unknown. The kernel's order is the
 * table's: the search begins behind the field found last. */
static void
parse_line(const char *line, unsigned *next, double bytes[FIELDS_LEN])
{
	for (unsigned n = 0; n < FIELDS_LEN; n++) {
		unsigned i = (*next + n) % FIELDS_LEN;
		const char *at = scan_word(line, field[i]);
		double kib;

		if (!at)
			continue;
		*next = i + 1;
		if (scan_number(&at, &kib) && strcmp(at, " kB") == 0)
			bytes[i] = kib * 1024;
		return;
	}
}

static int
memory_sample(void *inst, int64_t now_ms, struct sink *sink)
{
	char text[MEMINFO_MAX], *rest = text, *line;
	double bytes[FIELDS_LEN];
	ssize_t n = file_read(inst, text, sizeof text);
	unsigned next = 0;

	(void)now_ms;
	if (n < 0)
		return (int)n;
	for (unsigned i = 0; i < FIELDS_LEN; i++)
		bytes[i] = NAN;
	while ((line = scan_line(&rest)))
		parse_line(line, &next, bytes);
	for (unsigned i = 0; i < FIELDS_LEN; i++)
		sink_put(sink, &metrics[i], NULL, bytes[i]);
	if (bytes[MemTotal] > 0 && bytes[MemAvailable] <= bytes[MemTotal])
		sink_put(
		    sink, &metrics[RATIO], NULL, bytes[MemAvailable] / bytes[MemTotal]);
	return isnan(bytes[MemTotal]) ? -EBADMSG : 0;
}

const struct source source_memory = {
	.abi = SOURCE_ABI,
	.name = "memory",
	.help = "memory and swap",
	.metrics = metrics,
	.metrics_len = ARRAY_LEN(metrics),
	.open = memory_open,
	.sample = memory_sample,
	.close = memory_close,
};
