/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "state_dir.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "json_check.h"
#include "local_file.h"
#include "log.h"

enum { STATE_LIMIT_BYTES = 1 << 20, STATE_NESTING = 8, MAX_SAVED = 1000 };

#define ENDING ".json"

static void path_of(const char *folder, const char *id, const char *ending, char out[PATH_MAX])
{
	snprintf(out, PATH_MAX, "%s/%s%s", folder, id, ending);
}

enum error state_dir_open(const char *folder, struct text *why)
{
	enum error error = local_make_folder(folder, why);
	if (error == ERROR_OK && access(folder, R_OK | W_OK | X_OK) != 0) {
		char reason[100];
		why_putf(why, "state_dir %s: %s", folder,
			 strerror_r(errno, reason, sizeof(reason)));
		error = ERROR_SYSTEM;
	}
	return error;
}

enum error state_dir_write(const char *folder, const char *id, const cJSON *json)
{
	static atomic_bool failing;
	char path[PATH_MAX], memory[256];
	struct text why;
	text_init_fixed(&why, memory, sizeof(memory));
	char *printed = cJSON_PrintUnformatted(json);
	path_of(folder, id, ENDING, path);
	bool failed = !printed || local_write(path, printed, strlen(printed), &why) != ERROR_OK;
	free(printed);
	if (failed && !atomic_exchange(&failing, true))
		log_error("a source's position cannot be kept", LOG_STR("id", id),
			  LOG_STR("reason", why.data));
	else if (!failed && atomic_exchange(&failing, false))
		log_info("the sources' positions are kept again");
	return failed ? ERROR_SYSTEM : ERROR_OK;
}

enum error state_dir_keep_upload(const char *folder, const char *id, int upload)
{
	char path[PATH_MAX], link[64];
	path_of(folder, id, ".csv", path);
	snprintf(link, sizeof(link), "/proc/self/fd/%d", upload);
	(void)unlink(path); /* of a source whose own file was lost */
	return linkat(AT_FDCWD, link, AT_FDCWD, path, AT_SYMLINK_FOLLOW) == 0 ? ERROR_OK
									      : ERROR_SYSTEM;
}

/* The definition goes first: a text alone is nobody's, a definition without its text is told. */
void state_dir_remove(const char *folder, const char *id)
{
	char path[PATH_MAX];
	path_of(folder, id, ENDING, path);
	(void)unlink(path);
	path_of(folder, id, ".csv", path);
	(void)unlink(path);
}

/* --- reading --------------------------------------------------------------------------------- */

static cJSON *read_json(const char *path)
{
	struct text text;
	struct json_flaw flaw;
	cJSON *json = NULL;
	text_init(&text, STATE_LIMIT_BYTES);
	if (local_read(path, &text, NULL) == ERROR_OK &&
	    json_check(text.data, text.length, STATE_NESTING, &flaw) == ERROR_OK)
		json = cJSON_ParseWithLength(text.data, text.length);
	text_clean_up(&text);
	return json;
}

cJSON *state_dir_read(const char *folder, const char *id)
{
	char path[PATH_MAX];
	path_of(folder, id, ENDING, path);
	return read_json(path);
}

static int is_saved(const struct dirent *entry)
{
	const char *dot = strrchr(entry->d_name, '.');
	return dot && dot > entry->d_name && strcmp(dot, ENDING) == 0 && entry->d_name[0] != '.';
}

static void give(const char *folder, const char *name,
		 void (*each)(const char *id, const cJSON *json, int upload, void *user),
		 void *user)
{
	char id[NAME_MAX + 1], path[PATH_MAX];
	snprintf(id, sizeof(id), "%.*s", (int)(strlen(name) - strlen(ENDING)), name);
	cJSON *json = state_dir_read(folder, id);
	path_of(folder, id, ".csv", path);
	each(id, json, open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW), user);
	cJSON_Delete(json);
}

enum error state_dir_each(const char *folder,
			  void (*each)(const char *id, const cJSON *json, int upload, void *user),
			  void *user, struct text *why)
{
	struct dirent **entries;
	int count = scandir(folder, &entries, is_saved, versionsort);
	if (count < 0) {
		why_putf(why, "state_dir %s cannot be read", folder);
		return ERROR_SYSTEM;
	}
	for (int i = 0; i < count; i++) {
		if (i < MAX_SAVED)
			give(folder, entries[i]->d_name, each, user);
		free(entries[i]);
	}
	free(entries);
	return ERROR_OK;
}
