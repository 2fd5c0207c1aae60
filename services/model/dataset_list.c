/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "array.h"
#include "dataset.h"

struct listing {
	struct dataset *dataset;
	size_t capacity;
	int32_t date; /* of the folder that is being listed */
	int32_t *dates;
	size_t date_count, date_capacity;
};

/* --- one folder ------------------------------------------------------------------------------ */

static enum error add_date(struct listing *listing, int32_t date)
{
	if (listing->date_count == DATASET_MAX_DATES)
		return ERROR_LIMIT;
	void *dates = array_room(listing->dates, listing->date_count, &listing->date_capacity,
				 SIZE_MAX, sizeof(*listing->dates));
	if (!dates)
		return ERROR_NO_MEMORY;
	listing->dates = dates;
	listing->dates[listing->date_count++] = date;
	return ERROR_OK;
}

static enum error add_file(struct listing *listing, const struct dataset_file *file)
{
	struct dataset *dataset = listing->dataset;
	if (dataset->count == DATASET_MAX_FILES)
		return ERROR_LIMIT;
	void *files = array_room(dataset->files, dataset->count, &listing->capacity, SIZE_MAX,
				 sizeof(*dataset->files));
	if (!files)
		return ERROR_NO_MEMORY;
	dataset->files = files;
	dataset->files[dataset->count++] = *file;
	dataset->bytes += file->length;
	return ERROR_OK;
}

static enum error take_name(const char *name, const struct webhdfs_status *status, void *user)
{
	struct listing *listing = user;
	struct dataset_file file = { .length = status->length, .date = listing->date };
	int32_t date;
	if (status->folder && listing->date == DATE_NONE && date_folder_parse(name, &date))
		return add_date(listing, date);
	if (!status->folder && dataset_parse_name(name, &file))
		return add_file(listing, &file);
	listing->dataset->ignored++;
	return ERROR_OK;
}

/* A missing folder holds nothing. */
static enum error list_one(struct webhdfs *client, const char *folder, struct listing *listing,
			   struct text *why)
{
	char path[1200], memory[600];
	struct text detail;
	text_init_fixed(&detail, memory, sizeof(memory));
	date_folder_path(folder, listing->date, path, sizeof(path));
	enum error error = webhdfs_list(client, path, take_name, listing, &detail);
	if (error == ERROR_NOT_FOUND)
		return ERROR_OK;
	if (error == ERROR_LIMIT && detail.length == 0)
		why_putf(why, "%s holds more than %d files or %d dates", folder, DATASET_MAX_FILES,
			 DATASET_MAX_DATES);
	else if (error != ERROR_OK)
		why_putf(why, "%s", detail.data);
	return error;
}

/* --- all of them ----------------------------------------------------------------------------- */

static int compare_files(const void *left, const void *right)
{
	const struct dataset_file *a = left, *b = right;
	if (a->partition != b->partition)
		return a->partition < b->partition ? -1 : 1;
	if (a->first != b->first)
		return a->first < b->first ? -1 : 1;
	return a->last < b->last ? -1 : a->last > b->last;
}

/* `at_once`: what was found is of one moment. */
static enum error list_all(struct webhdfs *client, const char *folder, struct dataset *dataset,
			   bool *at_once, struct text *why)
{
	struct listing listing = { .dataset = dataset, .date = DATE_NONE };
	memset(dataset, 0, sizeof(*dataset));
	enum error error = list_one(client, folder, &listing, why);
	*at_once = webhdfs_listed_at_once(client) && listing.date_count == 0;
	for (size_t i = 0; error == ERROR_OK && i < listing.date_count; i++) {
		listing.date = listing.dates[i];
		error = list_one(client, folder, &listing, why);
	}
	free(listing.dates);
	if (error == ERROR_OK && dataset->count > 0)
		qsort(dataset->files, dataset->count, sizeof(*dataset->files), compare_files);
	return error;
}

enum error dataset_list(struct webhdfs *client, const char *folder, struct dataset *dataset,
			struct text *why)
{
	bool at_once;
	return list_all(client, folder, dataset, &at_once, why);
}

void dataset_clean_up(struct dataset *dataset)
{
	free(dataset->files);
	memset(dataset, 0, sizeof(*dataset));
}

/* --- as of one moment ------------------------------------------------------------------------ */

static bool same_file(const struct dataset_file *a, const struct dataset_file *b)
{
	return compare_files(a, b) == 0 && a->length == b->length && a->format == b->format &&
	       a->date == b->date;
}

/* Each partition's files of before are still its first ones. */
static bool still_shows(const struct dataset *now, const struct dataset *before)
{
	size_t at = 0;
	for (size_t i = 0; i < before->count; i++) {
		while (at < now->count && now->files[at].partition < before->files[i].partition)
			at++;
		if (at == now->count || !same_file(&now->files[at], &before->files[i]))
			return false;
		at++;
	}
	return true;
}

static void swap(struct dataset *a, struct dataset *b)
{
	struct dataset kept = *a;
	*a = *b;
	*b = kept;
}

enum error dataset_list_settled(struct webhdfs *client, const char *folder, struct dataset *dataset,
				struct text *why)
{
	bool settled;
	enum error error = list_all(client, folder, dataset, &settled, why);
	for (int listings = 1; error == ERROR_OK && !settled; listings++) {
		struct dataset now;
		bool at_once;
		if (listings == DATASET_LISTINGS) {
			why_putf(why, "the files in %s are being joined faster than listed",
				 folder);
			return ERROR_CONFLICT;
		}
		error = list_all(client, folder, &now, &at_once, why);
		bool agrees = still_shows(&now, dataset);
		settled = agrees || at_once;
		if (!agrees)
			swap(dataset, &now);
		dataset_clean_up(&now);
	}
	return error;
}
