/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/fuse.h"
#include "tests/support/tempdir.h"
#include <errno.h>
#include <fcntl.h>
#include <linux/fuse.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define PATH_LEN    96
#define CONTENT_MAX 8192
#define NODES_MAX   64
#define HELD_MAX    32
#define REQUEST_MAX (FUSE_MIN_READ_BUFFER + 4096)

struct file {
	char path[PATH_LEN]; /* "" : free */
	char content[CONTENT_MAX];
	bool hangs;
	int err; /* of reads */
};
struct shared { /* by the test and the server */
	struct file file[FUSE_FILES_MAX];
};
struct held {
	struct fuse_in_header head;
	struct fuse_read_in in;
};
struct fuse_fs {
	char *dir;
	struct shared *shared;
	int device, changed[2];
	pid_t server;
	/* of the server */
	char node[NODES_MAX][PATH_LEN]; /* paths; the number is the index and 1 */
	unsigned nodes, held_len;
	struct held held[HELD_MAX];
};

/* --- server ---------------------------------------------------------------------------- */

static void
answer(const struct fuse_fs *fs, uint64_t unique, int err, const void *data, size_t len)
{
	struct fuse_out_header head = { (uint32_t)(sizeof head + len), -err, unique };
	uint8_t out[sizeof head + CONTENT_MAX];

	memcpy(out, &head, sizeof head);
	if (len)
		memcpy(out + sizeof head, data, len);
	(void)!write(fs->device, out, head.len);
}

static const struct file *
find_file(const struct fuse_fs *fs, const char *path)
{
	for (unsigned i = 0; i < FUSE_FILES_MAX; i++)
		if (fs->shared->file[i].path[0] &&
		    strcmp(fs->shared->file[i].path, path) == 0)
			return &fs->shared->file[i];
	return NULL;
}

static bool
is_directory(const struct fuse_fs *fs, const char *path)
{
	size_t n = strlen(path);

	for (unsigned i = 0; i < FUSE_FILES_MAX; i++)
		if (strncmp(fs->shared->file[i].path, path, n) == 0 &&
		    (n == 0 || fs->shared->file[i].path[n] == '/'))
			return true;
	return n == 0;
}

static uint64_t
node_of(struct fuse_fs *fs, const char *path)
{
	for (unsigned i = 0; i < fs->nodes; i++)
		if (strcmp(fs->node[i], path) == 0)
			return i + 1;
	if (fs->nodes == NODES_MAX)
		return 0;
	snprintf(fs->node[fs->nodes], PATH_LEN, "%s", path);
	return ++fs->nodes;
}

static bool
fill_attr(const struct fuse_fs *fs, uint64_t node, struct fuse_attr *attr)
{
	const char *path = node >= 1 && node <= fs->nodes ? fs->node[node - 1] : "?";
	bool file = find_file(fs, path) != NULL;

	*attr = (struct fuse_attr){
		.ino = node, .mode = file ? S_IFREG | 0444 : S_IFDIR | 0555, .nlink = 1
	};
	return file || is_directory(fs, path);
}

static void
look_up(struct fuse_fs *fs, const struct fuse_in_header *head, const char *name)
{
	struct fuse_entry_out out = { .generation = 1 };
	const char *dir = fs->node[head->nodeid - 1];
	char path[2 * PATH_LEN];

	snprintf(path, sizeof path, "%s%s%.90s", dir, dir[0] ? "/" : "", name);
	out.nodeid =
	    find_file(fs, path) || is_directory(fs, path) ? node_of(fs, path) : 0;
	if (!out.nodeid || !fill_attr(fs, out.nodeid, &out.attr))
		answer(fs, head->unique, ENOENT, NULL, 0);
	else
		answer(fs, head->unique, 0, &out, sizeof out);
}

static void
tell_attr(const struct fuse_fs *fs, const struct fuse_in_header *head)
{
	struct fuse_attr_out out = { 0 };
	bool found = fill_attr(fs, head->nodeid, &out.attr);

	answer(fs, head->unique, found ? 0 : ENOENT, &out, found ? sizeof out : 0);
}

/* false: it hangs. */
static bool
read_file(const struct fuse_fs *fs, const struct held *h)
{
	const struct file *f = find_file(fs, fs->node[h->head.nodeid - 1]);
	size_t len, at = h->in.offset;

	if (!f) {
		answer(fs, h->head.unique, ENODEV, NULL, 0);
		return true;
	}
	if (f->hangs)
		return false;
	if (f->err) {
		answer(fs, h->head.unique, f->err, NULL, 0);
		return true;
	}
	len = strlen(f->content);
	at = at < len ? at : len;
	len = len - at < h->in.size ? len - at : h->in.size;
	answer(fs, h->head.unique, 0, f->content + at, len);
	return true;
}

static void
hold(struct fuse_fs *fs, const struct held *h)
{
	if (!read_file(fs, h) && fs->held_len < HELD_MAX)
		fs->held[fs->held_len++] = *h;
}

static void
try_held(struct fuse_fs *fs)
{
	char byte;

	(void)!read(fs->changed[0], &byte, 1);
	for (unsigned i = 0; i < fs->held_len; i++)
		if (read_file(fs, &fs->held[i]))
			fs->held[i--] = fs->held[--fs->held_len];
}

static void
handle(struct fuse_fs *fs, const uint8_t *request)
{
	static const struct fuse_open_out open_out = { .open_flags = FOPEN_DIRECT_IO };
	static const struct fuse_statfs_out statfs_out = { .st.bsize = 4096 };
	struct fuse_init_out init = {
		.major = FUSE_KERNEL_VERSION, .minor = 31, .max_write = 4096
	};
	struct held h;

	memcpy(&h.head, request, sizeof h.head);
	request += sizeof h.head;
	switch (h.head.opcode) {
	case FUSE_INIT:
		answer(fs, h.head.unique, 0, &init, sizeof init);
		break;
	case FUSE_LOOKUP:
		look_up(fs, &h.head, (const char *)request);
		break;
	case FUSE_GETATTR:
		tell_attr(fs, &h.head);
		break;
	case FUSE_OPEN:
	case FUSE_OPENDIR:
		answer(fs, h.head.unique, 0, &open_out, sizeof open_out);
		break;
	case FUSE_READ:
		memcpy(&h.in, request, sizeof h.in);
		hold(fs, &h);
		break;
	case FUSE_STATFS:
		answer(fs, h.head.unique, 0, &statfs_out, sizeof statfs_out);
		break;
	case FUSE_RELEASE:
	case FUSE_RELEASEDIR:
	case FUSE_FLUSH:
	case FUSE_READDIR: /* empty */
		answer(fs, h.head.unique, 0, NULL, 0);
		break;
	case FUSE_FORGET:
	case FUSE_BATCH_FORGET:
	case FUSE_INTERRUPT:
		break;
	default:
		answer(fs, h.head.unique, ENOSYS, NULL, 0);
	}
}

static void
serve(struct fuse_fs *fs)
{
	static uint8_t request[REQUEST_MAX];
	struct pollfd p[2] = { { fs->device, POLLIN, 0 }, { fs->changed[0], POLLIN, 0 } };

	node_of(fs, "");
	for (;;) {
		if (poll(p, 2, -1) < 0 && errno != EINTR)
			_exit(1);
		if (p[1].revents & POLLHUP)
			_exit(0); /* the test has ended */
		if (p[1].revents & POLLIN)
			try_held(fs);
		if (p[0].revents & POLLERR)
			_exit(0); /* unmounted */
		if ((p[0].revents & POLLIN) &&
		    read(fs->device, request, sizeof request) > 0)
			handle(fs, request);
	}
}

/* --- test ------------------------------------------------------------------------------ */

static bool
mount_it(struct fuse_fs *fs)
{
	char options[96];

	snprintf(options, sizeof options, "fd=%d,rootmode=40000,user_id=%u,group_id=%u",
	    fs->device, getuid(), getgid());
	return unshare(CLONE_NEWNS) == 0 &&
	    mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 &&
	    mount("test", fs->dir, "fuse", MS_NOSUID | MS_NODEV, options) == 0;
}

struct fuse_fs *
fuse_start(const char **why)
{
	struct fuse_fs *fs = calloc(1, sizeof *fs);

	fs->device = open("/dev/fuse", O_RDWR | O_CLOEXEC);
	*why = fs->device < 0 ? "/dev/fuse cannot be opened" : "no right to mount";
	fs->dir = tempdir_new();
	if (fs->device < 0 || !mount_it(fs)) {
		tempdir_remove(fs->dir);
		free(fs);
		return NULL;
	}
	fs->shared = mmap(NULL, sizeof *fs->shared, PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (fs->shared == MAP_FAILED || pipe2(fs->changed, O_CLOEXEC | O_NONBLOCK) < 0)
		abort();
	fs->server = fork();
	if (fs->server == 0) {
		close(fs->changed[1]);
		serve(fs);
	}
	close(fs->changed[0]);
	close(fs->device);
	return fs;
}

const char *
fuse_path(const struct fuse_fs *fs)
{
	return fs->dir;
}

static void
tell_change(struct fuse_fs *fs)
{
	(void)!write(fs->changed[1], "", 1);
}

static struct file *
slot_of(struct fuse_fs *fs, const char *path)
{
	struct file *f = (struct file *)find_file(fs, path);

	for (unsigned i = 0; !f && i < FUSE_FILES_MAX; i++)
		if (!fs->shared->file[i].path[0])
			f = &fs->shared->file[i];
	if (!f)
		abort();
	return f;
}

void
fuse_set(struct fuse_fs *fs, const char *path, const char *content)
{
	struct file *f = slot_of(fs, path);

	snprintf(f->content, sizeof f->content, "%s", content ? content : "");
	snprintf(f->path, sizeof f->path, "%s", content ? path : "");
	tell_change(fs);
}

void
fuse_hang(struct fuse_fs *fs, const char *path, bool hangs)
{
	slot_of(fs, path)->hangs = hangs;
	tell_change(fs);
}

void
fuse_fail(struct fuse_fs *fs, const char *path, int err)
{
	slot_of(fs, path)->err = err;
	tell_change(fs);
}

void
fuse_kill(struct fuse_fs *fs)
{
	if (fs->server > 0) {
		kill(fs->server, SIGKILL);
		waitpid(fs->server, NULL, 0);
	}
	fs->server = 0;
}

void
fuse_stop(struct fuse_fs *fs)
{
	if (!fs)
		return;
	fuse_kill(fs);
	umount2(fs->dir, MNT_DETACH);
	tempdir_remove(fs->dir);
	close(fs->changed[1]);
	munmap(fs->shared, sizeof *fs->shared);
	free(fs);
}
