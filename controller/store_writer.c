/* SPDX-License-Identifier: Apache-2.0
 *
 * The one thread beside the loop, so that a slow fsync delays no heartbeat. Jobs wait in one
 * queue per file and are committed in groups; what was committed goes back on the done
 * list, and the loop is woken. The thread touches nothing but its queues and databases. */
#include "controller/store_int.h"
#include <errno.h>
#include <ev.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <time.h>
#include "base/log.h"

#define GROUP_MS   20
#define GROUP_ROWS 1000

struct queue {
	struct store_job *first, **end;
	uint32_t len;
};

struct store_writer {
	struct store_db db[STORE_FILES];
	const char *dir;
	struct ev_loop *loop;
	ev_async wake;
	void (*failed)(void *arg);
	void *failed_arg;
	bool told;		/* failed() was called */
	int64_t full_logged_ms; /* the thread's, as this: */
	bool is_full;		/* history waits for room */

	pthread_t thread;
	pthread_mutex_t lock; /* of all that follows */
	pthread_cond_t work, idle;
	struct queue todo[STORE_FILES], done;
	enum store_file last;
	bool closing, busy, broken;
	struct store_stats stats;
};

static int64_t
now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000LL + t.tv_nsec / 1000000;
}

static void
queue_init(struct queue *q)
{
	*q = (struct queue){ .end = &q->first };
}

static void
queue_push(struct queue *q, struct store_job *job)
{
	job->next = NULL;
	*q->end = job;
	q->end = &job->next;
	q->len++;
}

static struct store_job *
queue_pop(struct queue *q)
{
	struct store_job *job = q->first;

	if (!job)
		return NULL;
	q->first = job->next;
	if (!q->first)
		q->end = &q->first;
	q->len--;
	return job;
}

static void
queue_move(struct queue *from, struct queue *to)
{
	for (struct store_job *job; (job = queue_pop(from));)
		queue_push(to, job);
}

static void
queue_free(struct queue *q)
{
	for (struct store_job *job; (job = queue_pop(q));)
		free(job);
}

/* --- jobs -------------------------------------------------------------------------------------- */
static size_t
bytes_of(const struct store_value *v)
{
	return v->type == STORE_TEXT || v->type == STORE_BLOB ? v->bytes.len : 0;
}

int
store_job_new(enum store_file file, const struct store_value *v, size_t n,
    store_done_f *done, void *arg, struct store_job **ret)
{
	size_t bytes = 0;
	struct store_job *job;
	uint8_t *at;

	for (size_t i = 0; i < n; i++)
		bytes += bytes_of(&v[i]);
	job = calloc(1, sizeof *job + n * sizeof job->value[0] + bytes);
	if (!job)
		return -ENOMEM;
	*job = (struct store_job){ .file = file, .done = done, .arg = arg, .values = n };
	at = (uint8_t *)&job->value[n];
	for (size_t i = 0; i < n; i++) {
		job->value[i] = v[i];
		if (!bytes_of(&v[i]))
			continue;
		memcpy(at, v[i].bytes.data, v[i].bytes.len);
		job->value[i].bytes.data = at;
		at += v[i].bytes.len;
	}
	*ret = job;
	return 0;
}

static int
run_job(struct store_db *db, struct store_job *job)
{
	int err = 0;

	if (job->run)
		return job->run(db, job);
	for (size_t i = 0; i < ARRAY_LEN(job->sql) && job->sql[i] && !err; i++)
		err = store_db_run(db, job->sql[i], job->value, job->values);
	return err;
}

/* --- the thread -------------------------------------------------------------------------------- */
/* A full disk costs metrics, never control; whatever else goes wrong ends the trust in the file. */
static bool
is_fatal(enum store_file file, int err)
{
	return err < 0 && err != -EINVAL && (file == STORE_CONTROL || err != -ENOSPC);
}

/* One transaction. A refused statement (-EINVAL) fails alone; anything worse takes the whole
 * group with it, and a failed commit is not tried again: after a failed fsync nobody knows what is on
 * the disk. */
static int
write_group(struct store_db *db, struct queue *group)
{
	int err;

	if (group->first->alone)
		return group->first->err = run_job(db, group->first);
	err = store_db_exec(db, "BEGIN IMMEDIATE");
	for (struct store_job *job = group->first; job && !err; job = job->next) {
		job->err = run_job(db, job);
		if (job->err < 0 && job->err != -EINVAL)
			err = job->err;
	}
	if (!err)
		err = store_db_exec(db, "COMMIT");
	if (!err)
		return 0;
	store_db_rollback(db);
	for (struct store_job *job = group->first; job; job = job->next)
		job->err = err;
	return err;
}

static int
refuse_group(struct queue *group)
{
	for (struct store_job *job = group->first; job; job = job->next)
		job->err = -ENOSPC;
	return -ENOSPC;
}

/* On a full disk the ballast gives way to control data; history gets none of it. */
static int
write_or_make_room(struct store_writer *w, enum store_file file, struct queue *group)
{
	int err;

	if (file == STORE_METRICS && w->is_full && !store_has_room(w->dir))
		return refuse_group(group);
	err = write_group(&w->db[file], group);
	w->is_full = err == -ENOSPC || (w->is_full && file == STORE_CONTROL);
	if (err != -ENOSPC || !store_ballast_drop(w->dir) || file == STORE_METRICS)
		return err;
	return write_group(&w->db[file], group);
}

static int64_t
oldest_ms(const struct store_writer *w)
{
	int64_t oldest = INT64_MAX;

	for (int f = 0; f < STORE_FILES; f++)
		if (w->todo[f].first && w->todo[f].first->queued_ms < oldest)
			oldest = w->todo[f].first->queued_ms;
	return oldest;
}

/* Until there is something to do and the group is full or old enough. False: closing, and done. */
static bool
wait_for_work(struct store_writer *w)
{
	for (;;) {
		uint32_t len = w->todo[STORE_CONTROL].len + w->todo[STORE_METRICS].len;
		int64_t due;
		struct timespec until;

		if (w->closing || len >= GROUP_ROWS)
			return len > 0;
		if (!len) {
			pthread_cond_wait(&w->work, &w->lock);
			continue;
		}
		due = oldest_ms(w) + GROUP_MS;
		if (due <= now_ms())
			return true;
		until.tv_sec = due / 1000;
		until.tv_nsec = due % 1000 * 1000000;
		pthread_cond_timedwait(&w->work, &w->lock, &until);
	}
}

/* Control goes first; a stream of it leaves every second turn to the metrics. */
static enum store_file
choose_file(struct store_writer *w)
{
	if (!w->todo[STORE_METRICS].len)
		return STORE_CONTROL;
	if (!w->todo[STORE_CONTROL].len)
		return STORE_METRICS;
	return w->last == STORE_CONTROL ? STORE_METRICS : STORE_CONTROL;
}

static void
take_group(struct queue *from, struct queue *group)
{
	queue_init(group);
	while (from->first && group->len < GROUP_ROWS) {
		if (from->first->alone && group->len)
			return;
		queue_push(group, queue_pop(from));
		if (group->first->alone)
			return;
	}
}

static void
give_back(struct store_writer *w, struct queue *group, int err)
{
	for (struct store_job *job; (job = queue_pop(group));) {
		w->stats.rows += !err;
		w->stats.dropped += err && job->counted;
		if (job->err > 0 && !w->closing)
			queue_push(&w->todo[job->file], job);
		else if (job->done)
			queue_push(&w->done, job);
		else
			free(job);
	}
}

static void
count_commit(struct store_writer *w, int64_t took_ms)
{
	w->stats.commits++;
	if (took_ms > w->stats.slowest_ms)
		w->stats.slowest_ms = (uint32_t)took_ms;
}

static void
write_one_group(struct store_writer *w)
{
	enum store_file file = choose_file(w);
	struct queue group;
	int64_t began = now_ms();
	int err = -EIO;
	bool broken = w->broken;

	take_group(&w->todo[file], &group);
	w->last = file;
	w->busy = true;
	pthread_mutex_unlock(&w->lock);

	if (!broken)
		err = write_or_make_room(w, file, &group);
	if (err == -ENOSPC && log_limited(&w->full_logged_ms))
		log_warnx("store", "no space for %s: %u rows are dropped",
		    store_file_names[file], group.len);
	for (struct store_job *job = group.first; job && broken; job = job->next)
		job->err = err;

	pthread_mutex_lock(&w->lock);
	w->busy = false;
	w->broken |= is_fatal(file, err);
	count_commit(w, now_ms() - began);
	give_back(w, &group, err);
	if (w->done.len || w->broken)
		ev_async_send(w->loop, &w->wake);
	pthread_cond_signal(&w->idle);
}

static void *
run_thread(void *arg)
{
	struct store_writer *w = arg;

	pthread_mutex_lock(&w->lock);
	while (wait_for_work(w))
		write_one_group(w);
	pthread_mutex_unlock(&w->lock);
	return NULL;
}

/* --- the loop's side ---------------------------------------------------------------------------- */
static void
tell_done(struct store_writer *w)
{
	struct queue done;
	bool broken;

	queue_init(&done);
	pthread_mutex_lock(&w->lock);
	queue_move(&w->done, &done);
	broken = w->broken;
	pthread_mutex_unlock(&w->lock);
	for (struct store_job *job; (job = queue_pop(&done));) {
		job->done(job->arg, job->err);
		free(job);
	}
	if (broken && !w->told) {
		w->told = true;
		w->failed(w->failed_arg);
	}
}

static void
on_wake(struct ev_loop *loop, ev_async *wake, int revents)
{
	(void)loop, (void)revents;
	tell_done(container_of(wake, struct store_writer, wake));
}

void
store_writer_push(struct store_writer *w, struct store_job **taken)
{
	struct store_job *job = TAKE(*taken);
	uint32_t len;

	job->queued_ms = now_ms();
	pthread_mutex_lock(&w->lock);
	queue_push(&w->todo[job->file], job);
	len = w->todo[STORE_CONTROL].len + w->todo[STORE_METRICS].len;
	if (len == 1 || len == GROUP_ROWS)
		pthread_cond_signal(&w->work);
	pthread_mutex_unlock(&w->lock);
}

static bool
is_idle(const struct store_writer *w)
{
	return !w->busy && !w->done.len && !w->todo[STORE_CONTROL].len &&
	    !w->todo[STORE_METRICS].len;
}

/* What a done() queues is written too. */
void
store_writer_flush(struct store_writer *w)
{
	bool idle = false;

	while (!idle) {
		pthread_mutex_lock(&w->lock);
		while (!w->done.len && !is_idle(w))
			pthread_cond_wait(&w->idle, &w->lock);
		pthread_mutex_unlock(&w->lock);
		tell_done(w);
		pthread_mutex_lock(&w->lock);
		idle = is_idle(w);
		pthread_mutex_unlock(&w->lock);
	}
}

void
store_writer_stats(struct store_writer *w, struct store_stats *ret)
{
	pthread_mutex_lock(&w->lock);
	*ret = w->stats;
	ret->queued_control = w->todo[STORE_CONTROL].len;
	ret->queued_metrics = w->todo[STORE_METRICS].len;
	pthread_mutex_unlock(&w->lock);
}

static void
init_locks(struct store_writer *w)
{
	pthread_condattr_t attr;

	pthread_mutex_init(&w->lock, NULL);
	pthread_cond_init(&w->idle, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&w->work, &attr);
	pthread_condattr_destroy(&attr);
}

static void
done_locks(struct store_writer *w)
{
	pthread_cond_destroy(&w->work);
	pthread_cond_destroy(&w->idle);
	pthread_mutex_destroy(&w->lock);
}

/* Signals are the loop's. */
static int
start_thread(struct store_writer *w)
{
	sigset_t all, before;
	int err;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	err = -pthread_create(&w->thread, NULL, run_thread, w);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return err;
}

int
store_writer_start(struct ev_loop *loop, const char *dir, struct store_db db[STORE_FILES],
    void (*failed)(void *arg), void *arg, struct store_writer **ret)
{
	struct store_writer *w = calloc(1, sizeof *w);
	int err;

	if (!w)
		return -ENOMEM;
	w->loop = loop;
	w->dir = dir;
	w->failed = failed;
	w->failed_arg = arg;
	w->last = STORE_METRICS;
	queue_init(&w->done);
	for (int f = 0; f < STORE_FILES; f++) {
		queue_init(&w->todo[f]);
		w->db[f] = db[f];
	}
	init_locks(w);
	ev_async_init(&w->wake, on_wake);
	ev_async_start(loop, &w->wake);
	err = start_thread(w);
	if (err) {
		ev_async_stop(loop, &w->wake);
		done_locks(w);
		free(w);
		return err;
	}
	*ret = w;
	return 0;
}

void
store_writer_stop(struct store_writer *w)
{
	pthread_mutex_lock(&w->lock);
	w->closing = true;
	pthread_cond_signal(&w->work);
	pthread_mutex_unlock(&w->lock);
	pthread_join(w->thread, NULL);
	ev_async_stop(w->loop, &w->wake);
	for (int f = 0; f < STORE_FILES; f++) {
		if (!w->broken)
			(void)store_db_mark_clean(&w->db[f], true);
		store_db_close(&w->db[f]);
	}
	queue_free(&w->done);
	done_locks(w);
	free(w);
}
