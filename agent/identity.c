/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/identity.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/crypto.h"
#include "base/daemon.h"

#define FILE_NAME "identity"
#define FILE_TEXT FOG_ID_TEXT /* 32 digits and a newline */

static int
read_id(const char *path, struct fog_id *ret)
{
	char text[FILE_TEXT + 1];
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	ssize_t n = read(fd, text, sizeof text);
	int err = n < 0 ? -errno : 0;
	close(fd);
	if (err < 0)
		return err;
	if (n != FILE_TEXT || text[FILE_TEXT - 1] != '\n')
		return -EBADMSG;
	text[FILE_TEXT - 1] = 0;
	return hex_parse(text, ret->bytes, sizeof ret->bytes) < 0 ? -EBADMSG : 0;
}

static int
make_id(const char *path, struct fog_id *ret)
{
	char text[FILE_TEXT + 1];

	crypto_random(ret->bytes, sizeof ret->bytes);
	fog_id_format(ret, text);
	text[FILE_TEXT - 1] = '\n';
	return daemon_write_file(path, text, FILE_TEXT);
}

void
identity_set_name(struct identity *i, const char *name)
{
	char host[HOST_NAME_MAX + 1] = "";

	if (!name && gethostname(host, sizeof host - 1) == 0)
		name = host;
	snprintf(i->name, sizeof i->name, "%.*s", FOG_NAME_MAX, name ? name : "");
}

int
identity_load(const char *state_dir, const char *name, struct identity *ret)
{
	struct identity i = { .fresh = false };
	char path[PATH_MAX];

	if ((size_t)snprintf(path, sizeof path, "%s/" FILE_NAME, state_dir) >=
	    sizeof path)
		return -ENAMETOOLONG;
	int err = read_id(path, &i.id);
	if (err == -ENOENT) {
		i.fresh = true;
		err = make_id(path, &i.id);
	}
	if (err < 0)
		return err;
	crypto_random(i.boot, sizeof i.boot);
	identity_set_name(&i, name);
	*ret = i;
	return 0;
}
