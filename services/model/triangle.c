/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "triangle.h"

#include <gsl/gsl_linalg.h>
#include <math.h>
#include <string.h>

static double length_from(const double *column, size_t from, size_t rows)
{
	double norm = 0;
	for (size_t i = from; i < rows; i++)
		norm = hypot(norm, column[i]);
	return norm;
}

/* Turns column `pivot` from row `pivot` on into its length, and the columns after it with it. */
static void reflect(struct triangle_columns *c, size_t pivot)
{
	double *v = c->column[pivot];
	double below = length_from(v, pivot + 1, c->rows);
	if (below == 0)
		return;
	double alpha = v[pivot], beta = -copysign(hypot(alpha, below), alpha);
	double tau = (beta - alpha) / beta;
	for (size_t i = pivot + 1; i < c->rows; i++)
		v[i] /= alpha - beta;
	for (size_t k = pivot + 1; k < c->count; k++) {
		double *column = c->column[k], along = column[pivot];
		for (size_t i = pivot + 1; i < c->rows; i++)
			along += v[i] * column[i];
		along *= tau;
		column[pivot] -= along;
		for (size_t i = pivot + 1; i < c->rows; i++)
			column[i] -= along * v[i];
	}
	v[pivot] = beta;
	memset(v + pivot + 1, 0, (c->rows - pivot - 1) * sizeof(double));
}

void triangle_reflect(struct triangle_columns *columns, size_t pivots)
{
	for (size_t pivot = 0; pivot < pivots && pivot < columns->rows; pivot++)
		reflect(columns, pivot);
}

/* The first column from `pivot` on that has most left; its length goes to `best`. */
static size_t choose(const struct triangle_columns *c, size_t pivot, double *best)
{
	double left[TRIANGLE_MAX] = { 0 }, longest = 0;
	for (size_t k = pivot; k < c->count; k++) {
		left[k] = length_from(c->column[k], pivot, c->rows);
		longest = fmax(longest, left[k]);
	}
	size_t chosen = pivot;
	while (chosen + 1 < c->count && left[chosen] < 0.9 * longest)
		chosen++;
	*best = longest;
	return chosen;
}

/* Moves a column forward, keeping the order of those it passes. */
static void move_column(struct triangle_columns *c, size_t from, size_t to, size_t *order)
{
	double kept[TRIANGLE_MAX];
	size_t index = order[from];
	memcpy(kept, c->column[from], sizeof(kept));
	memmove(c->column[to + 1], c->column[to], (from - to) * sizeof(c->column[0]));
	memmove(order + to + 1, order + to, (from - to) * sizeof(*order));
	memcpy(c->column[to], kept, sizeof(kept));
	order[to] = index;
}

size_t triangle_reveal(struct triangle_columns *columns, double tolerance, size_t *order)
{
	for (size_t k = 0; k < columns->count; k++)
		order[k] = k;
	size_t rank = 0;
	while (rank < columns->count && rank < columns->rows) {
		double left;
		size_t chosen = choose(columns, rank, &left);
		if (left <= tolerance)
			break;
		move_column(columns, chosen, rank, order);
		reflect(columns, rank++);
	}
	return rank;
}

double triangle_condition(const struct triangle_columns *columns, size_t rank)
{
	double a[TRIANGLE_MAX * TRIANGLE_MAX], v[TRIANGLE_MAX * TRIANGLE_MAX], s[TRIANGLE_MAX];
	for (size_t i = 0; i < rank; i++)
		for (size_t j = 0; j < rank; j++)
			a[i * rank + j] = j < i ? 0 : columns->column[j][i];
	gsl_matrix_view matrix = gsl_matrix_view_array(a, rank, rank);
	gsl_matrix_view right = gsl_matrix_view_array(v, rank, rank);
	gsl_vector_view values = gsl_vector_view_array(s, rank);
	/* One-sided Jacobi: relative accuracy for small values too. */
	if (gsl_linalg_SV_decomp_jacobi(&matrix.matrix, &right.matrix, &values.vector) != 0)
		return NAN;
	return s[rank - 1] > 0 ? s[0] / s[rank - 1] : NAN;
}

void triangle_solve(const double *t, size_t size, double *b)
{
	for (size_t i = size; i-- > 0;) {
		for (size_t j = i + 1; j < size; j++)
			b[i] -= t[i * size + j] * b[j];
		b[i] /= t[i * size + i];
	}
}

double triangle_solve_transposed(const double *t, size_t size, double *b)
{
	double norm = 0;
	for (size_t i = 0; i < size; i++) {
		for (size_t j = 0; j < i; j++)
			b[i] -= t[j * size + i] * b[j];
		b[i] /= t[i * size + i];
		norm += b[i] * b[i];
	}
	return sqrt(norm);
}

void triangle_add_unit(double *t, size_t size, double *b, size_t place, double value)
{
	double row[TRIANGLE_MAX] = { 0 }, right = 0;
	row[place] = value;
	for (size_t k = place; k < size; k++) {
		double length = hypot(t[k * size + k], row[k]);
		if (length == 0)
			continue;
		double c = t[k * size + k] / length, s = row[k] / length;
		for (size_t j = k; j < size; j++) {
			double above = t[k * size + j];
			t[k * size + j] = c * above + s * row[j];
			row[j] = c * row[j] - s * above;
		}
		double above = b[k];
		b[k] = c * above + s * right;
		right = c * right - s * above;
	}
}
