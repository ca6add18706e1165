/* SPDX-License-Identifier: Apache-2.0
 *
 * Space and inodes of local file systems. statvfs() on a network file system can hang with its
 * server, and on a virtual one it says nothing; so only types known as local are asked. */
#include "metrics/file.h"
#include "metrics/source.h"
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/statvfs.h>

#define MOUNTS_MAX	32 /* file systems told about */
#define MOUNTS_TEXT_MAX 65536

enum { SIZE, AVAIL, AVAIL_RATIO, FREE, FILES, FILES_FREE, READ_ONLY };

static const struct metric metrics[] = {
	[SIZE] = { "node_filesystem_size_bytes", "bytes", METRIC_GAUGE,
	    "size of the file system" },
	[AVAIL] = { "node_filesystem_avail_bytes", "bytes", METRIC_GAUGE,
	    "space that programs can still use" },
	[AVAIL_RATIO] = { "node_filesystem_avail_ratio", "ratio", METRIC_GAUGE,
	    "share of the space that programs can still use" },
	[FREE] = { "node_filesystem_free_bytes", "bytes", METRIC_GAUGE,
	    "space used for nothing, what is reserved for root included" },
	[READ_ONLY] = { "node_filesystem_readonly", "", METRIC_GAUGE,
	    "1 if nothing can be written, else 0" },
	[FILES] = { "node_filesystem_files", "", METRIC_GAUGE, "inodes" },
	[FILES_FREE] = { "node_filesystem_files_free", "", METRIC_GAUGE, "free inodes" },
};
static const char *const local_type[] = { "bcachefs", "btrfs", "exfat", "ext2", "ext3",
	"ext4", "f2fs", "jffs2", "jfs", "msdos", "nilfs2", "ntfs3", "overlay", "reiserfs",
	"tmpfs", "ubifs", "vfat", "xfs", "zfs" };
static const char *const foreign_place[] = { "/dev", "/proc", "/sys", "/run/credentials",
	"/run/containerd", "/run/user", "/var/lib/containerd", "/var/lib/containers",
	"/var/lib/docker", "/var/lib/kubelet" };

struct mount {
	const char *device, *point, *type; /* in filesystem.text */
};
struct filesystem {
	struct file mounts;
	const char *rootfs; /* the environment's, which outlives us */
	struct mount mount[MOUNTS_MAX];
	unsigned len;
	char text[MOUNTS_TEXT_MAX];
};

static void
filesystem_close(void *inst)
{
	struct filesystem *fs = inst;

	file_done(&fs->mounts);
	free(fs);
}

static int
filesystem_open(const struct source_env *env, void **ret_inst)
{
	struct filesystem *fs = calloc(1, sizeof *fs);

	if (!fs || file_init(&fs->mounts, env->proc, "mounts") < 0) {
		free(fs);
		return -ENOMEM;
	}
	fs->rootfs = env->rootfs ? env->rootfs : "";
	*ret_inst = fs;
	return 0;
}

static bool
is_local(const char *type)
{
	for (size_t i = 0; i < ARRAY_LEN(local_type); i++)
		if (strcmp(type, local_type[i]) == 0)
			return true;
	return false;
}

static bool
is_foreign(const char *point)
{
	for (size_t i = 0; i < ARRAY_LEN(foreign_place); i++) {
		size_t n = strlen(foreign_place[i]);

		if (strncmp(point, foreign_place[i], n) == 0 &&
		    (point[n] == '\0' || point[n] == '/'))
			return true;
	}
	return false;
}

/* The kernel writes blank, tab, newline and backslash as \ooo. In place: it only gets shorter. */
static void
unescape(char *text)
{
	char *to = text;

	for (; *text; text++) {
		if (text[0] == '\\' && text[1] >= '0' && text[1] <= '3' &&
		    text[2] >= '0' && text[2] <= '7' && text[3] >= '0' &&
		    text[3] <= '7') {
			*to++ = (char)((text[1] - '0') << 6 | (text[2] - '0') << 3 |
			    (text[3] - '0'));
			text += 3;
		} else {
			*to++ = *text;
		}
	}
	*to = '\0';
}

/* A later mount hides an earlier one at the same point; a device that is mounted in many places
 * (bind mounts) is told about once. */
static void
add_mount(struct filesystem *fs, struct mount m)
{
	for (unsigned i = 0; i < fs->len; i++) {
		if (strcmp(fs->mount[i].point, m.point) == 0) {
			fs->mount[i] = m;
			return;
		}
		if (m.device[0] == '/' && strcmp(fs->mount[i].device, m.device) == 0)
			return;
	}
	if (fs->len < MOUNTS_MAX)
		fs->mount[fs->len++] = m;
}

static void
parse_mounts(struct filesystem *fs)
{
	char *rest = fs->text, *line;

	fs->len = 0;
	while ((line = strsep(&rest, "\n"))) {
		char *device = strsep(&line, " "), *point = strsep(&line, " ");
		char *type = strsep(&line, " ");

		if (!line || !is_local(type))
			continue;
		unescape(point);
		if (point[0] == '/' && !is_foreign(point))
			add_mount(fs, (struct mount){ device, point, type });
	}
}

static void
put_mount(const char *rootfs, const struct mount *m, struct sink *sink)
{
	struct metric_labels labels = { 0 };
	struct statvfs st;
	char path[4096];
	double size, avail;

	if ((size_t)snprintf(path, sizeof path, "%s%s", rootfs, m->point) >=
		sizeof path ||
	    statvfs(path, &st) < 0 || st.f_blocks == 0)
		return;
	metric_labels_add(&labels, "mountpoint", m->point);
	metric_labels_add(&labels, "fstype", m->type);
	size = (double)st.f_blocks * (double)st.f_frsize;
	avail = (double)st.f_bavail * (double)st.f_frsize;
	sink_put(sink, &metrics[SIZE], &labels, size);
	sink_put(sink, &metrics[AVAIL], &labels, avail);
	sink_put(sink, &metrics[AVAIL_RATIO], &labels, avail / size);
	sink_put(sink, &metrics[FREE], &labels, (double)st.f_bfree * (double)st.f_frsize);
	sink_put(sink, &metrics[READ_ONLY], &labels, (st.f_flag & ST_RDONLY) != 0);
	if (st.f_files == 0)
		return; /* btrfs, vfat: no such bound */
	sink_put(sink, &metrics[FILES], &labels, (double)st.f_files);
	sink_put(sink, &metrics[FILES_FREE], &labels, (double)st.f_ffree);
}

static int
filesystem_sample(void *inst, int64_t now_ms, struct sink *sink)
{
	struct filesystem *fs = inst;
	ssize_t n = file_read_all(&fs->mounts, fs->text, sizeof fs->text);

	(void)now_ms;
	if (n < 0)
		return (int)n;
	parse_mounts(fs);
	for (unsigned i = 0; i < fs->len; i++)
		put_mount(fs->rootfs, &fs->mount[i], sink);
	return 0;
}

static const struct source_labels labels_of[] = {
	{ "", "mountpoint, fstype" },
	{ NULL, NULL },
};

const struct source source_filesystem = {
	.abi = SOURCE_ABI,
	.name = "filesystem",
	.help = "space and inodes of local file systems",
	.metrics = metrics,
	.metrics_len = ARRAY_LEN(metrics),
	.labels = labels_of,
	.open = filesystem_open,
	.sample = filesystem_sample,
	.close = filesystem_close,
};
