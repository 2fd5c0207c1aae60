/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A CREATE whose answer was lost is never trusted, even where the length is right: its writer may
 * still be at work, and a rename would take the open file along. The next attempt has a new name.
 * A RENAME whose answer was lost is settled by looking: the fileId at the destination decides.
 */
#include "commit.h"

#include <stdio.h>
#include <string.h>

enum { PATH_MAX_BYTES = 1100, MOST_LEFTOVERS = 16 };

struct commit {
	struct batch *batch;
	const struct lease *lease;
	struct webhdfs *hdfs;
	struct text *why;
	/* the file in hand */
	struct commit_file *file;
	const struct text *content;
	const char *folder;
	bool folder_made;
	char name[FILE_NAME_MAX];
	char staged[PATH_MAX_BYTES], place[PATH_MAX_BYTES];
};

/* Our folder is gone: another owner is at work. */
static bool is_fenced(struct commit *c)
{
	struct webhdfs_status status;
	if (webhdfs_stat(c->hdfs, c->lease->folder, &status, NULL) != ERROR_NOT_FOUND)
		return false;
	why_putf(c->why, "; %s is gone: another owner took over", c->lease->folder);
	return true;
}

static void print_staged(struct commit *c)
{
	snprintf(c->staged, sizeof c->staged, "%s/%s", c->lease->folder, c->file->staged);
}

static enum error create(struct commit *c)
{
	snprintf(c->file->staged, sizeof c->file->staged, "%s.%u", c->name, ++c->batch->attempts);
	print_staged(c);
	enum error error = webhdfs_create(c->hdfs, c->staged, c->content->data, c->content->length,
					  true, c->why);
	if (!error) {
		c->file->step = COMMIT_CHECK;
		return ERROR_OK;
	}
	/* A DataNode that refuses may hang up before it has read the body, and is not heard. */
	if ((error == ERROR_NOT_FOUND || webhdfs_is_unknown(error)) && is_fenced(c))
		return ERROR_FENCED;
	return error == ERROR_NOT_FOUND || error == ERROR_EXISTS ? ERROR_RETRIABLE : error;
}

static enum error check(struct commit *c)
{
	struct webhdfs_status status;
	enum error error = webhdfs_stat(c->hdfs, c->staged, &status, c->why);
	if (error == ERROR_NOT_FOUND) {
		c->file->step = COMMIT_CREATE;
		return is_fenced(c) ? ERROR_FENCED : ERROR_RETRIABLE;
	}
	if (error)
		return error;
	if (status.length != (int64_t)c->content->length) {
		why_putf(c->why, "%s has %lld bytes instead of %zu", c->staged,
			 (long long)status.length, c->content->length);
		c->file->step = COMMIT_CREATE;
		return ERROR_LENGTH;
	}
	c->file->file_id = status.file_id;
	c->file->step = COMMIT_RENAME;
	return ERROR_OK;
}

/* The staged file did not arrive, and RENAME said `renamed`: what now? OK: again at once, the
 * folder of a new date was made. */
static enum error not_in_place(struct commit *c, enum error renamed)
{
	if (is_fenced(c))
		return ERROR_FENCED;
	struct webhdfs_status status;
	enum error error = webhdfs_stat(c->hdfs, c->staged, &status, c->why);
	if (error == ERROR_NOT_FOUND) {
		why_putf(c->why, "; neither %s nor %s is there", c->staged, c->place);
		return ERROR_FENCED;
	}
	if (error)
		return error;
	if (renamed == ERROR_NOT_FOUND) { /* the source is there, so the folder is not */
		error = webhdfs_mkdirs(c->hdfs, c->folder, c->why);
		bool again = c->folder_made; /* and it is still not there */
		c->folder_made = true;
		return error ? error : again ? ERROR_RETRIABLE : ERROR_OK;
	}
	return renamed ? renamed : ERROR_PROTOCOL;
}

/* Success is what is seen in place, whatever the answer to RENAME was. */
static enum error move_into_place(struct commit *c)
{
	char memory[1024];
	struct text renaming;
	text_init_fixed(&renaming, memory, sizeof memory);
	enum error renamed = webhdfs_rename(c->hdfs, c->staged, c->place, &renaming);
	if (renamed)
		why_putf(c->why, "%s", renaming.data);
	/* Refused by the rules: nothing to look for, and looking would be refused as well. */
	if (renamed && !webhdfs_is_unknown(renamed) && renamed != ERROR_NOT_FOUND &&
	    renamed != ERROR_EXISTS)
		return renamed;
	struct webhdfs_status seen;
	enum error error = webhdfs_stat(c->hdfs, c->place, &seen, renamed ? NULL : c->why);
	if (error == ERROR_NOT_FOUND)
		return not_in_place(c, renamed);
	if (error)
		return error;
	if (seen.file_id != c->file->file_id || seen.length != (int64_t)c->content->length) {
		why_putf(c->why, "; %s is another owner's file", c->place);
		return ERROR_FENCED;
	}
	if (renamed)
		dataset_count_settled(c->lease->dataset, renamed);
	c->file->step = COMMIT_DONE;
	return ERROR_OK;
}

static enum error publish(struct commit *c, enum file_kind kind, const struct text *content,
			  const char *folder)
{
	static enum error (*const steps[])(struct commit *) = {
		[COMMIT_CREATE] = create,
		[COMMIT_CHECK] = check,
		[COMMIT_RENAME] = move_into_place,
	};
	c->file = &c->batch->files[kind];
	c->content = content;
	c->folder = folder;
	c->folder_made = false;
	file_name_print(kind, &c->batch->range, c->name);
	snprintf(c->place, sizeof c->place, "%s/%s", folder, c->name);
	print_staged(c);
	while (c->file->step != COMMIT_DONE) {
		enum error error = steps[c->file->step](c);
		if (error)
			return error;
	}
	return ERROR_OK;
}

/* What failed attempts left in our folder; what stays goes with the folder. */
static void remove_leftovers(struct commit *c)
{
	unsigned used = c->batch->dead_letter_count > 0 ? 2 : 1;
	if (c->batch->attempts <= used)
		return;
	for (enum file_kind kind = 0; kind < FILE_KINDS; kind++) {
		if (kind == FILE_DEAD_LETTERS && c->batch->dead_letter_count == 0)
			continue;
		file_name_print(kind, &c->batch->range, c->name);
		for (unsigned i = 1; i <= c->batch->attempts && i <= MOST_LEFTOVERS; i++) {
			snprintf(c->staged, sizeof c->staged, "%s/%s.%u", c->lease->folder, c->name,
				 i);
			enum error error = webhdfs_delete(c->hdfs, c->staged, false, NULL);
			if (error && error != ERROR_NOT_FOUND)
				return;
		}
	}
}

enum error commit_run(struct batch *batch, const struct lease *lease, struct webhdfs *hdfs,
		      struct text *why)
{
	struct commit c = { .batch = batch, .lease = lease, .hdfs = hdfs, .why = why };
	const struct dataset *dataset = lease->dataset;
	/* Once, so that every attempt has the same bytes. */
	enum error error = batch_pack(batch);
	if (error) {
		why_putf(why, "the rows can't be packed: %s", error_text(error));
		return error;
	}
	if (batch->dead_letter_count > 0)
		error = publish(&c, FILE_DEAD_LETTERS, &batch->dead_letters,
				dataset->dead_letter_folder);
	char folder[PATH_MAX_BYTES];
	date_folder_path(dataset->folder, batch->date, folder, sizeof folder);
	if (!error)
		error = publish(&c, FILE_ROWS, &batch->rows, folder);
	if (!error)
		remove_leftovers(&c);
	return error;
}
