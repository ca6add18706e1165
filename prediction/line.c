/* SPDX-License-Identifier: Apache-2.0
 *
 * A biweight fit over the newest 16, 32, 64, 128 points; of these the longest whose forecasts
 * agree with those of all shorter ones (Lepski's rule): long memory for slow gauges, short
 * memory after a bend. */
#include "prediction/line.h"
#include <math.h>

#define NEAR	     16	 /* points of the shortest window */
#define AGREE	     1.0 /* standard errors between windows that agree */
#define DAMP_SIGMA   0.5 /* between the slopes of two halves that differ */
#define BIWEIGHT     4.685
#define MAD_TO_SIGMA 1.4826

/* Wirth's selection of the k-th smallest; reorders v. */
static double
select_kth(double *v, int n, int k)
{
	int lo = 0, hi = n - 1;

	while (lo < hi) {
		double x = v[k];
		int i = lo, j = hi;

		do {
			while (v[i] < x)
				i++;
			while (x < v[j])
				j--;
			if (i <= j) {
				double t = v[i];

				v[i++] = v[j];
				v[j--] = t;
			}
		} while (i <= j);
		if (j < k)
			lo = i;
		if (k < i)
			hi = j;
	}
	return v[k];
}

static double
find_median(double *v, int n)
{
	double upper = select_kth(v, n, n / 2), lower = v[0];

	if (n % 2)
		return upper;
	for (int i = 1; i < n / 2; i++) /* all that is left of the k-th is smaller */
		lower = fmax(lower, v[i]);
	return lower + (upper - lower) / 2;
}

struct window {
	double t[LINE_POINTS_MAX], v[LINE_POINTS_MAX], w[LINE_POINTS_MAX],
	    r[LINE_POINTS_MAX];
	int n;
};

/* Time counted from `at`; a point weighs by its samples. */
static void
take_window(const struct line_point *p, unsigned n, double at, struct window *win)
{
	unsigned most = 1;

	win->n = (int)n;
	for (unsigned i = 0; i < n; i++) {
		win->t[i] = p[i].t - at;
		win->v[i] = p[i].v;
		win->w[i] = p[i].n;
		if (p[i].n > most)
			most = p[i].n;
	}
	for (unsigned i = 0; i < n; i++)
		win->w[i] /= most;
}

static double
residual_scale(struct window *win, double level, double slope, double floor)
{
	double a[LINE_POINTS_MAX], mad;

	for (int i = 0; i < win->n; i++) {
		win->r[i] = win->v[i] - level - slope * win->t[i];
		a[i] = fabs(win->r[i]);
	}
	mad = MAD_TO_SIGMA * find_median(a, win->n);
	return mad > floor ? mad : floor;
}

/* Theil's abridged slope: median over pairs half a window apart. */
static void
guess_line(struct window *win, double *level, double *slope)
{
	double a[LINE_POINTS_MAX];
	int h = win->n / 2, m = 0;

	for (int i = 0; i + h < win->n; i++)
		if (win->t[i + h] > win->t[i])
			a[m++] =
			    (win->v[i + h] - win->v[i]) / (win->t[i + h] - win->t[i]);
	*slope = m ? find_median(a, m) : 0;
	for (int i = 0; i < win->n; i++)
		a[i] = win->v[i] - *slope * win->t[i];
	*level = find_median(a, win->n);
}

static double
biweight(double r, double scale)
{
	double u = r / (BIWEIGHT * scale), k = 1 - u * u;

	return fabs(u) < 1 ? k * k : 0;
}

/* Residuals of a smoothed expression hang together: the effective number is smaller. */
static double
correlation_inflation(const struct window *win, double scale)
{
	double c0 = 0, c1 = 0, rho;

	for (int i = 0; i < win->n; i++) {
		double r = fmax(-3 * scale, fmin(3 * scale, win->r[i]));

		c0 += r * r;
		if (i > 0)
			c1 += r * fmax(-3 * scale, fmin(3 * scale, win->r[i - 1]));
	}
	rho = (c0 > 0 ? c1 / c0 : 0) +
	    2.0 / win->n; /* the sample value is too small by about that */
	rho = fmax(0, fmin(0.8, rho));
	return (1 + rho) / (1 - rho);
}

static double
mean_square_step(const struct window *win, int lag, double limit)
{
	double sum = 0;

	for (int i = 0; i + lag < win->n; i++) {
		double d = win->r[i + lag] - win->r[i];

		sum += fmin(d * d, limit * limit);
	}
	return sum / (win->n - lag);
}

/* Noise makes steps over any number of points equally large, a level that wanders makes those
 * over many points larger. */
static double
find_wander(const struct window *win, double scale)
{
	int lag = win->n / 4;
	double step = (win->t[win->n - 1] - win->t[0]) / (win->n - 1);
	double more =
	    mean_square_step(win, lag, 6 * scale) - mean_square_step(win, 1, 6 * scale);

	return lag > 1 && more > 0 ? more / ((lag - 1) * step) : 0;
}

struct sums {
	double w, t, v, tt, tv; /* total weight, means, and sums about the means */
};

/* Of the points [from, to), weighted by samples and by how well they fit. */
static struct sums
sum_up(const struct window *win, double scale, int from, int to)
{
	struct sums m = { 0 };

	for (int i = from; i < to; i++) {
		double w = win->w[i] * biweight(win->r[i], scale);

		m.w += w;
		m.t += w * win->t[i];
		m.v += w * win->v[i];
	}
	if (!(m.w > 0))
		return m;
	m.t /= m.w;
	m.v /= m.w;
	for (int i = from; i < to; i++) {
		double w = win->w[i] * biweight(win->r[i], scale);

		m.tt += w * (win->t[i] - m.t) * (win->t[i] - m.t);
		m.tv += w * (win->t[i] - m.t) * (win->v[i] - m.v);
	}
	return m;
}

/* A trend that dies away, such as a battery's that settles under its load, is not drawn on as
 * a straight line. When the slope of the newer half is clearly smaller than that of the older
 * half, it is taken to shrink on at that rate; the line then has the mean slope of the lead to
 * come, and starts from the newer half. */
static void
damp_line(
    const struct window *win, double scale, double lead, double *level, double *slope)
{
	struct sums a = sum_up(win, scale, 0, win->n / 2);
	struct sums b = sum_up(win, scale, win->n / 2, win->n);
	double older, newer, rate, now;

	if (!(a.tt > 0) || !(b.tt > 0))
		return;
	older = a.tv / a.tt;
	newer = b.tv / b.tt;
	if (!(older * newer > 0) ||
	    fabs(older) - fabs(newer) <= DAMP_SIGMA * scale * sqrt(1 / a.tt + 1 / b.tt))
		return;
	rate = -log(fmax(0.1, newer / older)) / (b.t - a.t);
	now = newer * exp(rate * b.t); /* b.t < 0: the middle of the newer half */
	*slope = now * (1 - exp(-rate * lead)) / (rate * lead);
	*level = b.v - newer * b.t;
}

static bool
fit_window(const struct line_point *p, unsigned n, double at, double lead, double floor,
    struct line *ret)
{
	struct window win;
	struct sums m = { 0 };
	double level, slope, scale, var;

	take_window(p, n, at, &win);
	guess_line(&win, &level, &slope);
	scale = residual_scale(&win, level, slope, floor);
	for (int round = 0; round < 3; round++) {
		m = sum_up(&win, scale, 0, win.n);
		if (!(m.w > 0) || !(m.tt > 0))
			return false;
		slope = m.tv / m.tt;
		level = m.v - slope * m.t;
		scale = residual_scale(&win, level, slope, floor);
	}
	damp_line(&win, scale, lead, &level, &slope);
	var = scale * scale * correlation_inflation(&win, scale);
	*ret = (struct line){ .at = at,
		.level = level,
		.slope = slope,
		.noise = scale,
		.wander = find_wander(&win, scale),
		.span = win.t[win.n - 1] - win.t[0],
		.var_level = var * (1 / m.w + m.t * m.t / m.tt),
		.var_slope = var / m.tt,
		.covar = -var * m.t / m.tt };
	return true;
}

double
line_value(const struct line *l, double ahead)
{
	return l->level + l->slope * ahead;
}

double
line_variance(const struct line *l, double ahead)
{
	return l->var_level + 2 * ahead * l->covar + ahead * ahead * l->var_slope;
}

static bool
agrees_with(const struct line *l, const struct line *shorter, unsigned n, double lead)
{
	for (unsigned i = 0; i < n; i++)
		for (double ahead = 0; ahead <= lead; ahead += lead)
			if (fabs(line_value(l, ahead) - line_value(&shorter[i], ahead)) >
			    AGREE * sqrt(line_variance(&shorter[i], ahead)))
				return false;
	return true;
}

bool
line_fit(const struct line_point *p, unsigned n, double at, double lead, double floor,
    struct line *ret)
{
	struct line tried[5];
	unsigned count = 0;

	if (n < LINE_POINTS_MIN || n > LINE_POINTS_MAX)
		return false;
	for (unsigned m = NEAR;; m *= 2) {
		unsigned k = m < n ? m : n;
		struct line l;

		if (!fit_window(p + n - k, k, at, lead, floor, &l) ||
		    !agrees_with(&l, tried, count, lead))
			break;
		tried[count++] = l;
		if (k == n)
			break;
	}
	if (count)
		*ret = tried[count - 1];
	return count > 0;
}
