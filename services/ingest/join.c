/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Nothing is remembered between two looks but names that can't change: whatever a call did, or a
 * crash left, is in the next listing.
 */
#include "join.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PATH_MAX_BYTES = 1100, URL_BYTES = 6000, ENCODED_BYTES = 3 };

struct join {
	const struct lease *lease;
	struct webhdfs *hdfs;
	struct text *why;
	char folder[PATH_MAX_BYTES - FILE_NAME_MAX - 1];
	char prefix[FILE_NAME_MAX]; /* of the partition's names */
	struct join_plan plan;
};

size_t join_sources_max(const char *folder)
{
	size_t each = FILE_NAME_MAX + 2 * ENCODED_BYTES; /* a slash and the comma */
	for (const char *c = folder; *c; c++)
		each += isalnum((unsigned char)*c) ? 1 : ENCODED_BYTES;
	size_t count = URL_BYTES / each;
	return count < 1 ? 1 : count > JOIN_MAX_SOURCES ? JOIN_MAX_SOURCES : count;
}

static void print_path(const struct join *join, const struct file_range *range,
		       char path[PATH_MAX_BYTES])
{
	char name[FILE_NAME_MAX];
	file_name_print(FILE_ROWS, range, name);
	snprintf(path, PATH_MAX_BYTES, "%s/%s", join->folder, name);
}

/* --- looking -----------------------------------------------------------------------------------
 */

static enum error note(const char *name, const struct webhdfs_status *status, void *user)
{
	struct join *join = user;
	struct join_file file = { .file_id = status->file_id,
				  .length = status->length,
				  .block_size = status->block_size };
	int order = strncmp(name, join->prefix, strlen(join->prefix));
	if (order > 0)
		return ERROR_CANCELLED; /* the listing is sorted: this partition is through */
	if (order < 0 || status->folder || !file_name_parse(FILE_ROWS, name, &file.range))
		return ERROR_OK;
	return join_plan_add(&join->plan, &file, join->why);
}

static enum error look(struct join *join, char behind[FILE_NAME_MAX])
{
	char memory[600];
	struct text why;
	text_init_fixed(&why, memory, sizeof memory);
	file_name_prefix(join->lease->partition, join->prefix);
	enum error error = webhdfs_list_after(join->hdfs, join->folder,
					      behind[0] ? behind : join->prefix, note, join, &why);
	if (error == ERROR_CANCELLED || error == ERROR_NOT_FOUND) /* no folder: nothing to join */
		error = ERROR_OK;
	if (error && why.length > 0)
		why_putf(join->why, "%s", why.data);
	else if (!error && join->plan.behind.last >= join->plan.behind.first)
		file_name_print(FILE_ROWS, &join->plan.behind, behind);
	return error;
}

/* --- the three steps ---------------------------------------------------------------------------
 */

/* It may have been done, by us (an answer was lost, or asked for twice on the way) or by another
 * joiner: look. */
static bool is_doubtful(enum error error)
{
	return webhdfs_is_unknown(error) || error == ERROR_NOT_FOUND || error == ERROR_EXISTS;
}

static enum error rename_target(struct join *join, bool *settled)
{
	const struct join_file *target = &join->plan.files[0];
	struct file_range whole = target->range;
	whole.last = join->plan.last;
	if (whole.last == target->range.last)
		return ERROR_OK;
	if (atomic_load(&join->lease->ended))
		return ERROR_CANCELLED;
	char from[PATH_MAX_BYTES], to[PATH_MAX_BYTES];
	print_path(join, &target->range, from);
	print_path(join, &whole, to);
	enum error error = webhdfs_rename(join->hdfs, from, to, join->why);
	if (!is_doubtful(error))
		return error;
	struct webhdfs_status seen;
	*settled = !webhdfs_stat(join->hdfs, to, &seen, NULL) && seen.file_id == target->file_id;
	return *settled ? ERROR_OK : error;
}

/* Success is what is seen, whatever the answer was: the length says that the sources are in the
 * target, and the names that they are gone. */
static bool was_appended(struct join *join, const char *target, const char *source)
{
	struct webhdfs_status seen;
	return !webhdfs_stat(join->hdfs, target, &seen, NULL) &&
	       seen.file_id == join->plan.files[0].file_id && seen.length == join->plan.bytes &&
	       webhdfs_stat(join->hdfs, source, &seen, NULL) == ERROR_NOT_FOUND;
}

static size_t print_sources(const struct join *join, char (*paths)[PATH_MAX_BYTES],
			    const char *sources[JOIN_MAX_SOURCES])
{
	size_t count = 0;
	for (size_t i = 1; i < join->plan.count; i++) {
		if (join->plan.files[i].length == 0) /* CONCAT refuses it */
			continue;
		print_path(join, &join->plan.files[i].range, paths[count]);
		sources[count] = paths[count];
		count++;
	}
	return count;
}

static enum error append_sources(struct join *join, bool *settled)
{
	char(*paths)[PATH_MAX_BYTES] = calloc(JOIN_MAX_SOURCES, sizeof *paths);
	if (!paths)
		return ERROR_NO_MEMORY;
	char target[PATH_MAX_BYTES];
	const char *sources[JOIN_MAX_SOURCES];
	struct file_range whole = join->plan.files[0].range;
	whole.last = join->plan.last;
	print_path(join, &whole, target);
	size_t count = print_sources(join, paths, sources);
	enum error error = ERROR_OK;
	if (count > 0)
		error = webhdfs_concat(join->hdfs, target, sources, count, join->why);
	if (count > 0 && (!error || is_doubtful(error))) {
		bool seen = was_appended(join, target, sources[0]);
		*settled |= seen && error;
		if (!seen && !error)
			why_putf(join->why, "CONCAT into %s was answered, and not done", target);
		error = seen ? ERROR_OK : error ? error : ERROR_PROTOCOL;
	}
	free(paths);
	return error;
}

/* Between the listing and now somebody may have appended to it what it covered then; now it covers
 * nothing that could still be appended. */
static enum error delete_if_empty(struct join *join, const struct join_file *file, int64_t *deleted)
{
	char path[PATH_MAX_BYTES];
	struct webhdfs_status seen;
	print_path(join, &file->range, path);
	enum error error = webhdfs_stat(join->hdfs, path, &seen, join->why);
	if (!error && seen.length > 0)
		return ERROR_OK;
	if (!error)
		error = webhdfs_delete(join->hdfs, path, false, join->why);
	if (webhdfs_is_unknown(error) &&
	    webhdfs_stat(join->hdfs, path, &seen, NULL) == ERROR_NOT_FOUND)
		error = ERROR_OK;
	if (error && error != ERROR_NOT_FOUND)
		return error;
	*deleted += 1;
	return ERROR_OK;
}

static enum error delete_empty(struct join *join, int64_t *deleted)
{
	enum error error = ERROR_OK;
	for (size_t i = 1; !error && i < join->plan.count; i++)
		if (join_plan_may_delete(&join->plan, i))
			error = delete_if_empty(join, &join->plan.files[i], deleted);
	return error;
}

static void tell(const struct join *join, int64_t deleted, struct join_result *result)
{
	int64_t kept = 1; /* the target */
	for (size_t i = 1; i < join->plan.count; i++)
		kept += join->plan.files[i].length == 0;
	result->joined = true;
	result->before = (int64_t)join->plan.count;
	result->after = kept - deleted;
	result->into = join->plan.files[0].range;
	result->into.last = join->plan.last;
}

static enum error carry_out(struct join *join, struct join_result *result)
{
	int64_t deleted = 0;
	enum error error = rename_target(join, &result->settled);
	if (!error)
		error = append_sources(join, &result->settled);
	if (error)
		return error;
	error = delete_empty(join, &deleted);
	tell(join, deleted, result);
	return error;
}

enum error join_run(const struct lease *lease, int32_t date, const struct join_rules *rules,
		    char behind[FILE_NAME_MAX], struct webhdfs *hdfs, struct join_result *result,
		    struct text *why)
{
	struct join join = { .lease = lease, .hdfs = hdfs, .why = why };
	*result = (struct join_result){ 0 };
	date_folder_path(lease->dataset->folder, date, join.folder, sizeof join.folder);
	join_plan_init(&join.plan, rules);
	enum error error = look(&join, behind);
	if (!error && join_plan_is_due(&join.plan)) {
		error = carry_out(&join, result);
	} else if (!error) {
		result->waiting_files = (int64_t)join.plan.count;
		result->waiting_bytes = join.plan.bytes;
	}
	return error;
}
