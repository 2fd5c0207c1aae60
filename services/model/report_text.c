/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "report_text.h"

#include <cjson/cJSON.h>
#include <math.h>
#include <string.h>

enum { WIDTH = 79, LABEL = 21 };

static const cJSON *member(const cJSON *json, const char *name)
{
	return cJSON_GetObjectItemCaseSensitive(json, name);
}

static const char *string(const cJSON *json, const char *name)
{
	const char *value = cJSON_GetStringValue(member(json, name));
	return value ? value : "-";
}

static void rule(struct text *out, char of)
{
	for (int i = 0; i < WIDTH; i++)
		text_putc(out, of);
	text_putc(out, '\n');
}

/* --- the summary: two columns of a label and a value ----------------------------------------- */

enum form { NUMBER, COUNT, PERCENT, WORD };

struct entry {
	const char *label;
	const char *path[2]; /* members, from the report inwards; NULL ends them */
	enum form form;
};

static const struct entry SUMMARY[] = {
	{ "Target", { "target", "name" }, WORD },
	{ "Rows", { "rows" }, COUNT },
	{ "Horizon, s", { "target", "horizon_s" }, COUNT },
	{ "Degrees of freedom", { "degrees_of_freedom" }, COUNT },
	{ "R-squared", { "r2" }, NUMBER },
	{ "Residual std. error", { "residual_standard_error" }, NUMBER },
	{ "Adj. R-squared", { "adjusted_r2" }, NUMBER },
	{ "RMSE", { "rmse" }, NUMBER },
	{ "AIC", { "aic" }, NUMBER },
	{ "Condition number", { "condition_number" }, NUMBER },
	{ "Ridge penalty", { "ridge" }, NUMBER },
	{ "Rank", { "rank" }, COUNT },
};

static const struct entry HELD_OUT[] = {
	{ "Rows", { "held_out", "rows" }, COUNT },
	{ "RMSE", { "held_out", "rmse" }, NUMBER },
	{ "RMSE, last price", { "held_out", "last_price_rmse" }, NUMBER },
	{ "Skill, last price", { "held_out", "skill_last" }, PERCENT },
	{ "RMSE, mean", { "held_out", "mean_rmse" }, NUMBER },
	{ "Skill, mean", { "held_out", "skill_mean" }, PERCENT },
};

static const struct entry COVERAGE[] = {
	{ "Served", { "intervals", "served" }, WORD },
	{ "Served live", { "intervals", "served_live" }, WORD },
	{ "Half width, plain", { "intervals", "plain_half_width" }, NUMBER },
	{ "Half width, conf.", { "intervals", "conformal_half_width" }, NUMBER },
	{ "Its factor", { "intervals", "conformal_factor" }, NUMBER },
};

static const cJSON *find(const cJSON *report, const struct entry *entry)
{
	const cJSON *found = member(report, entry->path[0]);
	return entry->path[1] ? member(found, entry->path[1]) : found;
}

static void put_value(struct text *out, const cJSON *value, enum form form)
{
	char memory[80];
	struct text text;
	text_init_fixed(&text, memory, sizeof(memory));
	if (cJSON_IsString(value))
		text_putf(&text, "%.40s", value->valuestring);
	else if (!cJSON_IsNumber(value))
		text_putc(&text, '-');
	else if (form == PERCENT)
		text_putf(&text, "%.2f%%", 100 * value->valuedouble);
	else if (form == COUNT)
		text_putf(&text, "%.0f", value->valuedouble);
	else
		text_putf(&text, "%.6g", value->valuedouble);
	text_putf(out, "%16s", text.data);
}

static void put_entries(struct text *out, const cJSON *report, const struct entry *entries,
			size_t count)
{
	for (size_t i = 0; i < count; i++) {
		text_putf(out, i % 2 ? "     %-21s" : "%-21s", entries[i].label);
		put_value(out, find(report, &entries[i]), entries[i].form);
		if (i % 2 || i + 1 == count)
			text_putc(out, '\n');
	}
}

#define PUT_ENTRIES(out, report, entries) \
	put_entries(out, report, entries, sizeof(entries) / sizeof((entries)[0]))

/* --- coefficients ---------------------------------------------------------------------------- */

static void put_number(struct text *out, const cJSON *json, const char *name, int width, int digits)
{
	const cJSON *value = member(json, name);
	if (cJSON_IsNumber(value))
		text_putf(out, " %*.*g", width - 1, digits, value->valuedouble);
	else
		text_putf(out, " %*s", width - 1, "-");
}

static void put_term(struct text *out, const cJSON *term)
{
	const char *status = string(term, "status");
	text_putf(out, "%-18s", string(term, "name"));
	if (strcmp(status, "kept") != 0 && strcmp(status, "fixed") != 0) {
		text_putf(out, " left out: %s\n", status);
		return;
	}
	put_number(out, term, "value", 12, 5);
	if (strcmp(status, "fixed") == 0) {
		text_puts(out, " (fixed)\n");
		return;
	}
	put_number(out, term, "standard_error", 11, 4);
	put_number(out, term, "t", 9, 4);
	const cJSON *p = member(term, "p");
	if (cJSON_IsNumber(p))
		text_putf(out, " %6.3f", p->valuedouble);
	else
		text_puts(out, "      -");
	put_number(out, term, "low", 11, 4);
	put_number(out, term, "high", 11, 4);
	text_putc(out, '\n');
}

static void put_coefficients(struct text *out, const cJSON *report)
{
	const cJSON *terms = member(report, "coefficients"), *term = NULL;
	if (!cJSON_IsArray(terms))
		return;
	rule(out, '-');
	text_putf(out, "%-18s %11s %10s %8s %6s %10s %10s\n", "", "coef", "std err", "t", "P>|t|",
		  "[0.025", "0.975]");
	rule(out, '-');
	cJSON_ArrayForEach(term, terms) put_term(out, term);
}

/* --- the rest -------------------------------------------------------------------------------- */

static void put_title(struct text *out, const cJSON *report, int64_t number)
{
	bool last = strcmp(string(report, "kind"), "last-price") == 0;
	text_putf(out, "%s, version ", string(report, "model"));
	text_put_i64(out, number);
	text_putf(out, ": %s, %s\n", last ? "the last price" : "least squares",
		  string(report, "created"));
}

static void put_test(struct text *out, const cJSON *test)
{
	if (!cJSON_IsObject(test))
		return;
	const cJSON *low = member(test, "low"), *high = member(test, "high");
	const cJSON *statistic = member(test, "diebold_mariano"), *p = member(test, "p");
	text_putf(out, "%-21s%s\n", "Verdict", string(test, "verdict"));
	if (cJSON_IsNumber(low) && cJSON_IsNumber(high))
		text_putf(out, "%-21s[%.2f%%, %.2f%%], bootstrap of %.0f blocks\n",
			  "Skill, 95% interval", 100 * low->valuedouble, 100 * high->valuedouble,
			  cJSON_GetNumberValue(member(test, "blocks")));
	if (cJSON_IsNumber(statistic) && cJSON_IsNumber(p))
		text_putf(out, "%-21s%.3f, p = %.4f, %.0f rows, horizon of %.0f rows\n",
			  "Diebold-Mariano", statistic->valuedouble, p->valuedouble,
			  cJSON_GetNumberValue(member(test, "rows")),
			  cJSON_GetNumberValue(member(test, "horizon_rows")));
}

static void put_held_out(struct text *out, const cJSON *report)
{
	const cJSON *held_out = member(report, "held_out");
	rule(out, '-');
	if (!cJSON_IsObject(held_out)) {
		text_puts(out, "Nothing is held out.\n");
		return;
	}
	text_puts(out, "On the held-out part");
	if (cJSON_IsString(member(held_out, "since")))
		text_putf(out, ", from %s", string(held_out, "since"));
	text_puts(out, "\n");
	PUT_ENTRIES(out, report, HELD_OUT);
	put_test(out, member(held_out, "skill_last_test"));
}

/* Behind a label, in as many lines as it takes. */
static void put_words(struct text *out, const char *words)
{
	size_t column = LABEL;
	while (*words) {
		size_t length = strcspn(words, " ");
		if (column > LABEL && column + 1 + length > WIDTH) {
			text_putf(out, "\n%*s", LABEL, "");
			column = LABEL;
		}
		text_putf(out, "%s%.*s", column > LABEL ? " " : "", (int)length, words);
		column += length + (column > LABEL ? 1 : 0);
		words += length + strspn(words + length, " ");
	}
	text_putc(out, '\n');
}

static void put_gate(struct text *out, const cJSON *gate)
{
	if (!cJSON_IsObject(gate))
		return;
	bool serves = cJSON_IsTrue(member(gate, "serves"));
	text_putf(out, "%-21s%s, by the rule \"%s\":\n%*s", "Gate",
		  serves ? "serves" : "does not serve", string(gate, "rule"), LABEL, "");
	put_words(out, string(gate, "reason"));
}

static void put_intervals(struct text *out, const cJSON *report)
{
	static const char *const kinds[] = { "plain", "conformal", "adaptive" };
	const cJSON *intervals = member(report, "intervals");
	const cJSON *coverage = member(intervals, "coverage");
	if (!cJSON_IsObject(intervals))
		return;
	rule(out, '-');
	text_puts(out, "95% intervals\n");
	PUT_ENTRIES(out, report, COVERAGE);
	text_putf(out, "%-21s", "Coverage");
	for (size_t i = 0; i < 3; i++) {
		const cJSON *share = member(coverage, kinds[i]);
		text_putf(out, i > 0 ? ", %s " : "%s ", kinds[i]);
		if (cJSON_IsNumber(share))
			text_putf(out, "%.1f%%", 100 * share->valuedouble);
		else
			text_putc(out, '-');
	}
	const cJSON *rows = member(coverage, "rows");
	text_putf(out, " (%.0f rows)\n", cJSON_IsNumber(rows) ? rows->valuedouble : 0);
}

static void put_warnings(struct text *out, const cJSON *report)
{
	const cJSON *warnings = member(report, "warnings"), *warning = NULL;
	rule(out, '=');
	int number = 0;
	cJSON_ArrayForEach(warning, warnings) if (cJSON_IsString(warning))
		text_putf(out, "[%d] %s\n", ++number, warning->valuestring);
	const cJSON *lineage = member(report, "lineage");
	const cJSON *files = member(lineage, "files"), *records = member(lineage, "records");
	if (cJSON_IsNumber(files) && cJSON_IsNumber(records))
		text_putf(out, "From %.0f records in %.0f files of %s.\n", records->valuedouble,
			  files->valuedouble, string(lineage, "folder"));
}

void report_text(const char *report, size_t length, int64_t number, struct text *out)
{
	cJSON *json = cJSON_ParseWithLength(report, length);
	put_title(out, json, number);
	rule(out, '=');
	PUT_ENTRIES(out, json, SUMMARY);
	put_coefficients(out, json);
	put_held_out(out, json);
	put_gate(out, member(json, "gate"));
	put_intervals(out, json);
	put_warnings(out, json);
	cJSON_Delete(json);
}
