/* SPDX-License-Identifier: Apache-2.0
 *
 * A YAML file as a tree that remembers where each value stood. Only what configuration needs:
 * scalars, sequences and mappings with scalar keys; anchors, aliases, tags and several documents
 * are refused, and so are repeated keys. Bounded: 1 MiB, depth 16, 20,000 nodes. */
#pragma once
#include "base/complaint.h"

enum yaml_kind { YAML_SCALAR, YAML_SEQUENCE, YAML_MAPPING };

struct yaml_node {
	enum yaml_kind kind;
	unsigned line, column; /* from 1; in a mapping those of the key */
	const char *file;
	const char *key;   /* in a mapping: the key; else NULL */
	const char *text;  /* of a scalar */
	bool quoted;	   /* a quoted scalar is text and never null, bool or number */
	struct yaml_node *first, *next; /* children in file order; next sibling */
};

struct yaml_doc;

/* Reads a file, or text in memory (name is what complaints say). Returns 0 and a document, or
 * -errno for I/O, -EBADMSG when it is not acceptable YAML (complaints say where and why). */
int yaml_load(const char *path, struct complaints *c, struct yaml_doc **ret) MUST_CHECK;
int yaml_parse(struct slice text, const char *name, struct complaints *c,
    struct yaml_doc **ret) MUST_CHECK;
void yaml_doc_free(struct yaml_doc *doc);
DEFINE_FREEP(struct yaml_doc, yaml_doc_free)

const struct yaml_node *yaml_root(const struct yaml_doc *doc); /* NULL: an empty file */
const struct yaml_node *yaml_get(const struct yaml_node *mapping, const char *key);
bool yaml_is_null(const struct yaml_node *node); /* missing, empty, ~ or null */
void yaml_complain(struct complaints *c, const struct yaml_node *node, const char *fmt, ...)
    PRINTF(3, 4);
/* As one line that reads back to the same text: plain where that is safe, else quoted. */
void yaml_put_text(struct buf *out, const char *text);

#define YAML_EACH(child, node)                                                           \
	for (const struct yaml_node *child = (node) ? (node)->first : NULL; child;       \
	     child = child->next)
