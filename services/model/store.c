/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "store.h"

#include <dirent.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "envelope.h"
#include "local_file.h"
#include "timestamp.h"

enum { MAX_PATH = 1200 };

struct store {
	char *root, *staging, *local;
	struct webhdfs *client;
	unsigned staged; /* counts the names of staged files */
};

enum error store_new(const char *root, const char *staging, const char *local,
		     const struct webhdfs_options *webhdfs, struct store **out, struct text *why)
{
	*out = NULL;
	enum error error = local_make_folder(local, why);
	if (error != ERROR_OK)
		return error;
	if (access(local, W_OK) != 0) {
		why_putf(why, "%s can't be written to", local);
		return ERROR_SYSTEM;
	}
	struct store *store = calloc(1, sizeof(*store));
	if (!store)
		return ERROR_NO_MEMORY;
	store->root = strdup(root);
	store->staging = strdup(staging);
	store->local = strdup(local);
	error = store->root && store->staging && store->local ? ERROR_OK : ERROR_NO_MEMORY;
	if (error == ERROR_OK)
		error = webhdfs_new(webhdfs, &store->client, why);
	if (error != ERROR_OK)
		store_destroy(&store);
	*out = store;
	return error;
}

void store_destroy(struct store **store)
{
	if (!*store)
		return;
	webhdfs_destroy(&(*store)->client);
	free((*store)->root);
	free((*store)->staging);
	free((*store)->local);
	free(*store);
	*store = NULL;
}

static void join(char out[MAX_PATH], const char *folder, const char *name)
{
	snprintf(out, MAX_PATH, "%s%s%s", folder, *name ? "/" : "", name);
}

/* --- HDFS ------------------------------------------------------------------------------------ */

/* The rename's answer got lost: it happened if the staged file is gone and the other is there. */
static enum error settle_rename(struct store *store, const char *staged, const char *path,
				size_t length, enum error error)
{
	struct webhdfs_status status;
	if (webhdfs_stat(store->client, staged, &status, NULL) == ERROR_NOT_FOUND &&
	    webhdfs_stat(store->client, path, &status, NULL) == ERROR_OK &&
	    status.length == (int64_t)length)
		return ERROR_OK;
	return error;
}

static enum error publish(struct store *store, const char *staged, const char *path,
			  const struct text *wrapped, struct text *why)
{
	struct webhdfs_status status;
	enum error error =
		webhdfs_create(store->client, staged, wrapped->data, wrapped->length, false, why);
	if (error == ERROR_OK)
		error = webhdfs_stat(store->client, staged, &status, why);
	if (error == ERROR_OK && status.length != (int64_t)wrapped->length)
		error = ERROR_LENGTH;
	if (error != ERROR_OK)
		return error;
	error = webhdfs_rename(store->client, staged, path, why);
	if (webhdfs_is_unknown(error))
		error = settle_rename(store, staged, path, wrapped->length, error);
	return error;
}

static enum error put_remote(struct store *store, const char *name, const struct text *wrapped,
			     struct text *why)
{
	char path[MAX_PATH], folder[MAX_PATH], staged[MAX_PATH];
	join(path, store->root, name);
	join(folder, store->root, name);
	*strrchr(folder, '/') = '\0';
	snprintf(staged, sizeof(staged), "%s/%ld-%" PRId64 "-%u.json", store->staging,
		 (long)getpid(), wall_now_us(), store->staged++);
	enum error error = webhdfs_mkdirs(store->client, folder, why);
	if (error == ERROR_OK)
		error = publish(store, staged, path, wrapped, why);
	if (error != ERROR_OK) /* what is left there harms nobody, but should not pile up */
		(void)!webhdfs_delete(store->client, staged, false, NULL);
	return error;
}

enum error store_put(struct store *store, const char *name, const char *body, size_t length,
		     struct text *why)
{
	struct text wrapped;
	char path[MAX_PATH];
	text_init(&wrapped, STORE_MAX_FILE);
	enum error error = envelope_write(&wrapped, body, length);
	if (error == ERROR_OK)
		error = wrapped.error;
	if (error == ERROR_OK)
		error = put_remote(store, name, &wrapped, why);
	if (error == ERROR_OK) {
		join(path, store->local, name);
		error = local_write(path, wrapped.data, wrapped.length, why);
	}
	text_clean_up(&wrapped);
	return error;
}

static enum error unwrap(const struct text *wrapped, struct text *body, struct text *why)
{
	struct slice inside;
	enum error error = envelope_read(wrapped->data, wrapped->length, &inside, why);
	if (error != ERROR_OK)
		return error;
	text_put(body, inside.data, inside.length);
	return body->error;
}

enum error store_replace(struct store *store, const char *name, const char *body, size_t length,
			 struct text *why)
{
	struct text wrapped;
	char path[MAX_PATH];
	text_init(&wrapped, STORE_MAX_FILE);
	join(path, store->root, name);
	enum error error = envelope_write(&wrapped, body, length);
	if (error == ERROR_OK)
		error = wrapped.error;
	if (error == ERROR_OK)
		error = webhdfs_delete(store->client, path, false, why);
	if (error == ERROR_OK || error == ERROR_NOT_FOUND)
		error = put_remote(store, name, &wrapped, why);
	text_clean_up(&wrapped);
	return error;
}

enum error store_fetch(struct store *store, const char *name, struct text *body, struct text *why)
{
	struct text wrapped;
	char path[MAX_PATH], local[MAX_PATH];
	text_init(&wrapped, STORE_MAX_FILE);
	join(path, store->root, name);
	join(local, store->local, name);
	enum error error = webhdfs_read(store->client, path, &wrapped, why);
	if (error == ERROR_OK)
		error = unwrap(&wrapped, body, why);
	if (error == ERROR_OK)
		error = local_write(local, wrapped.data, wrapped.length, why);
	text_clean_up(&wrapped);
	return error;
}

enum error store_push(struct store *store, const char *name, struct text *why)
{
	struct text wrapped;
	struct slice body;
	char path[MAX_PATH];
	text_init(&wrapped, STORE_MAX_FILE);
	join(path, store->local, name);
	enum error error = local_read(path, &wrapped, why);
	if (error == ERROR_OK)
		error = envelope_read(wrapped.data, wrapped.length, &body, why);
	if (error == ERROR_OK)
		error = put_remote(store, name, &wrapped, why);
	text_clean_up(&wrapped);
	return error == ERROR_EXISTS ? ERROR_OK : error;
}

struct remote_listing {
	store_each *each;
	void *user;
};

static enum error each_remote(const char *name, const struct webhdfs_status *status, void *user)
{
	struct remote_listing *listing = user;
	return listing->each(name, status->folder, listing->user);
}

enum error store_list_remote(struct store *store, const char *folder, store_each *each, void *user,
			     struct text *why)
{
	struct remote_listing listing = { each, user };
	char path[MAX_PATH];
	join(path, store->root, folder);
	enum error error = webhdfs_list(store->client, path, each_remote, &listing, why);
	return error == ERROR_NOT_FOUND ? ERROR_OK : error;
}

enum error store_remove_file(struct store *store, const char *name, struct text *why)
{
	char path[MAX_PATH];
	join(path, store->root, name);
	enum error error = webhdfs_delete(store->client, path, false, why);
	if (error != ERROR_OK && error != ERROR_NOT_FOUND)
		return error;
	join(path, store->local, name);
	(void)unlink(path);
	return ERROR_OK;
}

enum error store_remove(struct store *store, const char *folder, struct text *why)
{
	char path[MAX_PATH];
	join(path, store->root, folder);
	enum error error = webhdfs_delete(store->client, path, true, why);
	if (error != ERROR_OK && error != ERROR_NOT_FOUND)
		return error;
	join(path, store->local, folder);
	local_remove_folder(path);
	return ERROR_OK;
}

/* --- the local copy -------------------------------------------------------------------------- */

enum error store_get_local(struct store *store, const char *name, struct text *body,
			   struct text *why)
{
	struct text wrapped;
	char path[MAX_PATH];
	text_init(&wrapped, STORE_MAX_FILE);
	join(path, store->local, name);
	enum error error = local_read(path, &wrapped, why);
	if (error == ERROR_OK)
		error = unwrap(&wrapped, body, why);
	text_clean_up(&wrapped);
	return error;
}

enum error store_put_local(struct store *store, const char *name, const char *body, size_t length,
			   struct text *why)
{
	struct text wrapped;
	char path[MAX_PATH];
	text_init(&wrapped, STORE_MAX_FILE);
	join(path, store->local, name);
	enum error error = envelope_write(&wrapped, body, length);
	if (error == ERROR_OK)
		error = wrapped.error;
	if (error == ERROR_OK)
		error = local_write(path, wrapped.data, wrapped.length, why);
	text_clean_up(&wrapped);
	return error;
}

bool store_has_local(struct store *store, const char *name)
{
	char path[MAX_PATH];
	join(path, store->local, name);
	return access(path, R_OK) == 0;
}

void store_discard_local(struct store *store, const char *name)
{
	char path[MAX_PATH], aside[MAX_PATH + 8];
	join(path, store->local, name);
	snprintf(aside, sizeof(aside), "%s.broken", path);
	(void)rename(path, aside);
}

enum error store_list_local(struct store *store, const char *folder, store_each *each, void *user)
{
	char path[MAX_PATH];
	enum error error = ERROR_OK;
	join(path, store->local, folder);
	DIR *directory = opendir(path);
	if (!directory)
		return ERROR_OK;
	for (struct dirent *entry; error == ERROR_OK && (entry = readdir(directory));) {
		struct stat status;
		if (entry->d_name[0] == '.' ||
		    fstatat(dirfd(directory), entry->d_name, &status, 0) != 0)
			continue;
		error = each(entry->d_name, S_ISDIR(status.st_mode), user);
	}
	closedir(directory);
	return error;
}
