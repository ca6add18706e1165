/* SPDX-License-Identifier: Apache-2.0
 *
 * What each function uses, from its control group (MET-08). Which groups are functions is a pattern
 * "directory/name*" below the root of the cgroup file systems. Version 2 has one tree, version 1 one
 * for each controller; a machine with both keeps its controllers in version 1. */
#include "metrics/file.h"
#include "metrics/scan.h"
#include "metrics/source.h"
#include <errno.h>
#include <assert.h>
#include <fnmatch.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define FUNCTIONS_MAX 64
#define NAME_LEN      128
#define STAT_MAX      8192
#define NO_LIMIT      1e15 /* version 1 says "no limit" with a number like 2^63 */

enum {
	CPU,
	CPU_USER,
	CPU_SYSTEM,
	CPU_THROTTLED,
	MEMORY,
	MEMORY_LIMIT,
	MEMORY_ANON,
	MEMORY_FILE,
	OOM_KILLS,
	READ_BYTES,
	WRITTEN_BYTES,
	READS,
	WRITES,
	PIDS,
	PIDS_LIMIT,
	METRICS
};
static const struct metric metrics[METRICS] = {
	[CPU] = { "node_function_cpu_seconds_total", "seconds", METRIC_COUNTER,
	    "processor time that the function has used" },
	[CPU_USER] = { "node_function_cpu_user_seconds_total", "seconds", METRIC_COUNTER,
	    "of it in its own code" },
	[CPU_SYSTEM] = { "node_function_cpu_system_seconds_total", "seconds",
	    METRIC_COUNTER, "of it in the kernel" },
	[CPU_THROTTLED] = { "node_function_cpu_throttled_seconds_total", "seconds",
	    METRIC_COUNTER, "time in which it was held back by its limit" },
	[MEMORY] = { "node_function_memory_bytes", "bytes", METRIC_GAUGE,
	    "memory of the function, cached files included" },
	[MEMORY_LIMIT] = { "node_function_memory_limit_bytes", "bytes", METRIC_GAUGE,
	    "memory that it may have; none without a limit" },
	[MEMORY_ANON] = { "node_function_memory_anon_bytes", "bytes", METRIC_GAUGE,
	    "memory of it that is in no file" },
	[MEMORY_FILE] = { "node_function_memory_file_bytes", "bytes", METRIC_GAUGE,
	    "memory of it that caches files" },
	[OOM_KILLS] = { "node_function_oom_kills_total", "", METRIC_COUNTER,
	    "processes of it that were killed for lack of memory" },
	[READ_BYTES] = { "node_function_io_read_bytes_total", "bytes", METRIC_COUNTER,
	    "bytes that it has read from disks" },
	[WRITTEN_BYTES] = { "node_function_io_written_bytes_total", "bytes",
	    METRIC_COUNTER, "bytes that it has written to disks" },
	[READS] = { "node_function_io_reads_total", "", METRIC_COUNTER,
	    "its reads from disks" },
	[WRITES] = { "node_function_io_writes_total", "", METRIC_COUNTER,
	    "its writes to disks" },
	[PIDS] = { "node_function_pids", "", METRIC_GAUGE, "its processes and threads" },
	[PIDS_LIMIT] = { "node_function_pids_limit", "", METRIC_GAUGE,
	    "how many it may have; none without a limit" },
};

/* How the text of a file becomes values. */
enum form {
	NUMBER,	 /* one; "max" is none */
	FIELDS,	 /* "usage_usec 12\nuser_usec 9\n" */
	PAIRS,	 /* "8:0 rbytes=1 wbytes=2\n", summed up */
	BY_LINE, /* "8:0 Read 123\n8:0 Write 5\n", summed up */
};
struct part {
	const char *word; /* of FIELDS, PAIRS and BY_LINE */
	unsigned metric;
	double scale; /* 0: clock ticks */
};
#define PARTS_MAX 4
struct layout {
	const char *file;
	enum form form;
	struct part part[PARTS_MAX]; /* scale is never negative; the rest is zero */
	unsigned parts;
};

static const struct layout version2[] = {
	{ "cpu.stat", FIELDS,
	    { { "usage_usec", CPU, 1e-6 }, { "user_usec", CPU_USER, 1e-6 },
		{ "system_usec", CPU_SYSTEM, 1e-6 },
		{ "throttled_usec", CPU_THROTTLED, 1e-6 } },
	    4 },
	{ "memory.current", NUMBER, { { NULL, MEMORY, 1 } }, 1 },
	{ "memory.max", NUMBER, { { NULL, MEMORY_LIMIT, 1 } }, 1 },
	{ "memory.stat", FIELDS,
	    { { "anon", MEMORY_ANON, 1 }, { "file", MEMORY_FILE, 1 } }, 2 },
	{ "memory.events", FIELDS, { { "oom_kill", OOM_KILLS, 1 } }, 1 },
	{ "io.stat", PAIRS,
	    { { "rbytes=", READ_BYTES, 1 }, { "wbytes=", WRITTEN_BYTES, 1 },
		{ "rios=", READS, 1 }, { "wios=", WRITES, 1 } },
	    4 },
	{ "pids.current", NUMBER, { { NULL, PIDS, 1 } }, 1 },
	{ "pids.max", NUMBER, { { NULL, PIDS_LIMIT, 1 } }, 1 },
};
/* With the controller in front. */
static const struct layout version1[] = {
	{ "cpuacct/%s/cpuacct.usage", NUMBER, { { NULL, CPU, 1e-9 } }, 1 },
	{ "cpuacct/%s/cpuacct.stat", FIELDS,
	    { { "user", CPU_USER, 0 }, { "system", CPU_SYSTEM, 0 } }, 2 },
	{ "cpu/%s/cpu.stat", FIELDS, { { "throttled_time", CPU_THROTTLED, 1e-9 } }, 1 },
	{ "memory/%s/memory.usage_in_bytes", NUMBER, { { NULL, MEMORY, 1 } }, 1 },
	{ "memory/%s/memory.limit_in_bytes", NUMBER, { { NULL, MEMORY_LIMIT, 1 } }, 1 },
	{ "memory/%s/memory.stat", FIELDS,
	    { { "total_rss", MEMORY_ANON, 1 }, { "total_cache", MEMORY_FILE, 1 } }, 2 },
	{ "memory/%s/memory.oom_control", FIELDS, { { "oom_kill", OOM_KILLS, 1 } }, 1 },
	{ "blkio/%s/blkio.throttle.io_service_bytes", BY_LINE,
	    { { "Read", READ_BYTES, 1 }, { "Write", WRITTEN_BYTES, 1 } }, 2 },
	{ "blkio/%s/blkio.throttle.io_serviced", BY_LINE,
	    { { "Read", READS, 1 }, { "Write", WRITES, 1 } }, 2 },
	{ "pids/%s/pids.current", NUMBER, { { NULL, PIDS, 1 } }, 1 },
	{ "pids/%s/pids.max", NUMBER, { { NULL, PIDS_LIMIT, 1 } }, 1 },
};
#define FILES_MAX ARRAY_LEN(version1)
static_assert(ARRAY_LEN(version2) <= FILES_MAX, "a function has a file for each layout");

struct function {
	char name[NAME_LEN]; /* of the group */
	struct file file[FILES_MAX];
	bool seen;
};
struct functions {
	char *root, *directory, *pattern; /* directory: below the root of a tree */
	const struct layout *layout;
	size_t layouts;
	char *scan; /* where the groups are listed */
	void *dir;
	double ticks_per_second;
	struct function *function;
	unsigned len;
	char text[STAT_MAX];
};

static void
close_function(struct function *f)
{
	for (size_t i = 0; i < FILES_MAX; i++)
		file_done(&f->file[i]);
}

static void
function_close(void *inst)
{
	struct functions *fs = inst;

	for (unsigned i = 0; i < fs->len; i++)
		close_function(&fs->function[i]);
	file_scan_done(&fs->dir);
	free(fs->function);
	free(fs->scan);
	free(fs->root);
	free(fs->directory);
	free(fs->pattern);
	free(fs);
}

/* --- which groups ---------------------------------------------------------------------- */

/* "fogwatch.slice/ *.scope" → its two parts. */
static int
split_pattern(struct functions *fs, const char *text)
{
	const char *slash;

	text += strspn(text, "/");
	slash = strrchr(text, '/');
	fs->directory = slash ? strndup(text, (size_t)(slash - text)) : strdup("");
	fs->pattern = strdup(slash ? slash + 1 : text);
	return fs->directory && fs->pattern ? 0 : -ENOMEM;
}

/* Version 1: where any of the controllers has the directory. */
static int
choose_version(struct functions *fs)
{
	static const char *const tree[] = { "memory", "cpuacct", "pids", "cpu", "blkio" };
	CLEANUP(free_text) char *mark = NULL;
	bool here = false;

	if (asprintf(&mark, "%s/cgroup.controllers", fs->root) < 0) {
		mark = NULL;
		return -ENOMEM;
	}
	if (access(mark, F_OK) == 0) {
		fs->layout = version2;
		fs->layouts = ARRAY_LEN(version2);
		return asprintf(&fs->scan, "%s/%s", fs->root, fs->directory) < 0 ? -ENOMEM
										 : 0;
	}
	fs->layout = version1;
	fs->layouts = ARRAY_LEN(version1);
	for (size_t i = 0; i < ARRAY_LEN(tree) && !here; i++) {
		free(fs->scan);
		if (asprintf(&fs->scan, "%s/%s/%s", fs->root, tree[i], fs->directory) <
		    0) {
			fs->scan = NULL;
			return -ENOMEM;
		}
		here = access(fs->scan, F_OK) == 0;
	}
	return 0;
}

static int
set_up(struct functions *fs, const struct source_env *env)
{
	int err;

	fs->ticks_per_second = (double)sysconf(_SC_CLK_TCK);
	fs->function = calloc(FUNCTIONS_MAX, sizeof *fs->function);
	if (env->cgroup)
		fs->root = strdup(env->cgroup);
	else if (asprintf(&fs->root, "%s/fs/cgroup", env->sys) < 0)
		fs->root = NULL;
	if (!fs->function || !fs->root)
		return -ENOMEM;
	err = split_pattern(fs, env->functions ? env->functions : "");
	return err < 0 ? err : choose_version(fs);
}

static int
function_open(const struct source_env *env, void **ret_inst)
{
	struct functions *fs;
	int err;

	fs = calloc(1, sizeof *fs);
	if (!fs)
		return -ENOMEM;
	err = set_up(fs, env);
	if (err < 0) {
		function_close(fs);
		return err;
	}
	*ret_inst = fs;
	return 0;
}

static int
init_file(struct functions *fs, size_t i, const char *name, struct file *f)
{
	CLEANUP(free_text) char *group = NULL, *path = NULL;
	const char *slash = fs->directory[0] ? "/" : "", *file = fs->layout[i].file;
	const char *mark = strstr(file, "%s");
	int n;

	if (asprintf(&group, "%s%s%s", fs->directory, slash, name) < 0) {
		group = NULL;
		return -ENOMEM;
	}
	n = mark ? asprintf(&path, "%.*s%s%s", (int)(mark - file), file, group, mark + 2)
		 : asprintf(&path, "%s/%s", group, file);
	if (n < 0) {
		path = NULL;
		return -ENOMEM;
	}
	return file_init(f, fs->root, path);
}

static struct function *
add_function(struct functions *fs, const char *name)
{
	struct function *f = &fs->function[fs->len];

	*f = (struct function){ 0 };
	snprintf(f->name, sizeof f->name, "%s", name);
	for (size_t i = 0; i < fs->layouts; i++)
		if (init_file(fs, i, name, &f->file[i]) < 0) {
			close_function(f);
			return NULL;
		}
	fs->len++;
	return f;
}

/* Only groups are directories, but their files match no pattern that somebody would write for them;
 * one that does has no files below it, and gives nothing. */
static void
see_group(void *arg, const char *name)
{
	struct functions *fs = arg;
	struct function *f = NULL;

	if (strlen(name) >= NAME_LEN || fnmatch(fs->pattern, name, FNM_PERIOD) != 0)
		return;
	for (unsigned i = 0; i < fs->len && !f; i++)
		if (strcmp(fs->function[i].name, name) == 0)
			f = &fs->function[i];
	if (!f && fs->len < FUNCTIONS_MAX)
		f = add_function(fs, name);
	if (f)
		f->seen = true;
}

static void
forget_gone(struct functions *fs)
{
	for (unsigned i = 0; i < fs->len; i++) {
		if (fs->function[i].seen) {
			fs->function[i].seen = false;
			continue;
		}
		close_function(&fs->function[i]);
		fs->function[i--] = fs->function[--fs->len];
	}
}

/* --- values ---------------------------------------------------------------------------- */

/* false: it is not told. */
static bool
find_number(char *text, double *ret)
{
	const char *at = text;

	return scan_number(&at, ret) && *ret < NO_LIMIT;
}

static bool
find_field(char *text, const char *word, double *ret)
{
	size_t n = strlen(word);
	char *line, *next;

	for (line = text; line; line = next ? next + 1 : NULL) {
		const char *at = line + n;

		next = strchr(line, '\n');
		if (strncmp(line, word, n) == 0 && *at == ' ' && scan_number(&at, ret))
			return true;
	}
	return false;
}

/* An empty file: it has done nothing so far. */
static bool
sum_words(char *text, const char *word, bool own_column, double *ret)
{
	const char *found = text;

	*ret = 0;
	while ((found = strstr(found, word))) {
		bool begins = found > text && found[-1] == ' ';
		double value;

		found += strlen(word);
		if (begins && (!own_column || *found == ' ') &&
		    scan_number(&found, &value))
			*ret += value;
	}
	return text[0] == '\0' || strchr(text, ' ');
}

static void
put_parts(struct functions *fs, const struct layout *l,
    const struct metric_labels *labels, struct sink *sink)
{
	for (unsigned i = 0; i < l->parts; i++) {
		const struct part *p = &l->part[i];
		bool found = false;
		double value;

		switch (l->form) {
		case NUMBER:
			found = find_number(fs->text, &value);
			break;
		case FIELDS:
			found = find_field(fs->text, p->word, &value);
			break;
		case PAIRS:
		case BY_LINE:
			found = sum_words(fs->text, p->word, l->form == BY_LINE, &value);
			break;
		}
		if (found)
			sink_put(sink, &metrics[p->metric], labels,
			    p->scale > 0 ? value * p->scale
					 : value / fs->ticks_per_second);
	}
}

static bool
is_wanted(const struct layout *l, struct sink *sink)
{
	for (unsigned i = 0; i < l->parts; i++)
		if (sink_wants(sink, &metrics[l->part[i].metric]))
			return true;
	return false;
}

/* "fogfn-camera.scope" is told as "fogfn-camera". */
static void
add_label(const char *name, struct metric_labels *labels)
{
	static const char *const unit[] = { ".scope", ".service", ".slice" };
	char text[NAME_LEN];
	size_t n;

	snprintf(text, sizeof text, "%s", name);
	n = strlen(text);
	for (size_t i = 0; i < ARRAY_LEN(unit); i++)
		if (n > strlen(unit[i]) &&
		    strcmp(text + n - strlen(unit[i]), unit[i]) == 0) {
			text[n - strlen(unit[i])] = '\0';
			break;
		}
	metric_labels_add(labels, "function", text);
}

static void
put_function(struct functions *fs, struct function *f, struct sink *sink)
{
	struct metric_labels labels = { 0 };

	add_label(f->name, &labels);
	for (size_t i = 0; i < fs->layouts; i++)
		if (is_wanted(&fs->layout[i], sink) &&
		    file_read(&f->file[i], fs->text, sizeof fs->text) >= 0)
			put_parts(fs, &fs->layout[i], &labels, sink);
}

static int
function_sample(void *inst, int64_t now_ms, struct sink *sink)
{
	struct functions *fs = inst;

	(void)now_ms;
	if (!fs->pattern[0])
		return 0;
	(void)file_scan(&fs->dir, fs->scan, see_group, fs); /* none yet */
	forget_gone(fs);
	for (unsigned i = 0; i < fs->len; i++)
		put_function(fs, &fs->function[i], sink);
	return 0;
}

static const struct source_labels labels_of[] = {
	{ "node_function_", "function" },
	{ NULL, NULL },
};

const struct source source_function = {
	.abi = SOURCE_ABI,
	.name = "function",
	.help = "what each function uses, from its control group",
	.metrics = metrics,
	.metrics_len = ARRAY_LEN(metrics),
	.flags = SOURCE_SLOW,
	.labels = labels_of,
	.open = function_open,
	.sample = function_sample,
	.close = function_close,
};
