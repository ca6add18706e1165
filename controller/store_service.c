/* SPDX-License-Identifier: Apache-2.0 */
#include "controller/store_int.h"

int
store_service_put(
    struct store *s, const char *name, const char *yaml, store_done_f *done, void *arg)
{
	const struct store_value v[] = { sv_text(name), sv_text(yaml) };

	return store_write(s, STORE_CONTROL,
	    "INSERT INTO service(name, yaml) VALUES(?1, ?2)"
	    " ON CONFLICT(name) DO UPDATE SET yaml=excluded.yaml",
	    v, ARRAY_LEN(v), done, arg);
}

/* With it goes what it placed: a service of the same name later is another one. */
static int
delete_service(struct store_db *db, const struct store_job *job)
{
	int err = store_db_run(
	    db, "DELETE FROM placement WHERE service=?1", job->value, job->values);

	return err ? err
		   : store_db_run(db, "DELETE FROM service WHERE name=?1", job->value,
			 job->values);
}

int
store_service_delete(struct store *s, const char *name, store_done_f *done, void *arg)
{
	const struct store_value v = sv_text(name);

	return store_run(s, STORE_CONTROL, delete_service, &v, 1, done, arg);
}

struct reading {
	void (*row)(void *arg, const char *name, const char *yaml);
	void *arg;
};

static void
read_service(void *ctx, struct sqlite3_stmt *row)
{
	struct reading *r = ctx;

	r->row(r->arg, col_text(row, 0), col_text(row, 1));
}

int
store_services(struct store *s,
    void (*row)(void *arg, const char *name, const char *yaml), void *arg)
{
	struct reading r = { row, arg };

	return store_read(s, STORE_CONTROL,
	    "SELECT name, yaml FROM service ORDER BY name", NULL, 0, read_service, &r);
}
