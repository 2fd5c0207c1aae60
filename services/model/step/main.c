/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The program that Hadoop Streaming runs on every node: "train-step map" and "train-step reduce",
 * with the plan in plan.json beside it, from standard input to standard output.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "version.h"
#include "yarn/step_map.h"
#include "yarn/step_reduce.h"

enum { EXIT_USAGE = 2 };

static enum error read_plan(struct step_plan *plan, struct text *why)
{
	struct text file;
	char piece[4096];
	size_t got;
	FILE *in = fopen("plan.json", "re");
	if (!in) {
		why_putf(why, "plan.json can't be opened");
		return ERROR_SYSTEM;
	}
	text_init(&file, STEP_MAX_PLAN);
	while ((got = fread(piece, 1, sizeof(piece), in)) > 0)
		text_put(&file, piece, got);
	enum error error = ferror(in) ? ERROR_SYSTEM : file.error;
	fclose(in);
	if (error == ERROR_OK)
		error = step_plan_read(file.data, file.length, plan, why);
	text_clean_up(&file);
	return error;
}

static enum error map(const struct step_plan *plan, struct text *why)
{
	struct step_split split;
	enum error error = step_split_from_environment(&split, why);
	return error == ERROR_OK ? step_map(plan, &split, stdin, stdout, why) : error;
}

static enum error reduce(const struct step_plan *plan, struct text *why)
{
	return step_reduce(&plan->spec, stdin, stdout, why);
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		enum error (*run)(const struct step_plan *plan, struct text *why);
	} steps[] = { { "map", map }, { "reduce", reduce } };
	struct step_plan plan = { .count = 0 };
	char memory[1000];
	struct text why;
	text_init_fixed(&why, memory, sizeof(memory));
	for (size_t i = 0; argc == 2 && i < sizeof(steps) / sizeof(steps[0]); i++) {
		if (strcmp(argv[1], steps[i].name) != 0)
			continue;
		enum error error = read_plan(&plan, &why);
		if (error == ERROR_OK)
			error = steps[i].run(&plan, &why);
		step_plan_clean_up(&plan);
		if (error != ERROR_OK)
			fprintf(stderr, "train-step %s: %s\n", argv[1],
				why.length > 0 ? why.data : error_text(error));
		return error == ERROR_OK ? EXIT_SUCCESS : EXIT_FAILURE;
	}
	fprintf(stderr, "train-step %s\nusage: train-step map|reduce\n", TICKLINE_VERSION);
	return EXIT_USAGE;
}
