/* SPDX-License-Identifier: Apache-2.0 */
#include "controller/services_dir.h"

#include "base/daemon.h"
#include "base/log.h"
#include "controller/chores.h"
#include "controller/store.h"
#include "tests/support/plant.h"
#include "tests/support/tempdir.h"
#include "tests/support/test.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static struct plant plant;
static char *dir;

static int
setup(void **state)
{
	(void)state;
	plant_open(&plant);
	dir = tempdir_new();
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	plant_close(&plant);
	tempdir_remove(dir);
	return 0;
}

static void
put_file(const char *name, const char *text)
{
	char path[200];

	snprintf(path, sizeof path, "%s/%s", dir, name);
	assert_int_equal(daemon_write_file(path, text, strlen(text)), 0);
}

static unsigned
load(void)
{
	unsigned wrong = services_dir_load(dir, NULL, plant.store);

	store_flush(plant.store);
	return wrong;
}

static void
files_are_read_in_the_order_of_their_names_and_others_are_not(void **state)
{
	(void)state;
	put_file("b.yaml", "two");
	put_file("a.yaml", "one");
	put_file("c.yaml~", "no");
	put_file(".d.yaml", "no");
	assert_int_equal(load(), 0);
	assert_string_equal(plant_judge.applied, "one two ");
}

static void
a_file_speaks_up_when_its_text_has_changed(void **state)
{
	(void)state;
	put_file("a.yaml", "one");
	load();
	load();
	assert_string_equal(plant_judge.applied, "one ");
	plant_restart(&plant); /* what an operator did since then stays as it is */
	load();
	assert_string_equal(plant_judge.applied, "one ");
	put_file("a.yaml", "two");
	load();
	assert_string_equal(plant_judge.applied, "one two ");
}

static void
a_wrong_file_is_told_and_tried_again(void **state)
{
	(void)state;
	put_file("a.yaml", "wrong");
	plant_judge.apply_err = -EINVAL;
	assert_int_equal(load(), 1);
	plant_judge.apply_err = 0;
	assert_int_equal(load(), 0);
	assert_string_equal(plant_judge.applied, "wrong ");
}

static void
no_directory_is_no_error(void **state)
{
	(void)state;
	assert_int_equal(services_dir_load("/nonexistent", NULL, plant.store), 0);
}

/* --- what is done every hour -------------------------------------------------------------------------- */
static void
count_event(void *arg, const struct event_row *e)
{
	(void)e;
	++*(unsigned *)arg;
}

static unsigned
count_events(void)
{
	unsigned events = 0;

	store_flush(plant.store);
	store_events_last(plant.store, 10, count_event, &events);
	return events;
}

static void
put_event(int64_t time_ms)
{
	const struct event_row e = {
		.time_ms = time_ms, .kind = "node.lost", .text = ""
	};

	assert_true(store_event_put(plant.store, &e, NULL, NULL) > 0);
}

static void
old_rows_go_and_a_backup_is_made_every_hour(void **state) /* OUT-01 */
{
	struct grasp_io *io = fake_host_io(plant.host);
	int64_t wall = io->ops->wall(io);
	struct chores *chores;
	char path[200];

	(void)state;
	assert_int_equal(chores_new(io, plant.store, &chores), 0);
	chores_set(chores, 3600000);
	put_event(wall - 3000000);
	put_event(wall);
	fake_run(plant.net, 61000);
	assert_int_equal(count_events(), 2);
	snprintf(path, sizeof path, "%s/backup", plant.dir);
	assert_int_equal(access(path, F_OK), 0);
	fake_run(plant.net, 3600000);
	assert_int_equal(count_events(), 0);
	chores_free(chores);
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(files_are_read_in_the_order_of_their_names_and_others_are_not),
		CASE(a_file_speaks_up_when_its_text_has_changed),
		CASE(a_wrong_file_is_told_and_tried_again),
		CASE(no_directory_is_no_error),
		CASE(old_rows_go_and_a_backup_is_made_every_hour),
	};

	log_open("test_services_dir", LOG_LEVEL_ERROR);
	return RUN_TESTS(tests, NULL, NULL);
}
