/* SPDX-License-Identifier: Apache-2.0 */
#include "base/yaml.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <string.h>
#include <unistd.h>
#include <yaml.h>

#define FILE_MAX   (1024 * 1024)
#define NODES_MAX  20000
#define DEPTH_MAX  16
#define KEY_MAX	   256 /* bytes; libyaml itself takes 1024 in the short form */
#define CHUNK_SIZE 16384

/* Nodes and texts live in chunks that go away together. */
struct chunk {
	struct chunk *next;
	size_t used, size;
	max_align_t data[];
};

struct yaml_doc {
	struct chunk *chunks;
	char *name;
	struct yaml_node *root;
	unsigned nodes;
};

struct level {
	struct yaml_node *node, *last;
	const char *key; /* read, its value is still to come */
	unsigned key_line, key_column;
	unsigned children;
};

struct builder {
	struct yaml_doc *doc;
	struct complaints *c;
	struct slice text;
	struct level level[DEPTH_MAX];
	unsigned depth; /* levels open */
	unsigned documents;
	bool ended;
};

static void *
doc_alloc(struct yaml_doc *doc, size_t size)
{
	struct chunk *chunk = doc->chunks;
	size_t rounded = (size + sizeof(max_align_t) - 1) & ~(sizeof(max_align_t) - 1);

	if (!chunk || chunk->size - chunk->used < rounded) {
		size_t room = rounded > CHUNK_SIZE ? rounded : CHUNK_SIZE;

		chunk = malloc(sizeof *chunk + room);
		if (!chunk)
			return NULL;
		*chunk = (struct chunk){ .next = doc->chunks, .size = room };
		doc->chunks = chunk;
	}
	chunk->used += rounded;
	return memset((uint8_t *)chunk->data + chunk->used - rounded, 0, rounded);
}

void
yaml_doc_free(struct yaml_doc *doc)
{
	if (!doc)
		return;
	while (doc->chunks) {
		struct chunk *chunk = doc->chunks;

		doc->chunks = chunk->next;
		explicit_bzero(chunk->data, chunk->used); /* S-29 */
		free(chunk);
	}
	free(doc->name);
	free(doc);
}

/* --- refusals ------------------------------------------------------------------------- */
static int
refuse(struct builder *b, const yaml_mark_t *at, const char *why)
{
	complain(b->c, b->doc->name, (unsigned)at->line + 1, (unsigned)at->column + 1,
	    NULL, "%s", why);
	return -EBADMSG;
}

/* libyaml says of a tab only that it "cannot start any token". */
static bool
is_indented_by_tab(struct slice text, size_t line)
{
	size_t i = 0;

	for (; line && i < text.len; i++)
		line -= text.data[i] == '\n';
	while (i < text.len && text.data[i] == ' ')
		i++;
	return i < text.len && text.data[i] == '\t';
}

static int
refuse_syntax(struct builder *b, const yaml_parser_t *parser)
{
	const yaml_mark_t *at = &parser->problem_mark;
	char why[256];
	int len;

	if (parser->error == YAML_MEMORY_ERROR)
		return -ENOMEM;
	len = snprintf(
	    why, sizeof why, "%s", parser->problem ? parser->problem : "not YAML");
	if (parser->error == YAML_READER_ERROR) { /* has no mark, only an offset */
		snprintf(why + len, sizeof why - (size_t)len, " at byte %zu",
		    parser->problem_offset);
		at = &parser->mark;
	} else if (is_indented_by_tab(b->text, at->line)) {
		snprintf(why + len, sizeof why - (size_t)len,
		    "; indent with spaces, not with tabs");
	} else if (parser->context) {
		snprintf(why + len, sizeof why - (size_t)len,
		    " %s that began in line %zu", parser->context,
		    parser->context_mark.line + 1);
	}
	return refuse(b, at, why);
}

static int
compare_keys(const void *left, const void *right)
{
	const struct yaml_node *a = *(const struct yaml_node *const *)left;
	const struct yaml_node *b = *(const struct yaml_node *const *)right;
	int order = strcmp(a->key, b->key);

	if (order)
		return order;
	if (a->line != b->line)
		return a->line < b->line ? -1 : 1;
	return a->column < b->column ? -1 : a->column > b->column;
}

/* Sorted, because a file may hold 20,000 keys in one mapping. */
static int
refuse_repeated_keys(struct builder *b, const struct level *level)
{
	const struct yaml_node **sorted;
	size_t n = 0;

	if (level->children < 2)
		return 0;
	sorted = malloc(level->children * sizeof *sorted);
	if (!sorted)
		return -ENOMEM;
	YAML_EACH(child, level->node)
	sorted[n++] = child;
	qsort(sorted, n, sizeof *sorted, compare_keys);
	for (size_t i = 1; i < n; i++)
		if (!strcmp(sorted[i - 1]->key, sorted[i]->key))
			yaml_complain(b->c, sorted[i], "repeated, first seen in line %u",
			    sorted[i - 1]->line);
	free(sorted);
	return 0;
}

/* --- building ------------------------------------------------------------------------- */
static struct level *
top(struct builder *b)
{
	return b->depth ? &b->level[b->depth - 1] : NULL;
}

static bool
key_comes_next(struct builder *b)
{
	struct level *level = top(b);

	return level && level->node->kind == YAML_MAPPING && !level->key;
}

/* In a mapping a value is found by its key, so that is where complaints point. */
static void
link_node(struct builder *b, struct yaml_node *node)
{
	struct level *level = top(b);

	if (!level) {
		b->doc->root = node;
		return;
	}
	if (level->node->kind == YAML_MAPPING) {
		node->key = TAKE(level->key);
		node->line = level->key_line;
		node->column = level->key_column;
	}
	if (level->last)
		level->last->next = node;
	else
		level->node->first = node;
	level->last = node;
	level->children++;
}

static int
add_node(
    struct builder *b, enum yaml_kind kind, const yaml_mark_t *at, struct yaml_node **ret)
{
	struct yaml_node *node;

	if (++b->doc->nodes > NODES_MAX)
		return refuse(b, at, "more than 20000 values");
	node = doc_alloc(b->doc, sizeof *node);
	if (!node)
		return -ENOMEM;
	node->kind = kind;
	node->line = (unsigned)at->line + 1;
	node->column = (unsigned)at->column + 1;
	node->file = b->doc->name;
	link_node(b, node);
	*ret = node;
	return 0;
}

static int
add_container(struct builder *b, enum yaml_kind kind, const yaml_mark_t *at)
{
	struct yaml_node *node;
	int err;

	if (key_comes_next(b))
		return refuse(b, at, "a key must be a plain word or a quoted text");
	if (b->depth == DEPTH_MAX)
		return refuse(b, at, "nested deeper than 16 levels");
	err = add_node(b, kind, at, &node);
	if (err < 0)
		return err;
	b->level[b->depth++] = (struct level){ .node = node };
	return 0;
}

static int
add_scalar(struct builder *b, const yaml_event_t *event)
{
	const char *value = (const char *)event->data.scalar.value;
	size_t len = event->data.scalar.length;
	struct yaml_node *node;
	char *text;
	int err;

	if (memchr(value, '\0', len))
		return refuse(b, &event->start_mark, "a NUL character is not accepted");
	if (key_comes_next(b) && len > KEY_MAX)
		return refuse(b, &event->start_mark, "a key is longer than 256 bytes");
	text = doc_alloc(b->doc, len + 1);
	if (!text)
		return -ENOMEM;
	memcpy(text, value, len);
	if (key_comes_next(b)) {
		struct level *level = top(b);

		level->key = text;
		level->key_line = (unsigned)event->start_mark.line + 1;
		level->key_column = (unsigned)event->start_mark.column + 1;
		return 0;
	}
	err = add_node(b, YAML_SCALAR, &event->start_mark, &node);
	if (err < 0)
		return err;
	node->text = text;
	node->quoted = event->data.scalar.style != YAML_PLAIN_SCALAR_STYLE;
	return 0;
}

static int
end_mapping(struct builder *b)
{
	return refuse_repeated_keys(b, &b->level[--b->depth]);
}

/* An anchor or a tag is refused, but reading goes on: there may be more to complain about. */
static void
refuse_extras(struct builder *b, const yaml_event_t *event, const yaml_char_t *anchor,
    const yaml_char_t *tag)
{
	if (anchor)
		refuse(b, &event->start_mark, "anchors (&name) are not accepted");
	if (tag)
		refuse(b, &event->start_mark, "tags (!name) are not accepted");
}

static int
take_event(struct builder *b, const yaml_event_t *event)
{
	const yaml_mark_t *at = &event->start_mark;

	switch (event->type) {
	case YAML_NO_EVENT:
	case YAML_STREAM_START_EVENT:
	case YAML_DOCUMENT_END_EVENT:
		return 0;
	case YAML_STREAM_END_EVENT:
		b->ended = true;
		return 0;
	case YAML_DOCUMENT_START_EVENT:
		return b->documents++ ? refuse(b, at, "a second document is not accepted")
				      : 0;
	case YAML_ALIAS_EVENT:
		return refuse(b, at, "aliases (*name) are not accepted");
	case YAML_SCALAR_EVENT:
		refuse_extras(
		    b, event, event->data.scalar.anchor, event->data.scalar.tag);
		return add_scalar(b, event);
	case YAML_SEQUENCE_START_EVENT:
		refuse_extras(b, event, event->data.sequence_start.anchor,
		    event->data.sequence_start.tag);
		return add_container(b, YAML_SEQUENCE, at);
	case YAML_MAPPING_START_EVENT:
		refuse_extras(b, event, event->data.mapping_start.anchor,
		    event->data.mapping_start.tag);
		return add_container(b, YAML_MAPPING, at);
	case YAML_SEQUENCE_END_EVENT:
		b->depth--;
		return 0;
	case YAML_MAPPING_END_EVENT:
		return end_mapping(b);
	}
	return -EBADMSG;
}

static int
build(struct builder *b, yaml_parser_t *parser)
{
	int err = 0;

	while (!b->ended && !err) {
		yaml_event_t event;

		if (!yaml_parser_parse(parser, &event))
			return refuse_syntax(b, parser);
		err = take_event(b, &event);
		yaml_event_delete(&event);
	}
	return err;
}

/* libyaml compares each %TAG line with all before it, minutes for a large file, and no event
 * comes before it is through. Where a tag is refused a %TAG has no use. */
static bool
has_tag_directive(struct slice text)
{
	const uint8_t *at = text.data, *end = text.len ? at + text.len : at;

	while (at && (at = memmem(at, (size_t)(end - at), "%TAG", 4))) {
		if (at == text.data || at[-1] == '\n' || at[-1] == '\r')
			return true;
		at++;
	}
	return false;
}

static int
parse_text(struct slice text, struct yaml_doc *doc, struct complaints *c)
{
	struct builder b = { .doc = doc, .c = c, .text = text };
	unsigned errors_before = c->errors;
	yaml_parser_t parser;
	int err;

	if (text.len > FILE_MAX) {
		complain(c, doc->name, 0, 0, NULL, "longer than 1 MiB");
		return -EBADMSG;
	}
	if (has_tag_directive(text)) {
		complain(c, doc->name, 0, 0, NULL, "tags (%%TAG) are not accepted");
		return -EBADMSG;
	}
	if (!yaml_parser_initialize(&parser))
		return -ENOMEM;
	yaml_parser_set_encoding(&parser, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(
	    &parser, text.len ? text.data : (const uint8_t *)"", text.len);
	err = build(&b, &parser);
	yaml_parser_delete(&parser);
	if (!err && c->errors > errors_before)
		err = -EBADMSG;
	return err;
}

int
yaml_parse(
    struct slice text, const char *name, struct complaints *c, struct yaml_doc **ret)
{
	CLEANUP(yaml_doc_free) struct yaml_doc *doc = calloc(1, sizeof *doc);
	int err;

	if (!doc)
		return -ENOMEM;
	doc->name = strdup(name);
	if (!doc->name)
		return -ENOMEM;
	err = parse_text(text, doc, c);
	if (err < 0)
		return err;
	*ret = TAKE(doc);
	return 0;
}

static int
read_whole(int fd, struct buf *b)
{
	uint8_t piece[16384];

	while (b->pos <= FILE_MAX) {
		ssize_t n = read(fd, piece, sizeof piece);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			break;
		buf_put(b, piece, (size_t)n);
	}
	return b->err;
}

int
yaml_load(const char *path, struct complaints *c, struct yaml_doc **ret)
{
	struct buf b;
	int fd, err;

	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	buf_init(&b, FILE_MAX + 65536);
	err = read_whole(fd, &b);
	close(fd);
	if (!err)
		err = yaml_parse(buf_slice(&b), path, c, ret);
	if (b.data)
		explicit_bzero(b.data, b.pos); /* S-29 */
	buf_done(&b);
	return err;
}

/* --- asking --------------------------------------------------------------------------- */
const struct yaml_node *
yaml_root(const struct yaml_doc *doc)
{
	return yaml_is_null(doc->root) ? NULL : doc->root;
}

const struct yaml_node *
yaml_get(const struct yaml_node *mapping, const char *key)
{
	if (!mapping || mapping->kind != YAML_MAPPING)
		return NULL;
	YAML_EACH(child, mapping)
	if (!strcmp(child->key, key))
		return child;
	return NULL;
}

static bool
is_null_word(const char *text)
{
	return !*text || !strcmp(text, "~") || !strcmp(text, "null") ||
	    !strcmp(text, "Null") || !strcmp(text, "NULL");
}

bool
yaml_is_null(const struct yaml_node *node)
{
	return !node ||
	    (node->kind == YAML_SCALAR && !node->quoted && is_null_word(node->text));
}

void
yaml_complain(struct complaints *c, const struct yaml_node *node, const char *fmt, ...)
{
	char message[512];
	va_list args;

	va_start(args, fmt);
	vsnprintf(message, sizeof message, fmt, args);
	va_end(args);
	complain(c, node->file, node->line, node->column, node->key, "%s", message);
}

/* --- writing -------------------------------------------------------------------------- */
static bool
is_plain(const char *text)
{
	static const char first[] =
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz/";
	static const char *const words[] = { "true", "false", "yes", "no", "on", "off",
		"y", "n" };
	size_t len = strspn(text,
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
	    "0123456789._/-");

	if (!len || text[len] || !strchr(first, text[0]) || is_null_word(text))
		return false;
	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		if (!strcasecmp(text, words[i]))
			return false;
	return true;
}

/* These UTF-8 sequences may stand in a file only as escapes: C1 controls and NEL (c2 80..9f),
 * U+2028 and U+2029 (e2 80 a8, a9), the byte order mark and U+FFFE, U+FFFF (ef bb bf, ef bf be). */
static size_t
put_escape_of_wide(struct buf *out, const uint8_t *s)
{
	if (s[0] == 0xc2 && s[1] < 0xa0) {
		buf_printf(out, "\\x%02x", s[1]);
		return 2;
	}
	if (s[0] == 0xe2 && s[1] == 0x80 && (s[2] == 0xa8 || s[2] == 0xa9)) {
		buf_printf(out, "\\u20%02x", s[2] - 0x80);
		return 3;
	}
	if (s[0] == 0xef &&
	    ((s[1] == 0xbb && s[2] == 0xbf) || (s[1] == 0xbf && s[2] >= 0xbe))) {
		buf_printf(
		    out, "\\u%04x", 0xf000u | (s[1] & 0x3fu) << 6 | (s[2] & 0x3fu));
		return 3;
	}
	return 0;
}

void
yaml_put_text(struct buf *out, const char *text)
{
	const uint8_t *s = (const uint8_t *)text;

	if (is_plain(text)) {
		buf_puts(out, text);
		return;
	}
	buf_put_u8(out, '"');
	while (*s) {
		size_t escaped = put_escape_of_wide(out, s);

		if (escaped) {
			s += escaped;
			continue;
		}
		if (*s < 0x20 || *s == 0x7f) {
			buf_printf(out, "\\x%02x", *s++);
			continue;
		}
		if (*s == '"' || *s == '\\')
			buf_put_u8(out, '\\');
		buf_put_u8(out, *s++);
	}
	buf_put_u8(out, '"');
}
