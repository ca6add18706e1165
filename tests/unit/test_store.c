/* SPDX-License-Identifier: Apache-2.0 */
#include "controller/store.h"

#include "base/log.h"
#include "base/sandbox.h"
#include "tests/support/tempdir.h"
#include "tests/support/test.h"

#include <dirent.h>
#include <errno.h>
#include <ev.h>
#include <fcntl.h>
#include <inttypes.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static struct ev_loop *loop;
static unsigned failures;

struct box {
	char *dir;
	struct store *store;
};

static void
on_failed(void *arg)
{
	(void)arg;
	failures++;
}

static void
reopen(struct box *b)
{
	store_close(b->store);
	b->store = NULL;
	assert_int_equal(store_open(loop, b->dir, on_failed, NULL, &b->store), 0);
}

static int
setup(void **state)
{
	struct box *b = calloc(1, sizeof *b);

	loop = ev_loop_new(0);
	failures = 0;
	b->dir = tempdir_new();
	reopen(b);
	*state = b;
	return 0;
}

static int
teardown(void **state)
{
	struct box *b = *state;

	store_close(b->store);
	tempdir_remove(b->dir);
	free(b);
	ev_loop_destroy(loop);
	return 0;
}

struct trace {
	char text[512];
};

static void
note(struct trace *t, const char *word)
{
	size_t len = strlen(t->text);

	snprintf(t->text + len, sizeof t->text - len, "%s%s", len ? " " : "", word);
}

struct call {
	struct trace *trace;
	const char *word;
	int err;
	bool called;
};

static void
on_done(void *arg, int err)
{
	struct call *c = arg;

	c->err = err;
	c->called = true;
	if (c->trace)
		note(c->trace, c->word);
}

static void
run_until(const bool *flag)
{
	while (!*flag)
		ev_run(loop, EVRUN_ONCE);
}

/* --- nodes -------------------------------------------------------------------------------------- */
static void
note_node(void *arg, const struct node_row *n)
{
	char line[200];

	snprintf(line, sizeof line, "%02x:%s:%s:%s:%s:%.*s:%" PRId64 ":%" PRId64,
	    n->id.bytes[0], n->name, n->domain, n->state, n->address, (int)n->caps.len,
	    (const char *)n->caps.data, n->joined_ms, n->heard_ms);
	note(arg, line);
}

static struct node_row
make_node(uint8_t id, const char *name)
{
	struct node_row n = {
		.name = name,
		.domain = "plant",
		.state = "alive",
		.address = "::1",
		.caps = slice_text("caps"),
		.joined_ms = 10,
		.heard_ms = 20,
	};

	n.id.bytes[0] = id;
	return n;
}

static void
an_acknowledged_node_is_there_after_reopening(void **state)
{
	struct box *b = *state;
	struct node_row n = make_node(7, "robot");
	struct call c = { 0 };
	struct trace t = { "" };

	assert_int_equal(store_node_put(b->store, &n, on_done, &c), 0);
	n.state = "lost";
	assert_int_equal(store_node_put(b->store, &n, NULL, NULL), 0);
	run_until(&c.called);
	assert_int_equal(c.err, 0);
	reopen(b);
	assert_int_equal(store_nodes(b->store, note_node, &t), 0);
	assert_string_equal(t.text, "07:robot:plant:lost:::1:caps:10:20");
}

/* --- services and placements ---------------------------------------------------------------------- */
static void
note_service(void *arg, const char *name, const char *yaml)
{
	note(arg, name);
	note(arg, yaml);
}

static void
note_placement(void *arg, const struct placement_row *p)
{
	char line[200];

	snprintf(line, sizeof line, "%s/%s@%s:%s:%" PRIu64, p->service, p->function,
	    p->node, p->state, p->generation);
	note(arg, line);
}

static void
a_deleted_service_takes_its_placements_along(void **state)
{
	struct box *b = *state;
	struct placement_row p = { "video", "decode", "robot", "assigned", 3 };
	struct trace t = { "" };

	store_service_put(b->store, "video", "old", NULL, NULL);
	store_service_put(b->store, "video", "name: video", NULL, NULL);
	store_service_put(b->store, "audio", "name: audio", NULL, NULL);
	store_placement_put(b->store, &p, NULL, NULL);
	p.service = "audio";
	p.generation = UINT64_C(1) << 62;
	store_placement_put(b->store, &p, NULL, NULL);
	store_flush(b->store);
	store_services(b->store, note_service, &t);
	store_placements(b->store, note_placement, &t);
	assert_string_equal(t.text,
	    "audio name: audio video name: video "
	    "audio/decode@robot:assigned:4611686018427387904 "
	    "video/decode@robot:assigned:3");

	t.text[0] = '\0';
	store_service_delete(b->store, "video", NULL, NULL);
	store_flush(b->store);
	store_services(b->store, note_service, &t);
	store_placements(b->store, note_placement, &t);
	assert_string_equal(
	    t.text, "audio name: audio audio/decode@robot:assigned:4611686018427387904");
}

/* --- events ----------------------------------------------------------------------------------------- */
static void
note_event(void *arg, const struct event_row *e)
{
	char line[200];

	snprintf(line, sizeof line, "%" PRId64 ":%s:%s:%s", e->sequence, e->kind, e->node,
	    e->text);
	note(arg, line);
}

static int64_t
put_event(struct store *s, const char *text, store_done_f *done, void *arg)
{
	struct event_row e = {
		.time_ms = 1000, .kind = "node.lost", .node = "n", .text = text
	};

	return store_event_put(s, &e, done, arg);
}

static void
event_numbers_go_on_after_reopening(void **state)
{
	struct box *b = *state;
	struct trace t = { "" };

	assert_int_equal(put_event(b->store, "a", NULL, NULL), 1);
	assert_int_equal(put_event(b->store, "b", NULL, NULL), 2);
	reopen(b);
	assert_int_equal(put_event(b->store, "c", NULL, NULL), 3);
	store_flush(b->store);
	store_events(b->store, 1, 10, note_event, &t);
	assert_string_equal(t.text, "2:node.lost:n:b 3:node.lost:n:c");
	t.text[0] = '\0';
	store_events_last(b->store, 2, note_event, &t);
	assert_string_equal(t.text, "2:node.lost:n:b 3:node.lost:n:c");
	t.text[0] = '\0';
	store_events(b->store, 0, 1, note_event, &t);
	assert_string_equal(t.text, "1:node.lost:n:a");
}

static void
answers_come_in_the_order_of_the_calls_and_a_barrier_after_all(void **state)
{
	struct box *b = *state;
	struct trace t = { "" };
	struct call call[] = {
		{ .trace = &t, .word = "one" },
		{ .trace = &t, .word = "two" },
		{ .trace = &t, .word = "stream" },
		{ .trace = &t, .word = "barrier" },
	};
	struct fog_id id = { { 1 } };
	uint8_t boot[8] = { 2 };

	put_event(b->store, "a", on_done, &call[0]);
	put_event(b->store, "b", on_done, &call[1]);
	store_stream_put(b->store, &id, boot, 9, on_done, &call[2]);
	store_barrier(b->store, on_done, &call[3]);
	assert_string_equal(t.text, ""); /* never from inside the call */
	run_until(&call[3].called);
	assert_string_equal(t.text, "one two stream barrier");
}

static void
a_row_that_is_too_large_is_refused_alone(void **state)
{
	struct box *b = *state;
	struct call before = { 0 }, large = { 0 }, after = { 0 };
	char *text = malloc((2 << 20) + 1);

	memset(text, 'x', 2 << 20);
	text[2 << 20] = '\0';
	put_event(b->store, "a", on_done, &before);
	store_service_put(b->store, "large", text, on_done, &large);
	put_event(b->store, "b", on_done, &after);
	store_flush(b->store);
	free(text);
	assert_int_equal(before.err, 0);
	assert_int_equal(large.err, -EINVAL);
	assert_int_equal(after.err, 0);
	assert_int_equal(failures, 0);
}

/* --- migrations and predictions ------------------------------------------------------------------------ */
static void
note_migration(void *arg, const struct migration_row *m)
{
	char line[200];

	snprintf(line, sizeof line, "%s:%s:%s:%" PRIu64 ":%u:%" PRId64, m->id, m->state,
	    m->phase, m->generation, m->attempt, m->ended_ms);
	note(arg, line);
}

static void
note_note(void *arg, const char *key, const char *value)
{
	note(arg, key);
	note(arg, value);
}

static struct migration_row
make_migration(const char *id, const char *state, int64_t opened_ms)
{
	return (struct migration_row){ .id = id,
		.service = "video",
		.function = "decode",
		.source = "a",
		.target = "b",
		.hook = "exec",
		.reason = "low",
		.state = state,
		.phase = "",
		.detail = "",
		.generation = 4,
		.attempt = 1,
		.opened_ms = opened_ms };
}

static void
open_migrations_and_their_notes_are_found_again(void **state)
{
	struct box *b = *state;
	struct migration_row m = make_migration("m1", "done", 5);
	struct trace t = { "" };

	store_migration_put(b->store, &m, NULL, NULL);
	m = make_migration("m2", "open", 6);
	store_migration_put(b->store, &m, NULL, NULL);
	m.phase = "target_ready";
	store_migration_put(b->store, &m, NULL, NULL);
	store_note_put(b->store, "m2", "pod", "x", NULL, NULL);
	store_note_put(b->store, "m2", "pod", "y", NULL, NULL);
	store_note_put(b->store, "m1", "pod", "z", NULL, NULL);
	reopen(b);
	store_migrations(b->store, true, 10, note_migration, &t);
	store_notes(b->store, "m2", note_note, &t);
	store_migrations(b->store, false, 10, note_migration, &t);
	assert_string_equal(t.text,
	    "m2:open:target_ready:4:1:0 pod y "
	    "m1:done::4:1:0 m2:open:target_ready:4:1:0");
}

static void
note_prediction(void *arg, int64_t sequence, const struct prediction_row *p)
{
	char line[200];

	snprintf(line, sizeof line, "%" PRId64 ":%s:%s:%d:%.1f", sequence, p->requirement,
	    p->outcome, isnan(p->low_s) != 0, p->probability);
	note(arg, line);
}

static void
a_prediction_keeps_what_is_not_known_and_gets_its_outcome(void **state)
{
	struct box *b = *state;
	struct prediction_row p = {
		.time_ms = 1,
		.node = "n",
		.service = "video",
		.function = "decode",
		.requirement = "load<1",
		.probability = 0.8,
		.low_s = NAN,
		.high_s = NAN,
		.outcome = "open",
	};
	struct trace t = { "" };
	int64_t sequence = store_prediction_put(b->store, &p, NULL, NULL);

	assert_int_equal(sequence, 1);
	store_prediction_put(b->store, &p, NULL, NULL);
	store_prediction_end(b->store, sequence, "hit", 9, NULL, NULL);
	reopen(b);
	store_predictions(b->store, 10, note_prediction, &t);
	assert_string_equal(t.text, "1:load<1:hit:1:0.8 2:load<1:open:1:0.8");
}

/* --- history -------------------------------------------------------------------------------------------- */
static void
note_block(void *arg, int64_t from_ms, struct slice data)
{
	char line[200];

	snprintf(line, sizeof line, "%" PRId64 ":%.*s", from_ms, (int)data.len,
	    (const char *)data.data);
	note(arg, line);
}

static void
put_block(struct box *b, const struct fog_id *node, int64_t from_ms, const char *data)
{
	const struct store_series series = { node->bytes[0], "load", { 0 } };
	const struct store_block block = { from_ms, from_ms, slice_text(data) };
	const struct store_batch batch = { .node = node,
		.name = "n",
		.series = &series,
		.series_len = 1,
		.block = &block,
		.blocks = 1 };

	assert_int_equal(store_batch_put(b->store, &batch, NULL, NULL), 0);
}

static void
note_stream(
    void *arg, const struct fog_id *node, const uint8_t boot[8], uint64_t sequence)
{
	char line[200];

	snprintf(line, sizeof line, "%x:%x:%" PRIu64, node->bytes[0], boot[0], sequence);
	note(arg, line);
}

static void
note_series(void *arg, const struct store_series *series)
{
	char line[200];

	snprintf(line, sizeof line, "%u:%s", series->number, series->metric);
	note(arg, line);
}

static void
blocks_are_read_by_node_and_time(void **state)
{
	struct box *b = *state;
	struct fog_id one = { { 1 } }, two = { { 2 } };
	struct trace t = { "" };
	uint32_t newest = 0;
	int64_t at_ms = 0;

	put_block(b, &one, 30, "c");
	put_block(b, &one, 10, "a");
	put_block(b, &one, 20, "b");
	put_block(b, &two, 20, "d");
	reopen(b);
	store_blocks(b->store, &one, STORE_FRESH, 10, 30, note_block, &t);
	store_series(b->store, &two, note_series, &t);
	assert_string_equal(t.text, "10:a 20:b 2:load");
	assert_int_equal(store_series_newest(b->store, &newest), 0);
	assert_int_equal(newest, 2);
	assert_int_equal(store_blocks_next(b->store, &one, STORE_FRESH, 11, &at_ms), 0);
	assert_int_equal(at_ms, 20);
	assert_int_equal(store_blocks_newest(b->store, &one, STORE_FRESH, &at_ms), 0);
	assert_int_equal(at_ms, 30);
	assert_int_equal(
	    store_blocks_next(b->store, &one, STORE_RAW, 0, &at_ms), -ENOENT);
}

static void
a_stream_remembers_how_far_it_went(void **state)
{
	struct box *b = *state;
	struct fog_id id = { { 1 } };
	uint8_t boot[8] = { 2 };
	struct trace t = { "" };

	store_stream_put(b->store, &id, boot, 7, NULL, NULL);
	store_stream_put(b->store, &id, boot, 12, NULL, NULL);
	reopen(b);
	store_streams(b->store, note_stream, &t);
	assert_string_equal(t.text, "1:2:12");
}

static void
what_is_too_old_is_removed_and_what_is_open_stays(void **state)
{
	struct box *b = *state;
	struct migration_row m = make_migration("m1", "done", 5);
	struct trace t = { "" };

	put_event(b->store, "old", NULL, NULL); /* of 1000 */
	store_migration_put(b->store, &m, NULL, NULL);
	m = make_migration("m2", "open", 6);
	store_migration_put(b->store, &m, NULL, NULL);
	store_note_put(b->store, "m1", "k", "v", NULL, NULL);
	store_note_put(b->store, "m2", "k", "w", NULL, NULL);
	store_prune(b->store, 2000);
	store_flush(b->store);
	store_events_last(b->store, 5, note_event, &t);
	store_migrations(b->store, false, 5, note_migration, &t);
	store_notes(b->store, "m1", note_note, &t);
	store_notes(b->store, "m2", note_note, &t);
	assert_string_equal(t.text, "m2:open::4:1:0 k w");
}

/* --- the files ---------------------------------------------------------------------------------------------- */
static void
the_epoch_grows_by_one_at_each_open(void **state)
{
	struct box *b = *state;
	uint64_t first = store_epoch(b->store);

	assert_int_equal(first, 1);
	reopen(b);
	assert_int_equal(store_epoch(b->store), 2);
	assert_null(store_recovery(b->store));
}

static void
small_texts_are_kept_by_key(void **state)
{
	struct box *b = *state;
	char value[8];

	assert_int_equal(store_meta_get(b->store, "file", value, sizeof value), -ENOENT);
	store_meta_put(b->store, "file", "abc", NULL, NULL);
	reopen(b);
	assert_int_equal(store_meta_get(b->store, "file", value, sizeof value), 0);
	assert_string_equal(value, "abc");
	assert_int_equal(store_meta_get(b->store, "file", value, 2), -ENOSPC);
}

static void
overwrite(const char *dir, const char *name, off_t at, size_t len)
{
	char path[256], junk[8192];
	int fd;

	memset(junk, 0xa5, sizeof junk);
	snprintf(path, sizeof path, "%s/%s", dir, name);
	fd = open(path, O_WRONLY);
	assert_true(fd >= 0);
	assert_int_equal(pwrite(fd, junk, len, at), len);
	close(fd);
}

static unsigned
count_files(const char *dir, const char *beginning)
{
	DIR *d = opendir(dir);
	unsigned n = 0;

	assert_non_null(d);
	for (struct dirent *e; (e = readdir(d));)
		n += !strncmp(e->d_name, beginning, strlen(beginning));
	closedir(d);
	return n;
}

static void
close_store(struct box *b)
{
	store_close(b->store);
	b->store = NULL;
}

static void
a_damaged_file_is_moved_aside_and_an_empty_one_takes_its_place(void **state)
{
	struct box *b = *state;
	uint64_t before = store_epoch(b->store);
	struct trace t = { "" };

	put_event(b->store, "a", NULL, NULL);
	close_store(b);
	overwrite(b->dir, "control.db", 0, 64);
	reopen(b);
	assert_non_null(store_recovery(b->store));
	assert_non_null(strstr(store_recovery(b->store), "control.db was damaged"));
	assert_int_equal(count_files(b->dir, "control.db.damaged-"), 1);
	store_events_last(b->store, 5, note_event, &t);
	assert_string_equal(t.text, "");
	assert_true(
	    store_epoch(b->store) > before); /* agents must not take us for older */
	reopen(b);
	assert_null(store_recovery(b->store));
}

static void
damaged_metrics_cost_no_control_data(void **state)
{
	struct box *b = *state;
	struct fog_id id = { { 1 } };
	struct trace t = { "" };

	put_event(b->store, "a", NULL, NULL);
	put_block(b, &id, 10, "a");
	close_store(b);
	overwrite(b->dir, "metrics.db", 0, 4096);
	reopen(b);
	assert_non_null(strstr(store_recovery(b->store), "metrics.db was damaged"));
	store_blocks(b->store, &id, STORE_FRESH, 0, 50, note_block, &t);
	store_events_last(b->store, 5, note_event, &t);
	assert_string_equal(t.text, "1:node.lost:n:a");
}

static void
the_newest_sound_backup_takes_the_place_of_a_damaged_file(void **state)
{
	struct box *b = *state;
	struct trace t = { "" };
	char folder[256];

	snprintf(folder, sizeof folder, "%s/backup", b->dir);
	put_event(b->store, "a", NULL, NULL);
	store_backup(b->store);
	store_flush(b->store);
	assert_int_equal(count_files(folder, "control-"), 1);
	put_event(b->store, "b", NULL, NULL);
	close_store(b);
	overwrite(b->dir, "control.db", 0, 64);
	snprintf(folder, sizeof folder, "%s/backup/control-2999-01-01T00:00:00.000Z.db",
	    b->dir);
	close(open(folder, O_CREAT | O_WRONLY, 0600));
	overwrite(b->dir, "backup/control-2999-01-01T00:00:00.000Z.db", 0, 8192);
	reopen(b);
	assert_non_null(strstr(store_recovery(b->store), "backup control-"));
	assert_int_equal(count_files(b->dir, "control.db.damaged-"), 2);
	store_events_last(b->store, 5, note_event, &t);
	assert_string_equal(t.text, "1:node.lost:n:a");
}

static void
expect_private(const char *folder, unsigned least)
{
	char path[600];
	struct dirent *entry;
	struct stat st;
	unsigned found = 0;
	DIR *d = opendir(folder);

	assert_non_null(d);
	while ((entry = readdir(d))) {
		snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
		assert_int_equal(stat(path, &st), 0);
		if (!S_ISREG(st.st_mode))
			continue;
		found++;
		if ((st.st_mode & 07777) != 0600)
			fail_msg("%s has mode %o", path, st.st_mode & 07777);
	}
	closedir(d);
	assert_true(found >= least);
}

static void
files_and_backups_are_for_their_owner_alone_S_29(void **state)
{
	static const char *const old[] = { "control.db", "metrics.db" };
	struct box *b = *state;
	char path[256];
	mode_t before = umask(0);

	put_event(b->store, "a", NULL, NULL);
	close_store(b);
	for (size_t i = 0; i < ARRAY_LEN(old); i++) {
		snprintf(path, sizeof path, "%s/%s", b->dir, old[i]);
		assert_int_equal(chmod(path, 0644), 0); /* as a version before made it */
	}
	reopen(b);
	put_event(b->store, "b", NULL, NULL);
	store_backup(b->store);
	store_flush(b->store);
	expect_private(b->dir, 6); /* each with its WAL and the memory shared */
	snprintf(path, sizeof path, "%s/backup", b->dir);
	expect_private(path, 1);
	close_store(b);
	tempdir_remove(b->dir);
	b->dir = tempdir_new();
	reopen(b);
	put_event(b->store, "a", NULL, NULL);
	store_flush(b->store);
	expect_private(b->dir, 6);
	umask(before);
}

/* Copies the files as a power cut would leave them: the flag says that nobody closed them. */
static void
leave_unclean(struct box *b, char *other)
{
	store_flush(b->store);
	for (unsigned i = 0; i < 4; i++) {
		static const char *const name[] = { "control.db", "control.db-wal",
			"metrics.db", "metrics.db-wal" };
		char from[256], to[256], bytes[65536];
		ssize_t n;
		int in, out;

		snprintf(from, sizeof from, "%s/%s", b->dir, name[i]);
		snprintf(to, sizeof to, "%s/%s", other, name[i]);
		in = open(from, O_RDONLY);
		out = open(to, O_CREAT | O_WRONLY, 0600);
		assert_true(in >= 0 && out >= 0);
		while ((n = read(in, bytes, sizeof bytes)) > 0)
			assert_int_equal(write(out, bytes, (size_t)n), n);
		close(in);
		close(out);
	}
}

static void
a_file_that_nobody_closed_is_checked(void **state)
{
	struct box *b = *state;
	struct box cut = { .dir = tempdir_new() };
	struct trace t = { "" };

	for (int i = 0; i < 2000; i++)
		put_event(b->store, "abcdefghijklmnopqrstuvwxyz", NULL, NULL);
	reopen(b); /* into the file itself */
	put_event(b->store, "in the log", NULL, NULL);
	leave_unclean(b, cut.dir);
	reopen(&cut); /* sound: goes on */
	assert_null(store_recovery(cut.store));
	store_events_last(cut.store, 1, note_event, &t);
	assert_string_equal(t.text, "2001:node.lost:n:in the log");
	close_store(&cut);
	tempdir_remove(cut.dir);

	cut.dir = tempdir_new();
	leave_unclean(b, cut.dir);
	overwrite(cut.dir, "control.db", 40960, 8192); /* leaves of the event table */
	reopen(&cut);
	assert_non_null(store_recovery(cut.store));
	close_store(&cut);
	tempdir_remove(cut.dir);
}

static void
a_file_of_a_newer_version_is_left_alone(void **state)
{
	struct box *b = *state;
	uint8_t version[4] = { 0, 0, 0, 99 };
	char path[256];
	int fd;

	close_store(b);
	snprintf(path, sizeof path, "%s/control.db", b->dir);
	fd = open(path, O_WRONLY);
	assert_int_equal(pwrite(fd, version, 4, 60), 4); /* user_version in the header */
	close(fd);
	assert_int_equal(
	    store_open(loop, b->dir, on_failed, NULL, &b->store), -EPROTONOSUPPORT);
	assert_int_equal(count_files(b->dir, "control.db.damaged-"), 0);
}

static void
a_write_error_is_told_once_and_acknowledges_nothing_more(void **state)
{
	struct box *b = *state;
	struct rlimit before, tight;
	struct call first = { 0 }, second = { 0 };

	signal(SIGXFSZ, SIG_IGN);
	getrlimit(RLIMIT_FSIZE, &before);
	tight = before;
	tight.rlim_cur = 1024;
	setrlimit(RLIMIT_FSIZE, &tight);
	put_event(b->store, "a", on_done, &first);
	run_until(&first.called);
	setrlimit(RLIMIT_FSIZE,
	    &before); /* it would work again, but nobody knows what is there */
	put_event(b->store, "b", on_done, &second);
	run_until(&second.called);
	assert_int_equal(first.err, -EIO);
	assert_int_equal(second.err, -EIO);
	assert_int_equal(failures, 1);
	reopen(b);
	assert_null(store_recovery(b->store));
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

/* --- sandbox ------------------------------------------------------------------------------------ */
static int
write_confined(struct box *b)
{
	const char *const own[] = { b->dir, NULL },
			  *const system[] = { SANDBOX_SYSTEM, NULL };
	const struct sandbox_paths paths = { own, system, NULL };
	struct sandbox_state sandbox;
	struct node_row n = make_node(7, "robot");
	struct call c = { 0 };

	if (store_open(loop, b->dir, on_failed, NULL, &b->store) ||
	    sandbox_enter(&paths, false, &sandbox))
		return 1;
	store_confine(b->store);
	if (store_node_put(b->store, &n, on_done, &c))
		return 2;
	run_until(&c.called);
	store_close(b->store);
	return c.err || failures ? 3 : 0;
}

/* Closing moves the WAL into the database and removes it; all of that is files. */
static void
a_confined_store_goes_on_writing(void **state)
{
	struct box *b = *state;
	struct trace t = { "" };
	int status;
	pid_t pid;

	store_close(TAKE(b->store));
	pid = fork();
	if (pid == 0) {
		ev_loop_fork(loop);
		_exit(write_confined(b));
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	reopen(b);
	assert_null(store_recovery(b->store));
	assert_int_equal(store_nodes(b->store, note_node, &t), 0);
	assert_string_equal(t.text, "07:robot:plant:alive:::1:caps:10:20");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(an_acknowledged_node_is_there_after_reopening),
		CASE(a_deleted_service_takes_its_placements_along),
		CASE(event_numbers_go_on_after_reopening),
		CASE(answers_come_in_the_order_of_the_calls_and_a_barrier_after_all),
		CASE(a_row_that_is_too_large_is_refused_alone),
		CASE(open_migrations_and_their_notes_are_found_again),
		CASE(a_prediction_keeps_what_is_not_known_and_gets_its_outcome),
		CASE(blocks_are_read_by_node_and_time),
		CASE(a_stream_remembers_how_far_it_went),
		CASE(what_is_too_old_is_removed_and_what_is_open_stays),
		CASE(the_epoch_grows_by_one_at_each_open),
		CASE(small_texts_are_kept_by_key),
		CASE(a_damaged_file_is_moved_aside_and_an_empty_one_takes_its_place),
		CASE(damaged_metrics_cost_no_control_data),
		CASE(the_newest_sound_backup_takes_the_place_of_a_damaged_file),
		CASE(files_and_backups_are_for_their_owner_alone_S_29),
		CASE(a_file_that_nobody_closed_is_checked),
		CASE(a_file_of_a_newer_version_is_left_alone),
		CASE(a_write_error_is_told_once_and_acknowledges_nothing_more),
		CASE(a_confined_store_goes_on_writing),
	};

	log_open("test_store", LOG_LEVEL_ERROR);
	return RUN_TESTS(tests, NULL, NULL);
}
