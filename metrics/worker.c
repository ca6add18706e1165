/* SPDX-License-Identifier: Apache-2.0 */
#include "metrics/worker.h"
#include "base/clock.h"
#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#define PATIENCE_MS 20	/* a read that takes longer does not keep the others waiting */
#define SERVING_MAX 2	/* threads at a time that do not hang */
#define GOODBYE_MS  200 /* for reads under way when all ends */
#define STACK_BYTES (96 * 1024) /* sources have buffers of some KiB on it */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define STACK_FACTOR 8
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define STACK_FACTOR 8
#endif
#endif
#ifndef STACK_FACTOR
#define STACK_FACTOR 1
#endif

/* Freed when neither the owner nor a thread needs it any more. */
struct workers {
	pthread_mutex_t lock;
	pthread_cond_t work, done;
	struct job *queue;	   /* in the order of job_start() */
	struct job *running;	   /* those of threads, in any order */
	unsigned refs;		   /* the owner and the threads */
	unsigned serving, hanging; /* threads */
	unsigned idle;		   /* of those that serve */
	bool ended;
	int fd;
};

/* What is written by the thread belongs to it while the job runs. */
struct job {
	struct workers *workers;
	struct job *next;
	const struct source *source;
	struct source_env env;
	void *inst;
	struct sink sink;
	bool due[SOURCE_METRICS_MAX];
	int result;
	uint8_t *told; /* records: struct record, then the labels' texts */
	size_t told_len;
	/* under the lock */
	enum job_state state;
	bool running, hangs, unwanted; /* by its owner: freed when it is done */
	int64_t started_ms, read_ms, limit_ms;
};
struct record {
	double value;
	uint16_t metric, len; /* of the labels */
};

/* --- results --------------------------------------------------------------------------- */

static size_t
copy_labels(uint8_t *dst, const struct metric_labels *labels)
{
	char *at = (char *)dst;

	for (unsigned i = 0; i < labels->len; i++) {
		at = stpcpy(at, labels->pair[i].name) + 1;
		at = stpcpy(at, labels->pair[i].value) + 1;
	}
	return (size_t)((uint8_t *)at - dst);
}

static void
tell(struct sink *sink, const struct metric *m, const struct metric_labels *labels,
    double value)
{
	struct job *j = container_of(sink, struct job, sink);
	struct record r = { value, (uint16_t)(m - j->source->metrics), 0 };
	uint8_t *to = j->told + j->told_len;

	if (!j->due[r.metric] ||
	    WORKER_BYTES_MAX - j->told_len < sizeof r + sizeof *labels)
		return;
	r.len = (uint16_t)copy_labels(to + sizeof r, labels);
	memcpy(to, &r, sizeof r);
	j->told_len += sizeof r + r.len;
}

static bool
is_wanted(struct sink *sink, const struct metric *m)
{
	const struct job *j = container_of(sink, struct job, sink);

	return j->due[m - j->source->metrics];
}

static void
read_labels(const uint8_t *from, size_t len, struct metric_labels *labels)
{
	const char *at = (const char *)from, *end = at + len;

	labels->len = 0;
	while (at < end) {
		const char *name = at, *value = name + strlen(name) + 1;

		(void)metric_labels_add(labels, name, value);
		at = value + strlen(value) + 1;
	}
}

static void
put_told(const struct job *j, struct sink *sink)
{
	struct metric_labels labels;
	struct record r;

	for (size_t at = 0; at < j->told_len; at += sizeof r + r.len) {
		memcpy(&r, j->told + at, sizeof r);
		read_labels(j->told + at + sizeof r, r.len, &labels);
		sink_put(sink, &j->source->metrics[r.metric], &labels, r.value);
	}
}

/* --- threads --------------------------------------------------------------------------- */

static void
free_env(struct source_env *env)
{
	free((char *)env->proc);
	free((char *)env->sys);
	free((char *)env->power_supply);
	free((char *)env->cgroup);
	free((char *)env->functions);
	free((char *)env->gpsd);
	free((char *)env->rootfs);
}

static void
end_job(struct job *j)
{
	if (j->inst)
		j->source->close(j->inst);
	if (j->told)
		munmap(j->told, WORKER_BYTES_MAX);
	free_env(&j->env);
	free(j);
}

static void
read_source(struct job *j)
{
	j->told_len = 0;
	j->result = 0;
	if (!j->inst)
		j->result = j->source->open(&j->env, &j->inst);
	if (j->result < 0)
		j->inst = NULL;
	else
		j->result = j->source->sample(j->inst, clock_boot_ms(), &j->sink);
}

static void
remove_running(struct workers *w, const struct job *j)
{
	struct job **at = &w->running;

	while (*at != j)
		at = &(*at)->next;
	*at = j->next;
}

static void
notify(const struct workers *w)
{
	uint64_t one = 1;

	while (write(w->fd, &one, sizeof one) < 0 && errno == EINTR)
		;
}

/* The thread that had been left behind with it is one too many then, unless nobody serves. */
static bool
come_back(struct workers *w, struct job *j)
{
	if (!j->hangs)
		return true;
	j->hangs = false;
	w->hanging--;
	if (w->serving > 0)
		return false;
	w->serving++;
	return true;
}

/* With the lock held. false: this thread is not needed any more. */
static bool
serve(struct workers *w)
{
	struct job *j = w->queue;
	bool stay, unwanted = j->unwanted;

	w->queue = j->next;
	j->next = w->running;
	w->running = j;
	j->running = true;
	j->started_ms = clock_boot_ms();
	pthread_mutex_unlock(&w->lock);
	if (!unwanted)
		read_source(j);
	pthread_mutex_lock(&w->lock);
	remove_running(w, j);
	j->running = false;
	stay = come_back(w, j);
	j->read_ms = clock_boot_ms();
	j->state = JOB_DONE;
	if (!j->unwanted) {
		notify(w);
		pthread_cond_broadcast(&w->done);
		return stay;
	}
	pthread_mutex_unlock(&w->lock);
	end_job(j);
	pthread_mutex_lock(&w->lock);
	return stay;
}

/* With the lock held; the last one frees. */
static void
unref(struct workers *w)
{
	bool last = --w->refs == 0;

	pthread_cond_broadcast(&w->done);
	pthread_mutex_unlock(&w->lock);
	if (!last)
		return;
	close(w->fd);
	pthread_cond_destroy(&w->work);
	pthread_cond_destroy(&w->done);
	pthread_mutex_destroy(&w->lock);
	free(w);
}

static void *
work(void *arg)
{
	struct workers *w = arg;
	bool stay = true;

	pthread_mutex_lock(&w->lock);
	while (stay && (w->queue || !w->ended)) {
		if (w->queue) {
			stay = serve(w);
			continue;
		}
		w->idle++;
		pthread_cond_wait(&w->work, &w->lock);
		w->idle--;
	}
	if (stay)
		w->serving--;
	unref(w);
	return NULL;
}

/* With the lock held. All signals are the loop's. */
static int
start_thread(struct workers *w)
{
	sigset_t all, before;
	pthread_attr_t attr;
	pthread_t thread;
	int err;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	pthread_attr_init(&attr);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	pthread_attr_setstacksize(&attr, STACK_FACTOR * STACK_BYTES);
	err = pthread_create(&thread, &attr, work, w);
	pthread_attr_destroy(&attr);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (err)
		return -err;
	pthread_setname_np(thread, "sources");
	w->serving++;
	w->refs++;
	return 0;
}

/* --- the pool -------------------------------------------------------------------------- */

static int
init_conds(struct workers *w)
{
	pthread_condattr_t attr;

	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&w->work, NULL);
	pthread_cond_init(&w->done, &attr);
	pthread_condattr_destroy(&attr);
	return pthread_mutex_init(&w->lock, NULL);
}

int
workers_new(struct workers **ret)
{
	struct workers *w = calloc(1, sizeof *w);

	if (!w)
		return -ENOMEM;
	w->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (w->fd < 0) {
		int err = -errno;

		free(w);
		return err;
	}
	w->refs = 1;
	(void)init_conds(w); /* cannot fail on Linux */
	*ret = w;
	return 0;
}

static struct timespec
time_in(int64_t ms)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	t.tv_sec += (time_t)(ms / 1000);
	t.tv_nsec += (long)(ms % 1000) * 1000000;
	if (t.tv_nsec >= 1000000000) {
		t.tv_sec++;
		t.tv_nsec -= 1000000000;
	}
	return t;
}

void
workers_free(struct workers *w)
{
	struct timespec end = time_in(GOODBYE_MS);

	if (!w)
		return;
	pthread_mutex_lock(&w->lock);
	w->ended = true;
	pthread_cond_broadcast(&w->work);
	while (w->serving > 0 &&
	    pthread_cond_timedwait(&w->done, &w->lock, &end) != ETIMEDOUT)
		;
	unref(w);
}

int
workers_fd(const struct workers *w)
{
	return w->fd;
}

unsigned
workers_hanging(const struct workers *w)
{
	struct workers *lockable = (struct workers *)w;
	unsigned n;

	pthread_mutex_lock(&lockable->lock);
	n = w->hanging;
	pthread_mutex_unlock(&lockable->lock);
	return n;
}

/* With the lock held: which jobs hang, and how long the others have. */
static int64_t
look_at_running(struct workers *w, int64_t now_ms, bool *ret_slow)
{
	int64_t next = INT64_MAX;

	for (struct job *j = w->running; j; j = j->next) {
		int64_t end_ms = j->started_ms + j->limit_ms;
		int64_t slow_ms = j->started_ms + PATIENCE_MS;

		if (j->hangs)
			continue;
		if (now_ms >= end_ms && w->hanging < WORKER_HANGING_MAX) {
			j->hangs = true;
			j->state = JOB_HANGS;
			w->hanging++;
			w->serving--;
			continue;
		}
		*ret_slow |= now_ms >= slow_ms;
		if (w->queue && now_ms < slow_ms)
			end_ms = slow_ms;
		if (now_ms < end_ms && end_ms - now_ms < next)
			next = end_ms - now_ms;
	}
	return next;
}

/* With the lock held: somebody serves the queue, if there is anything in it. */
static void
keep_serving(struct workers *w, bool slow)
{
	if (!w->queue)
		return;
	if (w->idle > 0)
		pthread_cond_signal(&w->work);
	else if (w->serving == 0 || (slow && w->serving < SERVING_MAX))
		(void)start_thread(w); /* tried again with the next reading */
}

int64_t
workers_look(struct workers *w)
{
	bool slow = false;
	int64_t next;

	pthread_mutex_lock(&w->lock);
	next = look_at_running(w, clock_boot_ms(), &slow);
	keep_serving(w, slow);
	pthread_mutex_unlock(&w->lock);
	return next;
}

/* --- jobs ------------------------------------------------------------------------------ */

static int
copy_text(const char **dst, const char *text)
{
	*dst = text ? strdup(text) : NULL;
	return text && !*dst ? -ENOMEM : 0;
}

static int
copy_env(struct source_env *dst, const struct source_env *env)
{
	int err = copy_text(&dst->proc, env->proc);

	err |= copy_text(&dst->sys, env->sys);
	err |= copy_text(&dst->power_supply, env->power_supply);
	err |= copy_text(&dst->cgroup, env->cgroup);
	err |= copy_text(&dst->functions, env->functions);
	err |= copy_text(&dst->gpsd, env->gpsd);
	return err | copy_text(&dst->rootfs, env->rootfs);
}

int
job_new(struct workers *w, const struct source *source, const struct source_env *env,
    struct job **ret)
{
	struct job *j = calloc(1, sizeof *j);

	if (!j)
		return -ENOMEM;
	assert(source->metrics_len <= SOURCE_METRICS_MAX);
	j->workers = w;
	j->source = source;
	j->sink.put = tell;
	j->sink.wants = is_wanted;
	j->told = mmap(NULL, WORKER_BYTES_MAX, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (j->told == MAP_FAILED)
		j->told = NULL;
	if (!j->told || copy_env(&j->env, env) < 0) {
		end_job(j);
		return -ENOMEM;
	}
	*ret = j;
	return 0;
}

/* With the lock held. */
static void
enqueue(struct workers *w, struct job *j)
{
	struct job **at = &w->queue;

	while (*at)
		at = &(*at)->next;
	j->next = NULL;
	*at = j;
	keep_serving(w, false);
}

/* Closing may block as well. What nobody ever opened is freed here. */
void
job_free(struct job *j)
{
	struct workers *w;
	bool never;

	if (!j)
		return;
	w = j->workers;
	pthread_mutex_lock(&w->lock);
	j->unwanted = true;
	never = !j->running && j->state != JOB_BUSY && !j->inst;
	if (!never && !j->running && j->state != JOB_BUSY)
		enqueue(w, j);
	pthread_mutex_unlock(&w->lock);
	if (never)
		end_job(j);
}

int
job_start(struct job *j, const bool *due, int64_t limit_ms)
{
	struct workers *w = j->workers;
	int err = 0;

	pthread_mutex_lock(&w->lock);
	if (j->state != JOB_IDLE)
		err = -EBUSY;
	if (!err) {
		memcpy(j->due, due, j->source->metrics_len * sizeof *due);
		j->limit_ms = limit_ms;
		j->state = JOB_BUSY;
		enqueue(w, j);
	}
	pthread_mutex_unlock(&w->lock);
	return err;
}

enum job_state
job_look(struct job *j)
{
	enum job_state state;

	pthread_mutex_lock(&j->workers->lock);
	state = j->state;
	pthread_mutex_unlock(&j->workers->lock);
	return state;
}

static enum job_state
wait_until(struct job *j, const struct timespec *end)
{
	enum job_state state;

	pthread_mutex_lock(&j->workers->lock);
	while (j->state == JOB_BUSY &&
	    pthread_cond_timedwait(&j->workers->done, &j->workers->lock, end) !=
		ETIMEDOUT)
		;
	state = j->state;
	pthread_mutex_unlock(&j->workers->lock);
	return state;
}

/* What keeps it waiting may be another that hangs: then somebody else is set to it. */
enum job_state
job_wait(struct job *j, int64_t wait_ms)
{
	struct timespec end = time_in(wait_ms), patience = time_in(PATIENCE_MS + 1);

	if (wait_ms > PATIENCE_MS && wait_until(j, &patience) == JOB_BUSY)
		(void)workers_look(j->workers);
	return wait_until(j, &end);
}

int64_t
job_age(struct job *j)
{
	int64_t read_ms;

	pthread_mutex_lock(&j->workers->lock);
	read_ms = j->read_ms;
	pthread_mutex_unlock(&j->workers->lock);
	return clock_boot_ms() - read_ms;
}

int
job_take(struct job *j, struct sink *sink)
{
	int result = j->result;

	assert(job_look(j) == JOB_DONE);
	if (sink)
		put_told(j, sink);
	pthread_mutex_lock(&j->workers->lock);
	j->state = JOB_IDLE;
	pthread_mutex_unlock(&j->workers->lock);
	return result;
}
