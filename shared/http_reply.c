/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "http_reply.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <time.h>

#include <curl/curl.h>

#include "timestamp.h"

static int64_t read_retry_after(const char *value)
{
	char *end;
	long long seconds = strtoll(value, &end, 10);
	time_t date;

	if (end == value) {
		date = curl_getdate(value, NULL);
		seconds = date == -1 ? -1 : (long long)(date - wall_now_us() / 1000000);
		if (date != -1 && seconds < 0)
			seconds = 0;
	}
	if (seconds < 0)
		return -1;
	return seconds > INT32_MAX ? INT32_MAX * INT64_C(1000) : seconds * INT64_C(1000);
}

void http_reply_forget(struct http_reply *reply)
{
	reply->content_type[0] = reply->location[0] = reply->etag[0] = '\0';
	reply->retry_after_ms = -1;
}

/* A value that does not fit is left out: half a location is none. */
static void keep(char *target, size_t size, const char *value)
{
	size_t length = strlen(value);

	if (length < size)
		memcpy(target, value, length + 1);
}

static void take_header(struct http_reply *reply, const char *name, const char *value)
{
	if (strcasecmp(name, "Content-Type") == 0)
		keep(reply->content_type, sizeof reply->content_type, value);
	else if (strcasecmp(name, "Location") == 0)
		keep(reply->location, sizeof reply->location, value);
	else if (strcasecmp(name, "ETag") == 0)
		keep(reply->etag, sizeof reply->etag, value);
	else if (strcasecmp(name, "Retry-After") == 0)
		reply->retry_after_ms = read_retry_after(value);
}

void http_reply_take_line(struct http_reply *reply, const char *data, size_t length)
{
	char line[2304], *value;

	if (length > 5 && memcmp(data, "HTTP/", 5) == 0) {
		http_reply_forget(reply);
		return;
	}
	if (length >= sizeof line)
		return;
	memcpy(line, data, length);
	line[length] = '\0';
	line[strcspn(line, "\r\n")] = '\0';
	value = strchr(line, ':');
	if (value == NULL)
		return;
	*value++ = '\0';
	take_header(reply, line, value + strspn(value, " \t"));
}

/* --- early answers --------------------------------------------------------------------------- */

void early_answer_take(struct early_answer *early, int fd)
{
	ssize_t n = 1;

	early->length = 0;
	while (n > 0 && early->length < sizeof early->data - 1) {
		n = recv(fd, early->data + early->length, sizeof early->data - 1 - early->length,
			 MSG_DONTWAIT);
		early->length += n > 0 ? (size_t)n : 0;
	}
	early->data[early->length] = '\0';
}

/* The length of the line at `at`, its end included; 0: there is no whole line. */
static size_t line_length(const struct early_answer *early, size_t at)
{
	const char *end = memchr(early->data + at, '\n', early->length - at);

	return end == NULL ? 0 : (size_t)(end + 1 - (early->data + at));
}

static long long content_length(const char *line, size_t length)
{
	static const char name[] = "Content-Length:";

	if (length < sizeof name || strncasecmp(line, name, sizeof name - 1) != 0)
		return -1;
	return strtoll(line + sizeof name - 1, NULL, 10); /* ends at the line's end */
}

bool early_answer_read(const struct early_answer *early, struct http_reply *reply)
{
	long long announced = -1;
	long status;
	size_t at = 0, length;

	if (early->length < 13 || memcmp(early->data, "HTTP/1.", 7) != 0)
		return false;
	status = strtol(early->data + 9, NULL, 10);
	while ((length = line_length(early, at)) > 2) {
		long long said = content_length(early->data + at, length);

		announced = said >= 0 ? said : announced;
		http_reply_take_line(reply, early->data + at, length);
		at += length;
	}
	at += length; /* the empty line */
	if (length == 0 || status < 200 || announced < 0 ||
	    (unsigned long long)announced > early->length - at)
		return false;
	reply->status = status;
	text_put(&reply->body, early->data + at, (size_t)announced);
	return text_ok(&reply->body);
}
