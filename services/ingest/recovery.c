/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The order is the proof: our folder is made, all others are deleted, and only then the published
 * names are listed. A rename of an earlier owner either came before its folder was deleted, and is
 * in the listing, or fails.
 */
#include "recovery.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "file_name.h"
#include "published_names.h"

enum { KAFKA_TIMEOUT_MS = 5000, NAMES_LIMIT = 1 << 20, PATH_MAX_BYTES = 1100 };

/* --- the fence --------------------------------------------------------------------------------
 */

static enum error note_name(const char *name, const struct webhdfs_status *status, void *user)
{
	(void)status;
	text_put(user, name, strlen(name) + 1);
	return ((struct text *)user)->error;
}

static enum error delete_one(struct webhdfs *hdfs, const char *folder, const char *name,
			     struct text *why)
{
	char path[PATH_MAX_BYTES];
	snprintf(path, sizeof path, "%s/%s", folder, name);
	enum error error = webhdfs_delete(hdfs, path, true, NULL);
	if (!error || error == ERROR_NOT_FOUND)
		return ERROR_OK;
	why_putf(why, "%s can't be deleted: %s", path, error_text(error));
	return error;
}

static enum error fence_others(const struct lease *lease, struct webhdfs *hdfs, struct text *why)
{
	struct text names;
	text_init(&names, NAMES_LIMIT);
	enum error error = webhdfs_list(hdfs, lease->parent, note_name, &names, why);
	for (size_t at = 0; !error && at < names.length; at += strlen(names.data + at) + 1)
		if (strcmp(names.data + at, lease->epoch) != 0)
			error = delete_one(hdfs, lease->parent, names.data + at, why);
	text_clean_up(&names);
	return error;
}

/* --- dead letters ------------------------------------------------------------------------------
 */

struct letters {
	char prefix[FILE_NAME_MAX];
	int64_t published;
	struct text beyond; /* names of those whose rows were never published */
};

static enum error note_letters(const char *name, const struct webhdfs_status *status, void *user)
{
	struct letters *letters = user;
	struct file_range range;
	int order = strncmp(name, letters->prefix, strlen(letters->prefix));
	if (order > 0)
		return ERROR_CANCELLED; /* the listing is sorted: this partition is through */
	if (order == 0 && !status->folder && file_name_parse(FILE_DEAD_LETTERS, name, &range) &&
	    range.last > letters->published)
		text_put(&letters->beyond, name, strlen(name) + 1);
	return letters->beyond.error;
}

static enum error find_uncommitted(struct webhdfs *hdfs, const char *folder,
				   struct letters *letters, struct text *why)
{
	enum error error = webhdfs_mkdirs(hdfs, folder, why);
	if (error)
		return error;
	error = webhdfs_list_after(hdfs, folder, letters->prefix, note_letters, letters, NULL);
	if (error == ERROR_CANCELLED)
		return ERROR_OK;
	if (error)
		why_putf(why, "%s can't be listed: %s", folder, error_text(error));
	return error;
}

/* The file of rows is the commit: without it the dead letters will be written again. */
static enum error delete_uncommitted(const struct lease *lease, struct webhdfs *hdfs,
				     int64_t published, struct text *why)
{
	struct letters letters = { .published = published };
	const char *folder = lease->dataset->dead_letter_folder;
	const struct text *beyond = &letters.beyond;
	text_init(&letters.beyond, NAMES_LIMIT);
	file_name_prefix(lease->partition, letters.prefix);
	enum error error = find_uncommitted(hdfs, folder, &letters, why);
	for (size_t at = 0; !error && at < beyond->length; at += strlen(beyond->data + at) + 1)
		error = delete_one(hdfs, folder, beyond->data + at, why);
	text_clean_up(&letters.beyond);
	return error;
}

enum error recovery_take_over(const struct lease *lease, struct webhdfs *hdfs,
			      struct recovery *recovery, struct text *why)
{
	*recovery = (struct recovery){ .published = -1 };
	enum error error = webhdfs_mkdirs(hdfs, lease->folder, why);
	if (!error)
		error = fence_others(lease, hdfs, why);
	if (!error)
		error = published_names_read(lease, hdfs, recovery, why);
	if (!error)
		error = delete_uncommitted(lease, hdfs, recovery->published, why);
	return error;
}

enum error recovery_give_back(const struct lease *lease, struct webhdfs *hdfs, struct text *why)
{
	enum error error = webhdfs_delete(hdfs, lease->folder, true, why);
	return error == ERROR_NOT_FOUND ? ERROR_OK : error;
}

void recovery_note_gap(struct recovery *recovery, int64_t first, int64_t last)
{
	if (recovery->gap_count < RECOVERY_MAX_GAPS)
		recovery->gaps[recovery->gap_count++] = (struct gap){ first, last };
}

/* --- where to go on ----------------------------------------------------------------------------
 */

enum error recovery_find_start(struct recovery *recovery, int64_t committed, int64_t low,
			       int64_t high, struct text *why)
{
	bool began = recovery->published >= 0 || committed >= 0;
	int64_t start = recovery->published >= 0 ? recovery->published + 1 : committed;
	recovery->start = began && start > low ? start : low;
	if (began && start > high) {
		why_putf(why,
			 "the topic's log ends at offset %" PRId64 " but offsets up to %" PRId64
			 " are published: was the topic deleted and made anew?",
			 high, start - 1);
		return ERROR_CONFLICT;
	}
	if (began && start < low)
		recovery_note_gap(recovery, start, low - 1);
	return ERROR_OK;
}

static enum error kafka_failed(const char *what, const struct lease *lease,
			       rd_kafka_resp_err_t code, struct text *why)
{
	why_putf(why, "Kafka does not tell %s of %s[%d]: %s", what, lease->dataset->topic,
		 (int)lease->partition, rd_kafka_err2str(code));
	return ERROR_KAFKA;
}

static enum error ask_committed(const struct lease *lease, rd_kafka_t *kafka, int64_t *committed,
				struct text *why)
{
	rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
	rd_kafka_topic_partition_t *one =
		rd_kafka_topic_partition_list_add(list, lease->dataset->topic, lease->partition);
	rd_kafka_resp_err_t code = rd_kafka_committed(kafka, list, KAFKA_TIMEOUT_MS);
	if (!code)
		code = one->err;
	*committed = one->offset >= 0 ? one->offset : -1;
	rd_kafka_topic_partition_list_destroy(list);
	return code ? kafka_failed("the committed offset", lease, code, why) : ERROR_OK;
}

enum error recovery_run(const struct lease *lease, struct webhdfs *hdfs, rd_kafka_t *kafka,
			struct recovery *recovery, struct text *why)
{
	enum error error = recovery_take_over(lease, hdfs, recovery, why);
	if (error)
		return error;
	int64_t committed = -1, low, high;
	if (recovery->published < 0)
		error = ask_committed(lease, kafka, &committed, why);
	if (error)
		return error;
	rd_kafka_resp_err_t code = rd_kafka_query_watermark_offsets(
		kafka, lease->dataset->topic, lease->partition, &low, &high, KAFKA_TIMEOUT_MS);
	if (code)
		return kafka_failed("the log's ends", lease, code, why);
	return recovery_find_start(recovery, committed, low, high, why);
}
