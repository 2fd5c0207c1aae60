/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "array.h"
#include "dataset.h"
#include "webhdfs_many.h"

struct listing;

/* One folder, as it was listed. */
struct folder {
	struct listing *listing;
	int32_t date;
	struct dataset found;
	size_t capacity;
};

/* The dataset's own folder, and then those of dates in it. */
struct listing {
	const char *path;
	struct folder own;
	int32_t *dates;
	size_t date_count, date_capacity;
	struct folder *dated;
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

static enum error add_file(struct folder *folder, const struct dataset_file *file)
{
	struct dataset *found = &folder->found;
	if (found->count == DATASET_MAX_FILES)
		return ERROR_LIMIT;
	void *files = array_room(found->files, found->count, &folder->capacity, SIZE_MAX,
				 sizeof(*found->files));
	if (!files)
		return ERROR_NO_MEMORY;
	found->files = files;
	found->files[found->count++] = *file;
	found->bytes += file->length;
	return ERROR_OK;
}

static enum error take_name(const char *name, const struct webhdfs_status *status, void *user)
{
	struct folder *folder = user;
	struct dataset_file file = { .length = status->length,
				     .date = folder->date,
				     .plain = status->plain };
	int32_t date;
	if (status->folder && folder->date == DATE_NONE && date_folder_parse(name, &date))
		return add_date(folder->listing, date);
	if (!status->folder && dataset_parse_name(name, &file))
		return add_file(folder, &file);
	folder->found.ignored++;
	return ERROR_OK;
}

static enum error tell_limit(const char *path, struct text *why)
{
	why_putf(why, "%s holds more than %d files or %d dates", path, DATASET_MAX_FILES,
		 DATASET_MAX_DATES);
	return ERROR_LIMIT;
}

/* A missing folder holds nothing. */
static enum error list_one(struct webhdfs *client, struct folder *folder, struct text *why)
{
	char path[1200], memory[600];
	struct text detail;
	text_init_fixed(&detail, memory, sizeof(memory));
	date_folder_path(folder->listing->path, folder->date, path, sizeof(path));
	enum error error = webhdfs_list(client, path, take_name, folder, &detail);
	if (error == ERROR_NOT_FOUND)
		return ERROR_OK;
	if (error == ERROR_LIMIT && detail.length == 0)
		return tell_limit(path, why);
	if (error != ERROR_OK)
		why_putf(why, "%s", detail.data);
	return error;
}

/* --- all of them ----------------------------------------------------------------------------- */

static enum error list_dated(struct webhdfs *client, size_t index, void *user, struct text *why)
{
	struct listing *listing = user;
	struct folder *folder = &listing->dated[index];
	*folder = (struct folder){ .listing = listing, .date = listing->dates[index] };
	return list_one(client, folder, why);
}

static enum error list_folders(struct webhdfs *client, struct listing *listing, bool *at_once,
			       struct text *why)
{
	enum error error = list_one(client, &listing->own, why);
	*at_once = webhdfs_listed_at_once(client) && listing->date_count == 0;
	if (error != ERROR_OK || listing->date_count == 0)
		return error;
	listing->dated = calloc(listing->date_count, sizeof(*listing->dated));
	if (!listing->dated)
		return ERROR_NO_MEMORY;
	return webhdfs_many(client, listing->date_count, list_dated, listing, why);
}

/* What was found in the folder of a date joins the rest. */
static enum error gather(struct folder *all, struct folder *dated, struct text *why)
{
	enum error error = ERROR_OK;
	for (size_t i = 0; i < dated->found.count && error == ERROR_OK; i++)
		error = add_file(all, &dated->found.files[i]);
	all->found.ignored += dated->found.ignored;
	dataset_clean_up(&dated->found);
	return error == ERROR_LIMIT ? tell_limit(all->listing->path, why) : error;
}

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
static enum error list_all(struct webhdfs *client, const char *path, struct dataset *dataset,
			   bool *at_once, struct text *why)
{
	struct listing listing = { .path = path };
	listing.own = (struct folder){ .listing = &listing, .date = DATE_NONE };
	enum error error = list_folders(client, &listing, at_once, why);
	for (size_t i = 0; listing.dated && i < listing.date_count; i++) {
		if (error == ERROR_OK)
			error = gather(&listing.own, &listing.dated[i], why);
		dataset_clean_up(&listing.dated[i].found);
	}
	free(listing.dated);
	free(listing.dates);
	*dataset = listing.own.found;
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
