/* SPDX-License-Identifier: Apache-2.0 */
#include "base/crypto_int.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <sys/stat.h>
#include <unistd.h>

const EVP_MD *
crypto_sha256_md(void)
{
	static EVP_MD *md;

	if (!md)
		md = EVP_MD_fetch(NULL, "SHA256", NULL);
	return md;
}

int
crypto_failed(int other)
{
	unsigned long code;
	int err = other;

	while ((code = ERR_get_error()))
		if (ERR_GET_REASON(code) == ERR_R_MALLOC_FAILURE)
			err = -ENOMEM;
	return err;
}

static int
read_all(int fd, struct buf *out)
{
	uint8_t part[4096];
	ssize_t n;
	int err = 0;

	while (!err && (n = read(fd, part, sizeof part)) != 0) {
		if (n > 0)
			buf_put(out, part, (size_t)n);
		else if (errno != EINTR)
			err = -errno;
		if (out->err)
			err = out->err == -ENOSPC ? -EBADMSG : out->err;
	}
	OPENSSL_cleanse(part, sizeof part);
	return err;
}

int
crypto_read_file(const char *path, bool private, struct buf *out)
{
	struct stat st;
	int fd, err = 0;

	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0)
		return -errno;
	if (fstat(fd, &st) < 0)
		err = -errno;
	else if (private && (st.st_mode & (S_IRWXG | S_IRWXO)))
		err = -EPERM;
	if (!err)
		err = read_all(fd, out);
	close(fd);
	return err;
}
