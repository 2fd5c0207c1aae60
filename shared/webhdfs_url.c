/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdlib.h>
#include <string.h>

#include "webhdfs_private.h"

enum { MAX_PATH_BYTES = 1000 };

static bool is_http(const char *url, size_t length)
{
	return (length > 7 && strncasecmp(url, "http://", 7) == 0) ||
	       (length > 8 && strncasecmp(url, "https://", 8) == 0);
}

static enum error check_node(const char *url, size_t length, struct text *why)
{
	if (!is_http(url, length)) {
		why_putf(why, "hdfs_urls: \"%.*s\" is not an http:// or https:// address",
			 (int)length, url);
		return ERROR_INVALID;
	}
	const char *host = strstr(url, "://") + 3;
	size_t rest = length - (size_t)(host - url);
	if (memchr(host, '/', rest) || memchr(host, '?', rest) || memchr(host, '@', rest)) {
		why_putf(why, "hdfs_urls: \"%.*s\" may only be a scheme, a host and a port",
			 (int)length, url);
		return ERROR_INVALID;
	}
	return ERROR_OK;
}

static void free_nodes(char *nodes[WEBHDFS_MAX_NODES], size_t *count)
{
	while (*count > 0)
		free(nodes[--*count]);
}

static enum error add_node(const char *url, size_t length, char *nodes[WEBHDFS_MAX_NODES],
			   size_t *count, struct text *why)
{
	while (length > 0 && url[length - 1] == '/')
		length--;
	if (*count == WEBHDFS_MAX_NODES) {
		why_putf(why, "hdfs_urls: more than %d addresses", WEBHDFS_MAX_NODES);
		return ERROR_INVALID;
	}
	enum error error = check_node(url, length, why);
	if (error)
		return error;
	nodes[*count] = strndup(url, length);
	if (!nodes[*count])
		return ERROR_NO_MEMORY;
	++*count;
	return ERROR_OK;
}

enum error webhdfs_nodes_parse(const char *urls, char *nodes[WEBHDFS_MAX_NODES], size_t *count,
			       struct text *why)
{
	static const char separators[] = ", \t\n";
	*count = 0;
	for (const char *at = urls; *at;) {
		at += strspn(at, separators);
		size_t length = strcspn(at, separators);
		if (length == 0)
			break;
		enum error error = add_node(at, length, nodes, count, why);
		if (error) {
			free_nodes(nodes, count);
			return error;
		}
		at += length;
	}
	if (*count == 0) {
		why_putf(why, "hdfs_urls: no address");
		return ERROR_INVALID;
	}
	return ERROR_OK;
}

static const char *path_fault(const char *path)
{
	if (path[0] != '/')
		return "must start with /";
	if (strlen(path) > MAX_PATH_BYTES)
		return "must not be longer than 1000 bytes";
	if (strchr(path, ':'))
		return "must not hold a colon, which HDFS does not allow";
	if (path[1] == '\0')
		return NULL;
	for (const char *part = path; *part; part += strcspn(part, "/")) {
		part++;
		size_t length = strcspn(part, "/");
		if (length == 0)
			return "must not hold an empty part";
		if ((length == 1 && part[0] == '.') || (length == 2 && memcmp(part, "..", 2) == 0))
			return "must not hold . or .. as a part";
	}
	for (const char *c = path; *c; c++)
		if ((unsigned char)*c < 0x20 || *c == 0x7f)
			return "must not hold control characters";
	return NULL;
}

enum error webhdfs_check_path(const char *path, struct text *why)
{
	const char *fault = path_fault(path);
	if (!fault)
		return ERROR_OK;
	why_putf(why, "path \"%.200s\" %s", path, fault);
	return ERROR_INVALID;
}

static void put_query(struct text *out, const char *name, const char *value)
{
	text_putf(out, "&%s=", name);
	text_put_url(out, value, strlen(value), "");
}

void webhdfs_url(const struct webhdfs *client, const char *node, const char *path, const char *op,
		 const struct webhdfs_query *query, struct text *out)
{
	text_puts(out, node);
	text_puts(out, "/webhdfs/v1");
	text_put_url(out, path, strlen(path), "/");
	text_putf(out, "?op=%s", op);
	/* A token says who we are; beside it a user name would only be a second opinion. */
	if (client->token[0])
		put_query(out, "delegation", client->token);
	else if (client->user[0])
		put_query(out, "user.name", client->user);
	for (; query && query->name; query++)
		put_query(out, query->name, query->value);
}

void webhdfs_host_of(const char *url, char host[WEBHDFS_MAX_HOST])
{
	host[0] = '\0';
	const char *start = strstr(url, "://");
	if (!start)
		return;
	start += 3;
	size_t length = start[0] == '[' ? strcspn(start, "]/?") + 1 : strcspn(start, ":/?");
	if (length >= WEBHDFS_MAX_HOST)
		return;
	memcpy(host, start, length);
	host[length] = '\0';
}

bool webhdfs_map_host(const char *map, const char *host, char address[WEBHDFS_MAX_HOST])
{
	static const char separators[] = ", \t";
	size_t length = strlen(host);
	for (const char *at = map; *at; at += strcspn(at, separators)) {
		at += strspn(at, separators);
		size_t entry = strcspn(at, separators);
		if (entry <= length || strncasecmp(at, host, length) != 0 || at[length] != '=')
			continue;
		size_t rest = entry - length - 1;
		if (rest == 0 || rest >= WEBHDFS_MAX_HOST)
			continue;
		memcpy(address, at + length + 1, rest);
		address[rest] = '\0';
		return true;
	}
	return false;
}
