/* SPDX-License-Identifier: Apache-2.0 */
#include "controller/identity.h"

#include "base/crypto.h"
#include "base/daemon.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <unistd.h>

#define FILE_LEN FOG_ID_TEXT /* 32 digits and a newline */

static int
read_id(const char *path, struct fog_id *ret)
{
	char text[FILE_LEN + 1];
	int fd = open(path, O_RDONLY | O_CLOEXEC), err;
	ssize_t n;

	if (fd < 0)
		return -errno;
	n = read(fd, text, sizeof text);
	err = n < 0 ? -errno : 0;
	close(fd);
	if (err)
		return err;
	if (n != FILE_LEN || text[FILE_LEN - 1] != '\n')
		return -EBADMSG;
	text[FILE_LEN - 1] = '\0';
	return hex_parse(text, ret->bytes, sizeof ret->bytes) ? -EBADMSG : 0;
}

static int
make_id(const char *path, struct fog_id *ret)
{
	char text[FILE_LEN + 1];

	crypto_random(ret->bytes, sizeof ret->bytes);
	fog_id_format(ret, text);
	text[FILE_LEN - 1] = '\n';
	return daemon_write_file(path, text, FILE_LEN);
}

int
identity_load(const char *state_dir, struct fog_id *ret)
{
	struct fog_id id;
	char path[PATH_MAX];
	int err;

	if ((size_t)snprintf(path, sizeof path, "%s/identity", state_dir) >= sizeof path)
		return -ENAMETOOLONG;
	err = read_id(path, &id);
	if (err == -ENOENT)
		err = make_id(path, &id);
	if (!err)
		*ret = id;
	return err;
}
