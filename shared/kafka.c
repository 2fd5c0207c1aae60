/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "kafka.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "log.h"
#include "timestamp.h"

enum { LISTED_EVERY_US = 20000 };

/* --- configuration --------------------------------------------------------------------------- */

struct conf_build {
	rd_kafka_conf_t *conf;
	enum error error; /* of the settings so far */
	struct text *why;
};

/* librdkafka names the property and, for numbers and choices, the value; the values of its secrets
 * are free strings, which it takes as they are and therefore never repeats. */
static void set_property(struct conf_build *build, const char *prefix, const char *name,
			 const char *value)
{
	char reason[512];
	if (rd_kafka_conf_set(build->conf, name, value, reason, sizeof(reason)) == RD_KAFKA_CONF_OK)
		return;
	if (build->error != ERROR_OK)
		why_putf(build->why, "; ");
	why_putf(build->why, "setting %s%s: %s", prefix, name, reason);
	build->error = ERROR_INVALID;
}

static void set_passed_through(const char *name, const char *value, void *user)
{
	set_property(user, "kafka.", name, value);
}

static enum log_level level_of_syslog(int level)
{
	static const enum log_level levels[] = { LOG_ERROR, LOG_ERROR, LOG_ERROR, LOG_ERROR,
						 LOG_WARN,  LOG_INFO,  LOG_INFO,  LOG_DEBUG };
	return level >= 0 && level < (int)(sizeof(levels) / sizeof(levels[0])) ? levels[level]
									       : LOG_DEBUG;
}

static void log_from_kafka(const rd_kafka_t *handle, int level, const char *facility,
			   const char *message)
{
	LOG_AT(level_of_syslog(level), "kafka",
	       LOG_STR("client", handle ? rd_kafka_name(handle) : ""),
	       LOG_STR("facility", facility), LOG_STR("message", message), LOG_END);
}

enum error kafka_conf_new(const struct config *config, const char *brokers, const char *client_id,
			  const struct kafka_property *properties, rd_kafka_conf_t **conf,
			  struct text *why)
{
	struct conf_build build = { .conf = rd_kafka_conf_new(), .why = why };
	rd_kafka_conf_set_log_cb(build.conf, log_from_kafka);
	set_property(&build, "", "bootstrap.servers", brokers);
	set_property(&build, "", "client.id", client_id);
	for (const struct kafka_property *p = properties; p && p->name; p++)
		set_property(&build, "", p->name, p->value);
	if (config)
		config_each_kafka(config, set_passed_through, &build);
	if (build.error != ERROR_OK) {
		rd_kafka_conf_destroy(build.conf);
		build.conf = NULL;
	}
	*conf = build.conf;
	return build.error;
}

static enum error handle_new(rd_kafka_type_t type, rd_kafka_conf_t *conf, rd_kafka_t **handle,
			     struct text *why)
{
	char reason[512];
	*handle = rd_kafka_new(type, conf, reason, sizeof(reason));
	if (*handle)
		return ERROR_OK;
	why_putf(why, "no Kafka client: %s", reason);
	rd_kafka_conf_destroy(conf);
	return ERROR_INVALID;
}

enum error kafka_producer_new(rd_kafka_conf_t *conf, rd_kafka_t **producer, struct text *why)
{
	return handle_new(RD_KAFKA_PRODUCER, conf, producer, why);
}

enum error kafka_consumer_new(rd_kafka_conf_t *conf, rd_kafka_t **consumer, struct text *why)
{
	enum error error = handle_new(RD_KAFKA_CONSUMER, conf, consumer, why);
	if (error == ERROR_OK) /* everything arrives by rd_kafka_consumer_poll */
		rd_kafka_poll_set_consumer(*consumer);
	return error;
}

/* --- topics ---------------------------------------------------------------------------------- */

static enum error error_of_kafka(rd_kafka_resp_err_t code)
{
	static const struct {
		rd_kafka_resp_err_t code;
		enum error error;
	} map[] = {
		{ RD_KAFKA_RESP_ERR_NO_ERROR, ERROR_OK },
		{ RD_KAFKA_RESP_ERR_TOPIC_ALREADY_EXISTS, ERROR_OK },
		{ RD_KAFKA_RESP_ERR__TIMED_OUT, ERROR_TIMEOUT },
		{ RD_KAFKA_RESP_ERR_REQUEST_TIMED_OUT, ERROR_TIMEOUT },
		{ RD_KAFKA_RESP_ERR__TRANSPORT, ERROR_UNREACHABLE },
		{ RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN, ERROR_UNREACHABLE },
		{ RD_KAFKA_RESP_ERR__RESOLVE, ERROR_UNREACHABLE },
		{ RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART, ERROR_NOT_FOUND },
		{ RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC, ERROR_NOT_FOUND },
	};
	for (size_t i = 0; i < sizeof(map) / sizeof(map[0]); i++) {
		if (map[i].code == code)
			return map[i].error;
	}
	return ERROR_KAFKA;
}

/* All topics, because asking for one by name would make it on a broker that makes topics by itself,
 * with other properties than ours. */
static enum error list_topics(rd_kafka_t *handle, int timeout_ms,
			      const struct rd_kafka_metadata **metadata, struct text *why)
{
	rd_kafka_resp_err_t code = rd_kafka_metadata(handle, 1, NULL, metadata, timeout_ms);
	if (code != RD_KAFKA_RESP_ERR_NO_ERROR)
		why_putf(why, "Kafka's topics cannot be listed: %s", rd_kafka_err2str(code));
	return error_of_kafka(code);
}

static const rd_kafka_metadata_topic_t *find_topic(const struct rd_kafka_metadata *metadata,
						   const char *name)
{
	for (int i = 0; i < metadata->topic_cnt; i++) {
		const rd_kafka_metadata_topic_t *topic = &metadata->topics[i];
		if (strcmp(topic->topic, name) == 0 &&
		    error_of_kafka(topic->err) != ERROR_NOT_FOUND)
			return topic;
	}
	return NULL;
}

/* --- Admin API ------------------------------------------------------------------------------- */

/* One request and its answer; NULL when none came. */
struct admin_call {
	rd_kafka_queue_t *queue;
	rd_kafka_AdminOptions_t *options;
	int timeout_ms;
};

static void admin_begin(struct admin_call *call, rd_kafka_t *handle, rd_kafka_admin_op_t operation,
			int timeout_ms)
{
	char reason[128];
	call->queue = rd_kafka_queue_new(handle);
	call->options = rd_kafka_AdminOptions_new(handle, operation);
	call->timeout_ms = timeout_ms;
	(void)rd_kafka_AdminOptions_set_request_timeout(call->options, timeout_ms, reason,
							sizeof(reason));
	if (operation == RD_KAFKA_ADMIN_OP_CREATETOPICS) /* wait until it can be used */
		(void)rd_kafka_AdminOptions_set_operation_timeout(call->options, timeout_ms, reason,
								  sizeof(reason));
}

static rd_kafka_event_t *admin_answer(struct admin_call *call, const char *what, enum error *error,
				      struct text *why)
{
	/* The client ends the request itself; the second more is for its own clock. */
	rd_kafka_event_t *event = rd_kafka_queue_poll(call->queue, call->timeout_ms + 1000);
	rd_kafka_resp_err_t code =
		event ? rd_kafka_event_error(event) : RD_KAFKA_RESP_ERR__TIMED_OUT;
	*error = error_of_kafka(code);
	if (*error != ERROR_OK)
		why_putf(why, "%s: %s", what,
			 event ? rd_kafka_event_error_string(event) : rd_kafka_err2str(code));
	return event;
}

static void admin_end(struct admin_call *call, rd_kafka_event_t *event)
{
	if (event)
		rd_kafka_event_destroy(event);
	rd_kafka_AdminOptions_destroy(call->options);
	rd_kafka_queue_destroy(call->queue);
}

/* --- making topics --------------------------------------------------------------------------- */

#define AHEAD_PROPERTY "message.timestamp.after.max.ms"

static enum error new_topic(const struct kafka_topic *topic, bool with_ahead,
			    rd_kafka_NewTopic_t **out, struct text *why)
{
	char reason[256], bytes[24];
	*out = rd_kafka_NewTopic_new(topic->name, topic->partitions, topic->replication, reason,
				     sizeof(reason));
	if (!*out) {
		why_putf(why, "topic %s: %s", topic->name, reason);
		return ERROR_INVALID;
	}
	snprintf(bytes, sizeof(bytes), "%" PRId64, topic->retention_bytes);
	/* These fail only for a NULL name. */
	(void)rd_kafka_NewTopic_set_config(*out, "retention.bytes", bytes);
	(void)rd_kafka_NewTopic_set_config(*out, "retention.ms", "-1");
	if (topic->compacted)
		(void)rd_kafka_NewTopic_set_config(*out, "cleanup.policy", "compact");
	if (with_ahead)
		(void)rd_kafka_NewTopic_set_config(*out, AHEAD_PROPERTY, "172800000");
	return ERROR_OK;
}

/* INVALID: the broker does not know a property. */
static enum error check_created(rd_kafka_event_t *event, struct text *why)
{
	size_t count = 0;
	const rd_kafka_topic_result_t **results = rd_kafka_CreateTopics_result_topics(
		rd_kafka_event_CreateTopics_result(event), &count);
	enum error error = ERROR_OK;
	for (size_t i = 0; i < count; i++) {
		rd_kafka_resp_err_t code = rd_kafka_topic_result_error(results[i]);
		const char *reason = rd_kafka_topic_result_error_string(results[i]);
		if (error_of_kafka(code) == ERROR_OK)
			continue;
		why_putf(why, "%stopic %s cannot be made: %s", error == ERROR_OK ? "" : "; ",
			 rd_kafka_topic_result_name(results[i]),
			 reason ? reason : rd_kafka_err2str(code));
		error = code == RD_KAFKA_RESP_ERR_INVALID_CONFIG ? ERROR_INVALID
								 : error_of_kafka(code);
	}
	return error;
}

static enum error create_topics(rd_kafka_t *handle, const struct kafka_topic *const *topics,
				size_t count, bool with_ahead, int timeout_ms, struct text *why)
{
	rd_kafka_NewTopic_t **made = calloc(count, sizeof(*made));
	if (!made)
		return ERROR_NO_MEMORY;
	enum error error = ERROR_OK;
	size_t ready = 0;
	while (error == ERROR_OK && ready < count) {
		error = new_topic(topics[ready], with_ahead, &made[ready], why);
		if (error == ERROR_OK)
			ready++;
	}
	if (error == ERROR_OK) {
		struct admin_call call;
		admin_begin(&call, handle, RD_KAFKA_ADMIN_OP_CREATETOPICS, timeout_ms);
		rd_kafka_CreateTopics(handle, made, count, call.options, call.queue);
		rd_kafka_event_t *event = admin_answer(&call, "topics cannot be made", &error, why);
		if (error == ERROR_OK)
			error = check_created(event, why);
		admin_end(&call, event);
	}
	rd_kafka_NewTopic_destroy_array(made, ready);
	free(made);
	return error;
}

/* Brokers before Kafka 3.6 do not know the limit on times ahead, and have none. */
static enum error create_on_any_broker(rd_kafka_t *handle, const struct kafka_topic *const *topics,
				       size_t count, int timeout_ms, struct text *why)
{
	char memory[512];
	struct text first;
	text_init_fixed(&first, memory, sizeof(memory));
	enum error error = create_topics(handle, topics, count, true, timeout_ms, &first);
	if (error == ERROR_INVALID)
		return create_topics(handle, topics, count, false, timeout_ms, why);
	why_putf(why, "%s", first.data);
	return error;
}

/* `missing` has room for all of them. */
static enum error find_missing(rd_kafka_t *handle, const struct kafka_topic *topics, size_t count,
			       int timeout_ms, const struct kafka_topic **missing, size_t *found,
			       struct text *why)
{
	const struct rd_kafka_metadata *metadata = NULL;
	enum error error = list_topics(handle, timeout_ms, &metadata, why);
	*found = 0;
	if (error != ERROR_OK)
		return error;
	for (size_t i = 0; i < count; i++) {
		if (!find_topic(metadata, topics[i].name))
			missing[(*found)++] = &topics[i];
	}
	rd_kafka_metadata_destroy(metadata);
	return ERROR_OK;
}

/* Kafka answers a creation before its brokers know the topic. A group that is joined meanwhile is
 * assigned nothing of it, and rebalances when the client looks again. */
static enum error await_listed(rd_kafka_t *handle, const struct kafka_topic *topics, size_t count,
			       int timeout_ms, const struct kafka_topic **missing, struct text *why)
{
	const struct timespec nap = { .tv_nsec = LISTED_EVERY_US * 1000 };
	const int64_t until_us = monotonic_now_us() + (int64_t)timeout_ms * 1000;
	size_t left;
	enum error error;
	while (!(error = find_missing(handle, topics, count, timeout_ms, missing, &left, why)) &&
	       left > 0) {
		if (monotonic_now_us() >= until_us) {
			why_putf(why, "topic %s is made, but is not listed yet", missing[0]->name);
			return ERROR_TIMEOUT;
		}
		nanosleep(&nap, NULL);
	}
	return error;
}

enum error kafka_topics_ensure(rd_kafka_t *handle, const struct kafka_topic *topics, size_t count,
			       int timeout_ms, struct text *why)
{
	const struct kafka_topic **missing = calloc(count ? count : 1, sizeof(*missing));
	if (!missing)
		return ERROR_NO_MEMORY;
	size_t found;
	enum error error = find_missing(handle, topics, count, timeout_ms, missing, &found, why);
	if (error == ERROR_OK && found > 0) {
		error = create_on_any_broker(handle, missing, found, timeout_ms, why);
		if (error == ERROR_OK)
			log_info("topics made", LOG_I64("made", found), LOG_I64("of", count));
		if (error == ERROR_OK)
			error = await_listed(handle, topics, count, timeout_ms, missing, why);
	}
	free(missing);
	return error;
}

/* --- asking about topics --------------------------------------------------------------------- */

enum error kafka_partition_count(rd_kafka_t *handle, const char *topic, int timeout_ms, int *count,
				 struct text *why)
{
	const struct rd_kafka_metadata *metadata = NULL;
	enum error error = list_topics(handle, timeout_ms, &metadata, why);
	if (error != ERROR_OK)
		return error;
	const rd_kafka_metadata_topic_t *found = find_topic(metadata, topic);
	if (!found) {
		why_putf(why, "Kafka has no topic %s", topic);
		error = ERROR_NOT_FOUND;
	} else if (found->err != RD_KAFKA_RESP_ERR_NO_ERROR) {
		why_putf(why, "topic %s: %s", topic, rd_kafka_err2str(found->err));
		error = error_of_kafka(found->err);
	} else {
		*count = found->partition_cnt;
	}
	rd_kafka_metadata_destroy(metadata);
	return error;
}

const struct kafka_topic_limits KAFKA_DEFAULT_LIMITS = {
	.before_ms = INT64_MAX,
	.after_ms = INT64_C(3600000),
	.message_bytes = 1048588,
};

/* Each property that the broker tells; `value` may be NULL. */
typedef void each_property(const char *name, const char *value, void *user);

static void read_limit(const char *name, const char *value, void *user)
{
	struct kafka_topic_limits *limits = user;
	const struct {
		const char *name;
		int64_t *value;
	} wanted[] = {
		{ "message.timestamp.before.max.ms", &limits->before_ms },
		{ AHEAD_PROPERTY, &limits->after_ms },
		{ "max.message.bytes", &limits->message_bytes },
	};
	for (size_t k = 0; value && k < sizeof(wanted) / sizeof(wanted[0]); k++) {
		if (strcmp(wanted[k].name, name) == 0)
			*wanted[k].value = strtoll(value, NULL, 10);
	}
}

static void read_policy(const char *name, const char *value, void *user)
{
	if (value && strcmp(name, "cleanup.policy") == 0)
		*(bool *)user = strcmp(value, "compact") == 0;
}

static void read_properties(rd_kafka_event_t *event, each_property *read, void *user)
{
	size_t resources = 0, entries = 0;
	const rd_kafka_ConfigResource_t **all = rd_kafka_DescribeConfigs_result_resources(
		rd_kafka_event_DescribeConfigs_result(event), &resources);
	const rd_kafka_ConfigEntry_t **entry =
		resources > 0 ? rd_kafka_ConfigResource_configs(all[0], &entries) : NULL;
	for (size_t i = 0; i < entries; i++)
		read(rd_kafka_ConfigEntry_name(entry[i]), rd_kafka_ConfigEntry_value(entry[i]),
		     user);
}

static enum error described(rd_kafka_event_t *event, const char *topic, struct text *why)
{
	size_t count = 0;
	const rd_kafka_ConfigResource_t **resources = rd_kafka_DescribeConfigs_result_resources(
		rd_kafka_event_DescribeConfigs_result(event), &count);
	rd_kafka_resp_err_t code =
		count > 0 ? rd_kafka_ConfigResource_error(resources[0]) : RD_KAFKA_RESP_ERR_UNKNOWN;
	if (code != RD_KAFKA_RESP_ERR_NO_ERROR)
		why_putf(why, "the properties of topic %s: %s", topic, rd_kafka_err2str(code));
	return error_of_kafka(code);
}

static enum error describe_topic(rd_kafka_t *handle, const char *topic, int timeout_ms,
				 each_property *read, void *user, struct text *why)
{
	struct admin_call call;
	enum error error;
	rd_kafka_ConfigResource_t *resource =
		rd_kafka_ConfigResource_new(RD_KAFKA_RESOURCE_TOPIC, topic);
	admin_begin(&call, handle, RD_KAFKA_ADMIN_OP_DESCRIBECONFIGS, timeout_ms);
	rd_kafka_DescribeConfigs(handle, &resource, 1, call.options, call.queue);
	rd_kafka_event_t *event =
		admin_answer(&call, "a topic's properties cannot be read", &error, why);
	if (error == ERROR_OK)
		error = described(event, topic, why);
	if (error == ERROR_OK)
		read_properties(event, read, user);
	admin_end(&call, event);
	rd_kafka_ConfigResource_destroy(resource);
	return error;
}

enum error kafka_topic_limits(rd_kafka_t *handle, const char *topic, int timeout_ms,
			      struct kafka_topic_limits *limits, struct text *why)
{
	*limits = KAFKA_DEFAULT_LIMITS;
	return describe_topic(handle, topic, timeout_ms, read_limit, limits, why);
}

enum error kafka_topic_is_compacted(rd_kafka_t *handle, const char *topic, int timeout_ms,
				    bool *compacted, struct text *why)
{
	*compacted = false;
	return describe_topic(handle, topic, timeout_ms, read_policy, compacted, why);
}
