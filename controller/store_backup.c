/* SPDX-License-Identifier: Apache-2.0
 *
 * Copies of control.db, and what happens to a damaged file. A backup that takes the place of a damaged
 * file is moved, not copied: should it be damaged too, the next one is taken. */
#include "controller/store_int.h"

#include "base/clock.h"
#include "base/log.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define BACKUPS_MAX 24
#define PATH_BYTES  4096

static bool
is_backup(const char *name)
{
	size_t len = strlen(name);

	return !strncmp(name, "control-", 8) && len > 11 &&
	    !strcmp(name + len - 3, ".db");
}

static int
choose_backup(const struct dirent *e)
{
	return is_backup(e->d_name);
}

/* Names ascend with time. Returns how many; the list is to be freed. */
static int
list_backups(const char *dir, struct dirent ***ret)
{
	char path[PATH_BYTES];

	snprintf(path, sizeof path, "%s/backup", dir);
	return scandir(path, ret, choose_backup, alphasort);
}

static void
free_list(struct dirent **list, int len)
{
	for (int i = 0; i < len; i++)
		free(list[i]);
	if (len >= 0)
		free(list);
}

static void
remove_old(const char *dir)
{
	struct dirent **list = NULL;
	int len = list_backups(dir, &list);
	char path[PATH_BYTES + 300];

	for (int i = 0; i < len - BACKUPS_MAX; i++) {
		snprintf(path, sizeof path, "%s/backup/%s", dir, list[i]->d_name);
		if (unlink(path))
			log_warn("store", "%s: cannot remove", path);
	}
	free_list(list, len);
}

static int
sync_path(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC), err = 0;

	if (fd < 0)
		return -errno;
	if (fsync(fd))
		err = -errno;
	close(fd);
	return err;
}

static int
sync_and_rename(const char *from, const char *to, const char *folder)
{
	int err = sync_path(from);

	if (!err && rename(from, to))
		err = -errno;
	return err ? err : sync_path(folder);
}

/* In the writer thread. A backup that fails is told and tried again with the next one: it says nothing about
 * the file itself. */
static int
make_backup(struct store_db *db, const struct store_job *job)
{
	const char *dir = (const char *)job->value[1].bytes.data;
	char folder[PATH_BYTES], part[PATH_BYTES + 96], path[PATH_BYTES + 64];
	char now[CLOCK_TEXT_MAX];
	struct store_value v;
	int err;

	snprintf(folder, sizeof folder, "%.*s/backup", (int)job->value[1].bytes.len, dir);
	snprintf(path, sizeof path, "%s/control-%s.db", folder,
	    clock_format(job->value[0].i, now));
	snprintf(part, sizeof part, "%s.part", path);
	if (mkdir(folder, 0700) && errno != EEXIST) {
		log_warn("store", "%s: no backup", folder);
		return 0;
	}
	v = sv_text(part);
	unlink(part);
	err = store_db_make_private(part); /* SQLite takes an empty file */
	if (!err)
		err = store_db_run(db, "VACUUM INTO ?1", &v, 1);
	if (!err)
		err = sync_and_rename(part, path, folder);
	if (err) {
		log_warnx("store", "%s: no backup: %s", path, strerror(-err));
		unlink(part);
		return 0;
	}
	folder[strlen(folder) - strlen("/backup")] = '\0';
	remove_old(folder);
	store_ballast_make(folder);
	return 0;
}

int
store_backup(struct store *s)
{
	const struct store_value v[] = { sv_int(clock_wall_ms()), sv_text(store_dir(s)) };

	return store_run_alone(s, make_backup, v, ARRAY_LEN(v));
}

/* --- damage ------------------------------------------------------------------------------------- */
static void
name_aside(const char *dir, enum store_file file, char *aside, size_t size)
{
	char path[PATH_BYTES], now[CLOCK_TEXT_MAX];
	int64_t wall = clock_wall_ms();

	do {
		snprintf(aside, size, "%s.damaged-%s", store_file_names[file],
		    clock_format(wall++, now));
		snprintf(path, sizeof path, "%s/%s", dir, aside);
	} while (!access(path, F_OK));
}

static int
move_aside(const char *dir, enum store_file file, char *aside, size_t size)
{
	char from[PATH_BYTES], to[PATH_BYTES];

	name_aside(dir, file, aside, size);
	snprintf(from, sizeof from, "%s/%s-shm", dir, store_file_names[file]);
	unlink(from);
	snprintf(from, sizeof from, "%s/%s-wal", dir, store_file_names[file]);
	snprintf(to, sizeof to, "%s/%s-wal", dir, aside);
	if (rename(from, to) && errno != ENOENT)
		return -errno;
	snprintf(from, sizeof from, "%s/%s", dir, store_file_names[file]);
	snprintf(to, sizeof to, "%s/%s", dir, aside);
	return rename(from, to) ? -errno : 0;
}

/* "" if there is none. */
static void
restore_backup(const char *dir, char *name, size_t size)
{
	struct dirent **list = NULL;
	int len = list_backups(dir, &list);
	char from[PATH_BYTES], to[PATH_BYTES];

	*name = '\0';
	if (len > 0) {
		snprintf(from, sizeof from, "%s/backup/%s", dir, list[len - 1]->d_name);
		snprintf(to, sizeof to, "%s/%s", dir, store_file_names[STORE_CONTROL]);
		if (rename(from, to))
			log_warn("store", "%s: cannot be put in place", from);
		else
			snprintf(name, size, "%s", list[len - 1]->d_name);
	}
	free_list(list, len);
}

int
store_replace(
    const char *dir, enum store_file file, const char *why, char *what, size_t size)
{
	char aside[128], backup[256] = "", sentence[800];
	int err = move_aside(dir, file, aside, sizeof aside);
	size_t len = strlen(what);

	if (err) {
		log_errorx("store", "%s/%s is damaged (%s) and cannot be moved aside: %s",
		    dir, store_file_names[file], why, strerror(-err));
		return err;
	}
	if (file == STORE_CONTROL)
		restore_backup(dir, backup, sizeof backup);
	snprintf(sentence, sizeof sentence,
	    "%s was damaged (%s) and is now %s; %s%s took its place",
	    store_file_names[file], why, aside, backup[0] ? "backup " : "an empty one",
	    backup);
	log_errorx("store", "%s: %s", dir, sentence);
	snprintf(what + len, size - len, "%s%s", len ? "; " : "", sentence);
	return 0;
}
