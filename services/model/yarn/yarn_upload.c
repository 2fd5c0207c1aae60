/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "yarn_upload.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { PATH_SIZE = 1200, FOLDER_SIZE = 1000 };

enum error step_folder(const char *setting, char *out, size_t size, struct text *why)
{
	char program[FOLDER_SIZE];
	if (*setting) {
		snprintf(out, size, "%s", setting);
		return ERROR_OK;
	}
	ssize_t length = readlink("/proc/self/exe", program, sizeof(program) - 1);
	if (length <= 0) {
		why_putf(why, "where this program lies can't be told: set yarn_step_dir");
		return ERROR_SYSTEM;
	}
	program[length] = '\0';
	*strrchr(program, '/') = '\0';
	snprintf(out, size, "%s/step", program);
	return ERROR_OK;
}

/* --- listing --------------------------------------------------------------------------------- */

static bool holds(const struct step_files *files, const char *name)
{
	for (size_t i = 0; i < files->count; i++)
		if (strcmp(files->names[i], name) == 0)
			return true;
	return false;
}

static enum error check_files(const char *folder, const struct step_files *files, struct text *why)
{
	static const char *const needed[] = { "loader", "train-step" };
	for (size_t i = 0; i < sizeof(needed) / sizeof(needed[0]); i++) {
		if (!holds(files, needed[i])) {
			why_putf(why, "yarn_step_dir: there is no %s in %.300s", needed[i], folder);
			return ERROR_INVALID;
		}
	}
	return ERROR_OK;
}

enum error step_files_list(const char *folder, struct step_files *files, struct text *why)
{
	DIR *open = opendir(folder);
	enum error error = ERROR_OK;
	files->count = 0;
	if (!open) {
		why_putf(why, "yarn_step_dir: %.300s: %s", folder, strerror(errno));
		return ERROR_SYSTEM;
	}
	for (struct dirent *entry; error == ERROR_OK && (entry = readdir(open));) {
		if (entry->d_name[0] == '.')
			continue;
		if (files->count == STEP_MAX_FILES || strlen(entry->d_name) >= STEP_NAME_SIZE) {
			why_putf(why,
				 "yarn_step_dir: %.300s holds more than the program for the "
				 "nodes, or a name that is too long",
				 folder);
			error = ERROR_INVALID;
		} else {
			strcpy(files->names[files->count++], entry->d_name);
		}
	}
	closedir(open);
	return error == ERROR_OK ? check_files(folder, files, why) : error;
}

/* --- copying --------------------------------------------------------------------------------- */

static enum error read_file(const char *path, struct text *out, struct text *why)
{
	char piece[1 << 14];
	size_t got;
	FILE *file = fopen(path, "re");
	if (!file) {
		why_putf(why, "%.300s: %s", path, strerror(errno));
		return ERROR_SYSTEM;
	}
	while ((got = fread(piece, 1, sizeof(piece), file)) > 0)
		text_put(out, piece, got);
	enum error error = ferror(file) ? ERROR_SYSTEM : out->error;
	if (error != ERROR_OK)
		why_putf(why, "%.300s: %s", path, error_text(error));
	fclose(file);
	return error;
}

static enum error put_file(struct webhdfs *client, const char *path, const struct text *data,
			   struct text *why)
{
	struct webhdfs_status status = { 0 };
	enum error error = webhdfs_create(client, path, data->data, data->length, false, why);
	if (error == ERROR_OK)
		error = webhdfs_stat(client, path, &status, why);
	if (error != ERROR_OK || status.length == (int64_t)data->length)
		return error;
	why_putf(why, "%.300s has %" PRId64 " bytes instead of %zu", path, status.length,
		 data->length);
	return ERROR_LENGTH;
}

static enum error copy_file(struct webhdfs *client, const char *folder, const char *name,
			    const char *work, struct text *why)
{
	char path[PATH_SIZE];
	struct text data;
	text_init(&data, STEP_MAX_FILE);
	snprintf(path, sizeof(path), "%s/%s", folder, name);
	enum error error = read_file(path, &data, why);
	snprintf(path, sizeof(path), "%s/step/%s", work, name);
	if (error == ERROR_OK)
		error = put_file(client, path, &data, why);
	text_clean_up(&data);
	return error;
}

enum error step_upload(struct webhdfs *client, const char *folder, const struct step_files *files,
		       const struct text *plan, const char *work, struct text *why)
{
	char path[PATH_SIZE];
	enum error error = ERROR_OK;
	for (size_t i = 0; i < files->count && error == ERROR_OK; i++)
		error = copy_file(client, folder, files->names[i], work, why);
	snprintf(path, sizeof(path), "%s/plan.json", work);
	return error == ERROR_OK ? put_file(client, path, plan, why) : error;
}
