/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "local_file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static enum error system_error(struct text *why, const char *what, const char *path, int code)
{
	char reason[100];
	why_putf(why, "%s %s: %s", what, path, strerror_r(code, reason, sizeof(reason)));
	return code == ENOENT ? ERROR_NOT_FOUND : ERROR_SYSTEM;
}

enum error local_make_folder(const char *path, struct text *why)
{
	char part[PATH_MAX];
	size_t length = strlen(path);
	if (length == 0 || length >= sizeof(part))
		return system_error(why, "making", path, ENAMETOOLONG);
	for (size_t i = 1; i <= length; i++) {
		if (path[i] != '/' && path[i] != '\0')
			continue;
		memcpy(part, path, i);
		part[i] = '\0';
		if (mkdir(part, 0755) != 0 && errno != EEXIST)
			return system_error(why, "making", part, errno);
	}
	return ERROR_OK;
}

bool local_write_all(int file, const char *data, size_t length)
{
	while (length > 0) {
		ssize_t written = write(file, data, length);
		if (written < 0 && errno == EINTR)
			continue;
		if (written < 0)
			return false;
		data += written;
		length -= (size_t)written;
	}
	return true;
}

/* The file's folder; `path` has a slash. */
static void parent_of(const char *path, char out[PATH_MAX])
{
	snprintf(out, PATH_MAX, "%s", path);
	char *slash = strrchr(out, '/');
	if (slash)
		*slash = '\0';
}

enum error local_write(const char *path, const char *data, size_t length, struct text *why)
{
	char folder[PATH_MAX], aside[PATH_MAX + 8];
	parent_of(path, folder);
	enum error error = local_make_folder(folder, why);
	if (error != ERROR_OK)
		return error;
	snprintf(aside, sizeof(aside), "%s.new", path);
	int file = open(aside, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	if (file < 0)
		return system_error(why, "writing", aside, errno);
	bool written = local_write_all(file, data, length) && fsync(file) == 0;
	int code = errno;
	if (close(file) != 0 && written) {
		written = false;
		code = errno;
	}
	if (written && rename(aside, path) == 0)
		return ERROR_OK;
	if (written)
		code = errno;
	unlink(aside);
	return system_error(why, "writing", path, code);
}

enum error local_read(const char *path, struct text *out, struct text *why)
{
	char piece[16384];
	int file = open(path, O_RDONLY | O_CLOEXEC);
	if (file < 0)
		return system_error(why, "reading", path, errno);
	ssize_t got;
	while ((got = read(file, piece, sizeof(piece))) > 0)
		text_put(out, piece, (size_t)got);
	int code = errno;
	close(file);
	if (got < 0)
		return system_error(why, "reading", path, code);
	return out->error;
}

void local_remove_folder(const char *path)
{
	DIR *folder = opendir(path);
	if (!folder)
		return;
	for (struct dirent *entry; (entry = readdir(folder));)
		(void)unlinkat(dirfd(folder), entry->d_name, 0); /* "." and ".." refuse */
	closedir(folder);
	(void)rmdir(path);
}
