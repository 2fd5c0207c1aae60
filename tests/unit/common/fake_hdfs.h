/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A NameNode and DataNode in memory, as far as the tests ask for WebHDFS. One request per
 * connection, one thread per connection; `lock` guards everything but the atomic members.
 */
#ifndef TICKLINE_TESTS_FAKE_HDFS_H
#define TICKLINE_TESTS_FAKE_HDFS_H

#include <arpa/inet.h>
#include <assert.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "metrics.h"
#include "text.h"
#include "webhdfs.h"

enum { FAKE_MAX_FILES = 400, FAKE_HEAD = 8192 };

struct fake_file {
	char path[1500];
	char *data;
	size_t length;
	size_t listed_length; /* what a listing says; usually the same */
	int64_t modified_ms;  /* 0: long ago */
	int id;               /* of this content, whatever its name */
};

struct fake_hdfs {
	int listener, port;
	char url[64];
	pthread_t thread;
	atomic_bool stop;
	atomic_bool hold_data; /* reads of records wait while this is set */
	atomic_bool hold_all;  /* no request is answered */
	atomic_int fail_next;  /* so many requests get a 503 */
	atomic_int connections, opens, ids;
	/* NULL, or called after each listing, before it is answered; it holds no lock */
	void (*after_listing)(struct fake_hdfs *hdfs, int listings);
	atomic_int listings;
	atomic_bool in_pages; /* a listing has two, of which the second is empty */
	pthread_mutex_t lock;
	struct fake_file files[FAKE_MAX_FILES];
	size_t count;
	struct metrics *metrics;
};

/* --- files ----------------------------------------------------------------------------------- */

static struct fake_file *fake_find(struct fake_hdfs *hdfs, const char *path)
{
	for (size_t i = 0; i < hdfs->count; i++)
		if (strcmp(hdfs->files[i].path, path) == 0)
			return &hdfs->files[i];
	return NULL;
}

static void fake_put(struct fake_hdfs *hdfs, const char *path, const char *data, size_t length)
{
	pthread_mutex_lock(&hdfs->lock);
	struct fake_file *file = fake_find(hdfs, path);
	if (!file) {
		assert(hdfs->count < FAKE_MAX_FILES);
		file = &hdfs->files[hdfs->count++];
		snprintf(file->path, sizeof(file->path), "%s", path);
		file->data = NULL;
	}
	free(file->data);
	file->data = malloc(length + 1);
	assert(file->data);
	memcpy(file->data, data, length);
	file->length = file->listed_length = length;
	file->id = atomic_fetch_add(&hdfs->ids, 1) + 1;
	pthread_mutex_unlock(&hdfs->lock);
}

static void fake_drop(struct fake_hdfs *hdfs, struct fake_file *file)
{
	free(file->data);
	*file = hdfs->files[--hdfs->count];
}

static bool fake_is_below(const char *path, const char *folder)
{
	size_t length = strlen(folder);
	return strncmp(path, folder, length) == 0 && path[length] == '/';
}

static int fake_remove(struct fake_hdfs *hdfs, const char *path)
{
	int removed = 0;
	for (size_t i = hdfs->count; i-- > 0;) {
		if (strcmp(hdfs->files[i].path, path) == 0 ||
		    fake_is_below(hdfs->files[i].path, path)) {
			fake_drop(hdfs, &hdfs->files[i]);
			removed++;
		}
	}
	return removed;
}

/* --- answers --------------------------------------------------------------------------------- */

struct fake_request {
	struct fake_hdfs *hdfs;
	char method[8], path[1500], query[1500], op[32];
	const char *body;
	size_t body_length;
	struct text answer; /* body */
	const char *status;
	bool missing_folder;
};

static void fake_exception(struct fake_request *request, const char *status, const char *name)
{
	request->status = status;
	text_putf(&request->answer,
		  "{\"RemoteException\":{\"exception\":\"%s\",\"message\":\"%s\"}}", name,
		  request->path);
}

static void fake_status(struct text *out, const char *name, bool folder,
			const struct fake_file *file)
{
	text_putf(out,
		  "{\"pathSuffix\":\"%s\",\"type\":\"%s\",\"length\":%zu,\"fileId\":%d,"
		  "\"modificationTime\":%lld}",
		  name, folder ? "DIRECTORY" : "FILE", folder ? 0 : file->listed_length, file->id,
		  file->modified_ms > 0 ? (long long)file->modified_ms : 1);
}

/* Of all that a client encodes in a path, ours hold the sign of a folder of a date alone. */
static void fake_decode(char *path)
{
	for (char *at = path; (at = strstr(at, "%3D"));) {
		*at++ = '=';
		memmove(at, at + 2, strlen(at + 2) + 1);
	}
}

/* The name behind which a listing begins; "": all of them. */
static void fake_start_after(const struct fake_request *request, char after[200])
{
	const char *at = strstr(request->query, "startAfter=");
	at = at ? at + strlen("startAfter=") : "";
	snprintf(after, 200, "%.*s", (int)strcspn(at, "&"), at);
	fake_decode(after);
}

/* Each entry right below the folder once; false: the folder does not exist. */
static bool fake_entries(struct fake_request *request)
{
	struct fake_hdfs *hdfs = request->hdfs;
	size_t skip = strlen(request->path) + 1, told = 0;
	bool exists = false;
	char after[200];
	fake_start_after(request, after);
	char seen[20000] = "/";
	for (size_t i = 0; i < hdfs->count; i++) {
		if (!fake_is_below(hdfs->files[i].path, request->path))
			continue;
		char name[200], mark[210];
		snprintf(name, sizeof(name), "%s", hdfs->files[i].path + skip);
		char *slash = strchr(name, '/');
		if (slash)
			*slash = '\0';
		exists = true;
		if (strcmp(name, after) <= 0)
			continue;
		snprintf(mark, sizeof(mark), "/%s/", name);
		if (strstr(seen, mark))
			continue;
		assert(strlen(seen) + strlen(mark) < sizeof(seen));
		strcat(seen, mark + 1);
		if (told++ > 0)
			text_putc(&request->answer, ',');
		fake_status(&request->answer, name, slash != NULL, &hdfs->files[i]);
	}
	return exists;
}

static void fake_list(struct fake_request *request)
{
	bool pages = atomic_load(&request->hdfs->in_pages);
	bool second = pages && strstr(request->query, "startAfter=") != NULL;
	text_puts(&request->answer, "{\"DirectoryListing\":{\"partialListing\":{\"FileStatuses\":{"
				    "\"FileStatus\":[");
	if (!second && !fake_entries(request)) {
		text_reset(&request->answer);
		fake_exception(request, "404 Not Found", "FileNotFoundException");
		return;
	}
	text_putf(&request->answer, "]}},\"remainingEntries\":%d}}", pages && !second);
}

static void fake_listed(struct fake_request *request)
{
	struct fake_hdfs *hdfs = request->hdfs;
	if (atomic_load(&hdfs->in_pages) && !strstr(request->query, "startAfter="))
		return;
	int listings = atomic_fetch_add(&hdfs->listings, 1) + 1;
	if (hdfs->after_listing)
		hdfs->after_listing(hdfs, listings);
}

static void fake_location(struct fake_request *request)
{
	bool reads = strcmp(request->op, "OPEN") == 0;
	bool exists = fake_find(request->hdfs, request->path) != NULL;
	if (reads && !exists)
		fake_exception(request, "404 Not Found", "FileNotFoundException");
	else
		text_putf(&request->answer, "{\"Location\":\"http://127.0.0.1:%d/data%s?%s\"}",
			  request->hdfs->port, request->path, request->query);
}

static void fake_rename(struct fake_request *request)
{
	char to[1500];
	const char *at = strstr(request->query, "destination=");
	size_t length = 0;
	assert(at);
	for (at += strlen("destination="); *at && *at != '&' && length < sizeof(to) - 1; at++) {
		if (strncasecmp(at, "%2F", 3) == 0) {
			to[length++] = '/';
			at += 2;
		} else {
			to[length++] = *at;
		}
	}
	to[length] = '\0';
	struct fake_file *file = fake_find(request->hdfs, request->path);
	if (file && strstr(request->query, "renameoptions=OVERWRITE")) {
		fake_remove(request->hdfs, to);
		file = fake_find(request->hdfs, request->path); /* it moves up */
	}
	if (!file)
		fake_exception(request, "404 Not Found", "FileNotFoundException");
	else if (fake_find(request->hdfs, to))
		fake_exception(request, "403 Forbidden", "FileAlreadyExistsException");
	else
		snprintf(file->path, sizeof(file->path), "%s", to);
}

static void fake_get_status(struct fake_request *request)
{
	const struct fake_file *file = fake_find(request->hdfs, request->path);
	if (!file) {
		fake_exception(request, "404 Not Found", "FileNotFoundException");
		return;
	}
	text_puts(&request->answer, "{\"FileStatus\":");
	fake_status(&request->answer, "", false, file);
	text_putc(&request->answer, '}');
}

static void fake_name_node(struct fake_request *request)
{
	const char *op = request->op;
	request->status = "200 OK";
	if (strcmp(op, "LISTSTATUS_BATCH") == 0)
		fake_list(request);
	else if (strcmp(op, "OPEN") == 0 || strcmp(op, "CREATE") == 0)
		fake_location(request);
	else if (strcmp(op, "GETFILESTATUS") == 0)
		fake_get_status(request);
	else if (strcmp(op, "RENAME") == 0)
		fake_rename(request);
	else if (strcmp(op, "MKDIRS") == 0)
		text_puts(&request->answer, "{\"boolean\":true}");
	else if (strcmp(op, "DELETE") == 0)
		text_putf(&request->answer, "{\"boolean\":%s}",
			  fake_remove(request->hdfs, request->path) > 0 ? "true" : "false");
	else
		request->status = "400 Bad Request";
}

/* One of the faults that a test asked for; a read that was held may be one as well. */
static bool fake_fails(struct fake_request *request)
{
	int left = atomic_load(&request->hdfs->fail_next);
	while (left > 0 &&
	       !atomic_compare_exchange_weak(&request->hdfs->fail_next, &left, left - 1))
		;
	if (left <= 0)
		return false;
	request->status = "503 Service Unavailable";
	return true;
}

static void fake_data_node(struct fake_request *request)
{
	struct fake_hdfs *hdfs = request->hdfs;
	const char *path = request->path + strlen("/data");
	if (strcmp(request->method, "GET") == 0) {
		bool holds = strncmp(path, "/bitcoin/data/", 14) == 0;
		while (holds && atomic_load(&hdfs->hold_data) && !atomic_load(&hdfs->stop))
			poll(NULL, 0, 5);
		if (holds && fake_fails(request))
			return;
		pthread_mutex_lock(&hdfs->lock);
		const struct fake_file *file = fake_find(hdfs, path);
		const char *from = strstr(request->query, "offset=");
		size_t offset = from ? (size_t)atol(from + 7) : 0;
		request->status = file ? "200 OK" : "404 Not Found";
		if (file && offset <= file->length)
			text_put(&request->answer, file->data + offset, file->length - offset);
		pthread_mutex_unlock(&hdfs->lock);
		atomic_fetch_add(&hdfs->opens, 1);
		return;
	}
	pthread_mutex_lock(&hdfs->lock);
	bool exists = fake_find(hdfs, path) != NULL;
	pthread_mutex_unlock(&hdfs->lock);
	if (exists) {
		fake_exception(request, "403 Forbidden", "FileAlreadyExistsException");
		return;
	}
	fake_put(hdfs, path, request->body, request->body_length);
	request->status = "201 Created";
}

/* --- connections ----------------------------------------------------------------------------- */

static void fake_send(int fd, const char *data, size_t length)
{
	while (length > 0) {
		ssize_t sent = send(fd, data, length, MSG_NOSIGNAL);
		if (sent <= 0)
			return;
		data += sent;
		length -= (size_t)sent;
	}
}

static bool fake_parse(struct fake_request *request, const struct text *head)
{
	char target[1500];
	if (sscanf(head->data, "%7s %1499s", request->method, target) != 2)
		return false;
	char *question = strchr(target, '?');
	snprintf(request->query, sizeof(request->query), "%s", question ? question + 1 : "");
	if (question)
		*question = '\0';
	const char *path = target;
	if (strncmp(path, "/webhdfs/v1", 11) == 0)
		path += 11;
	snprintf(request->path, sizeof(request->path), "%s", path);
	fake_decode(request->path);
	const char *op = strstr(request->query, "op=");
	if (op)
		snprintf(request->op, sizeof(request->op), "%.*s", (int)strcspn(op + 3, "&"),
			 op + 3);
	return true;
}

static void fake_read(int fd, struct text *input, size_t *head_length, size_t *body_length)
{
	char piece[8192];
	*head_length = *body_length = 0;
	for (;;) {
		if (*head_length > 0 && input->length >= *head_length + *body_length)
			return;
		ssize_t got = recv(fd, piece, sizeof(piece), 0);
		if (got <= 0)
			return;
		text_put(input, piece, (size_t)got);
		char *end = *head_length ? NULL : strstr(input->data, "\r\n\r\n");
		if (!end)
			continue;
		*head_length = (size_t)(end + 4 - input->data);
		char *length = strcasestr(input->data, "\r\nContent-Length:");
		*body_length = length && length < end ? (size_t)atol(length + 17) : 0;
		if (strcasestr(input->data, "100-continue"))
			fake_send(fd, "HTTP/1.1 100 Continue\r\n\r\n", 25);
	}
}

static void fake_serve(struct fake_hdfs *hdfs, int fd)
{
	struct fake_request *request = calloc(1, sizeof(*request));
	struct text input;
	char head[200];
	size_t head_length, body_length;
	assert(request);
	request->hdfs = hdfs;
	text_init(&input, 64 << 20);
	text_init(&request->answer, 64 << 20);
	fake_read(fd, &input, &head_length, &body_length);
	while (atomic_load(&hdfs->hold_all) && !atomic_load(&hdfs->stop))
		poll(NULL, 0, 5);
	if (head_length > 0 && fake_parse(request, &input)) {
		request->body = input.data + head_length;
		request->body_length = body_length;
		if (fake_fails(request)) {
			/* answered */
		} else if (strncmp(request->path, "/data/", 6) == 0) {
			fake_data_node(request);
		} else {
			pthread_mutex_lock(&hdfs->lock);
			fake_name_node(request);
			pthread_mutex_unlock(&hdfs->lock);
			if (strcmp(request->op, "LISTSTATUS_BATCH") == 0)
				fake_listed(request);
		}
		int length = snprintf(head, sizeof(head),
				      "HTTP/1.1 %s\r\nContent-Length: %zu\r\n"
				      "Content-Type: application/json\r\nConnection: close\r\n\r\n",
				      request->status, request->answer.length);
		fake_send(fd, head, (size_t)length);
		fake_send(fd, request->answer.data, request->answer.length);
	}
	text_clean_up(&request->answer);
	text_clean_up(&input);
	free(request);
}

struct fake_connection {
	struct fake_hdfs *hdfs;
	int fd;
};

static void *fake_connection_run(void *user)
{
	struct fake_connection *connection = user;
	struct fake_hdfs *hdfs = connection->hdfs;
	fake_serve(hdfs, connection->fd);
	close(connection->fd);
	free(connection);
	atomic_fetch_sub(&hdfs->connections, 1);
	return NULL;
}

static void *fake_run(void *user)
{
	struct fake_hdfs *hdfs = user;
	while (!atomic_load(&hdfs->stop)) {
		struct pollfd wait = { .fd = hdfs->listener, .events = POLLIN };
		if (poll(&wait, 1, 20) <= 0)
			continue;
		struct fake_connection *connection = malloc(sizeof(*connection));
		pthread_t thread;
		assert(connection);
		connection->hdfs = hdfs;
		connection->fd = accept(hdfs->listener, NULL, NULL);
		atomic_fetch_add(&hdfs->connections, 1);
		int started = pthread_create(&thread, NULL, fake_connection_run, connection);
		assert(started == 0);
		pthread_detach(thread);
	}
	return NULL;
}

/* --- life ------------------------------------------------------------------------------------ */

static struct fake_hdfs *fake_hdfs_start(void)
{
	struct fake_hdfs *hdfs = calloc(1, sizeof(*hdfs));
	struct sockaddr_in address = { .sin_family = AF_INET,
				       .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t size = sizeof(address);
	assert(hdfs);
	hdfs->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int bound = bind(hdfs->listener, (struct sockaddr *)&address, size);
	int listening = listen(hdfs->listener, 64);
	int named = getsockname(hdfs->listener, (struct sockaddr *)&address, &size);
	assert(!bound && !listening && !named);
	hdfs->port = ntohs(address.sin_port);
	snprintf(hdfs->url, sizeof(hdfs->url), "http://127.0.0.1:%d", hdfs->port);
	pthread_mutex_init(&hdfs->lock, NULL);
	hdfs->metrics = metrics_new();
	int started = pthread_create(&hdfs->thread, NULL, fake_run, hdfs);
	assert(started == 0);
	return hdfs;
}

static void fake_hdfs_stop(struct fake_hdfs *hdfs)
{
	atomic_store(&hdfs->stop, true);
	pthread_join(hdfs->thread, NULL);
	while (atomic_load(&hdfs->connections) > 0)
		poll(NULL, 0, 1);
	close(hdfs->listener);
	for (size_t i = 0; i < hdfs->count; i++)
		free(hdfs->files[i].data);
	metrics_destroy(&hdfs->metrics);
	pthread_mutex_destroy(&hdfs->lock);
	free(hdfs);
}

static inline struct webhdfs_options fake_options(struct fake_hdfs *hdfs)
{
	return (struct webhdfs_options){
		.urls = hdfs->url,
		.user = "bitcoin",
		.token = "",
		.host_map = "",
		.limits = { .connect_ms = 2000, .idle_ms = 10000, .total_ms = 20000 },
		.metrics = hdfs->metrics,
	};
}

#endif
