/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "yarn_command.h"

#include <inttypes.h>
#include <string.h>

#include "date_folder.h"

#define PLAIN "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789/_.=+-"

/* Hadoop takes commas, colons and brackets in a path for its own, the shell quotes and dollars. */
static enum error check_plain(const char *what, const char *value, struct text *why)
{
	size_t fine = strspn(value, PLAIN);
	if (*value && value[fine] == '\0')
		return ERROR_OK;
	why_putf(why,
		 "%s is \"%.200s\": for engine yarn it may hold letters, digits and /_.=+- only",
		 what, value);
	return ERROR_INVALID;
}

/* The class path is put between quotes, inside the quotes that the node puts around the command. */
static enum error check_quotable(const char *what, const char *value, struct text *why)
{
	size_t fine = strcspn(value, "'\"`\\\n");
	if (value[fine] == '\0')
		return ERROR_OK;
	why_putf(why, "%s holds '%c', which can't be handed to a node", what, value[fine]);
	return ERROR_INVALID;
}

static enum error check(const struct yarn_command *command, struct text *why)
{
	const struct yarn_settings *settings = command->settings;
	const struct {
		const char *what, *value;
		enum error (*check)(const char *what, const char *value, struct text *why);
	} checks[] = {
		{ "the folder of the records", command->input, check_plain },
		{ "the folder of the job", command->work, check_plain },
		{ "yarn_queue", settings->yarn_queue, check_plain },
		{ "yarn_java", settings->yarn_java, check_quotable },
		{ "yarn_classpath", settings->yarn_classpath, check_quotable },
	};
	for (size_t i = 0; i < sizeof(checks) / sizeof(checks[0]); i++) {
		enum error error = checks[i].check(checks[i].what, checks[i].value, why);
		if (error != ERROR_OK)
			return error;
	}
	for (size_t i = 0; i < command->file_count; i++)
		if (check_plain("a file of yarn_step_dir", command->files[i], why) != ERROR_OK)
			return ERROR_INVALID;
	return ERROR_OK;
}

static void write_files(const struct yarn_command *command, struct text *out)
{
	text_putf(out, " -files hdfs://%s/plan.json", command->work);
	for (size_t i = 0; i < command->file_count; i++)
		text_putf(out, ",hdfs://%s/step/%s", command->work, command->files[i]);
}

static void write_properties(const struct yarn_command *command, struct text *out)
{
	text_putf(out, " -D mapreduce.job.name=tickline-%s -D mapreduce.job.tags=%s",
		  command->model, command->tag);
	text_putf(out, " -D mapreduce.job.queuename=%s -D mapreduce.job.reduces=1",
		  command->settings->yarn_queue);
	/* What the job leaves behind goes with its folder. */
	text_putf(out, " -D yarn.app.mapreduce.am.staging-dir=%s/mr", command->work);
	/* A carriage return ends no line of ours. */
	text_puts(out, " -D textinputformat.record.delimiter=$'\\n'");
	if (command->settings->yarn_maps > 0)
		text_putf(out, " -D mapreduce.job.maps=%" PRId64, command->settings->yarn_maps);
}

/* Hadoop refuses a pattern that nothing matches. */
static const char *input_pattern(const struct yarn_command *command)
{
	static const char flat[] = "part-*.csv", split[] = DATE_FOLDER_PREFIX "*/part-*.csv";
	static const char both[] = "{part-*.csv," DATE_FOLDER_PREFIX "*/part-*.csv}";
	return !command->dated ? flat : command->undated ? both : split;
}

enum error yarn_command_write(const struct yarn_command *command, struct text *out,
			      struct text *why)
{
	static const char step[] = "loader --library-path . ./train-step";
	enum error error = check(command, why);
	if (error != ERROR_OK)
		return error;
	text_putf(out, "%s -cp '%s' org.apache.hadoop.streaming.HadoopStreaming",
		  command->settings->yarn_java, command->settings->yarn_classpath);
	write_files(command, out);
	write_properties(command, out);
	text_putf(out, " -input '%s/%s' -output %s/out", command->input, input_pattern(command),
		  command->work);
	text_putf(out, " -mapper '%s map' -reducer '%s reduce' -background", step, step);
	text_puts(out, " 1><LOG_DIR>/stdout 2><LOG_DIR>/stderr");
	return out->error;
}
