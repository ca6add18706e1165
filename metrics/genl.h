/* SPDX-License-Identifier: Apache-2.0
 *
 * Generic netlink: asks a kernel subsystem for lists. Attributes are slices of the answer. A source
 * embeds one, opens it when it is wanted and closes it after; a question waits for the kernel, which
 * answers at once or, if a driver hangs, not within the time given. */
#pragma once
#include "base/mem.h"
#include "base/slice.h"
#include <stdbool.h>
#include <stdint.h>

#define GENL_ANSWER_MAX 16384

struct genl {
	int fd; /* -1: closed */
	uint16_t family;
	uint32_t seq;
	/* Of one datagram, aligned for what is in it. */
	uint8_t answer[GENL_ANSWER_MAX] __attribute__((aligned(8)));
};

struct genl_attr {
	uint16_t type;
	struct slice value;
};

/* -ENOENT: the kernel has no such family. */
int genl_open(struct genl *g, const char *family) MUST_CHECK;
/* The same over a socket there is already, which is taken in any case. */
int genl_attach(struct genl *g, int fd, const char *family) MUST_CHECK;
void genl_close(struct genl *g);
/* Asks for a list, of one interface if ifindex > 0, where that attribute has this type; each: the
 * attributes of an entry. -ETIMEDOUT, -EBADMSG, or the kernel's own errno. */
int genl_dump(struct genl *g, uint8_t command, uint16_t ifindex_type, uint32_t ifindex,
    void (*each)(void *arg, struct slice attributes), void *arg) MUST_CHECK;

/* Takes the next attribute off the front; false: there is none, or what is left is malformed. */
bool genl_next(struct slice *rest, struct genl_attr *ret);
/* Their values; false: another size. */
bool genl_u8(const struct genl_attr *a, uint8_t *ret);
bool genl_u16(const struct genl_attr *a, uint16_t *ret);
bool genl_u32(const struct genl_attr *a, uint32_t *ret);
bool
genl_text(const struct genl_attr *a, char *dst, size_t size); /* with NUL or without */
